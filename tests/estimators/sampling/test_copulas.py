"""Coupled bits: margins and correlations, by the bivariate normal and by counting."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from gradest.estimators.sampling.copulas import COPULAS, log_rest
from tests.support.statistical import assert_z


@pytest.mark.parametrize("n", [2, 3, 6])
@pytest.mark.parametrize("logit", [-4.0, 0.0, 0.5, 3.0])
def test_gaussian_correlation(logit, n):
    """By the bivariate normal at the correlation −1/(n − 1); two draws are mirror images."""
    p = 1 / (1 + math.exp(-logit))
    r = -1 / (n - 1)
    height = stats.norm.ppf(p)
    coupled = stats.multivariate_normal([0, 0], [[1, r], [r, 1]], allow_singular=True)
    both = coupled.cdf([height, height]) if n > 2 else max(2 * p - 1, 0)
    expected = (both - p * p) / (p * (1 - p))
    ours = float(COPULAS["gaussian"].correlation(jnp.full(1, logit), n)[0])
    assert ours == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize("name", COPULAS)
def test_draws(name):
    """Margins, the correlation of each two draws, and none between two coordinates."""
    logits = jnp.array([-2.0, 0.5])
    n = 3
    keys = jax.random.split(jax.random.key(0), 20_000)
    b = np.asarray(jax.vmap(lambda key: COPULAS[name].draw(logits, key, n))(keys), float)
    p = 1 / (1 + np.exp(-np.asarray(logits, float)))
    assert_z((b.mean(0) - p) / np.sqrt(p * (1 - p) / len(b)))
    centred = b - p
    rho = np.asarray(COPULAS[name].correlation(logits, n)) * p * (1 - p)
    pairs = [centred[:, i] * centred[:, j] for i, j in itertools.combinations(range(n), 2)]
    between = np.stack(pairs)
    assert_z((between.mean(1) - rho) / (between.std(1) / math.sqrt(len(b))))
    across = centred[:, 0, 0] * centred[:, 0, 1]
    assert_z(across.mean() / across.std() * math.sqrt(len(b)))


@pytest.mark.parametrize("rest", [1e-12, 1e-7, 1e-3, 0.4, 0.7, 1e3, 1e7])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_what_is_left_without_a_part(place, rest):
    """Of 1 and two others that are together `rest`: where that is little, 1 − d has no digits."""
    parts = np.insert(np.array([0.25, 0.75]) * rest, place, 1.0)
    narrow = np.asarray(parts, np.float32)
    found = np.asarray(log_rest(jnp.asarray(narrow)[:, None]))[:, 0]
    exact = narrow.astype(float)
    others = [np.delete(exact, i).sum() for i in range(3)]
    expected = np.log1p(-exact / exact.sum())
    little = others < 1e-3 * exact
    expected[little] = np.log(np.array(others) / exact.sum())[little]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
