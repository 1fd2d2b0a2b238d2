"""One coordinate of three categories: means of biased estimators, summed over x or by quadrature.

Estimators differ in what they put between x and f's gradient: a Jacobian that depends on x alone,
or a relaxed draw given x.
"""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from gradest.estimators import estimator
from gradest.problems import problem
from tests.support.distributions import softmax
from tests.support.statistical import assert_mean, moments_of

GIVEN = {"categories": 3, "logit": 1.0}

PHI = np.linspace(0, 1, 3)
"""The logits."""

P = softmax(PHI)

TARGET = np.array([6, 3, 2]) / 11
"""Of the square."""

VALUES = np.linspace(0, 1, 3)
"""Of the categories in the norm."""

TOYS = {"categorical_square": GIVEN, "categorical_norm": GIVEN | {"dim": 1}}

BOTH_TOYS = ["categorical_square", pytest.param("categorical_norm", marks=pytest.mark.slow)]

TEMPERATURES = (2.0, 1.0, 0.5, 0.25, 0.1, 0.05)


def square_gradient(x: np.ndarray) -> np.ndarray:
    """Of ‖x − target‖²."""
    return 2 * (x - TARGET)


def norm_gradient(x: np.ndarray) -> np.ndarray:
    """Of |values·x − 0.45|^1.5."""
    distance = x @ VALUES - 0.45
    return (1.5 * np.abs(distance) ** 0.5 * np.sign(distance))[..., None] * VALUES


GRADIENTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "categorical_square": square_gradient,
    "categorical_norm": norm_gradient,
}

F = {
    "categorical_square": ((np.eye(3) - TARGET) ** 2).sum(1),
    "categorical_norm": np.abs(VALUES - 0.45) ** 1.5,
}
"""f of each category."""


def true_gradient(toy: str) -> np.ndarray:
    """Σ p (f(e_k) − E f)."""
    return P * (F[toy] - P @ F[toy])


def relative_bias(mean: np.ndarray, toy: str) -> float:
    """‖bias‖ / ‖gradient‖."""
    truth = true_gradient(toy)
    return float(np.linalg.norm(mean - truth) / np.linalg.norm(truth))


def jacobian(p: np.ndarray) -> np.ndarray:
    """∂ softmax / ∂ logits."""
    return p[..., :, None] * np.eye(p.shape[-1]) - p[..., :, None] * p[..., None, :]


def mean_by_jacobians(jacobian_at: Callable[[np.ndarray], np.ndarray], toy: str) -> np.ndarray:
    """Σ_k p_k J(e_k) f'(e_k)."""
    return P @ np.stack([jacobian_at(x) @ GRADIENTS[toy](x) for x in np.eye(3)])


def relaxed_given_x(temperature: float) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Relaxed draws given each x, and weights.

    y_j ∝ (1 + Z e^{−φ_j} ρ_j)^{−1/τ}, ρ_j ratios of exponentials. Their density in u = log ρ is 2
    e^{u+v} / (1 + e^u + e^v)³, by the trapezoid rule.
    """
    u, v = np.meshgrid(np.arange(-30, 30, 0.2), np.arange(-30, 30, 0.2))
    weights = 0.04 * 2 * np.exp(u + v) / (1 + np.exp(u) + np.exp(v)) ** 3
    assert weights.sum() == pytest.approx(1, abs=1e-10)
    for k in range(3):
        logs = np.zeros((*u.shape, 3))
        others = [j for j in range(3) if j != k]
        for j, ratio in zip(others, (u, v), strict=True):
            logs[..., j] = -np.log1p(np.exp(PHI).sum() * np.exp(-PHI[j] + ratio)) / temperature
        yield np.eye(3)[k], softmax(logs), weights


def mean_by_relaxation(toy: str, temperature: float, soft: bool) -> np.ndarray:
    """With f's gradient at the relaxed draw, `soft`, or at x."""
    gradient = GRADIENTS[toy]
    total = np.zeros(3)
    for probability, (x, y, weights) in zip(P, relaxed_given_x(temperature), strict=True):
        slope = gradient(y) if soft else np.broadcast_to(gradient(x), y.shape)
        estimates = y * (slope - (y * slope).sum(-1, keepdims=True)) / temperature
        total += probability * np.tensordot(weights, estimates, 2)
    return total


def assert_mean_is(expected: np.ndarray, toy: str, name: str, **arguments) -> None:
    """The mean of many estimates on one of TOYS."""
    on = problem(toy, **TOYS[toy])
    moments = moments_of(on, estimator(name, **arguments), 4, toy)["logits"]
    assert_mean(moments, expected, resolution=1e-6)
