// 1: the answer line and the ranked table.

function showAnswer() {
  const board = ranked(state.place, state.budget, state.unbiased);
  byId("budget-text").textContent = priceText(state.budget) + (state.unit === "evaluations" ? " of f and its gradient" : "");
  byId("answer-line").replaceChildren(...answerOf(board));
  const pinned = board.find(row => rows.estimator[row] === state.pin);
  const headings = ["", "estimator", "L", "error", "bias", run.costs.find(({ name }) => name === state.unit).label, make("th", { class: "scale" }, "error (log)")];
  if (pinned !== undefined) headings.push(`error over ${estimators.label[state.pin]}`);
  const shown = board.map((row, rank) => rankedRow(row, rank, board, pinned));
  const dear = tooDear(state.place, state.budget, state.unbiased).map(({ estimator, price }) => dearRow(estimator, price));
  const lines = [...shown, ...dear];
  const first = atMost("ranking", lines);
  for (const line of lines) line.hidden = !first.includes(line);
  fillTable("ranking", headings, lines);
}

/** A row's error in a sentence. */
function errorText(row) {
  const size = numberText(rows.error[row]);
  return rows.norm[row] > 0 ? `its error is ${size} times the gradient.` : `its error is ${size}; the gradient is 0 here: errors are absolute.`;
}

/** The best unbiased one and who may be as good, in a sentence; then what has less noise and is biased. */
function answerOf(board) {
  const best = board[0];
  if (best === undefined) return ["Nothing that was measured here fits this budget."];
  if (rows.error[best] === null) return ["The errors are not known here: there is no gradient to compare with."];
  const unbiased = board.find(row => !rows.biased[row] && rows.error[row] !== null);
  const first = unbiased ?? best;
  const name = make("strong", {}, estimators.label[rows.estimator[first]]);
  const error = rows.error[first] === 0 ? "it is exact here." : errorText(first);
  const parts = [name, ` with L = ${levelText(first, state.budget)}: ${error}`];
  const equal = board.filter(row => row !== first && mayBeEqual(row, first, state.budget)).map(nameWithBias);
  if (equal.length) parts.push(` ${equal.join("; ")} may be as good.`);
  if (rows.error[first] >= 1 && rows.norm[first] > 0) parts.push(" One estimate says little: its error is no less than the gradient.");
  if (unbiased === undefined) parts.push(` It is biased (${biasText(first)}), and no unbiased one fits this budget.`);
  else if (rows.biased[best] && !mayBeEqual(first, best, state.budget)) {
    parts.push(` ${estimators.label[rows.estimator[best]]} has less noise, error ${numberText(rows.error[best])}, but is biased (${biasText(best)}).`);
  }
  return parts;
}

/** An estimator's name, with its bias where it is biased. */
function nameWithBias(row) {
  const name = estimators.label[rows.estimator[row]];
  return rows.biased[row] ? `${name} (biased: ${biasText(row)})` : name;
}

function rankedRow(row, rank, board, pinned) {
  const estimator = rows.estimator[row];
  const isTie = mayBeEqual(row, board[0], state.budget);
  const cells = [
    make("td", {}, `${isTie && rank > 0 ? "=" : ""}${rank + 1}`),
    make("th", { scope: "row" }, pinButton(estimator)),
    make("td", { class: "number" }, levelText(row, state.budget)),
    make("td", {}, intervalText(rows.error[row], rows.error_low[row], rows.error_high[row]) + (rows.unreliable[row] ? " (unreliable)" : "")),
    make("td", {}, biasText(row)),
    make("td", { class: "number" }, priceText(priceOf(row), "")),
    make("td", { class: "scale" }, barOf(row, board)),
  ];
  if (pinned !== undefined) cells.push(make("td", {}, ratioText(ratioOf(row, pinned))));
  return make("tr", { class: isTie ? "best" : "" }, ...cells);
}

function ratioText(ratio) {
  return ratio === null ? "not known" : `${intervalText(...ratio)} ×`;
}

/** A button that takes an estimator as the reference, or lets it go. */
function pinButton(estimator) {
  const isPinned = state.pin === estimator;
  const toggle = () => change({ pin: isPinned ? null : estimator }, `[data-pin="${estimator}"]`);
  return make("button", { type: "button", "data-pin": estimator, "aria-pressed": String(isPinned), onclick: toggle },
    estimators.label[estimator]);
}

function dearRow(estimator, price) {
  const cells = ["", estimators.label[estimator], "–", `too dear: from ${priceText(price)}`, "", priceText(price, ""), "", ""];
  const row = plainRow(cells.slice(0, state.pin === null ? 7 : 8));
  row.className = "dear";
  row.cells[6].className = "scale";
  return row;
}

function barOf(row, board) {
  const errors = board.map(other => rows.error[other]).filter(error => error > 0).map(Math.log);
  const [low, high] = [Math.min(...errors), Math.max(...errors)];
  const bar = make("span", { class: rows.biased[row] ? "bar biased" : "bar" });
  const share = rows.error[row] > 0 && high > low ? (Math.log(rows.error[row]) - low) / (high - low) : 0;
  bar.style.setProperty("--hue", estimators.color[rows.estimator[row]]);
  bar.style.width = `${4 + 96 * share}%`;
  return bar;
}
