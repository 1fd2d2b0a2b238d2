// 3: curves of the chosen place, each chart a Vega-Lite specification that came with the page.

const NEAR = 0.02;
const views = {};

/** How an estimator is drawn; its family is told apart from an estimator of the same name. */
function lookOf(estimator) {
  const { label, color, shape, dash, family } = estimators;
  return { label: label[estimator], color: color[estimator], shape: shape[estimator], dash: dash[estimator], family: `family:${family[estimator]}` };
}

/** Shows rows in a chart, nothing where there are none; it is made anew only where its specification is another. */
async function chart(id, key, spec, values, highlighted) {
  byId(id).hidden = !values.length;
  if (!values.length) return;
  const before = views[id];
  if (!before || before.key !== key) {
    const options = { mode: "vega-lite", ast: true, renderer: "svg", actions: { export: true, source: false, compiled: false, editor: false } };
    const filled = { ...spec, data: { ...spec.data, values } };
    views[id] = { key, made: vegaEmbed(`#${id}`, filled, options) };
  }
  const { made } = views[id];
  const { view } = await made;
  if (views[id].made !== made) return;
  view.signal("highlighted", highlighted).data("shown", values);
  await view.runAsync();
}

/** The axes that there are here: L, evaluations, seconds, and the arguments that the run swept. */
function axes() {
  const swept = [
    ...run.swept.problem.filter(sweep => sweep.members.includes(state.place)).map(sweep => ({ sweep, kind: "problem" })),
    ...estimatorAxes(),
  ];
  return [
    { key: "samples", label: "L", points: () => alongRows(row => rows.samples[row]) },
    ...run.costs.map(({ name, label }) => ({ key: name, label, points: () => alongRows(row => rows[name][row]) })),
    ...swept.map(({ sweep, kind, points }) => ({
      key: `${kind}:${sweep.argument}`, label: sweep.symbol, swept: sweep.axis, points: points || (() => alongPlaces(sweep)),
    })),
  ];
}

/** The swept arguments of estimators, each once for all that have it. */
function estimatorAxes() {
  const byArgument = Map.groupBy(run.swept.estimator, sweep => sweep.argument);
  return [...byArgument.values()].map(sweeps => ({
    sweep: sweeps[0], kind: "estimator", points: () => sweeps.flatMap(alongEstimators),
  }));
}

/** A curve for each estimator at the chosen place, over something of its rows. */
function alongRows(xOf) {
  return measuredOf[state.place].map((own, estimator) => ({
    ...lookOf(estimator), points: own.map(row => pointOf(xOf(row), row)).filter(isDrawn),
  }));
}

/** A curve for each estimator over an argument of the problem, at the largest measured L that the budget pays for. */
function alongPlaces(sweep) {
  return estimators.label.map((_, estimator) => ({
    ...lookOf(estimator),
    points: sweep.members.map((place, index) => pointOf(sweep.values[index], rowFor(place, estimator, state.budget, measuredOf))).filter(isDrawn),
  }));
}

/** One curve over an argument of the estimator. */
function alongEstimators(sweep) {
  const points = sweep.members.map((estimator, index) => pointOf(sweep.values[index], rowFor(state.place, estimator, state.budget, measuredOf)));
  return { ...lookOf(sweep.members[0]), label: sweep.label, points: points.filter(isDrawn) };
}

function pointOf(x, row) {
  if (row === undefined || x === null) return null;
  return { x, y: rows[state.y][row], low: rows[`${state.y}_low`][row], high: rows[`${state.y}_high`][row] };
}

/** A logarithm has no place for what is not above zero; x is above it wherever its axis is one. */
function isDrawn(point) {
  return point !== null && point.y !== null && (state.y === "bias" || point.y > 0);
}

function alike(one, other) {
  if (one.y === other.y || Math.abs(Math.log(one.y / other.y)) <= Math.log1p(NEAR)) return true;
  return one.low !== null && other.low !== null && one.low <= other.high && other.low <= one.high;
}

/** Whether the first may stand for the other: it is where the other is, and equal there. */
function standsFor(first, other) {
  const at = new Map(first.points.map(point => [point.x, point]));
  return other.points.every(point => at.has(point.x) && alike(at.get(point.x), point));
}

/** The curves, those that are equal to an earlier one as members of it. */
function bundled(curves) {
  const bundles = [];
  const drawn = curves.filter(curve => curve.points.length).sort((a, b) => b.points.length - a.points.length);
  for (const curve of drawn) {
    const bundle = bundles.find(each => standsFor(each, curve));
    if (bundle) bundle.members.push(curve.label);
    else bundles.push({ ...curve, members: [curve.label] });
  }
  return bundles;
}

/** The curves, from the one that is best at its largest x: the lowest, but for signal to noise. */
function bestFirst(bundles) {
  const sign = state.y === "snr" ? -1 : 1;
  const height = ({ points }) => sign * Math.abs(points.reduce((last, point) => (point.x >= last.x ? point : last)).y);
  return bundles.length > MOST ? bundles.toSorted((a, b) => height(a) - height(b)) : bundles;
}

/** The axis to begin with: L, or a swept argument where one L alone was measured. */
function firstOf(known) {
  const levels = new Set(measuredOf[state.place].flat().map(row => rows.samples[row]));
  return (levels.size === 1 && known.find(each => each.swept)) || known[0];
}

function showCurves() {
  const known = axes();
  const axis = known.find(each => each.key === state.x) || firstOf(known);
  fillMenu("x", known.map(each => [each.key, each.label]), axis.key);
  const every = bundled(axis.points());
  const bundles = atMost("curves", bestFirst(every));
  const families = [...new Set(bundles.map(bundle => bundle.family))];
  const chosen = bundles.find(bundle => bundle.members.includes(state.highlight));
  const highlighted = families.includes(state.highlight) ? state.highlight : chosen?.label ?? "";
  fillMenu("highlight", [["", "all"], ...families.map(family => [family, family.replace("family:", "")])], state.highlight);
  byId("curves-place").textContent = places.label[state.place] + (axis.swept ? `, ${priceText(state.budget)}` : "");
  const spec = structuredClone(run.specs.curves[state.y][axis.swept || axis.key]);
  if (axis.swept) spec.encoding.x.title = axis.label;
  const values = bundles.flatMap(({ points, label, color, shape, family }) => points.map(point => ({ ...point, label, color, shape, family })));
  chart("chart", `${state.y} ${axis.key}`, spec, values, highlighted);
  byId("legend").replaceChildren(...bundles.map(bundle => entryOf(bundle, bundle.members, "legend")));
  fillTable("points", ["estimator", axis.label, byId("y").selectedOptions[0].textContent], every.flatMap(bundle =>
    bundle.points.map(point => plainRow([nameOf(bundle.members), numberText(point.x), intervalText(point.y, point.low, point.high)]))));
}

/** An entry of a legend, which highlights its curve; in the profile's it shows the dashes too. */
function entryOf(look, members, legend) {
  const isChosen = members.includes(state.highlight);
  const choose = () => change({ highlight: isChosen ? "" : look.label }, `#${legend} [data-curve="${CSS.escape(look.label)}"]`);
  const dashes = legend === "legend" ? null : look.dash.join(" ");
  const swatch = draw("svg", { width: 36, height: 14, "aria-hidden": "true" },
    draw("path", { d: "M0 7H36", stroke: look.color, "stroke-width": 2, "stroke-dasharray": dashes }), markerOf(look));
  return make("li", {}, make("button", { type: "button", "aria-pressed": String(isChosen), "data-curve": look.label, onclick: choose },
    swatch, nameOf(members)));
}

/** Of one curve: all members, so that nobody takes them for one estimator. */
function nameOf(members) {
  return members.length > 1 ? `${members.slice(0, -1).join("; ")} and ${members.at(-1)}: equal here` : members[0];
}

const MARKS = {
  circle: "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0Z", square: "M-.9-.9H.9V.9H-.9Z", diamond: "M0-1.2L1.2 0L0 1.2L-1.2 0Z",
  "triangle-up": "M0-1L1.1.9H-1.1Z", "triangle-down": "M0 1L1.1-.9H-1.1Z", "triangle-left": "M-1 0L.9-1.1V1.1Z",
  "triangle-right": "M1 0L-.9-1.1V1.1Z", cross: "M-.4-1H.4V-.4H1V.4H.4V1H-.4V.4H-1V-.4H-.4Z",
};

function markerOf({ color, shape }) {
  return draw("path", { d: MARKS[shape] || shape, fill: color, transform: "translate(18 7) scale(5)" });
}

function fillMenu(id, options, chosen) {
  byId(id).replaceChildren(...options.map(([value, label]) => make("option", { value, selected: value === chosen ? "" : null }, label)));
}
