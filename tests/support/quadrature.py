"""Exact variances on the one-dimensional Gaussian toys, derived apart from the code under test.

Expectations under N(μ, σ²) are Gauss–Hermite sums; those under a Rayleigh variable, whose density
has a corner at 0, adaptive quadrature. f and f' are written out here again.
"""

from collections.abc import Callable

import numpy as np
from scipy.integrate import quad

GAUSS_HERMITE = np.polynomial.hermite_e.hermegauss(120)

NODES = GAUSS_HERMITE[0]
"""Values of ε ~ N(0, 1)."""

WEIGHTS = GAUSS_HERMITE[1] / np.sqrt(2 * np.pi)

Function = Callable[[np.ndarray], np.ndarray]


def square(k: float) -> tuple[Function, Function]:
    """(x − k)²."""
    return lambda x: (x - k) ** 2, lambda x: 2 * (x - k)


def exponential(k: float) -> tuple[Function, Function]:
    """exp(−k x²)."""
    return lambda x: np.exp(-k * x * x), lambda x: -2 * k * x * np.exp(-k * x * x)


def cosine(k: float) -> tuple[Function, Function]:
    """cos(k x)."""
    return lambda x: np.cos(k * x), lambda x: -k * np.sin(k * x)


INTEGRANDS: dict[str, Callable[[float], tuple[Function, Function]]] = {
    "gaussian_square": square,
    "gaussian_exponential": exponential,
    "gaussian_cosine": cosine,
}
"""By toy: f and its derivative, given k."""


def expectation(values: np.ndarray) -> float:
    """The mean of a function of ε ~ N(0, 1) from its values at NODES."""
    return float(WEIGHTS @ values)


def score(group: str, scale: float) -> np.ndarray:
    """∂ log q by a group of θ, at NODES."""
    return {"mean": NODES / scale, "scale": (NODES**2 - 1) / scale}[group]


def exact_gradient(name: str, k: float, mean: float, scale: float, group: str) -> float:
    """The gradient of E[f], by the score-function identity; any other would do."""
    f = INTEGRANDS[name](k)[0](mean + scale * NODES)
    return expectation(f * score(group, scale))


def score_function(
    name: str, k: float, mean: float, scale: float, group: str, num_samples: int
) -> float:
    """Var(f s) / L."""
    f = INTEGRANDS[name](k)[0](mean + scale * NODES)
    s = score(group, scale)
    return (expectation((f * s) ** 2) - expectation(f * s) ** 2) / num_samples


def leave_one_out(
    name: str, k: float, mean: float, scale: float, group: str, num_samples: int
) -> float:
    """That of L terms (f_l − b_l) s_l, each two of which have (L − 2) others in common."""
    f = INTEGRANDS[name](k)[0](mean + scale * NODES)
    s = score(group, scale)
    n = num_samples
    centred = f - expectation(f)
    g = expectation(f * s)
    spread = expectation(centred**2) * expectation(s**2)
    return (expectation(centred**2 * s**2) - (n - 2) / (n - 1) * g**2 + spread / (n - 1)) / n


def pathwise(name: str, k: float, mean: float, scale: float, group: str, num_samples: int) -> float:
    """Var(f' ∂x/∂θ) / L."""
    f_slope = INTEGRANDS[name](k)[1](mean + scale * NODES)
    slope = f_slope * (NODES if group == "scale" else 1)
    return (expectation(slope**2) - expectation(slope) ** 2) / num_samples


def measure_valued(
    name: str, k: float, mean: float, scale: float, group: str, num_samples: int
) -> float:
    """Coupled: of the mean, μ ± σW with one Rayleigh W.

    Of the scale, μ + σM against μ + σMU with M double-sided Maxwell and U uniform.
    """
    f = INTEGRANDS[name](k)[0]
    of_group = {"mean": by_rayleigh, "scale": by_maxwell}[group]
    return of_group(f, mean, scale) / num_samples


def by_rayleigh(f: Function, mean: float, scale: float) -> float:
    """The variance of one difference by the mean."""

    def moment(power: int) -> float:
        def integrand(w: float) -> float:
            return (f(mean + scale * w) - f(mean - scale * w)) ** power * w * np.exp(-w * w / 2)

        return quad(integrand, 0, 30, limit=400, epsabs=1e-13)[0]

    return (moment(2) - moment(1) ** 2) / (2 * np.pi * scale**2)


def by_maxwell(f: Function, mean: float, scale: float) -> float:
    """The variance of one difference by the scale."""
    nodes, weights = np.polynomial.legendre.leggauss(80)
    u = (nodes + 1) / 2
    difference = f(mean + scale * NODES)[:, None] - f(mean + scale * NODES[:, None] * u)

    def moment(power: int) -> float:
        return expectation(NODES**2 * (difference**power @ (weights / 2)))

    return (moment(2) - moment(1) ** 2) / scale**2


VARIANCES = {
    ("score_function", "none"): score_function,
    ("score_function", "leave_one_out"): leave_one_out,
    ("pathwise", ""): pathwise,
    ("measure_valued", ""): measure_valued,
}
"""By estimator and baseline."""
