"""Both tails of a bit, against mpmath at fifty digits."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from gradest.problems.distributions.bits import bit_log_probs, bit_scores, sigmoid
from gradest.problems.distributions.discrete import Bernoulli

LOGITS = (-80.0, -17.5, -15.0, -0.3, 0.0, 2.0, 15.0, 17.5, 30.0, 80.0)


def chance(logit, x):
    """P(x) of a bit of this logit."""
    return 1 / (1 + mp.exp(-logit if x else logit))


def derivative(function):
    """With respect to each logit alone."""
    return jax.vmap(jax.grad(function))


TRUTHS = {
    "sigmoid": (sigmoid, lambda logit: chance(logit, 1)),
    "its derivative": (derivative(sigmoid), lambda logit: chance(logit, 1) * chance(logit, 0)),
    "variance": (
        lambda logits: Bernoulli(logits).variance,
        lambda logit: chance(logit, 1) * chance(logit, 0),
    ),
    "log P(1)": (
        lambda logits: bit_log_probs(logits, jnp.ones_like(logits)),
        lambda logit: mp.log(chance(logit, 1)),
    ),
    "log P(0)": (
        lambda logits: bit_log_probs(logits, jnp.zeros_like(logits)),
        lambda logit: mp.log(chance(logit, 0)),
    ),
    "score of 1": (
        lambda logits: bit_scores(logits, jnp.ones_like(logits)),
        lambda logit: chance(logit, 0),
    ),
    "score of 0": (
        lambda logits: bit_scores(logits, jnp.zeros_like(logits)),
        lambda logit: -chance(logit, 1),
    ),
    "score of 1, differentiated": (
        derivative(lambda logit: bit_log_probs(logit, jnp.ones_like(logit))),
        lambda logit: chance(logit, 0),
    ),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", TRUTHS)
def test_all_digits_in_both_tails(name, dtype):
    ours, true = TRUTHS[name]
    with jax.enable_x64(dtype == "float64"):
        found = np.asarray(ours(jnp.asarray(LOGITS, dtype)), float)
    # the logit itself is rounded, so that a tail's probability is to as much of it
    given = [float(np.asarray(logit, dtype)) for logit in LOGITS]
    with mp.workdps(50):
        expected = np.array([float(true(mp.mpf(logit))) for logit in given])
    np.testing.assert_allclose(found, expected, rtol=100 * np.finfo(dtype).eps)
