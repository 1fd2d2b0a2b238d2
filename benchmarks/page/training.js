// 3a: objectives along training, of a run that trained; the chart's specification came with the page.

/** The objectives of the chosen contest over the chosen cost, its answer and its table. */
function showTraining() {
  const { contests, note } = run.training;
  for (const id of ["training", "to-training"]) byId(id).hidden = !contests.length;
  if (!contests.length) return;
  const contest = contests[state.contest];
  const cost = contest.costs.find(({ name }) => name === state.cost) ?? contest.costs[0];
  fillMenu("contest", contests.map(({ label }, index) => [index, label]), state.contest);
  fillMenu("cost", contest.costs.map(({ name, label }) => [name, label]), cost.name);
  byId("training-said").replaceChildren(...contest.said.map(line => make("li", {}, line)));
  byId("training-note").textContent = note;
  const curves = atMost("training", contest.curves);
  chart("training-chart", `${state.contest} ${cost.name}`, objectiveSpec(contest, cost),
    curves.flatMap(curve => pointsOf(curve, cost)), highlightedOf(curves));
  byId("training-legend").replaceChildren(...curves.map(curve => entryOf(curve, [curve.label], "training-legend")));
  fillTable("trained", contest.header, contest.rows.map(plainRow));
  fillTable("objectives", ["estimator", cost.label, contest.title], contest.curves.flatMap(({ label, points }) =>
    points[cost.name].map(([x, y, low, high]) => plainRow([label, numberText(x), objectiveText(y, low, high)]))));
}

/** The chart with its axes: on a logarithmic one there is no place for the start, at 0. */
function objectiveSpec(contest, cost) {
  const spec = structuredClone(run.training.spec);
  const scale = cost.scale === "log" ? { type: "log", nice: false } : { type: "linear", nice: false, zero: false };
  Object.assign(spec.encoding.x, { title: cost.label, scale });
  for (const { encoding } of spec.layer) {
    encoding.y.title = contest.title;
    encoding.y.scale.domain = contest.domain;
  }
  return spec;
}

function pointsOf({ label, color, shape, dash, family, points }, cost) {
  const drawn = points[cost.name].filter(([x]) => cost.scale === "linear" || x > 0);
  return drawn.map(([x, y, low, high, isMarked]) => ({ x, y, low: low ?? y, high: high ?? y, isMarked, label, color, shape, dash, family }));
}

/** The family or the curve that a reader chose, where this chart has it. */
function highlightedOf(curves) {
  const names = curves.flatMap(({ label, family }) => [label, family]);
  return names.includes(state.highlight) ? state.highlight : "";
}

/** An objective with five digits, of which training may have gained a small part. */
function objectiveText(y, low, high) {
  const [value, from, to] = [y, low, high].map(each => numberText(each, 5));
  return low === null ? value : `${value} [${from}, ${to}]`;
}
