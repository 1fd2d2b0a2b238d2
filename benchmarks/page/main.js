// What is chosen, kept in the address after “#”, and the start.

const NUMBERS = ["place", "contest", "budget", "mu", "sigma", "eps", "logit", "tau", "u", "seed"];
const START = {
  place: 0, unit: run.costs[0]?.name, budget: middleOf(run.costs[0]?.name), unbiased: false, pin: null,
  all: "", contest: 0, cost: "step", y: "variance", x: "", highlight: "", mode: "direct", library: "jax",
  mu: 0.5, sigma: 0.8, eps: 1.5, logit: 0.5, tau: 0.5, u: 0.3, seed: 0,
};
const state = { ...START };

/** The budget to begin with. */
function middleOf(unit) {
  return budgets[unit]?.[Math.floor(budgets[unit].length / 2)];
}

/** Takes up the state of an address; what does not fit is left as it is at the start. */
function readAddress() {
  const asked = new URLSearchParams(location.hash.slice(1));
  Object.assign(state, START);
  if (asked.get("unit") in budgets) Object.assign(state, { unit: asked.get("unit"), budget: middleOf(asked.get("unit")) });
  for (const name of NUMBERS) if (asked.has(name) && Number.isFinite(Number(asked.get(name)))) state[name] = Number(asked.get(name));
  state.budget = Math.min(state.budget, budgets[state.unit].at(-1));
  for (const name of ["all", "cost", "y", "x", "highlight", "mode", "library"]) if (asked.has(name)) state[name] = asked.get(name);
  state.unbiased = asked.get("only") === "unbiased";
  const pin = estimators.name.indexOf(asked.get("pin"));
  state.pin = pin < 0 ? null : pin;
  if (!(state.place in places.label)) state.place = START.place;
  if (!(state.contest in run.training.contests)) state.contest = START.contest;
  if (!(state.y in run.specs.curves)) state.y = START.y;
  if (!(state.mode in MODES)) state.mode = START.mode;
  if (!(state.library in CODE.direct)) state.library = START.library;
  for (const [name, { min, max }] of Object.entries(SLIDERS)) state[name] = Math.min(max, Math.max(min, state[name]));
}

/** Writes what is not as at the start into the address. */
function writeAddress() {
  const changed = Object.keys(START).filter(name => state[name] !== START[name]);
  const asked = new URLSearchParams();
  for (const name of changed) {
    if (name === "unbiased") asked.set("only", "unbiased");
    else asked.set(name, name === "pin" ? estimators.name[state.pin] : state[name]);
  }
  history.replaceState(null, "", `#${asked}`);
}

/** Takes up a choice and shows what depends on it; `focus` is what had the keyboard and is made anew. */
function change(choice, focus = null) {
  Object.assign(state, choice);
  showRun();
  writeAddress();
  if (focus) document.querySelector(focus)?.focus();
}

function changeFlow(choice, focus = null) {
  Object.assign(state, choice);
  showFlow();
  writeAddress();
  if (focus) document.querySelector(focus)?.focus();
}

function showRun() {
  byId("place").value = state.place;
  byId("unit").value = state.unit;
  byId("budget").max = budgets[state.unit].length - 1;
  byId("budget").value = Math.max(0, budgets[state.unit].findLastIndex(budget => budget <= state.budget));
  byId("budget").setAttribute("aria-valuetext", priceText(state.budget));
  byId("unbiased").checked = state.unbiased;
  byId("y").value = state.y;
  showAnswer();
  showMatrix();
  showCurves();
  showTraining();
  showPaper();
  runBias();
}

function listen() {
  byId("place").addEventListener("change", event => change({ place: Number(event.target.value) }));
  byId("budget").addEventListener("input", event => change({ budget: budgets[state.unit][event.target.value] }));
  byId("unit").addEventListener("change", event => change({ unit: event.target.value, budget: middleOf(event.target.value) }));
  byId("unbiased").addEventListener("change", event => change({ unbiased: event.target.checked }));
  byId("contest").addEventListener("change", event => change({ contest: Number(event.target.value) }));
  for (const name of ["y", "x", "highlight", "cost"]) byId(name).addEventListener("change", event => change({ [name]: event.target.value }));
  for (const name of Object.keys(SLIDERS)) byId(name).addEventListener("input", event => changeFlow({ [name]: Number(event.target.value) }));
  for (const button of document.querySelectorAll("[data-all]")) button.addEventListener("click", () => toggleAll(button.dataset.all));
  matchMedia(NARROW).addEventListener("change", showFlow);
  byId("cells").addEventListener("keydown", moveInMatrix);
  byId("draw").addEventListener("click", drawOne);
  byId("draw-many").addEventListener("click", drawMany);
  byId("copy-methods").addEventListener("click", () => copy(run.methods, "Sentence"));
  byId("copy-papers").addEventListener("click", () => copy(papersShown(), "BibTeX"));
  byId("copy-ranking").addEventListener("click", () => copy(latexOf(byId("ranking")), "LaTeX"));
  byId("copy-sweep").addEventListener("click", () => copy(run.sweep, "TOML"));
  window.addEventListener("hashchange", () => location.hash.includes("=") && start());
}

function start() {
  readAddress();
  showRun();
  showFlow();
}

/** What never changes: menus, sliders, health. */
function fill() {
  fillMenu("place", places.label.map((label, place) => [place, label]), state.place);
  fillMenu("unit", run.costs.map(({ name, label }) => [name, label]), state.unit);
  byId("sliders").replaceChildren(...Object.entries(SLIDERS).map(([name, { label, min, max, step }]) =>
    make("label", { id: `slider-${name}` }, `${label} `, make("input", { type: "range", id: name, min, max, step }), " ",
      make("output", { id: `value-${name}`, for: name }))));
  byId("lacks").replaceChildren(...run.lacks.map(line => make("li", {}, line)));
  byId("health-lines").replaceChildren(...run.health.map(line => make("li", {}, line)));
  byId("command").textContent = run.command || "not known: manifest.json is not there";
  byId("copy-sweep").hidden = !run.sweep;
}

if (places.label.length) {
  fill();
  fillTools();
  listen();
  start();
} else {
  byId("lacks").append(make("li", {}, "No cell of this run has numbers."));
}
