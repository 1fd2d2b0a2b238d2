// Elements, numbers as texts, and tables as LaTeX.

const byId = id => document.getElementById(id);

/** An element with attributes and children; children are elements or texts, never HTML. */
function make(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for a part of a drawing. */
function draw(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter(child => child !== null));
  return element;
}

/** A table: a row of headings, then rows, whose cells are texts or elements. */
function fillTable(id, headings, rows) {
  const head = make("thead", {}, make("tr", {}, ...headings.map(headingOf)));
  byId(id).replaceChildren(head, make("tbody", {}, ...rows));
}

function headingOf(heading) {
  return typeof heading === "string" ? make("th", { scope: "col" }, heading) : heading;
}

function plainRow(texts) {
  return make("tr", {}, ...texts.map(text => make("td", {}, text)));
}

const MOST = 8;

/** The first eight of what a part of the page shows; all of them where its button was pressed. */
function atMost(part, items) {
  const isAll = state.all.split(",").includes(part);
  const button = byId(`${part}-all`);
  button.hidden = items.length <= MOST;
  button.textContent = isAll ? `the first ${MOST} alone` : `all ${items.length}`;
  button.setAttribute("aria-expanded", String(isAll));
  return isAll ? items : items.slice(0, MOST);
}

/** Takes up, or lets go, that a part of the page shows all that it has. */
function toggleAll(part) {
  const others = state.all.split(",").filter(each => each && each !== part);
  const isAll = state.all.split(",").includes(part);
  change({ all: [...others, ...(isAll ? [] : [part])].join(",") }, `#${part}-all`);
}

/** A number with three digits, minus signs as they are printed. */
function numberText(value, digits = 3) {
  if (value === null || Number.isNaN(value)) return "–";
  const plain = value !== 0 && (Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3);
  const text = plain ? value.toExponential(digits - 1) : String(Number(value.toPrecision(digits)));
  return text.replace(/-/g, "−");
}

function secondsText(value) {
  const [unit, size] = Object.entries({ s: 1, ms: 1e-3, µs: 1e-6, ns: 1e-9 }).find(([, size]) => value >= size) ?? ["ns", 1e-9];
  return `${numberText(value / size)} ${unit}`;
}

function intervalText(value, low, high) {
  if (value === null) return "–";
  if (low === null || high === null) return numberText(value);
  return `${numberText(value)} [${numberText(low)}, ${numberText(high)}]`;
}

function percentText(fraction) {
  const sign = fraction > 0 ? "+" : "";
  return `${sign}${numberText(100 * fraction, 2)} %`;
}

const TEX = {
  "\\": "\\textbackslash{}", "{": "\\{", "}": "\\}", "$": "\\$", "#": "\\#", "^": "\\textasciicircum{}",
  "~": "\\textasciitilde{}", "_": "\\_", "%": "\\%", "&": "\\&", "<": "$<$", ">": "$>$", "|": "$|$",
  "∇": "$\\nabla$", "∂": "$\\partial$", "‖": "$\\|$", "–": "--", "√": "$\\surd$", "×": "$\\times$",
  "²": "$^2$", "·": "$\\cdot$", "“": "``", "”": "''", "’": "'", "∞": "$\\infty$",
};
const GREEK = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma sigma tau "
  + "upsilon phi chi psi omega";
/** Greek letters that look like Latin ones, for which LaTeX has no commands. */
const ROMAN = { ο: "o", Α: "A", Β: "B", Ε: "E", Ζ: "Z", Η: "H", Ι: "I", Κ: "K", Μ: "M", Ν: "N", Ο: "O", Ρ: "P", Τ: "T", Υ: "Y", Χ: "X" };

/** Text as LaTeX: whatever a name holds, it is printed and never obeyed. */
function texOf(text) {
  const escaped = [...text.normalize("NFC").replaceAll("−", "-")].map(texOfCharacter).join("");
  const powers = escaped.replace(/(-?[\d.]+)e([+-])0*(\d+)/g, (_, number, sign, power) =>
    `$${number} \\times 10^{${sign === "-" ? "-" : ""}${power}}$`);
  return powers.replace(/(?<![\w$^{])-([\d.]+)/g, "$$-$$$1");
}

function texOfCharacter(character) {
  if (character in TEX) return TEX[character];
  if (character in ROMAN) return ROMAN[character];
  const names = GREEK.split(" ");
  const small = names[character.codePointAt(0) - 0x3B1];
  if (small) return `$\\${small}$`;
  const large = names[character.codePointAt(0) - 0x391];
  if (large) return `$\\${large[0].toUpperCase()}${large.slice(1)}$`;
  if (character <= "\u017f") return character < " " ? " " : character;
  return `[U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`;
}

/** A table as it stands, for LaTeX with booktabs. */
function latexOf(table) {
  const lines = [...table.rows].filter(row => !row.hidden).map(row => [...row.cells].filter(cell => !cell.classList.contains("scale")));
  const texts = lines.map(cells => cells.map(latexOfCell).join(" & ") + " \\\\");
  const [head, ...body] = texts;
  const columns = "l".repeat(Math.max(...lines.map(cells => cells.length)));
  return [`\\begin{tabular}{${columns}}`, "\\toprule", head, "\\midrule", ...body, "\\bottomrule", "\\end{tabular}"]
    .join("\n") + "\n";
}

function latexOfCell(cell) {
  const text = texOf(cell.textContent.trim());
  const isBest = cell.parentElement.classList.contains("best");
  const whole = isBest && text ? `\\textbf{${text}}` : text;
  return whole.startsWith("[") ? `{}${whole}` : whole;
}
