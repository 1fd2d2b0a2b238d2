"""Stochastic triples, by enumerating every draw and what is kept of it."""

import numpy as np
import pytest

from gradest.estimators import estimator
from tests.support.bits import (
    PROBS,
    all_draws,
    f_and_gradient,
    interacting,
    interacting_truth,
    mean_and_variance,
)
from tests.support.statistical import assert_mean, assert_variance, moments_of


def changes(x):
    """Of f as each bit turns from 0 to 1."""
    turned = np.eye(2, dtype=bool)
    up = f_and_gradient(np.where(turned, 1.0, x))[0]
    down = f_and_gradient(np.where(turned, 0.0, x))[0]
    return up - down


def rates(x, side):
    """At which each bit turns."""
    right = (1 - x) * PROBS
    left = x * (1 - PROBS)
    return {"right": right, "left": left, "both": (right + left) / 2}[side]


def pruned_outcomes(x, side):
    """One bit i is kept, with probability w_i / Σw, at the rate Σw."""
    w = rates(x, side)
    total = w.sum()
    for i in range(2):
        probability = w[i] / total if total else 0.5
        yield probability, total * changes(x) * (np.arange(2) == i)


def unpruned_outcomes(x, side):
    yield 1.0, rates(x, side) * changes(x)


OUTCOMES = {True: pruned_outcomes, False: unpruned_outcomes}


@pytest.mark.parametrize("side", ["right", "left", "both"])
@pytest.mark.parametrize("pruned", OUTCOMES)
def test_by_enumeration(side, pruned):
    outcomes = [
        (weight * probability, estimate)
        for x, weight in zip(*all_draws(1), strict=True)
        for probability, estimate in OUTCOMES[pruned](x[0], side)
    ]
    probabilities, estimates = (np.array(part) for part in zip(*outcomes, strict=True))
    mean, variance = mean_and_variance(probabilities, estimates)
    np.testing.assert_allclose(mean, interacting_truth())
    toy, params = interacting()
    triple = estimator("stochastic_triple", side=side, pruned=pruned)
    moments = moments_of(toy, triple, 2, f"{side}{pruned}", params=params)["logits"]
    assert_mean(moments, mean)
    assert_variance(moments, variance / 2)
