r"""Exact variances, without sampling, where an estimate on a toy is an average of terms with known
moments.

The toys have independent coordinates and an f that is a sum over them, so that every second moment
splits into moments of one coordinate: sums over {0, 1} in closed form, or integrals over the real
line. Alike coordinates are integrated once. What is added is positive, so that no digits cancel.
"""

from collections.abc import Callable, Iterable
from functools import partial, singledispatch
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy.special import expit

from gradest.estimators.base import Estimator
from gradest.estimators.differences.measure_valued import MeasureValued
from gradest.estimators.discrete.antithetic import ARM, DisARM
from gradest.estimators.pathwise.pathwise import Pathwise
from gradest.estimators.score_function.baselines import LeaveOneOut, NoBaseline
from gradest.estimators.score_function.control_variates import NoControlVariate
from gradest.estimators.score_function.score_function import ScoreFunction
from gradest.problems.base import Params, Problem
from gradest.problems.toys.bernoulli import BernoulliSquare
from gradest.problems.toys.gaussian import GaussianToy
from gradest.problems.toys.quadrature import HalfLine, alike, centred, half_line, settled, spread_of

Vector = Float[np.ndarray, "..."]


def exact_variance(
    problem: Problem, estimator: Estimator, params: Params, num_samples: int
) -> dict[str, float] | None:
    """The trace of the estimate's covariance in each group of θ, to quadrature precision.

    Args:
        problem: what is estimated.
        estimator: how.
        params: θ.
        num_samples: L.

    Returns:
        A number for each group of θ; None where it is not known.
    """
    if estimator.refuses_samples(num_samples) or estimator.refuses(problem):
        return None
    # a subclass of either may do otherwise
    if type(estimator) not in _exact_variance.registry or not keeps_its_kind(problem):
        return None
    # what overflows is not finite, and not claimed
    with jax.enable_x64(True), np.errstate(over="ignore", invalid="ignore"):
        problem, params = jax.tree.map(partial(jnp.asarray, dtype=jnp.float64), (problem, params))
        params = {group: np.asarray(numbers) for group, numbers in params.items()}
        variances = _exact_variance(estimator, problem, params, num_samples)
    if variances is None or not np.isfinite([*variances.values()]).all():
        return None
    return {group: float(variance) + 0.0 for group, variance in variances.items()}  # no −0


def keeps_its_kind(problem: Problem) -> bool:
    """Whether a toy has its kind's q and f: a subclass that makes its own has other moments."""
    kinds = [kind for kind in (GaussianToy, BernoulliSquare) if isinstance(problem, kind)]
    methods = ("distribution", "objective", "terms")
    return all(
        getattr(type(problem), method) is getattr(kind, method)
        for kind in kinds
        for method in methods
    )


@singledispatch
def _exact_variance(
    estimator: Estimator, problem: Problem, params: Params, num_samples: int
) -> dict[str, float] | None:
    return None


@_exact_variance.register
def _(
    estimator: ScoreFunction, problem: Problem, params: Params, num_samples: int
) -> dict[str, float] | None:
    if not estimator.coupling.independent:
        return None
    if not isinstance(estimator.baseline, (NoBaseline, LeaveOneOut)):
        return None
    if not isinstance(estimator.control_variate, NoControlVariate):
        return None
    of = partial(
        of_scores,
        num_samples=num_samples,
        leave_one_out=isinstance(estimator.baseline, LeaveOneOut),
    )
    if isinstance(problem, BernoulliSquare):
        return of(bits(problem, params["logits"]))
    if isinstance(problem, GaussianToy):
        return settled(lambda level: of(normals(problem, params, level)))
    return None


@_exact_variance.register
def _(
    estimator: Pathwise, problem: Problem, params: Params, num_samples: int
) -> dict[str, float] | None:
    r"""The variance of $h'(x)$ for the mean and of $h'(x)\,\varepsilon$ for the scale, over L."""
    if not isinstance(problem, GaussianToy) or not estimator.coupling.independent:
        return None
    derivative_of = jax.vmap(jax.grad(problem.integrand))

    def variances(rule: HalfLine, mean: float, scale: float) -> dict[str, float]:
        derivative = np.asarray(derivative_of(jnp.asarray(mean + scale * rule.u)))
        return {
            "mean": spread_of(rule.normal, derivative),
            "scale": spread_of(rule.normal, derivative * rule.u),
        }

    return of_each(problem, params, num_samples, variances)


@_exact_variance.register
def _(
    estimator: MeasureValued, problem: Problem, params: Params, num_samples: int
) -> dict[str, float] | None:
    """The variance of c·(h(x⁺) − h(x⁻)) in each coordinate.

    What the other coordinates add cancels in the difference.
    """
    if isinstance(problem, BernoulliSquare):
        return {"logits": 0.0}
    if not isinstance(problem, GaussianToy):
        return None

    def variances(rule: HalfLine, mean: float, scale: float) -> dict[str, float]:
        location, spread = measure_valued(rule, coupled=estimator.coupled)
        return {"mean": location / (2 * np.pi * scale**2), "scale": spread / scale**2}

    return of_each(problem, params, num_samples, variances)


@_exact_variance.register
def _(
    estimator: ARM, problem: Problem, params: Params, num_samples: int
) -> dict[str, float] | None:
    r"""The weight of a coordinate is u − ½: its square has mean 1/12, and with b ≠ b̃, that is u
    beyond ½ ± (½ − m), $\frac23 [(\frac12)^3 - (\frac12 - m)^3]$."""
    if not isinstance(problem, BernoulliSquare):
        return None
    m = rarer(params["logits"])
    own = m * (1 / 2 - 2 * m + 8 / 3 * m**2 - m**3)
    return of_pairs(problem, m, own, np.full_like(m, 1 / 12), num_samples)


@_exact_variance.register
def _(
    estimator: DisARM, problem: Problem, params: Params, num_samples: int
) -> dict[str, float] | None:
    r"""The weight of a coordinate is ± (1 − m)/2 where b ≠ b̃, with probability 2m, and else 0."""
    if not isinstance(problem, BernoulliSquare):
        return None
    m = rarer(params["logits"])
    square = m * (1 - m) ** 2 / 2
    own = square * np.tanh(np.abs(params["logits"]) / 2)  # tanh is 1 − 2m
    return of_pairs(problem, m, own, square, num_samples)


def of_pairs(
    problem: BernoulliSquare, m: Vector, own: Vector, weight: Vector, num_samples: int
) -> dict[str, float]:
    r"""The variance of $\sum_j \Delta_j d_j\, w_i$ over L/2 pairs, $d = b - \tilde b$.

    $\Delta_j$ is the rise of f with b_j. With m = min(p, 1 − p), $E[d_i w_i] = m (1 - m)$ and
    $E[d_j^2] = 2 m$.

    Args:
        problem: a sum over independent bits.
        m: of each.
        own: the variance of $d_i w_i$.
        weight: $E[w_i^2]$.
        num_samples: L.
    """
    total = own + of_others(2 * m, np.ones_like(m)) * weight
    return {"logits": float(rise_of(problem) ** 2 * total.sum()) / (num_samples / 2)}


def rarer(logits: Vector) -> Vector:
    """The probability m of a bit's rarer value."""
    return expit(-np.abs(logits))


def rise_of(problem: BernoulliSquare) -> float:
    """By how much a bit that is 1 adds more to f than one that is 0."""
    return (1 - 2 * float(problem.t)) / share_of(problem)


def share_of(problem: BernoulliSquare) -> int:
    """What each coordinate's term is divided by."""
    return problem.dim if problem.reduce == "mean" else 1


class Score(NamedTuple):
    """A coordinate's score s in a group of θ, and its own term f: an entry for each kind of it."""

    information: Vector
    """E[s²]."""
    gradient: Vector
    """E[f s]."""
    centred: Vector
    """The variance of (f − E f) s."""
    raised: Callable[[Vector], Vector]
    """From c, the variance of (f + c) s."""


class Coordinates(NamedTuple):
    """What the score function needs to know of coordinates: an entry for each kind of them."""

    counts: Vector
    means: Vector
    """Of the term of f."""
    spreads: Vector
    """Its variance."""
    scores: dict[str, Score]


def of_scores(kinds: Coordinates, num_samples: int, *, leave_one_out: bool) -> dict[str, float]:
    r"""The variance of $\frac1L \sum_l (F(x_l) - b_l) s(x_l)$, s the score of one coordinate.

    F is the sum of f, that coordinate's, and o, of all others. Without a baseline
    $\frac1L (Var[(f + E o) s] + Var o\,E s^2)$; leave-one-out
    $\frac1L (Var[(f - E f) s] + Var o\,E s^2 + \frac{E[f s]^2 + Var F\, E s^2}{L-1})$.
    """
    means, spreads = (of_others(each, kinds.counts) for each in (kinds.means, kinds.spreads))
    total = {}
    for group, score in kinds.scores.items():
        if leave_one_out:
            noise = (spreads + kinds.spreads) * score.information
            own = score.centred + (score.gradient**2 + noise) / (num_samples - 1)
        else:
            own = score.raised(means)
        total[group] = float(kinds.counts @ (own + spreads * score.information)) / num_samples
    return total


def of_others(values: Vector, counts: Vector) -> Vector:
    """For a coordinate of each kind, the sum over all others, to which itself is never added."""
    sums = counts * values
    before = np.append(0.0, np.cumsum(sums)[:-1])
    after = np.append(0.0, np.cumsum(sums[::-1])[:-1])[::-1]
    return before + (counts - 1) * values + after


def bits(problem: BernoulliSquare, logits: Vector) -> Coordinates:
    """Each coordinate, in closed form: b is 1 with probability p, and 0 with q."""
    p, q = expit(logits), expit(-logits)
    zero, one = (float((b - problem.t) ** 2) / share_of(problem) for b in (0, 1))
    rise = rise_of(problem)
    difference = np.tanh(logits / 2)  # p − q

    def raised(level: Vector) -> Vector:
        return p * q * (p * zero + q * one + level) ** 2

    score = Score(p * q, p * q * rise, p * q * (rise * difference) ** 2, raised)
    return Coordinates(np.ones_like(p), q * zero + p * one, p * q * rise**2, {"logits": score})


def normals(problem: GaussianToy, params: Params, level: int) -> Coordinates:
    """The kinds of coordinates, by quadrature of a level."""
    means, scales, counts = alike(params)
    rules = [half_line(problem, *pair, level) for pair in zip(means, scales, strict=True)]
    terms = [centred(rule.normal, rule.h) for rule in rules]

    def spreads(values: Iterable[Vector]) -> Vector:
        return np.array(
            [spread_of(rule.normal, each) for rule, each in zip(rules, values, strict=True)]
        )

    def score(information: float, s: Callable[[Vector], Vector]) -> Score:
        """From E[s²] and s, of a coordinate of scale 1."""
        scores = [s(rule.u) for rule in rules]

        def raised(level: Vector) -> Vector:
            rows = zip(rules, scores, level, strict=True)
            return spreads((rule.h + c) * score for rule, score, c in rows) / scales**2

        products = [term * score for term, score in zip(terms, scores, strict=True)]
        gradient = np.array(
            [rule.normal @ product for rule, product in zip(rules, products, strict=True)]
        )
        return Score(
            information / scales**2, gradient / scales, spreads(products) / scales**2, raised
        )

    expectations = np.array([rule.normal @ rule.h for rule in rules])
    scores = {"mean": score(1, lambda u: u), "scale": score(2, lambda u: u**2 - 1)}
    return Coordinates(counts, expectations, spreads(terms), scores)


def of_each(
    problem: GaussianToy,
    params: Params,
    num_samples: int,
    variances: Callable[[HalfLine, float, float], dict[str, float]],
) -> dict[str, float] | None:
    """The sum over coordinates, over L.

    Args:
        problem: the toy.
        params: θ.
        num_samples: L.
        variances: gives those of one draw from a coordinate's rule, mean and scale.
    """
    kinds = list(zip(*alike(params), strict=True))

    def at(level: int) -> dict[str, float]:
        total = dict.fromkeys(params, 0.0)
        for mean, scale, count in kinds:
            rule = half_line(problem, mean, scale, level)
            for group, variance in variances(rule, mean, scale).items():
                total[group] += count * variance / num_samples
        return total

    return settled(at)


def measure_valued(rule: HalfLine, *, coupled: bool) -> tuple[float, float]:
    r"""The variances of $h(x^+) - h(x^-)$ for the mean, and of the same for the scale.

    For the mean x⁺ and x⁻ are Rayleigh to either side. For the scale x⁺ is double-sided Maxwell and
    x⁻ normal; coupled, x⁻ lies uniformly between the mean and x⁺, so that
    $E[h(x^+) h(x^-)] = E[h(x^+) \frac1m \int_0^m h]$ with m the deviation of x⁺.

    Args:
        rule: of the coordinate.
        coupled: whether x⁺ and x⁻ share their draw.
    """
    rayleigh = rule.weights * rule.w * np.exp(-(rule.w**2) / 2)
    maxwell = rule.normal * rule.u**2
    if not coupled:
        location = spread_of(rayleigh, rule.up) + spread_of(rayleigh, rule.down)
        return location, spread_of(maxwell, rule.h) + spread_of(rule.normal, rule.h)
    # h less its likeliest value: a difference, of values on one side, does not see it
    likeliest = np.argmax(rule.density * rule.w**2)
    up, down = rule.up - rule.up[likeliest], rule.down - rule.down[likeliest]
    integrals = np.concatenate([rule.integral(up), rule.integral(down)])
    h = np.concatenate([up, down])
    cross = rule.normal @ (np.abs(rule.u) * h * integrals)
    squares = (maxwell + rule.normal) @ h**2
    spread = squares - 2 * cross - ((maxwell - rule.normal) @ h) ** 2
    return spread_of(rayleigh, rule.up - rule.down), float(spread)
