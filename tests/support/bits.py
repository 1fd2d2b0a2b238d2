"""One bit and two, with all that can be drawn, for tests of estimators on Bernoulli variables."""

import math

import jax.numpy as jnp
import numpy as np
from scipy import stats

from gradest.estimators import Estimator
from gradest.problems import problem
from gradest.problems.distributions.enumeration import binary_vectors
from gradest.problems.toys.bernoulli import BernoulliSquare
from tests.support.statistical import moments_of

T = 0.45
"""Target of the quadratic f = (b − t)²."""

LOGIT = 0.5

P = 1 / (1 + math.exp(-LOGIT))

TRUTH = (1 - 2 * T) * P * (1 - P)
"""The gradient of E[(b − t)²] by the logit."""

LOGITS = np.array([0.5, -1.0])
"""Of two bits."""

PROBS = 1 / (1 + np.exp(-LOGITS))


def mean_and_variance(probability: np.ndarray, estimates: np.ndarray) -> tuple[np.ndarray, float]:
    """The mean and the total variance of an estimate, from all its outcomes."""
    mean = np.tensordot(probability, estimates, 1)
    return mean, float(np.sum(np.tensordot(probability, (estimates - mean) ** 2, 1)))


class Interacting(BernoulliSquare):
    """Two bits, and an f with interactions of all orders: no expansion about a point is exact."""

    def objective(self, params, x):
        e = jnp.exp(0.7 * x[..., 0] - 0.4 * x[..., 1])
        return e + 0.3 * x[..., 0] * x[..., 1] - 2 * x[..., 1]


def interacting() -> tuple[Interacting, dict]:
    """The problem, and θ at LOGITS."""
    return Interacting(dim=2), {"logits": jnp.array(LOGITS, jnp.float32)}


def f_and_gradient(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """That f, and its gradient with respect to x."""
    e = np.exp(0.7 * x[..., 0] - 0.4 * x[..., 1])
    f = e + 0.3 * x[..., 0] * x[..., 1] - 2 * x[..., 1]
    by_first = 0.7 * e + 0.3 * x[..., 1]
    by_second = -0.4 * e + 0.3 * x[..., 0] - 2
    return f, np.stack([by_first, by_second], -1)


def all_draws(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Every outcome of n draws of the two bits, and its probability."""
    x = binary_vectors(2 * n).reshape(-1, n, 2)
    return x, np.where(x == 1, PROBS, 1 - PROBS).prod((1, 2))


def interacting_truth() -> np.ndarray:
    """The gradient of E[f] by the logits, enumerated."""
    x, probability = all_draws(1)
    f, _ = f_and_gradient(x[:, 0])
    return probability @ (f[:, None] * (x[:, 0] - PROBS))


def p_of_same_means(estimator: Estimator) -> float:
    """That the mean on one-hot vectors of two is the mean on bits: Welch's test of each logit.

    Only the difference of the logits counts, and f along (1 − b, b) is twice that of b.
    """
    one_hot_toy = problem("categorical_square", categories=2, logit=0.8, exponent=0.7)
    bits_toy = problem("bernoulli_square", t=2**-0.7 / (1 + 2**-0.7), logit=0.8)
    one_hot = moments_of(one_hot_toy, estimator, 4, "one-hot")["logits"].mean
    bits = moments_of(bits_toy, estimator, 4, "bits")["logits"].mean
    expected = bits * np.array([-2, 2])
    p = stats.ttest_ind(one_hot, expected, equal_var=False).pvalue
    return float(2 * p.min())
