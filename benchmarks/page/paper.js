// 4: what goes into a paper, and copying.

/** The estimators of the ranking as it stands. */
function shownEstimators() {
  return ranked(state.place, state.budget, state.unbiased).map(row => rows.estimator[row]);
}

/** BibTeX of the papers of the estimators and the problem that are shown. */
function papersShown() {
  const keys = [...run.papers.places[state.place], ...shownEstimators().flatMap(each => run.papers.estimators[each])];
  return [...new Set(keys)].map(key => run.papers.entries[key]).join("\n\n") + "\n";
}

/** A sweep's file that measures the chosen place with the estimators that are shown. */
function tomlShown() {
  const problem = places.toml[state.place];
  if (problem === null) return "# made of functions of Python: measure it with gradest.measure\n";
  const shown = shownEstimators();
  const measured = shown.flatMap(estimator => measuredOf[state.place][estimator]);
  const levels = [...new Set(measured.map(row => rows.samples[row]))].sort((a, b) => a - b);
  const replicates = Math.max(...measured.map(row => rows.replicates[row]));
  const head = [run.header, 'name = "shown"', `replicates = ${replicates}`, `samples = [${levels.join(", ")}]`].join("\n");
  return [head, problem, ...shown.map(estimator => estimators.toml[estimator])].join("\n\n") + "\n";
}

/** Copies a text; it stands in the paper box too. */
async function copy(text, what) {
  byId("copied").value = text;
  try {
    await navigator.clipboard.writeText(text);
    byId("copy-status").textContent = `${what}: copied.`;
  } catch {
    byId("copy-status").textContent = `${what}: the clipboard is closed to this page; the text stands above.`;
  }
}

/** The sweeps that measure what a table shows, by what its tools name. */
const TOMLS = { shown: () => tomlShown(), flow: () => flowToml(), run: () => run.sweep };

/** Under each table: copy it as LaTeX, copy the TOML that measures it. */
function fillTools() {
  for (const tools of document.querySelectorAll(".tools")) {
    const { table, toml } = tools.dataset;
    const asLatex = () => copy(latexOf(byId(table)), "LaTeX");
    const asToml = () => copy(TOMLS[toml ?? "shown"](), "TOML");
    tools.append(
      make("button", { type: "button", "data-copy": "latex", onclick: asLatex }, "copy as LaTeX"),
      make("button", { type: "button", "data-copy": "toml", onclick: asToml }, "copy the TOML that measures this"),
    );
  }
}

function showPaper() {
  byId("methods").textContent = run.methods;
}
