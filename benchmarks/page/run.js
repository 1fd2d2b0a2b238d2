// The run's numbers: which row a budget pays for, who is how far from whom.

const run = JSON.parse(byId("data").textContent);
const { rows, places, estimators } = run;
const budgets = Object.fromEntries(run.costs.map(({ name }) => [name, [...new Set(rows[name])].sort((a, b) => a - b)]));
const ratios = new Map();
const rowsOf = places.label.map(() => estimators.label.map(() => []));
const reasons = new Map(run.refusals.map(([estimator, place, reason]) => [`${estimator},${place}`, reason]));

rows.place.forEach((place, row) => rowsOf[place][rows.estimator[row]].push(row));
run.ratios.row.forEach((row, index) => {
  const { ratio, low, high } = run.ratios;
  ratios.set(`${row},${run.ratios.over[index]}`, [ratio[index], low[index], high[index]]);
});

/** What a row costs, in the unit that is chosen. */
function priceOf(row) {
  return rows[state.unit][row];
}

/** A price in words; what follows the number is the unit's, where nothing else is said. */
function priceText(price, note = run.costs.find(({ name }) => name === state.unit).note) {
  return state.unit === "evaluations" ? `${price} ${note}`.trim() : [secondsText(price), note].filter(Boolean).join(", ");
}

/** The largest L of an estimator that the budget pays for, as a row; undefined where it pays none. */
function rowFor(place, estimator, budget) {
  return rowsOf[place][estimator].filter(row => priceOf(row) <= budget).at(-1);
}

/** One row's error over another's, with its interval; null where that is not known. */
function ratioOf(row, over) {
  if (row === over) return [1, 1, 1];
  const known = ratios.get(`${row},${over}`);
  if (known) return known;
  const inverse = ratios.get(`${over},${row}`);
  if (!inverse || inverse.some(bound => !bound)) return null;
  return [1 / inverse[0], 1 / inverse[2], 1 / inverse[1]];
}

function mayBeEqual(row, best) {
  const ratio = ratioOf(row, best);
  return ratio !== null && ratio[1] <= 1 && 1 <= ratio[2];
}

/** The rows that a budget pays for at a place, the smallest error first. */
function ranked(place, budget, onlyUnbiased) {
  const paid = estimators.label.map((_, estimator) => rowFor(place, estimator, budget));
  const found = paid.filter(row => row !== undefined && !(onlyUnbiased && rows.biased[row]));
  return found.sort((a, b) => sortable(rows.error[a]) - sortable(rows.error[b]));
}

function sortable(error) {
  return error === null ? Number.MAX_VALUE : error;
}

/** The estimators that are measured at a place and that the budget does not pay for, with their price. */
function tooDear(place, budget, onlyUnbiased) {
  const dear = [];
  rowsOf[place].forEach((own, estimator) => {
    const allowed = own.filter(row => !(onlyUnbiased && rows.biased[row]));
    const price = Math.min(...allowed.map(priceOf));
    if (allowed.length && price > budget) dear.push({ estimator, price });
  });
  return dear;
}

/** An estimator's error over the best one's at a place; undefined where it has none, or is exact. */
function factorAt(place, estimator, board) {
  const row = board.find(row => rows.estimator[row] === estimator);
  const best = board.find(each => rows.error[each] > 0);
  if (row === undefined || best === undefined || !rows.error[row]) return undefined;
  return rows.error[row] / rows.error[best];
}

function biasText(row) {
  if (rows.found[row] !== "biased") return rows.biased[row] ? "none found" : "none";
  return rows.bias[row] === null ? "found" : percentText(rows.bias[row]);
}
