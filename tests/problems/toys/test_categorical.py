"""Categorical toys, by summing over every x."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from gradest.problems import problem
from tests.support.distributions import softmax
from tests.support.statistical import initial, truth_of


def test_square_by_summing():
    dim, categories = 2, 3
    toy = problem("categorical_square", dim=dim, categories=categories, logit=0.8, exponent=1.3)
    p = softmax(np.linspace(0, 0.8, 3))
    target = np.array([1, 2**-1.3, 3**-1.3]) / (1 + 2**-1.3 + 3**-1.3)
    expected = np.zeros((dim, categories))
    for chosen in itertools.product(range(categories), repeat=dim):
        frequencies = np.bincount(chosen, minlength=categories) / dim
        f = ((frequencies - target) ** 2).sum()
        for coordinate, k in enumerate(chosen):
            score = np.eye(categories)[k] - p
            expected[coordinate] += p[list(chosen)].prod() * f * score
    np.testing.assert_allclose(truth_of(toy)["logits"], expected.ravel(), rtol=1e-5)


def test_two_categories_are_a_bit():
    """The square is twice `bernoulli_square`, where the targets add up to 1."""
    square = problem("categorical_square", categories=2, logit=0.5, exponent=0.7)
    bits = problem("bernoulli_square", t=2**-0.7 / (1 + 2**-0.7), logit=0.5)
    (of_bit,) = truth_of(bits)["logits"]
    np.testing.assert_allclose(truth_of(square)["logits"], [-2 * of_bit, 2 * of_bit], rtol=1e-5)


def test_norm_of_bits():
    toy = problem("categorical_norm", dim=3, logit=0.5, p=1.5, c=0.45)
    bits = np.array([1.0, 0.0, 1.0])
    x = np.eye(2, dtype=np.float32)[bits.astype(int)]
    f = (np.abs(bits - 0.45) ** 1.5).mean()
    assert float(toy.objective(initial(toy), jnp.asarray(x))) == pytest.approx(f, rel=1e-6)
    p = 1 / (1 + np.exp(-0.5))
    slope = p * (1 - p) * (0.55**1.5 - 0.45**1.5) / 3
    np.testing.assert_allclose(truth_of(toy)["logits"], [-slope, slope] * 3, rtol=1e-5)
