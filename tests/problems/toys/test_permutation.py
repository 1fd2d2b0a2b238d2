"""The toy of permutations, by its rankings' probabilities."""

import itertools

import numpy as np

from gradest.problems import problem
from tests.support.derivatives import by_coordinate
from tests.support.distributions import probability_of_ranking
from tests.support.statistical import truth_of


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
