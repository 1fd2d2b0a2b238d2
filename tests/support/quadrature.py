"""Exact variances on the one-dimensional Gaussian toys, derived apart from the code under test.

Expectations under N(μ, σ²) are Gauss–Hermite sums; those under a Rayleigh variable, whose density
has a corner at 0, adaptive quadrature. f and f' are written out here again.
"""

from collections.abc import Callable

import numpy as np
from scipy.integrate import quad

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(120)
WEIGHTS = WEIGHTS / np.sqrt(2 * np.pi)

Function = Callable[[np.ndarray], np.ndarray]

INTEGRANDS: dict[str, Callable[[float], tuple[Function, Function]]] = {
    "gaussian_square": lambda k: (lambda x: (x - k) ** 2, lambda x: 2 * (x - k)),
    "gaussian_exponential": lambda k: (
        lambda x: np.exp(-k * x * x),
        lambda x: -2 * k * x * np.exp(-k * x * x),
    ),
    "gaussian_cosine": lambda k: (lambda x: np.cos(k * x), lambda x: -k * np.sin(k * x)),
}


def expectation(values: np.ndarray) -> float:
    """Of a function of ε ~ N(0, 1), given at the nodes."""
    return float(WEIGHTS @ values)


def exact_gradient(name: str, k: float, mean: float, scale: float, group: str) -> float:
    """By the score-function identity; any other would do."""
    f = INTEGRANDS[name](k)[0](mean + scale * NODES)
    return expectation(f * score(group, scale))


def score(group: str, scale: float) -> np.ndarray:
    """∂ log q at the nodes."""
    return {"mean": NODES / scale, "scale": (NODES**2 - 1) / scale}[group]


def score_function(
    name: str, k: float, mean: float, scale: float, group: str, num_samples: int
) -> float:
    f, s = INTEGRANDS[name](k)[0](mean + scale * NODES), score(group, scale)
    return (expectation((f * s) ** 2) - expectation(f * s) ** 2) / num_samples


def leave_one_out(
    name: str, k: float, mean: float, scale: float, group: str, num_samples: int
) -> float:
    f, s = INTEGRANDS[name](k)[0](mean + scale * NODES), score(group, scale)
    centred, g, n = f - expectation(f), expectation(f * s), num_samples
    spread = expectation(centred**2) * expectation(s**2)
    return (expectation(centred**2 * s**2) - (n - 2) / (n - 1) * g**2 + spread / (n - 1)) / n


def pathwise(name: str, k: float, mean: float, scale: float, group: str, num_samples: int) -> float:
    slope = INTEGRANDS[name](k)[1](mean + scale * NODES) * (NODES if group == "scale" else 1)
    return (expectation(slope**2) - expectation(slope) ** 2) / num_samples


def measure_valued(
    name: str, k: float, mean: float, scale: float, group: str, num_samples: int
) -> float:
    """Coupled: μ ± σW with one Rayleigh W; μ + σM against μ + σMU with M double-sided Maxwell, U uniform."""
    f = INTEGRANDS[name](k)[0]
    if group == "mean":

        def moment(power: int) -> float:
            def integrand(w: float) -> float:
                return (f(mean + scale * w) - f(mean - scale * w)) ** power * w * np.exp(-w * w / 2)

            return quad(integrand, 0, 30, limit=400, epsabs=1e-13)[0]

        return (moment(2) - moment(1) ** 2) / (2 * np.pi * scale**2) / num_samples
    u, weights = np.polynomial.legendre.leggauss(80)
    u, weights = (u + 1) / 2, weights / 2
    difference = f(mean + scale * NODES)[:, None] - f(mean + scale * NODES[:, None] * u)
    first, second = (expectation(NODES**2 * (difference**power @ weights)) for power in (1, 2))
    return (second - first**2) / scale**2 / num_samples


VARIANCES = {
    ("score_function", "none"): score_function,
    ("score_function", "leave_one_out"): leave_one_out,
    ("pathwise", ""): pathwise,
    ("measure_valued", ""): measure_valued,
}
"""By estimator and baseline."""
