"""Variances of the toy of Liu et al. (2019) and Kool et al. (2020) by sums over its eight values.

NumPy alone: three bits that share a logit η, f(b) = Σ (b_i − t_i)². Nothing of ours is used.
"""

import itertools

import numpy as np

TARGETS = np.array([0.6, 0.51, 0.48])
STATES = np.array(list(itertools.product([0.0, 1.0], repeat=3)))
F = ((STATES - TARGETS) ** 2).sum(1)


class Toy:
    """What an estimator is made of at one η, for each of the eight values."""

    def __init__(self, eta):
        p = 1 / (1 + np.exp(-eta))
        self.q = np.where(STATES == 1, p, 1 - p).prod(1)
        self.score = (STATES - p).sum(1)
        self.gradient = float((self.q * F * self.score).sum())

    def variance_of(self, weights, values):
        """Of an estimate that takes these values with these probabilities; its mean is right."""
        weights, values = np.array(weights), np.array(values)
        assert abs(weights.sum() - 1) < 1e-12
        assert abs((weights * values).sum() - self.gradient) < 1e-10
        return float((weights * (values - self.gradient) ** 2).sum())

    def plain(self, samples):
        """The score function."""
        return self.variance_of(self.q, F * self.score) / samples

    def leave_one_out(self, samples):
        """The score function with the mean of the other samples subtracted."""
        weights, values = [], []
        for draw in itertools.product(range(8), repeat=samples):
            f, score = F[list(draw)], self.score[list(draw)]
            others = (f.sum() - f) / (samples - 1)
            weights.append(self.q[list(draw)].prod())
            values.append(((f - others) * score).mean())
        return self.variance_of(weights, values)

    def sum_and_sample(self, summed):
        """The likeliest summed, one of the others drawn; no two at the border tie."""
        order = np.argsort(-self.q)
        inside, outside = order[:summed], order[summed:]
        assert self.q[inside].min() > self.q[outside].max() * (1 + 1e-9)
        g = F * self.score
        rest = self.q[outside].sum()
        values = (self.q * g)[inside].sum() + rest * g[outside]
        return self.variance_of(self.q[outside] / rest, values)

    def unordered_set(self, samples, *, with_baseline):
        """The estimate of the first of L draws without replacement, averaged over their orders."""
        weights, values = [], []
        for chosen in itertools.combinations(range(8), samples):
            orders = {each: self.of_order(each) for each in itertools.permutations(chosen)}
            total = sum(orders.values())
            weights.append(total)
            values.append(
                sum(
                    weight / total * self.first_of(order, with_baseline=with_baseline)
                    for order, weight in orders.items()
                )
            )
        return self.variance_of(weights, values)

    def of_order(self, order):
        """The probability of draws without replacement in this order."""
        left = 1 - np.concatenate([[0.0], np.cumsum(self.q[list(order)])[:-1]])
        return float((self.q[list(order)] / left).prod())

    def first_of(self, order, *, with_baseline):
        """The score function of the first draw; of E f the second says what the first does not."""
        first = order[0]
        if not with_baseline:
            return F[first] * self.score[first]
        second = order[1]
        expected = self.q[first] * F[first] + (1 - self.q[first]) * F[second]
        return (F[first] - expected) * self.score[first]
