"""Discrete distributions small enough to list, and families as scipy has them."""

import jax
import numpy as np
import numpyro.distributions as dist
from scipy import stats

from gradest.problems.distributions.bernoulli_chain import BernoulliChain
from gradest.problems.distributions.discrete import OneHotCategoricalLogits, PlackettLuce
from gradest.problems.distributions.perceptron import perceptron

LOGITS = np.array([[0.3, -1.0, 1.2], [0.0, 0.5, -0.4]], np.float32)
"""A row for each data point, of three items."""

ONE_X = {"one-hot": OneHotCategoricalLogits, "ranking": PlackettLuce}
"""Distributions of one x, from the logits of its items."""

DISCRETE = {
    "bits": lambda logits: dist.Bernoulli(logits=logits).to_event(1),
    "one-hot": lambda logits: OneHotCategoricalLogits(logits).to_event(1),
    "ranking": PlackettLuce,
    "two layers": lambda logits: BernoulliChain(logits, perceptron(jax.random.key(5), [3, 4, 3])),
}
"""Distributions that can be enumerated, from LOGITS."""

SCIPY = {
    "exponential_toy": lambda rate: stats.expon(scale=1 / rate),
    "weibull_toy": lambda scale, concentration: stats.weibull_min(concentration, scale=scale),
    "logistic_toy": stats.logistic,
    "laplace_toy": stats.laplace,
    "gumbel_toy": stats.gumbel_r,
    "student_t_toy": lambda df, loc, scale: stats.t(df, loc, scale),
    "gamma_toy": lambda concentration, rate: stats.gamma(concentration, scale=1 / rate),
    "beta_toy": lambda concentration1, concentration0: stats.beta(concentration1, concentration0),
    "von_mises_toy": lambda loc, concentration: stats.vonmises(concentration, loc=loc),
    "poisson_toy": lambda rate: stats.poisson(rate),
}
"""The distribution of each family's toy."""

PARAMETERS = {
    "exponential_toy": {"rate": 1.3},
    "weibull_toy": {"scale": 0.8, "concentration": 1.7},
    "logistic_toy": {"loc": 0.4, "scale": 0.7},
    "laplace_toy": {"loc": 0.4, "scale": 0.7},
    "gumbel_toy": {"loc": 0.4, "scale": 0.7},
    "student_t_toy": {"df": 6.0, "loc": 0.4, "scale": 0.7},
    "gamma_toy": {"concentration": 1.6, "rate": 1.2},
    "beta_toy": {"concentration1": 1.4, "concentration0": 2.3},
    "von_mises_toy": {"loc": 0.4, "concentration": 1.6},
    "poisson_toy": {"rate": 1.9},
}
"""θ to try each at."""


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities, along the last axis."""
    weights = np.exp(logits - np.max(logits, -1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def probability_of_ranking(order: tuple[int, ...], logits: np.ndarray) -> float:
    """One choice after the other among the items that are left."""
    left = list(order)
    total = 1.0
    for item in order:
        total *= np.exp(logits[item]) / np.exp(logits[left]).sum()
        left.remove(item)
    return total


def around(angle: np.ndarray, center: float) -> np.ndarray:
    """The angles within π of the center, where scipy puts a von Mises variable."""
    return (angle - center + np.pi) % (2 * np.pi) - np.pi + center
