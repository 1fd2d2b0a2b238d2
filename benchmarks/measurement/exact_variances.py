r"""Exact variances, without sampling, where an estimate on a toy is an average of terms with known
moments.

The toys have independent coordinates and an f that is a sum over them, so that every second moment
splits into moments of one coordinate: integrals over the real line (composite Gauss–Legendre,
broken where f jumps) or sums over {0, 1}.
"""

from collections.abc import Callable
from functools import partial, singledispatch
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from gradest.estimators.base import Estimator
from gradest.estimators.differences.measure_valued import MeasureValued
from gradest.estimators.discrete.antithetic import ARM, DisARM
from gradest.estimators.pathwise.pathwise import Pathwise
from gradest.estimators.score_function.baselines import LeaveOneOut, NoBaseline
from gradest.estimators.score_function.control_variates import NoControlVariate
from gradest.estimators.score_function.score_function import ScoreFunction
from gradest.problems.base import Params, Problem
from gradest.problems.toys.bernoulli import BernoulliSquare
from gradest.problems.toys.gaussian import GaussianStep, GaussianToy

Vector = Float[np.ndarray, "..."]

REACH = 40.0
"""Standard deviations that the integrals extend to either side."""


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
    with jax.enable_x64(True):
        problem, params = jax.tree.map(partial(jnp.asarray, dtype=jnp.float64), (problem, params))
        return _exact_variance(estimator, problem, params, num_samples)


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


class Coordinate(NamedTuple):
    """One coordinate's term of f and its scores, at the nodes of a rule that integrates under q."""

    weights: Vector
    f: Vector
    scores: dict[str, Vector]

    def mean(self, values: Vector) -> float:
        """The expectation of `values` under q."""
        return float(self.weights @ values)


@_exact_variance.register
def _(
    estimator: ScoreFunction, problem: Problem, params: Params, num_samples: int
) -> dict[str, float] | None:
    r"""The variance of $\frac1L \sum_l (f(x_l) - b_l) s(x_l)$, s the score of one coordinate.

    Here f is the sum over all coordinates. Without a baseline $\frac1L (E[f^2 s^2] - g^2)$;
    leave-one-out $\frac1L [E[(f - Ef)^2 s^2] - \frac{L-2}{L-1} g^2 + \frac{Var f\, Var s}{L-1}]$.
    """
    if not estimator.coupling.independent:
        return None
    if not isinstance(estimator.baseline, (NoBaseline, LeaveOneOut)):
        return None
    if not isinstance(estimator.control_variate, NoControlVariate):
        return None
    coordinates = coordinates_of(problem, params)
    if coordinates is None:
        return None
    means = np.array([c.mean(c.f) for c in coordinates])
    spreads = np.array(
        [c.mean((c.f - mean) ** 2) for c, mean in zip(coordinates, means, strict=True)]
    )
    total = dict.fromkeys(params, 0.0)
    for c, mean, spread in zip(coordinates, means, spreads, strict=True):
        f = c.f - mean
        others = spreads.sum() - spread
        for group, score in c.scores.items():
            gradient = c.mean(f * score)
            information = c.mean(score**2)
            # E[(f − Ef)² s²], f over all coordinates
            centred = c.mean(f**2 * score**2) + others * information
            if isinstance(estimator.baseline, LeaveOneOut):
                peers = num_samples - 1
                correction = (spreads.sum() * information - (num_samples - 2) * gradient**2) / peers
                total[group] += float(centred + correction) / num_samples
            else:
                mean_f = means.sum()
                square = centred + 2 * mean_f * c.mean(f * score**2) + mean_f**2 * information
                total[group] += float(square - gradient**2) / num_samples
    return total


@_exact_variance.register
def _(
    estimator: Pathwise, problem: Problem, params: Params, num_samples: int
) -> dict[str, float] | None:
    r"""The variance of $h'(x)$ for the mean and of $h'(x)\,\varepsilon$ for the scale, over L.

    Both are summed over coordinates.
    """
    if not isinstance(problem, GaussianToy) or not estimator.coupling.independent:
        return None
    derivative_of = jax.vmap(jax.grad(problem.integrand))
    total = dict.fromkeys(params, 0.0)
    for mean, scale in zip(*map(np.asarray, (params["mean"], params["scale"])), strict=True):
        u, weights = gaussian_rule(jump(problem, mean, scale))
        derivative = np.asarray(derivative_of(jnp.asarray(mean + scale * u)))
        total["mean"] += spread_of(weights, derivative) / num_samples
        total["scale"] += spread_of(weights, derivative * u) / num_samples
    return total


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
    total = dict.fromkeys(params, 0.0)
    for mean, scale in zip(*map(np.asarray, (params["mean"], params["scale"])), strict=True):
        variances = measure_valued_variances(problem, float(mean), float(scale), estimator.coupled)
        for group, variance in variances.items():
            total[group] += variance / num_samples
    return total


@_exact_variance.register
def _(
    estimator: ARM, problem: Problem, params: Params, num_samples: int
) -> dict[str, float] | None:
    r"""The weight of a coordinate is u − ½: its square has mean 1/12, and with b ≠ b̃, that is u
    beyond ½ ± (½ − m), $\frac23 [(\frac12)^3 - (\frac12 - m)^3]$."""

    def squares(m: Vector) -> tuple[Vector, Vector]:
        return 2 / 3 * (1 / 8 - (0.5 - m) ** 3), np.full_like(m, 1 / 12)

    return of_pairs(problem, params, num_samples, squares)


@_exact_variance.register
def _(
    estimator: DisARM, problem: Problem, params: Params, num_samples: int
) -> dict[str, float] | None:
    r"""The weight of a coordinate is ± (1 − m)/2 where b ≠ b̃, with probability 2m, and else 0."""

    def squares(m: Vector) -> tuple[Vector, Vector]:
        square = m * (1 - m) ** 2 / 2
        return square, square

    return of_pairs(problem, params, num_samples, squares)


def of_pairs(
    problem: Problem,
    params: Params,
    num_samples: int,
    squares: Callable[[Vector], tuple[Vector, Vector]],
) -> dict[str, float] | None:
    r"""The variance of $\sum_j \Delta_j d_j\, w_i$ over L/2 pairs, $d = b - \tilde b$.

    $\Delta_j$ is the rise of f with b_j. With m = min(p, 1 − p), $E[d_i w_i] = m (1 - m)$ and
    $E[d_j^2] = 2 m$.

    Args:
        problem: a sum over independent bits.
        params: θ.
        num_samples: L.
        squares: gives $E[d_i^2 w_i^2]$ and $E[w_i^2]$ from m.
    """
    coordinates = coordinates_of(problem, params)
    if not isinstance(problem, BernoulliSquare) or coordinates is None:
        return None
    rises = np.array([c.f[1] - c.f[0] for c in coordinates])
    m = 1 / (1 + np.exp(np.abs(np.asarray(params["logits"]))))
    both, weight_alone = squares(m)
    moved = 2 * m * rises**2
    second = rises**2 * both + (moved.sum() - moved) * weight_alone
    return {"logits": float((second - (rises * m * (1 - m)) ** 2).sum()) / (num_samples / 2)}


def measure_valued_variances(
    problem: GaussianToy, mean: float, scale: float, coupled: bool
) -> dict[str, float]:
    """The variances of one draw in one coordinate, by group of θ.

    Args:
        problem: the toy, which has h.
        mean: of the coordinate.
        scale: of the coordinate.
        coupled: whether x⁺ and x⁻ share their draw.
    """

    def h(u: Vector) -> Vector:
        return np.asarray(problem.integrand(jnp.asarray(mean + scale * u)))

    cut = jump(problem, mean, scale)
    u, gauss = gaussian_rule(cut)
    maxwell = gauss * u**2
    w, weights = legendre(0, REACH, [abs(c) for c in cut])
    rayleigh = weights * w * np.exp(-(w**2) / 2)
    up, down = h(w), h(-w)
    if coupled:
        location = spread_of(rayleigh, up - down)
        # for each m, the integral over U ~ uniform(0, 1) of h(m) − h(m U), broken where m U crosses
        # the jump
        at = np.full_like(u, 0.5)
        if cut:
            at = np.clip(np.divide(cut[0], u, out=at, where=u != 0), 0, 1)
        t, tw = np.polynomial.legendre.leggauss(64)
        t, tw = (t + 1) / 2, tw / 2
        uniform = np.concatenate([at[:, None] * t, at[:, None] + (1 - at[:, None]) * t], axis=1)
        inner = np.concatenate([at[:, None] * tw, (1 - at[:, None]) * tw], axis=1)
        difference = h(u)[:, None] - h(u[:, None] * uniform)
        first, second = (maxwell @ (inner * difference**power).sum(1) for power in (1, 2))
        spread = second - first**2
    else:
        location = spread_of(rayleigh, up) + spread_of(rayleigh, down)
        spread = spread_of(maxwell, h(u)) + spread_of(gauss, h(u))
    return {"mean": location / (2 * np.pi * scale**2), "scale": float(spread) / scale**2}


@singledispatch
def coordinates_of(problem: Problem, params: Params) -> list[Coordinate] | None:
    """f's terms and the scores, coordinate by coordinate; None where f does not split."""
    return None


@coordinates_of.register
def _(problem: GaussianToy, params: Params) -> list[Coordinate]:
    def coordinate(mean: float, scale: float) -> Coordinate:
        u, weights = gaussian_rule(jump(problem, mean, scale))
        f = np.asarray(problem.integrand(jnp.asarray(mean + scale * u)))
        return Coordinate(weights, f, {"mean": u / scale, "scale": (u**2 - 1) / scale})

    return [
        coordinate(*pair)
        for pair in zip(*map(np.asarray, (params["mean"], params["scale"])), strict=True)
    ]


@coordinates_of.register
def _(problem: BernoulliSquare, params: Params) -> list[Coordinate]:
    b = np.array([0.0, 1.0])
    f = (b - float(problem.t)) ** 2 / (problem.dim if problem.reduce == "mean" else 1)
    return [
        Coordinate(np.array([1 - p, p]), f, {"logits": b - p})
        for p in 1 / (1 + np.exp(-np.asarray(params["logits"])))
    ]


def jump(problem: GaussianToy, mean: float, scale: float) -> list[float]:
    """Where h is discontinuous, in standard deviations from the mean."""
    return [float((problem.k - mean) / scale)] if isinstance(problem, GaussianStep) else []


def gaussian_rule(cuts: list[float]) -> tuple[Vector, Vector]:
    """Nodes and weights for expectations under N(0, 1)."""
    u, weights = legendre(-REACH, REACH, cuts)
    return u, weights * np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi)


def legendre(low: float, high: float, cuts: list[float]) -> tuple[Vector, Vector]:
    """Nodes and weights of composite Gauss–Legendre, 16 nodes to a panel.

    Panels are ½ wide at most, and have edges at `cuts`.
    """
    inside = [cut for cut in cuts if low < cut < high]
    edges = np.unique([*np.arange(low, high + 0.25, 0.5), *inside])
    nodes, weights = np.polynomial.legendre.leggauss(16)
    half = np.diff(edges)[:, None] / 2
    return (edges[:-1, None] + half * (nodes + 1)).ravel(), (half * weights).ravel()


def spread_of(weights: Vector, values: Vector) -> float:
    """The variance of `values` under normalised `weights`.

    They are centred first, so that none of its digits cancel.
    """
    return float(weights @ (values - weights @ values) ** 2)
