"""Variances of estimates with sixty digits: from raw moments in closed form, and by enumeration.

Nothing is shared with the code: E[uⁿ hᵖ], u ~ N(0, 1), by recursions over n, and bits by the
intervals of their uniform numbers.
"""

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import mpmath as mp

mp.mp.dps = 60

Moment = Callable[[int, int], Any]
"""E[uⁿ hᵖ] from n and p, for p up to 2."""


class Normal(NamedTuple):
    """One coordinate: h(x), x ~ N(mean, scale²)."""

    toy: str
    k: Any
    mean: Any
    scale: Any

    @classmethod
    def of(cls, toy: str, k: float, mean: float, scale: float) -> "Normal":
        return cls(toy, mp.mpf(k), mp.mpf(mean), mp.mpf(scale))


def normal_moment(n: int, mean: Any, variance: Any) -> Any:
    """E[zⁿ], z ~ N(mean, variance), which may be complex."""
    before, now = mp.mpf(0), mp.mpf(1)
    for power in range(n):
        before, now = now, mean * now + power * variance * before
    return now


def of_waves(n: int, waves: dict[Any, Any]) -> Any:
    """E[uⁿ Σ c e^{iau}], real, from each a with its c."""
    tilted = (
        c * mp.exp(-(a**2) / 2) * normal_moment(n, mp.j * a, mp.mpf(1)) for a, c in waves.items()
    )
    return mp.re(sum(tilted))


def square(at: Normal, n: int, p: int) -> Any:
    d = at.mean - at.k
    return sum(
        mp.binomial(2 * p, j) * d ** (2 * p - j) * at.scale**j * normal_moment(n + j, 0, 1)
        for j in range(2 * p + 1)
    )


def cosine(at: Normal, n: int, p: int) -> Any:
    a, phase = at.k * at.scale, at.k * at.mean
    if p == 0:
        return normal_moment(n, 0, 1)
    if p == 1:
        return of_waves(n, {a: mp.expj(phase)})
    return (normal_moment(n, 0, 1) + of_waves(n, {2 * a: mp.expj(2 * phase)})) / 2


def exponential(at: Normal, n: int, p: int) -> Any:
    spread = 1 + 2 * p * at.k * at.scale**2
    mass = mp.exp(-p * at.k * at.mean**2 / spread) / mp.sqrt(spread)
    return mass * normal_moment(n, -2 * p * at.k * at.mean * at.scale / spread, 1 / spread)


def step(at: Normal, n: int, p: int) -> Any:
    if p == 0:
        return normal_moment(n, 0, 1)
    c = (at.k - at.mean) / at.scale
    before, now = mp.npdf(c), mp.erfc(c / mp.sqrt(2)) / 2  # of u, and of 1, beyond c
    moments = [now, before]
    for power in range(2, n + 1):
        moments.append(c ** (power - 1) * mp.npdf(c) + (power - 1) * moments[power - 2])
    return moments[n]


MOMENTS = {
    "gaussian_square": square,
    "gaussian_cosine": cosine,
    "gaussian_exponential": exponential,
    "gaussian_step": step,
}


def moment(at: Normal, n: int, p: int) -> Any:
    return MOMENTS[at.toy](at, n, p)


def scored(at: Normal, group: str, power: int, p: int) -> Any:
    """E[s^power hᵖ], s the score."""
    terms = {"mean": {1: 1}, "scale": {2: 1, 0: -1}}[group]
    products = itertools.product(terms.items(), repeat=power)
    total = mp.mpf(0)
    for factors in products:
        exponent = sum(n for n, _ in factors)
        sign = mp.fprod(c for _, c in factors)
        total += sign * moment(at, exponent, p)
    return total / at.scale**power


def score_function(coordinates: list[Normal], group: str, num_samples: int, loo: bool) -> Any:
    """From F = Σ h: Var[F s]/L, or that of the sample covariance of F and s."""
    total = mp.mpf(0)
    means = [moment(c, 0, 1) for c in coordinates]
    spreads = [moment(c, 0, 2) - m**2 for c, m in zip(coordinates, means, strict=True)]
    for i, at in enumerate(coordinates):
        others = sum(m for j, m in enumerate(means) if j != i)
        noise = sum(s for j, s in enumerate(spreads) if j != i)
        shift = -means[i] if loo else others
        e = [scored(at, group, 2, p) for p in range(3)]
        square = e[2] + 2 * shift * e[1] + (shift**2 + noise) * e[0]
        gradient = scored(at, group, 1, 1)
        if loo:
            peers = mp.mpf(num_samples - 1)
            information = e[0] * sum(spreads)
            total += square - (num_samples - 2) / peers * gradient**2 + information / peers
        else:
            total += square - gradient**2
    return total / num_samples


def pathwise(at: Normal, group: str) -> Any:
    """Var of h′(x), or of h′(x) u."""
    n = {"mean": 0, "scale": 1}[group]
    a, phase = at.k * at.scale, at.k * at.mean
    if at.toy == "gaussian_square":
        d = at.mean - at.k
        first = 2 * (d * normal_moment(n, 0, 1) + at.scale * normal_moment(n + 1, 0, 1))
        parts = (d**2, 2 * d * at.scale, at.scale**2)
        second = 4 * sum(part * normal_moment(2 * n + j, 0, 1) for j, part in enumerate(parts))
    elif at.toy == "gaussian_cosine":
        first = of_waves(n, {a: mp.j * at.k * mp.expj(phase)})
        waves = of_waves(2 * n, {2 * a: mp.expj(2 * phase)})
        second = at.k**2 * (normal_moment(2 * n, 0, 1) - waves) / 2
    elif at.toy == "gaussian_exponential":
        first = -2 * at.k * (at.mean * moment(at, n, 1) + at.scale * moment(at, n + 1, 1))
        parts = (at.mean**2, 2 * at.mean * at.scale, at.scale**2)
        second = 4 * at.k**2 * sum(c * moment(at, 2 * n + j, 2) for j, c in enumerate(parts))
    else:
        first = second = mp.mpf(0)
    return second - first**2


def rayleigh(at: Normal, power: int, sides: str) -> Any:
    """E[·^power], w Rayleigh, of h to one side of the mean, or of the difference of both."""
    return RAYLEIGH[at.toy](at, power, sides)


def square_at_rayleigh(at: Normal, power: int, sides: str) -> Any:
    d = at.mean - at.k
    raw = [mp.mpf(2) ** (mp.mpf(n) / 2) * mp.gamma(1 + mp.mpf(n) / 2) for n in range(5)]
    if sides == "both":
        return (4 * d * at.scale) ** power * raw[power]
    step = at.scale if sides == "right" else -at.scale
    return sum(
        mp.binomial(2 * power, j) * d ** (2 * power - j) * step**j * raw[j]
        for j in range(2 * power + 1)
    )


def cosine_at_rayleigh(at: Normal, power: int, sides: str) -> Any:
    a, phase = at.k * at.scale, at.k * at.mean

    def mean(b: Any, shift: Any) -> Any:
        """E[cos(shift + b w)]."""
        even = mp.hyp1f1(1, mp.mpf(1) / 2, -(b**2) / 2)
        odd = b * mp.sqrt(mp.pi / 2) * mp.exp(-(b**2) / 2)
        return mp.cos(shift) * even - mp.sin(shift) * odd

    if sides == "both":
        if power == 1:
            return mean(a, phase) - mean(-a, phase)
        return 2 * mp.sin(phase) ** 2 * (1 - mean(2 * a, 0))
    sign = 1 if sides == "right" else -1
    if power == 1:
        return mean(sign * a, phase)
    return (1 + mean(sign * 2 * a, 2 * phase)) / 2


def step_at_rayleigh(at: Normal, power: int, sides: str) -> Any:
    c = (at.k - at.mean) / at.scale
    tail = mp.exp(-(c**2) / 2)
    right = tail if c > 0 else mp.mpf(1)
    left = 1 - tail if c < 0 else mp.mpf(0)
    return {"right": right, "left": left, "both": right - left}[sides]


def exponential_at_rayleigh(at: Normal, power: int, sides: str) -> Any:
    size = mp.sqrt(moment(at, 0, 2))  # the error of mp.quad is absolute

    def integrand(w: Any) -> Any:
        right, left = (mp.exp(-at.k * (at.mean + s * at.scale * w) ** 2) for s in (1, -1))
        value = {"right": right, "left": left, "both": right - left}[sides]
        return w * mp.exp(-(w**2) / 2) * (value / size) ** power

    edges = {abs(edge) for edge in edges_of(at)}
    return size**power * mp.quad(integrand, sorted(edges))


def edges_of(at: Normal) -> list[Any]:
    """Of integrals over u, with some about where exp(−k x²) is narrow."""
    peak, narrow = -at.mean / at.scale, 1 / (at.scale * mp.sqrt(at.k))
    near = [peak + sign * factor * narrow for factor in (0, 1, 4, 16) for sign in (1, -1)]
    edges = {mp.mpf(sign * edge) for edge in (0, 1, 3, 8, 20, 45) for sign in (1, -1)}
    return sorted(edge for edge in edges | set(near) if abs(edge) <= 45)


RAYLEIGH = {
    "gaussian_square": square_at_rayleigh,
    "gaussian_cosine": cosine_at_rayleigh,
    "gaussian_exponential": exponential_at_rayleigh,
    "gaussian_step": step_at_rayleigh,
}


def maxwell_product(at: Normal) -> Any:
    """E[h(x⁺) h(x⁻)], x⁺ Maxwell and x⁻ uniform between the mean and x⁺."""
    a, phase = at.k * at.scale, at.k * at.mean
    if at.toy == "gaussian_square":
        d, s = at.mean - at.k, at.scale
        plus = {0: d**2, 1: 2 * d * s, 2: s**2}
        minus = {0: d**2, 1: d * s, 2: s**2 / 3}  # E[Uⁿ] = 1/(n + 1)
        return sum(
            c * e * normal_moment(i + j + 2, 0, 1)
            for (i, c), (j, e) in itertools.product(plus.items(), minus.items())
        )
    if at.toy == "gaussian_cosine":
        # u cos(φ + a u) (sin(φ + a u) − sin φ) / a
        both = of_waves(1, {2 * a: mp.expj(2 * phase) / mp.j}) / 2
        return (both - mp.sin(phase) * of_waves(1, {a: mp.expj(phase)})) / a
    if at.toy == "gaussian_step":
        # both beyond the step: from it away x⁻ is, or, if the mean is beyond it, not both are
        c = (at.k - at.mean) / at.scale
        normal = moment(at, 0, 1)
        return normal if c > 0 else moment(at, 2, 1)
    root, size = mp.sqrt(at.k), moment(at, 0, 2)

    def integrand(u: Any) -> Any:
        x = at.mean + at.scale * u
        sign = -1 if at.mean < 0 else 1  # the difference of what is near 0, not near ±1
        rise = sign * (mp.erfc(sign * root * at.mean) - mp.erfc(sign * root * x))
        inner = mp.sqrt(mp.pi) / (2 * root * at.scale) * rise
        return u * mp.npdf(u) * mp.exp(-at.k * x**2) * inner / size

    return size * mp.quad(integrand, edges_of(at))


def measure_valued(at: Normal, group: str, coupled: bool) -> Any:
    if group == "mean":
        sides = ("both",) if coupled else ("right", "left")
        spread = sum(rayleigh(at, 2, side) - rayleigh(at, 1, side) ** 2 for side in sides)
        return spread / (2 * mp.pi * at.scale**2)
    spread = moment(at, 2, 2) - moment(at, 2, 1) ** 2 + moment(at, 0, 2) - moment(at, 0, 1) ** 2
    if coupled:
        spread -= 2 * (maxwell_product(at) - moment(at, 2, 1) * moment(at, 0, 1))
    return spread / at.scale**2


class Piece(NamedTuple):
    """An interval of a bit's uniform number u, where both bits of the pair are constant."""

    probability: Any
    b: int
    b_antithetic: int
    first: Any
    """∫ (u − ½) du."""
    second: Any
    """∫ (u − ½)² du."""


def pieces(p: Any, q: Any) -> list[Piece]:
    """b = 1[u > q], b̃ = 1[u < p], v = u − ½ from v = −½ to ½."""
    half = mp.mpf(1) / 2
    edges = sorted(
        [(-half, half), ((q - p) / 2, min(p, q)), ((p - q) / 2, min(p, q)), (half, half)]
    )
    found = []
    low, high = edges[1][0], edges[2][0]
    tail = min(p, q)
    for start, end, probability, middle in (
        (-half, low, tail, -1),
        (low, high, high - low, 0),
        (high, half, tail, 1),
    ):
        b = int(middle == 1 or (middle == 0 and p > q))
        b_antithetic = int(middle == -1 or (middle == 0 and p > q))
        # of a thin tail without the difference of two numbers near ½
        first = probability * (start + end) / 2
        second = probability * (start**2 + start * end + end**2) / 3
        found.append(Piece(probability, b, b_antithetic, first, second))
    return found


def pairs(kind: str, logits: list[float], t: float, divisor: int) -> Any:
    """The summed variances of one antithetic pair's estimate, over every combination of pieces."""
    target = mp.mpf(t)
    probabilities = [(1 / (1 + mp.exp(-mp.mpf(x))), 1 / (1 + mp.exp(mp.mpf(x)))) for x in logits]
    total = mp.mpf(0)
    for i, (p, q) in enumerate(probabilities):
        mean = square = mp.mpf(0)
        for combination in itertools.product(*(pieces(*pq) for pq in probabilities)):
            rise = sum((c.b - target) ** 2 - (c.b_antithetic - target) ** 2 for c in combination)
            rise /= divisor
            others = mp.fprod(c.probability for j, c in enumerate(combination) if j != i)
            own = combination[i]
            if kind == "arm":
                mean += others * rise * own.first
                square += others * rise**2 * own.second
            elif own.b != own.b_antithetic:
                weight = (-1) ** own.b_antithetic * max(p, q) / 2
                mean += others * own.probability * rise * weight
                square += others * own.probability * (rise * weight) ** 2
        total += square - mean**2
    return total


def bit_scores(logits: list[float], t: float, divisor: int, num_samples: int, loo: bool) -> Any:
    """From F and s at every vector of bits."""
    target = mp.mpf(t)
    probabilities = [(1 / (1 + mp.exp(mp.mpf(x))), 1 / (1 + mp.exp(-mp.mpf(x)))) for x in logits]
    vectors = list(itertools.product((0, 1), repeat=len(logits)))
    chance = [mp.fprod(pq[b] for pq, b in zip(probabilities, v, strict=True)) for v in vectors]
    f = [sum((b - target) ** 2 for b in v) / divisor for v in vectors]

    def mean(values: list[Any]) -> Any:
        return mp.fsum(c * value for c, value in zip(chance, values, strict=True))

    center = mean(f) if loo else 0
    total = mp.mpf(0)
    for i, (q, p) in enumerate(probabilities):
        s = [q if v[i] else -p for v in vectors]
        products = [(each - center) * score for each, score in zip(f, s, strict=True)]
        gradient = mean(products)
        square = mean([product**2 for product in products])
        if loo:
            peers = mp.mpf(num_samples - 1)
            spread = mean([(each - center) ** 2 for each in f])
            square += spread * p * q / peers + gradient**2 / peers
        total += square - gradient**2
    return total / num_samples
