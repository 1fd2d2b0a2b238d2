// 2: every estimator at every place, and the performance profile.

const DARK = 0.55;

function showMatrix() {
  const boards = places.label.map((_, place) => ranked(place, state.budget, state.unbiased));
  const corner = make("td", {}, "");
  const headings = places.label.map((label, place) =>
    make("th", { scope: "col", class: place === state.place ? "chosen" : "" }, make("span", {}, unbroken(label))));
  fillTable("cells", [corner, ...headings], estimators.label.map((label, estimator) => {
    const cells = boards.map((board, place) => cellOf(place, estimator, board));
    return make("tr", {}, make("th", { scope: "row" }, label), ...cells);
  }));
  const first = byId("cells").querySelector("button");
  if (first) first.tabIndex = 0;
  showProfile(boards);
}

/** A heading in which no line ends within "∂/∂ mean". */
function unbroken(label) {
  return label.replaceAll("∂/∂ ", "∂\u2060/\u2060∂\u00a0");
}

function cellOf(place, estimator, board) {
  const factor = factorAt(place, estimator, board);
  if (factor === undefined) {
    const reason = whyNot(place, estimator);
    const isExact = rows.error[rowFor(place, estimator, state.budget)] === 0;
    const seen = isExact ? make("span", {}, "0") : make("span", { class: "hidden" }, reason);
    return make("td", { class: isExact ? "exact" : "without", title: reason }, seen);
  }
  const row = board.find(row => rows.estimator[row] === estimator);
  const title = `${estimators.label[estimator]}, ${places.label[place]}: error ${numberText(rows.error[row])} at L = ${levelText(row, state.budget)}, bias ${biasText(row)}`;
  const look = () => {
    change({ place });
    byId("curves").scrollIntoView();
  };
  const button = make("button", { type: "button", tabindex: -1, title, onclick: look }, numberText(factor, factor < 10 ? 2 : 3));
  const cell = make("td", { class: rows.biased[row] ? "biased" : "" }, button);
  const strength = Math.min(1, Math.log10(factor) / 2);
  cell.style.backgroundColor = `rgba(0, 114, 178, ${DARK * strength})`;
  return cell;
}

function whyNot(place, estimator) {
  const reason = reasons.get(`${estimator},${place}`);
  if (reason) return reason;
  const own = rowsOf[place][estimator];
  if (!own.length) return "not measured here";
  if (state.unbiased && own.every(row => rows.biased[row])) return "biased";
  if (rows.error[rowFor(place, estimator, state.budget)] === 0) return "exact: no error";
  const price = Math.min(...own.map(priceOf));
  return price > state.budget ? `too dear: from ${priceText(price)}` : "its error is not known";
}

/** The arrow keys move among the cells, so that the matrix is one stop of the tabulator. */
function moveInMatrix(event) {
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  if (!step || event.target.tagName !== "BUTTON") return;
  event.preventDefault();
  const table = byId("cells");
  let { cellIndex } = event.target.parentElement;
  let { rowIndex } = event.target.parentElement.parentElement;
  let next = null;
  do {
    rowIndex += step[0];
    cellIndex += step[1];
    const cell = table.rows[rowIndex]?.cells[cellIndex];
    if (!cell) return;
    next = cell.querySelector("button");
  } while (!next);
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

/** As `factorAt`, but that what is exact is the best, and all others beside it are infinitely far. */
function distanceAt(place, estimator, board) {
  const isExact = row => rows.error[row] === 0;
  if (!board.some(isExact)) return factorAt(place, estimator, board);
  return board.some(row => isExact(row) && rows.estimator[row] === estimator) ? 1 : undefined;
}

/** Of each estimator the factors at the places where it has one, and the share of places within each. */
function profiles(boards) {
  return estimators.label.map((label, estimator) => {
    const factors = boards.map((board, place) => distanceAt(place, estimator, board)).filter(factor => factor !== undefined);
    factors.sort((a, b) => a - b);
    return { label, estimator, factors, share: most => factors.filter(factor => factor <= most).length / boards.length };
  });
}

function showProfile(boards) {
  const found = profiles(boards).filter(each => each.factors.length);
  const largest = Math.max(2, ...found.flatMap(each => each.factors));
  found.sort((a, b) => b.share(2) - a.share(2));
  const drawn = atMost("profile", found);
  const points = drawn.flatMap(each => [1, ...each.factors, largest].map((factor, step, all) => ({
    x: factor, y: each.share(factor), isEnd: step === 0 || step === all.length - 1, ...lookOf(each.estimator),
  })));
  const chosen = estimators.label.indexOf(state.highlight);
  const isShown = drawn.some(each => each.estimator === chosen) || drawn.some(each => lookOf(each.estimator).family === state.highlight);
  chart("profile", "profile", run.specs.profile, points, isShown ? state.highlight : "");
  byId("profile-legend").replaceChildren(...drawn.map(each => entryOf(lookOf(each.estimator), [each.label], "profile-legend")));
  const levels = [1, 1.5, 2, 5, 10];
  fillTable("shares", ["estimator", "places", ...levels.map(level => `within ${level} ×`)], found.map(each => plainRow([
    each.label, String(each.factors.length), ...levels.map(level => `${Math.round(100 * each.share(level))} %`),
  ])));
}
