// The run's numbers: which row a budget pays for, who is how far from whom.

const run = JSON.parse(byId("data").textContent);
const { rows, beyond, places, estimators } = run;
const isMeasured = row => rows.measured[row] === null;
const budgets = Object.fromEntries(run.costs.map(({ name }) => {
  const prices = rows[name].filter((_, row) => isMeasured(row));
  return [name, [...new Set(prices)].sort((a, b) => a - b)];
}));
const ratios = new Map();
const rowsOf = byPlace(rows);
const measuredOf = rowsOf.map(place => place.map(own => own.filter(isMeasured)));
const beyondOf = byPlace(beyond);
const reasons = new Map(run.refusals.map(([estimator, place, reason]) => [`${estimator},${place}`, reason]));

run.ratios.row.forEach((row, index) => {
  const { over, low, high } = run.ratios;
  ratios.set(`${row},${over[index]}`, [rows.error[row] / rows.error[over[index]], low[index], high[index]]);
});

/** The numbers of rows by place and estimator, the smallest L first. */
function byPlace({ place, estimator }) {
  const found = places.label.map(() => estimators.label.map(() => []));
  place.forEach((each, row) => found[each][estimator[row]].push(row));
  return found;
}

/** What a row costs, in the unit that is chosen. */
function priceOf(row) {
  return rows[state.unit][row];
}

/** A price in words; what follows the number is the unit's, where nothing else is said. */
function priceText(price, note = run.costs.find(({ name }) => name === state.unit).note) {
  return state.unit === "evaluations" ? `${price} ${note}`.trim() : [secondsText(price), note].filter(Boolean).join(", ");
}

/** The largest L of an estimator that the budget pays for, as a row; undefined where it pays none. */
function rowFor(place, estimator, budget, of = rowsOf) {
  return of[place][estimator].filter(row => priceOf(row) <= budget).at(-1);
}

/** The larger L that the budget pays for, of which only the price is known; undefined where there is none. */
function paidBeyond(row, budget) {
  const own = beyondOf[rows.place[row]][rows.estimator[row]];
  const paid = own.filter(each => beyond[state.unit][each] <= budget).map(each => beyond.samples[each]).at(-1);
  return paid > rows.samples[row] ? paid : undefined;
}

/** A row's L, and where its numbers come from: "32, from 16"; "16+" where the budget pays for more. */
function levelText(row, budget) {
  if (!isMeasured(row)) return `${rows.samples[row]}, from ${rows.measured[row]}`;
  return `${rows.samples[row]}${paidBeyond(row, budget) === undefined ? "" : "+"}`;
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

/** Whether a row's error may be the best one's, or would be at the L that the budget pays for. */
function mayBeEqual(row, best, budget) {
  if (pointsAway(row) !== pointsAway(best)) return false;
  const ratio = ratioOf(row, best);
  if (ratio !== null && ratio[1] <= 1 && 1 <= ratio[2]) return true;
  const paid = paidBeyond(row, budget);
  return paid !== undefined && rows.error[row] !== null && rows.error[row] * Math.sqrt(rows.samples[row] / paid) <= rows.error[best];
}

/** The rows that a budget pays for at a place, the smallest error first; what points away comes last. */
function ranked(place, budget, onlyUnbiased) {
  const paid = estimators.label.map((_, estimator) => rowFor(place, estimator, budget));
  const found = paid.filter(row => row !== undefined && !(onlyUnbiased && rows.biased[row]));
  return found.sort((a, b) => pointsAway(a) - pointsAway(b) || sortable(rows.error[a]) - sortable(rows.error[b]));
}

/** Whether a row's mean was found to have nothing of the gradient's direction. */
function pointsAway(row) {
  return rows.found[row] === "biased" && rows.bias[row] !== null && rows.bias[row] <= -1;
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
  const errors = board.map(each => rows.error[each]).filter(error => error > 0);
  if (row === undefined || !errors.length || !rows.error[row]) return undefined;
  return rows.error[row] / Math.min(...errors);
}

function biasText(row) {
  if (rows.found[row] !== "biased") return rows.biased[row] ? "none found" : "none";
  return rows.bias[row] === null ? "found" : percentText(rows.bias[row]);
}
