"""Discrete distributions of our own."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from gradest.problems.distributions.discrete import PlackettLuce
from tests.support.distributions import LOGITS, probability_of_ranking


def test_probability_of_rankings():
    """One choice after the other."""
    logits = LOGITS[0]
    q = PlackettLuce(jnp.asarray(logits))
    for order in itertools.permutations(range(3)):
        permutation = np.eye(3, dtype=np.float32)[list(order)]
        expected = probability_of_ranking(order, logits)
        assert float(jnp.exp(q.log_prob(permutation))) == pytest.approx(expected, rel=1e-5)
