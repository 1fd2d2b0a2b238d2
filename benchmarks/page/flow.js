// 5: where the gradient flows. All of it is exact but "draw 1,000".

const sigmoid = a => 1 / (1 + Math.exp(-a));
const T = 0.45;

/** A draw of z ~ N(mu, sigma²) and the gradients of f(z) = (z − 3)² with respect to mu and sigma. */
function normalDraw(mu, sigma, eps) {
  const z = mu + sigma * eps;
  const f = (z - 3) ** 2;
  const slope = 2 * (z - 3);
  const score = [(z - mu) / sigma ** 2, (eps ** 2 - 1) / sigma];
  return {
    z, f, slope, score,
    direct: [0, 0],
    reparameterized: [slope, slope * eps],
    scored: [f * score[0], f * score[1]],
    kl: [mu, sigma - 1 / sigma],
    truth: [2 * (mu - 3), 2 * sigma],
  };
}

/** The variances of these gradients, from the moments of a normal. */
function normalVariances(mu, sigma) {
  const m = mu - 3;
  const scoreMu = (m ** 4 + 18 * m ** 2 * sigma ** 2 + 15 * sigma ** 4) / sigma ** 2 - 4 * m ** 2;
  const scoreSigma = (2 * m ** 4 + 60 * m ** 2 * sigma ** 2 + 78 * sigma ** 4) / sigma ** 2 - 4 * sigma ** 2;
  return { direct: [0, 0], reparameterized: [4 * sigma ** 2, 4 * m ** 2 + 8 * sigma ** 2], scored: [scoreMu, scoreSigma] };
}

/** A bit that is 1 with probability sigmoid(logit), f(z) = (z − 0.45)², and what two relaxations pass on. */
function bitDraw(logit, tau, u) {
  const p = sigmoid(logit);
  const z = u < p ? 1 : 0;
  const soft = sigmoid((logit + Math.log((1 - u) / u)) / tau);
  return {
    p, z, soft,
    slope: 2 * (z - T), softSlope: 2 * (soft - T), local: p * (1 - p), softLocal: soft * (1 - soft) / tau,
    straight: [2 * (z - T) * p * (1 - p)],
    gumbel: [2 * (soft - T) * soft * (1 - soft) / tau],
    truth: [((1 - T) ** 2 - T ** 2) * p * (1 - p)],
  };
}

/** The mean of what a relaxation passes on: over a fine grid of u. */
function bitMean(logit, tau, mode) {
  const grid = 20000;
  let sum = 0;
  for (let index = 0; index < grid; index += 1) sum += bitDraw(logit, tau, (index + 0.5) / grid)[mode][0];
  return sum / grid;
}

/** The ways, in the colours of their families in figures. */
const MODES = {
  direct: { label: "draw z directly", bits: false, color: "#1a1a1a" },
  reparameterized: { label: "reparameterize", bits: false, color: "#D55E00" },
  scored: { label: "score function", bits: false, color: "#0072B2" },
  straight: { label: "a bit: straight-through", bits: true, color: "#000" },
  gumbel: { label: "a bit: Gumbel-softmax", bits: true, color: "#000" },
};

const SLIDERS = {
  mu: { label: "μ", min: -2, max: 4, step: 0.1, bits: false },
  sigma: { label: "σ", min: 0.1, max: 2, step: 0.1, bits: false },
  eps: { label: "ε", min: -3, max: 3, step: 0.1, bits: false },
  logit: { label: "logit a", min: -3, max: 3, step: 0.1, bits: true },
  tau: { label: "τ", min: 0.1, max: 2, step: 0.1, bits: true },
  u: { label: "u", min: 0.01, max: 0.99, step: 0.01, bits: true },
};

function gradientOf(flow, noise) {
  if (MODES[flow.mode].bits) return bitDraw(flow.logit, flow.tau, noise ?? flow.u);
  return normalDraw(flow.mu, flow.sigma, noise ?? flow.eps);
}

function showFlow() {
  const { mode } = state;
  const { bits } = MODES[mode];
  const drawn = gradientOf(state);
  showChoices("modes", Object.entries(MODES).map(([key, { label }]) => [key, label]), mode, key => changeFlow({ mode: key }, `#modes [data-key="${key}"]`));
  for (const [name, slider] of Object.entries(SLIDERS)) {
    byId(`slider-${name}`).hidden = slider.bits !== bits;
    byId(`value-${name}`).textContent = numberText(state[name]);
    byId(name).value = state[name];
  }
  showSteps(mode, drawn);
  showGraph(mode, drawn);
  byId("flow-note").textContent = noteOf(mode, drawn);
  showChoices("libraries", [["jax", "JAX"], ["torch", "PyTorch"], ["keras", "Keras"]], state.library, key => changeFlow({ library: key }, `#libraries [data-key="${key}"]`));
  byId("code").textContent = CODE[mode][state.library];
  const variances = normalVariances(state.mu, state.sigma);
  byId("noisier").textContent = `${numberText(variances.scored[0] / variances.reparameterized[0])} times the variance`;
}

function showChoices(id, options, chosen, choose) {
  byId(id).replaceChildren(...options.map(([key, label]) => make("button", {
    type: "button", "data-key": key, "aria-pressed": String(key === chosen), onclick: () => choose(key),
  }, label)));
}

function showSteps(mode, drawn) {
  const line = (name, values) => plainRow([name, ...values.map(value => numberText(value, 4))]);
  if (MODES[mode].bits) {
    const mean = bitMean(state.logit, state.tau, mode);
    const bias = (mean - drawn.truth[0]) / Math.abs(drawn.truth[0]);
    fillTable("steps", ["step", "a"], [
      line("this draw", drawn[mode]), line("mean of all draws", [mean]), line("truth ∂E[f]/∂a", drawn.truth),
      plainRow(["bias, of the truth", percentText(bias)]),
    ]);
    return;
  }
  const sum = drawn[mode].map((value, index) => value + drawn.kl[index]);
  fillTable("steps", ["step", "μ", "σ"], [
    line("from f, this draw", drawn[mode]), line("KL: μ and σ − 1/σ", drawn.kl), line("sum, into the encoder", sum),
    line("truth ∂E[f]", drawn.truth), line("variance, exactly", normalVariances(state.mu, state.sigma)[mode]),
  ]);
}

function noteOf(mode, drawn) {
  const notes = {
    direct: "A draw from N(μ, σ²) keeps no path to μ and σ. Automatic differentiation gives 0 without an error: only the KL pulls.",
    reparameterized: "z is a function of μ and σ and of noise that depends on neither: the derivative goes through it.",
    scored: "No derivative of f: its value weighs the gradient of the log density. Unbiased, and noisy.",
    straight: "The step from probability to bit has no derivative; one is put in its place. The number that arrives is biased.",
    gumbel: "The bit is replaced by a number between 0 and 1: the gradient of another loss, biased for this one.",
  };
  return notes[mode];
}

const BOX = { width: 124, height: 54 };
const NARROW = "(max-width: 560px)";

/** Where things stand: from left to right, or from the top where the screen is narrow. */
const LAYOUTS = {
  wide: {
    size: "0 0 640 330", slope: [435, 205, "middle"],
    nodes: { first: [72, 75], second: [72, 255], noise: [310, 40], z: [310, 165], f: [560, 165] },
    back: [[10, 140, "start"], [10, 306, "start"]], scored: [[330, 56, "middle"], [330, 286, "middle"]],
    around: [[[560, 136], [500, 50], [138, 69]], [[560, 194], [500, 280], [138, 261]]],
  },
  narrow: {
    size: "0 0 360 460", slope: [112, 302, "start"],
    nodes: { first: [68, 34], second: [292, 34], noise: [292, 220], z: [98, 220], f: [98, 380] },
    back: [[89, 82, "start"], [356, 174, "end"]], scored: [[180, 434, "middle"], [180, 454, "middle"]],
    around: [[[32, 380], [6, 230], [22, 65]], [[164, 380], [330, 300], [316, 65]]],
  },
};

/** The computation graph: forward in grey; backward in colour where something flows, broken where not. */
function showGraph(mode, drawn) {
  const graph = byId("graph");
  const isNarrow = matchMedia(NARROW).matches;
  const { size, nodes, ...places } = LAYOUTS[isNarrow ? "narrow" : "wide"];
  const texts = MODES[mode].bits ? bitTexts(mode, drawn) : normalTexts(mode, drawn);
  graph.setAttribute("viewBox", size);
  graph.classList.toggle("narrow", isNarrow);
  graph.replaceChildren(draw("title", { id: "graph-title" }, `${MODES[mode].label}: ${texts.said}`), arrowHeads());
  const inputs = ["first", "second"].filter(name => texts.nodes[name]);
  for (const name of inputs) graph.append(arrow(nodes[name], nodes.z, "forward", -7));
  if (texts.nodes.noise) graph.append(arrow(nodes.noise, nodes.z, "forward", 0));
  graph.append(arrow(nodes.z, nodes.f, "forward", -7));
  const isScored = mode === "scored";
  if (!isScored) graph.append(arrow(nodes.f, nodes.z, texts.kind === "back" ? "back" : "slope", -7));
  inputs.forEach((name, index) => graph.append(isScored ? curve(places.around[index], texts.kind) : arrow(nodes.z, nodes[name], texts.kind, -7)));
  if (!isScored) graph.append(caption(...places.slope, texts.slope));
  inputs.forEach((_, index) => graph.append(caption(...(isScored ? places.scored : places.back)[index], texts.back[index])));
  for (const [name, place] of Object.entries(nodes)) if (texts.nodes[name]) graph.append(node(place, ...texts.nodes[name]));
}

function normalTexts(mode, { z, f, slope, score, ...gradients }) {
  const [toMu, toSigma] = gradients[mode].map(value => numberText(value, 4));
  const back = {
    direct: ["✕ no path: 0", "✕ no path: 0"],
    reparameterized: [`× ∂z/∂μ = 1 → ${toMu}`, `× ∂z/∂σ = ε = ${numberText(state.eps)} → ${toSigma}`],
    scored: [`f · ∂ln q/∂μ = ${numberText(f)} · ${numberText(score[0], 4)} → ${toMu}`, `f · ∂ln q/∂σ = ${numberText(f)} · ${numberText(score[1], 5)} → ${toSigma}`],
  }[mode];
  const isPath = mode === "reparameterized";
  return {
    back, slope: `∂f/∂z = ${numberText(slope)}`, kind: { direct: "broken", reparameterized: "back", scored: "around" }[mode],
    said: `${toMu} reaches μ and ${toSigma} reaches σ`,
    nodes: {
      first: ["μ", numberText(state.mu)], second: ["σ", numberText(state.sigma)], f: ["f = (z − 3)²", numberText(f)],
      z: [isPath ? "z = μ + σ·ε" : "z ~ N(μ, σ²)", numberText(z)], noise: isPath ? ["ε ~ N(0, 1)", numberText(state.eps)] : null,
    },
  };
}

function bitTexts(mode, drawn) {
  const isSoft = mode === "gumbel";
  const z = isSoft ? drawn.soft : drawn.z;
  const local = isSoft ? drawn.softLocal : drawn.local;
  const given = numberText(drawn[mode][0], 4);
  return {
    back: [`× ${numberText(local)} → ${given}`], kind: "dashed", said: `${given} reaches a, on average not the gradient`,
    slope: `∂f/∂z = ${numberText(isSoft ? drawn.softSlope : drawn.slope)}`,
    nodes: {
      first: ["logit a", numberText(state.logit)], noise: ["u ~ U(0, 1)", numberText(state.u)],
      z: [isSoft ? "z in (0, 1), τ" : "z = 1 if u < p", numberText(z)], f: ["f = (z − 0.45)²", numberText((z - T) ** 2)],
    },
  };
}

const LINES = {
  forward: { stroke: "#8a8a8a", "stroke-width": 1.5 },
  slope: { stroke: "#1a1a1a", "stroke-width": 3 },
  back: { stroke: MODES.reparameterized.color, "stroke-width": 3 },
  broken: { stroke: MODES.direct.color, "stroke-width": 2, "stroke-dasharray": "3 9" },
  dashed: { stroke: MODES.gumbel.color, "stroke-width": 3, "stroke-dasharray": "9 5" },
  around: { stroke: MODES.scored.color, "stroke-width": 3 },
};

function arrowHeads() {
  return draw("defs", {}, ...Object.entries(LINES).map(([kind, { stroke }]) => draw("marker", {
    id: `head-${kind}`, viewBox: "0 0 10 10", refX: 9, refY: 5, markerWidth: 12, markerHeight: 12, orient: "auto", markerUnits: "userSpaceOnUse",
  }, draw("path", { d: "M0 0L10 5L0 10Z", fill: stroke }))));
}

/** From the edge of one box to that of another, set aside a little. */
function arrow(from, to, kind, aside) {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = Math.hypot(dx, dy);
  const shift = [(-dy / length) * aside, (dx / length) * aside];
  const reach = Math.min(Math.abs((BOX.width / 2 + 4) / (dx / length)) || Infinity, Math.abs((BOX.height / 2 + 4) / (dy / length)) || Infinity);
  const start = from.map((value, axis) => value + shift[axis] + ([dx, dy][axis] / length) * reach);
  const end = to.map((value, axis) => value + shift[axis] - ([dx, dy][axis] / length) * reach);
  return line(`M${start}L${end}`, kind);
}

/** From one place to another around what is between. */
function curve([start, bend, end], kind) {
  return line(`M${start}Q${bend} ${end}`, kind);
}

function line(path, kind) {
  return draw("path", { d: path, fill: "none", "marker-end": `url(#head-${kind})`, "data-kind": kind, ...LINES[kind] });
}

function caption(x, y, anchor, text) {
  return draw("text", { x, y, "text-anchor": anchor, fill: "#1a1a1a" }, text);
}

function node([x, y], title, value) {
  return draw("g", {},
    draw("rect", { x: x - BOX.width / 2, y: y - BOX.height / 2, width: BOX.width, height: BOX.height, rx: 8, fill: "#fff", stroke: "#1a1a1a" }),
    draw("text", { x, y: y - 4, "text-anchor": "middle" }, title),
    draw("text", { x, y: y + 17, "text-anchor": "middle", fill: "#595959" }, value));
}

/** Uniform numbers from a seed, the same on every machine (mulberry32). */
function uniforms(seed) {
  let word = seed >>> 0;
  return () => {
    word = (word + 0x6D2B79F5) >>> 0;
    let mixed = Math.imul(word ^ (word >>> 15), word | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function normals(seed) {
  const uniform = uniforms(seed);
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

function drawOne() {
  const seed = state.seed + 1;
  const { bits } = MODES[state.mode];
  const noise = bits ? { u: Math.min(0.99, Math.max(0.01, uniforms(seed)())) } : { eps: normals(seed)() };
  const [name, value] = Object.entries(noise)[0];
  changeFlow({ seed, [name]: Number(value.toFixed(2)) });
}

const MANY = 1000;
const BINS = 60;

/** The gradients of 1,000 draws, of the two ways that may be compared here, on one axis. */
function drawMany() {
  const { bits } = MODES[state.mode];
  const modes = bits ? ["straight", "gumbel"] : ["reparameterized", "scored"];
  const noise = bits ? uniforms(state.seed) : normals(state.seed);
  const draws = Array.from({ length: MANY }, () => gradientOf(state, bits ? Math.max(noise(), 1e-9) : noise()));
  const samples = modes.map(mode => draws.map(each => each[mode][0]));
  changeFlow({ seed: state.seed + 1 });
  showHistograms(modes, samples, draws[0].truth[0], bits ? "a" : "μ");
}

function showHistograms(modes, samples, truth, name) {
  const sorted = samples.flat().sort((a, b) => a - b);
  const [low, high] = [Math.min(truth, sorted[Math.floor(sorted.length * 0.005)]), Math.max(truth, sorted[Math.floor(sorted.length * 0.995)])];
  const width = (high - low) / BINS || 1;
  const counts = samples.map(values => {
    const bins = new Array(BINS).fill(0);
    for (const value of values) bins[Math.min(BINS - 1, Math.max(0, Math.floor((value - low) / width)))] += 1;
    return bins;
  });
  const at = value => 20 + 600 * (value - low) / (width * BINS);
  const svg = byId("histograms");
  svg.replaceChildren(...counts.flatMap((bins, index) => histogram(bins, MODES[modes[index]], 125 + 130 * index)),
    draw("path", { d: `M${at(truth)} 10V258`, stroke: "#1a1a1a", "stroke-width": 2, "stroke-dasharray": "6 3" }),
    caption(Math.min(570, Math.max(70, at(truth))), 277, "middle", `truth ${numberText(truth)}`),
    caption(20, 300, "start", numberText(low)), caption(620, 300, "end", numberText(high)));
  svg.removeAttribute("hidden");
  byId("many-table").hidden = false;
  fillTable("bins", [`∂/∂${name} from`, ...modes.map(mode => MODES[mode].label)], counts[0].map((_, bin) =>
    plainRow([numberText(low + bin * width), ...counts.map(bins => String(bins[bin]))])));
  byId("many-text").textContent = `∂/∂${name}, truth ${numberText(truth)}: ` + samples.map((values, index) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / MANY;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (MANY - 1);
    return `${MODES[modes[index]].label}: mean ${numberText(mean)}, variance ${numberText(variance)}`;
  }).join("; ") + ". The outermost bars hold all that lies beyond.";
}

function histogram(bins, { label, color }, base) {
  const most = Math.max(...bins);
  const bars = bins.map((count, bin) => draw("rect", { x: 20 + 10 * bin, y: base - 100 * count / most, width: 9, height: 100 * count / most, fill: color }));
  return [...bars, draw("path", { d: `M20 ${base}H620`, stroke: "#8a8a8a" }), draw("text", { x: 24, y: base - 104 }, label)];
}

/** A sweep's file that measures what the sliders stand at. */
function flowToml() {
  const problem = MODES[state.mode].bits
    ? `[[problem]]\nname = "bernoulli_square"\nlogit = ${float(state.logit)}\nt = ${T}`
    : `[[problem]]\nname = "gaussian_square"\nmean = ${float(state.mu)}\nscale = ${float(state.sigma)}\nk = 3.0`;
  const chosen = MODES[state.mode].bits
    ? ['name = "straight_through"', `name = "gumbel_softmax"\ntemperature = ${float(state.tau)}`, 'name = "score_function"']
    : ['name = "pathwise"', 'name = "score_function"'];
  const head = 'schema = 1\nname = "flow"\nsamples = [1]\nreplicates = 20000';
  return [head, problem, ...chosen.map(each => `[[estimator]]\n${each}`)].join("\n\n") + "\n";
}

function float(value) {
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

/** What the run says of the bias of relaxations, where it measured them. */
function runBias() {
  const relaxed = estimators.label.map((_, estimator) => estimator).filter(estimator => estimators.family[estimator] === "relaxations");
  const texts = relaxed.map(estimator => [estimator, rowsOf[state.place][estimator].at(-1)])
    .filter(([, row]) => row !== undefined && rows.found[row] === "biased" && rows.bias[row] !== null)
    .map(([estimator, row]) => `${estimators.label[estimator]} ${percentText(rows.bias[row])}`);
  byId("run-bias").textContent = texts.length ? `In this run, at ${places.label[state.place]}: ${texts.join("; ")}.` : "";
}
