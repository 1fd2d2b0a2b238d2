"""Baselines: formulas written out, variances in closed form, and what makes one biased."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradest.benchmarks.checks.trials import small_problem
from gradest.benchmarks.measurement.exact_variances import exact_variance
from gradest.estimators import estimator
from gradest.estimators.sampling.draws import sample
from gradest.estimators.score_function.baselines import MovingAverage, WeightedMean
from gradest.estimators.score_function.score_function import ScoreFunction
from gradest.problems import problem
from tests.support.bits import T
from tests.support.quadrature import NODES, expectation
from tests.support.shared_bits import shared_bits
from tests.support.statistical import (
    assert_mean,
    assert_variance,
    initial,
    moments_of,
    truth_of,
    variance_of,
)

LEAVE_ONE_OUT = estimator("score_function", baseline="leave_one_out")


@pytest.mark.parametrize("name", ["gaussian_cosine", "gaussian_exponential"])
def test_leave_one_out_on_a_constant(name):
    """At k = 0 f is 1, and the estimate exactly zero."""
    constant = problem(name, k=0.0)
    estimate, _ = LEAVE_ONE_OUT.estimate(constant, initial(constant), (), jax.random.key(0), 7)
    assert float(jnp.abs(estimate["mean"]).max()) == 0
    assert float(jnp.abs(estimate["scale"]).max()) == 0


def test_leave_one_out_written_out():
    square = problem("gaussian_square", dim=2)
    params = initial(square)
    key = jax.random.key(5)
    n = 5
    x = np.asarray(sample(square.distribution(params), key, n), np.float64)
    f = ((x - 3) ** 2).sum(1)
    b = np.array([np.delete(f, i).mean() for i in range(n)])
    advantage = (f - b)[:, None]
    estimate, _ = LEAVE_ONE_OUT.estimate(square, params, (), key, n)
    np.testing.assert_allclose(estimate["mean"], (advantage * (x - 1)).mean(0), rtol=1e-4)
    by_scale = (advantage * ((x - 1) ** 2 - 1)).mean(0)
    np.testing.assert_allclose(estimate["scale"], by_scale, rtol=1e-4)


def scaled_variances(toy) -> list[float]:
    """The exact variance of leave-one-out at several K, times K (K − 1)."""
    ks = (2, 8, 64)
    return [exact_variance(toy, LEAVE_ONE_OUT, initial(toy), k)["logits"] * k * (k - 1) for k in ks]


def test_leave_one_out_at_logit_zero():
    """(f − E f) s is constant there: only the baseline's error is left, 1/(K(K − 1)), slope −2."""
    toy = problem("bernoulli_square", t=T, logit=0.0)
    scaled = scaled_variances(toy)
    assert np.ptp(scaled) < 1e-6 * scaled[0]
    # Δ S (K − S) / (K (K − 1)) with S ~ Binomial(K, ½), and Var S (K − S) = K (K − 1)/8
    assert scaled[0] == pytest.approx((1 - 2 * T) ** 2 / 8, rel=1e-5)
    moments = moments_of(toy, LEAVE_ONE_OUT, 8, "leave one out")["logits"]
    assert_variance(moments, scaled[0] / 56)


@pytest.mark.parametrize("logit", [0.5, -2.0])
def test_leave_one_out_at_other_logits(logit):
    """There the variance is not proportional to 1/(K(K − 1))."""
    scaled = scaled_variances(problem("bernoulli_square", t=T, logit=logit))
    assert np.ptp(scaled) >= 1e-6 * scaled[0]


def total_variance_on_the_square(b: float) -> float:
    """Var((f − b) s) over both groups at N(1, 1), k = 3."""
    f = (NODES - 2) ** 2 - b
    scores = (NODES, NODES**2 - 1)
    return sum(expectation((f * s) ** 2) - expectation(f * s) ** 2 for s in scores)


def test_optimal_below_mean_below_none():
    """On the square f and ‖s‖² are correlated, so that E[f] = 5 is not the best constant.

    By hand: E‖s‖² = 3 and E[f ‖s‖²] = E[f (u⁴ − u² + 1)] = 23, so that b* = 23/3.
    """
    square = problem("gaussian_square")
    total = {}
    for baseline in ("none", "mean", "optimal"):
        reinforce = estimator("score_function", baseline=baseline)
        moments = moments_of(square, reinforce, 4, "square", adapt_steps=2000)
        total[baseline] = sum(variance_of(each).value for each in moments.values())
    best = total_variance_on_the_square(23 / 3)
    assert total["optimal"] == pytest.approx(best / 4, rel=0.1)
    assert total["mean"] == pytest.approx(total_variance_on_the_square(5.0) / 4, rel=0.1)
    assert best < total_variance_on_the_square(5.0) < total_variance_on_the_square(0.0)
    assert total["optimal"] < total["mean"] < total["none"]


@pytest.mark.slow
def test_input_dependent():
    """In a VAE f differs from image to image; that the network is trained right is a check."""
    vae = problem("vae_bernoulli", latent_dim=3, num_images=4, hidden_dim=8)
    variances = {}
    for baseline in ("none", "input_dependent"):
        reinforce = estimator("score_function", baseline=baseline)
        moments = moments_of(vae, reinforce, 2, "vae", replicates=2_000, adapt_steps=1_000)
        variances[baseline] = variance_of(moments["encoder"])
    assert variances["input_dependent"].high < 0.01 * variances["none"].low


def test_input_dependent_needs_inputs():
    reinforce = estimator("score_function", baseline="input_dependent")
    assert "inputs" in reinforce.refuses(problem("gamma_toy"))


@pytest.mark.parametrize("baseline", ["mean", "moving_average", "optimal"])
def test_state_is_for_the_next_estimate(baseline):
    """Nothing is learned before the first estimate: b = 0."""
    square = small_problem("gaussian_square")
    params = initial(square)
    key = jax.random.key(1)
    reinforce = estimator("score_function", baseline=baseline)
    state = reinforce.init(square, params, jax.random.key(0))
    first, after = reinforce.estimate(square, params, state, key, 4)
    plain, _ = estimator("score_function").estimate(square, params, (), key, 4)
    np.testing.assert_array_equal(first["mean"], plain["mean"])
    assert isinstance(after, WeightedMean)
    assert not eqx.tree_equal(state, after)


class SeesItself(MovingAverage):
    """Its value includes the samples that it is subtracted from."""

    def value(self, drawn, state):
        return self.update(drawn, state).mean[None]


def assert_unbiased_on_the_square(baseline):
    square = small_problem("gaussian_square")
    reinforce = ScoreFunction(baseline=baseline)
    assert reinforce.claims_unbiased(square), "a copy claims what the original does"
    moments = moments_of(square, reinforce, 1, "bias", replicates=200_000)
    truth = truth_of(square)
    for group in ("mean", "scale"):
        assert_mean(moments[group], truth[group])


def test_moving_average_is_unbiased():
    assert_unbiased_on_the_square(MovingAverage(decay=0.9))


def test_seeing_itself_is_biased():
    """At decay 0.9 the bias is a tenth of the gradient at L = 1."""
    with pytest.raises(AssertionError, match=r"p = \d\.\de-1\d\d"):
        assert_unbiased_on_the_square(SeesItself(decay=0.9))


def pairs_of_draws(logit):
    """(f(x) − f(x')) s(x) at all pairs of joint values, and the probability of each pair."""
    bits = shared_bits(logit)
    estimates = (bits.f[:, None] - bits.f) * bits.score[:, None]
    return np.outer(bits.q, bits.q), estimates


@pytest.mark.parametrize("num_samples", [1, 3])
@pytest.mark.parametrize("logit", [0.0, -4.0])
def test_one_more_draw(logit, num_samples):
    """Variances by enumeration: of each sample its own further draw, none shared."""
    probability, estimates = pairs_of_draws(logit)
    mean = (probability * estimates).sum()
    assert mean == pytest.approx(shared_bits(logit).gradient)
    variance = (probability * (estimates - mean) ** 2).sum()
    toy = problem("bernoulli_shared", logit=logit)
    sample_baseline = estimator("score_function", baseline="sample")
    moments = moments_of(toy, sample_baseline, num_samples, f"{logit}", replicates=100_000)["logit"]
    assert_mean(moments, [mean])
    assert_variance(moments, variance / num_samples)
    assert sample_baseline.claims_one_over_samples()
    assert sample_baseline.evaluations(toy, num_samples) == (2 * num_samples, 0)


def test_one_more_draw_with_a_control_variate():
    """What h leaves of f is drawn afresh: nothing where f is quadratic, h the delta method."""
    square = problem("gaussian_square")
    both = estimator("score_function", baseline="sample", control_variate="delta")
    moments = moments_of(square, both, 2, "afresh", replicates=2_000)
    assert variance_of(moments["mean"]).value < 1e-10
    np.testing.assert_allclose(moments["mean"].mean.mean(0), truth_of(square)["mean"], rtol=1e-4)
