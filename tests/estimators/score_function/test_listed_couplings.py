"""Stratified and systematic draws: variances by the intervals of the distribution function."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradest.estimators import estimator
from gradest.estimators.score_function.listed_couplings import SCORED_COUPLINGS, ends, places
from gradest.problems import problem
from gradest.problems.distributions.discrete import OneHotCategoricalLogits
from gradest.problems.distributions.fine_noise import Tail
from tests.support.shared_bits import shared_bits
from tests.support.statistical import assert_mean, assert_variance, assert_z, moments_of, truth_of


def shares(q, num_samples):
    """The part of each L-th of [0, 1] that the interval of each value covers: a row for each."""
    upper = np.cumsum(q)
    lower = upper - q
    start = np.arange(num_samples)[:, None] / num_samples
    end = start + 1 / num_samples
    return np.clip(np.minimum(upper, end) - np.maximum(lower, start), 0, None) * num_samples


def stratified_variance(bits, num_samples):
    """Of a mean over independent draws, each from a stratum."""
    given = shares(bits.q, num_samples)
    g = bits.f * bits.score
    mean = given @ g
    assert mean.mean() == pytest.approx(bits.gradient)
    return ((given * (g - mean[:, None]) ** 2).sum(1)).sum() / num_samples**2


def systematic_variance(bits, num_samples):
    """Over v, in whose pieces all draws are constant."""
    g = bits.f * bits.score
    upper = np.append(np.cumsum(bits.q)[:-1], 1)
    edges = np.unique(np.concatenate([[0, 1], num_samples * upper % 1]))
    middles = (edges[1:] + edges[:-1]) / 2
    u = (np.arange(num_samples) + middles[:, None]) / num_samples
    estimates = g[np.searchsorted(upper, u)].mean(1)
    mean = np.diff(edges) @ estimates
    assert mean == pytest.approx(bits.gradient)
    return np.diff(edges) @ (estimates - mean) ** 2


VARIANCES = {"stratified": stratified_variance, "systematic": systematic_variance}


@pytest.mark.parametrize("num_samples", [2, 5])
@pytest.mark.parametrize("logit", [0.0, -1.0])
@pytest.mark.parametrize("coupling", VARIANCES)
def test_variance_on_three_bits(coupling, logit, num_samples):
    bits = shared_bits(logit)
    toy = problem("bernoulli_shared", logit=logit)
    coupled = estimator("score_function", coupling=coupling)
    moments = moments_of(toy, coupled, num_samples, f"{coupling}{logit}")["logit"]
    assert_mean(moments, [bits.gradient])
    assert_variance(moments, VARIANCES[coupling](bits, num_samples))
    assert coupled.evaluations(toy, num_samples) == (num_samples, 0)


@pytest.mark.parametrize("coupling", VARIANCES)
def test_equal_shares_leave_no_variance(coupling):
    """Eight equally likely values in eight strata: each is drawn once."""
    toy = problem("bernoulli_shared", logit=0.0)
    coupled = estimator("score_function", coupling=coupling)
    moments = moments_of(toy, coupled, 8, "eight", replicates=1_000)["logit"]
    np.testing.assert_allclose(moments.mean, truth_of(toy)["logit"][0], rtol=1e-5)


@pytest.mark.parametrize("coupling", VARIANCES)
def test_counts(coupling):
    """Of L draws so many have a value as L times its probability says, to within 2; systematic
    ones to within 1. In the mean over many, exactly so many. Data points are drawn apart."""
    logits = jnp.asarray([[0.3, -1.0, 1.2, -3.0], [2.0, 0.0, -0.5, 0.7]], jnp.float32)
    q = OneHotCategoricalLogits(logits[:, None]).to_event(1)
    num_samples, repeats = 10, 4_000

    def counts(key):
        return SCORED_COUPLINGS[coupling].sample(q, key, num_samples)[:, :, 0].sum(0)

    keys = jax.random.split(jax.random.key(0), repeats)
    found = np.asarray(jax.jit(jax.vmap(counts))(keys), float)
    expected = num_samples * np.asarray(jax.nn.softmax(logits), float)
    within = {"stratified": 2, "systematic": 1}[coupling]
    assert np.abs(found - expected).max() < within
    assert_z((found.mean(0) - expected) / (found.std(0) / math.sqrt(repeats)))
    assert abs(np.corrcoef(found[:, 0, 0], found[:, 1, 0])[0, 1]) < 0.1


def test_both_ends_are_fine():
    """A value of probability 1e-9 at either end of the list is drawn where a number is as near."""
    probs = jnp.asarray([1e-9, 1 - 2e-9, 1e-9], jnp.float32)
    distance = jnp.asarray([4e-9, 6e-9], jnp.float32)
    for is_upper, rare in ((False, 0), (True, 2)):
        low, high = ends(Tail(jnp.array([is_upper]), distance[:1, None]), 5)
        nearest = places(probs, low[0], high[0])[4 if is_upper else 0]
        assert int(nearest) == rare
        low, high = ends(Tail(jnp.array([is_upper]), distance[1:, None]), 5)
        assert int(places(probs, low[0], high[0])[4 if is_upper else 0]) == 1


@pytest.mark.parametrize("coupling", VARIANCES)
def test_with_a_learned_baseline(coupling):
    """Each draw alone is not of q, but the mean of their scores is zero: a constant may go."""
    toy = problem("bernoulli_shared", logit=-1.0)
    coupled = estimator("score_function", coupling=coupling, baseline="mean")
    moments = moments_of(toy, coupled, 5, coupling)["logit"]
    assert_mean(moments, truth_of(toy)["logit"])


@pytest.mark.parametrize("coupling", VARIANCES)
def test_refusals(coupling):
    """Leave-one-out is biased there: that is told, and how much it would be is not 0."""
    leave_one_out = estimator("score_function", baseline="leave_one_out", coupling=coupling)
    assert "independent draws" in leave_one_out.refuses(problem("bernoulli_shared"))
    plain = estimator("score_function", coupling=coupling)
    assert "cannot be listed" in plain.refuses(problem("gaussian_square"))
    assert "above 4,096" in plain.refuses(problem("bernoulli_square", dim=13))
    assert plain.refuses(problem("bernoulli_square", dim=12)) is None
    assert not plain.claims_one_over_samples()


def test_leave_one_out_would_be_biased():
    """Its mean with two stratified draws, by enumeration, is another than the gradient."""
    bits = shared_bits(-1.0)
    first, second = shares(bits.q, 2)
    both = np.outer(first, second)
    difference = bits.f[:, None] - bits.f
    estimates = difference * (bits.score[:, None] - bits.score) / 2
    mean = (both * estimates).sum()
    assert abs(mean - bits.gradient) > 0.1 * abs(bits.gradient)
