"""DisARM on a tree of bits, by enumerating all of them."""

import itertools
import math

import jax
import numpy as np
import pytest

from gradest.estimators import estimator
from gradest.estimators.discrete.categorical_disarm import TREES
from gradest.problems import problem
from tests.support.distributions import softmax
from tests.support.statistical import (
    assert_mean,
    assert_variance,
    initial,
    moments_of,
    truth_of,
)
from tests.support.three_categories import GIVEN


@pytest.mark.parametrize("tree", TREES)
def test_two_categories_are_disarm(tree):
    """Published at t = 0.45, logit 0.5: 1.7913e−4 of one pair; here the gradient is twice that."""
    toy = problem("categorical_square", categories=2, logit=0.5, exponent=math.log2(0.55 / 0.45))
    disarm = estimator("disarm_categorical", tree=tree)
    moments = moments_of(toy, disarm, 2, "disarm", replicates=40_000)["logits"]
    assert_variance(moments, 2 * 4 * 1.7913e-4)  # of two logits


@pytest.mark.parametrize("num_samples", [pytest.param(2, marks=pytest.mark.slow), 6])
@pytest.mark.parametrize("tree", TREES)
def test_unbiased_where_coordinates_meet(tree, num_samples):
    toy = problem("categorical_square", dim=2, exponent=2.0, **GIVEN)
    disarm = estimator("disarm_categorical", tree=tree)
    moments = moments_of(toy, disarm, num_samples, "meet")["logits"]
    assert_mean(moments, truth_of(toy)["logits"], resolution=1e-6)


def stick_of_four(weights):
    """The probability of each bit, its gradient by the logits, and what the bits lead to."""
    remaining = weights[::-1].cumsum()[::-1]

    def gradient(k):
        below = np.where(np.arange(4) > k, weights, 0) / remaining[k + 1]
        return np.eye(4)[k] - below

    def category(bits):
        return [*bits, 1].index(1)

    return weights[:-1] / remaining[:-1], np.array([gradient(k) for k in range(3)]), category


def halves_of_four(weights):
    """The same for a bit that says whether it is one of the first two, and two that say which."""
    a, b, c, d = weights
    first = a + b
    second = c + d
    p = np.array([first / (first + second), a / first, c / second])
    halves = [a / first, b / first, -c / second, -d / second]

    def category(bits):
        in_first, first_of_first, first_of_second = bits
        if in_first:
            return 0 if first_of_first else 1
        return 2 if first_of_second else 3

    return p, np.array([halves, [1, -1, 0, 0], [0, 0, 1, -1]]), category


def bit_and_twin(p):
    """Of one bit and its antithetic twin: both values, and their probability."""
    apart = min(p, 1 - p)
    yield (1, 0), apart
    yield (0, 1), apart
    yield (1, 1), max(2 * p - 1, 0)
    yield (0, 0), max(1 - 2 * p, 0)


@pytest.mark.parametrize(
    ("tree", "by_hand"), [("stick_breaking", stick_of_four), ("balanced", halves_of_four)]
)
def test_mean_over_unused_bits(tree, by_hand):
    """All bits of K = 4 drawn, those not come to redrawn: the mean of DisARM's estimate of each."""
    toy = problem("categorical_square", categories=4, logit=-0.8)
    logits = np.linspace(0, -0.8, 4)
    target = 1 / np.arange(1, 5) / (1 / np.arange(1, 5)).sum()
    f = ((np.eye(4) - target) ** 2).sum(1)
    p, to_logits, category = by_hand(np.exp(logits))
    mass = {}
    sums = {}
    for outcome in itertools.product(*map(bit_and_twin, p)):
        pairs = [pair for pair, _ in outcome]
        probability = math.prod(chance for _, chance in outcome)
        drawn = category([b for b, _ in pairs])
        twin = category([c for _, c in pairs])
        weight = [(b - c) * max(q, 1 - q) for (b, c), q in zip(pairs, p, strict=True)]
        estimate = (f[drawn] - f[twin]) / 2 * np.array(weight) @ to_logits
        mass[drawn, twin] = mass.get((drawn, twin), 0.0) + probability
        sums[drawn, twin] = sums.get((drawn, twin), np.zeros(4)) + probability * estimate
    q = softmax(logits)
    np.testing.assert_allclose(sum(sums.values()), q * (f - q @ f), atol=1e-12)
    possible = np.array([sums[pair] / mass[pair] for pair in mass if mass[pair] > 0])
    disarm = estimator("disarm_categorical", tree=tree)
    params = initial(toy)
    ours = jax.jit(lambda key: disarm.estimate(toy, params, (), key, 2)[0]["logits"][0])
    for seed in range(12):
        estimate = np.asarray(ours(jax.random.key(seed)))
        assert np.abs(possible - estimate).max(1).min() < 1e-5
