"""The toy of permutations, by its rankings' probabilities."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradest.problems import problem
from gradest.problems.toys.permutation import place_probabilities
from tests.support.derivatives import by_coordinate
from tests.support.distributions import probability_of_ranking
from tests.support.statistical import initial, truth_of


def test_by_choices_one_after_the_other():
    target = np.full((4, 4), 0.25 - 0.1 / 3)
    np.fill_diagonal(target, 0.35)

    def expectation(logits):
        total = 0.0
        for order in itertools.permutations(range(4)):
            f = ((np.eye(4)[list(order)] - target) ** 2).sum()
            total += probability_of_ranking(order, logits) * f
        return total

    truth = truth_of(problem("plackett_luce_square", items=4, t=0.1, logit=0.9))["logits"]
    numeric = by_coordinate(expectation, np.linspace(0, 0.9, 4))
    np.testing.assert_allclose(truth, numeric, rtol=1e-5, atol=1e-8)


LOGITS = np.array([0.3, -1.0, 1.2, 0.1, -0.4])


@pytest.mark.parametrize("items", [2, 3, 5])
def test_places_by_all_rankings(items):
    expected = np.zeros((items, items))
    for order in itertools.permutations(range(items)):
        expected[np.arange(items), order] += probability_of_ranking(order, LOGITS[:items])
    with jax.enable_x64(True):
        found = place_probabilities(jnp.asarray(LOGITS[:items]))
        np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_more_items_than_are_enumerated():
    """Seven, by all 5,040 rankings and their scores."""
    toy = problem("plackett_luce_square", items=7, t=0.1, logit=1.5)
    logits = np.asarray(initial(toy)["logits"], float)
    t = float(toy.t)
    target = np.full((7, 7), 1 / 7 - t / 6)
    np.fill_diagonal(target, 1 / 7 + t)
    orders = np.array(list(itertools.permutations(range(7))))
    f = (target**2).sum() + 7 - 2 * target[np.arange(7), orders].sum(1)
    left = np.exp(logits)[orders][:, ::-1].cumsum(1)[:, ::-1]
    q = (np.exp(logits)[orders] / left).prod(1)
    # by item i the log-probability is 1 less i's shares of those left, up to its own place
    shares = np.cumsum(1 / left, axis=1)
    scores = np.zeros((len(orders), 7))
    np.put_along_axis(scores, orders, 1 - np.exp(logits)[orders] * shares, axis=1)
    assert q.sum() == pytest.approx(1)
    np.testing.assert_allclose(truth_of(toy)["logits"], (q * f) @ scores, rtol=1e-10)
    assert float(toy.exact_objective(initial(toy))) == pytest.approx(q @ f, rel=1e-6)


def test_equal_logits():
    """Every item is equally likely at every place.

    The i-th's score is $h = 1 - \\sum_{s \\le p} 1 / (n - s + 1)$ at place p, and of mean 0: with F
    the items that keep their place, E[F h_i] = h(i) / (n − 1).
    """
    toy = problem("plackett_luce_square", items=8, t=0.05, logit=0.0)
    squares = 8 * (1 / 8 + 0.05) ** 2 + 56 * (1 / 8 - 0.05 / 7) ** 2
    assert float(toy.exact_objective(initial(toy))) == pytest.approx(8 + squares - 2, rel=1e-6)
    h = 1 - np.cumsum(1 / np.arange(8, 0, -1))
    t = float(toy.t)
    np.testing.assert_allclose(truth_of(toy)["logits"], -2 * 8 * t / 7**2 * h, atol=1e-15)


def test_far_logits_and_many_items():
    toy = problem("plackett_luce_square", items=12, logit=200.0)
    assert np.isfinite(truth_of(toy)["logits"]).all()
    many = problem("plackett_luce_square", items=13)
    assert many.exact_gradient(initial(many)) is None
