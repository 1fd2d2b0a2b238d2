"""Sticking the landing and DReG: where they coincide, and variances in closed form."""

import jax
import numpy as np
import pytest

from gradest.estimators import estimator
from gradest.problems import problem
from tests.support.estimates import as_vector, one_estimate
from tests.support.statistical import assert_variance, initial, moments_of

LANDING = estimator("sticking_the_landing")
DREG = estimator("dreg")
PATHWISE = estimator("pathwise")


def largest(gradient):
    return max(abs(float(leaf)) for leaf in jax.tree.leaves(gradient))


def test_dreg_of_one_particle():
    """It is sticking the landing."""
    one = problem("normal_normal_bound", num_particles=1)
    params = one.init_params(jax.random.key(4))
    dreg = one_estimate(one, DREG, params, 6)
    landing = one_estimate(one, LANDING, params, 6)
    np.testing.assert_allclose(as_vector(dreg), as_vector(landing), rtol=1e-5, atol=1e-6)


def test_dreg_is_iwae_for_the_model():
    several = problem("normal_normal_bound", num_particles=5)
    params = several.init_params(jax.random.key(4))
    dreg = one_estimate(several, DREG, params, 6)
    iwae = one_estimate(several, PATHWISE, params, 6)
    np.testing.assert_allclose(dreg["model"]["mean"], iwae["model"]["mean"], rtol=1e-4)
    assert abs(float(dreg["encoder"]["offset"]) / float(iwae["encoder"]["offset"]) - 1) > 0.1


def test_no_variance_at_the_exact_posterior():
    vae = problem("linear_gaussian_vae", variance_ratio=1.0)
    landing = one_estimate(vae, LANDING, initial(vae), 5)
    full = one_estimate(vae, PATHWISE, initial(vae), 5)
    assert largest(landing["encoder"]) < 2e-6
    assert largest(full["encoder"]) > 0.02
    decoders = as_vector(landing["decoder"]), as_vector(full["decoder"])
    np.testing.assert_allclose(*decoders, rtol=1e-4, atol=1e-6)


def exact_variances(vae, ratio):
    """Of the encoder's gradient, in full and on the path alone.

    With ρ = s²/v, v the posterior's variance: of the mean's gradient ρ/v in full, (1 − ρ)²/(ρ v) on
    the path alone; of the log-scale's 2ρ² and 2(1 − ρ)².
    """
    n = vae.num_points
    noise = float(vae.noise)
    v = noise**2 / (1 + noise**2)
    inputs = (np.asarray(vae.points, float) ** 2).sum() + n  # of slope and offset
    full = inputs * ratio / v + n * 2 * ratio**2
    path = inputs * (1 - ratio) ** 2 / (ratio * v) + n * 2 * (1 - ratio) ** 2
    return full / n**2, path / n**2


@pytest.mark.parametrize("ratio", [0.3, 0.5, 0.8])
def test_variances_of_a_sampled_divergence(ratio):
    """Equal at ρ = ½, and below it the path alone is the worse."""
    vae = problem("linear_gaussian_vae", variance_ratio=ratio)
    full, path = exact_variances(vae, ratio)
    assert_variance(moments_of(vae, PATHWISE, 1, "landing")["encoder"], full)
    assert_variance(moments_of(vae, LANDING, 1, "landing")["encoder"], path)
    assert (path > full * (1 + 1e-9)) == (ratio < 0.5)


def test_refusals():
    assert LANDING.refuses(problem("vae_gaussian")) == (
        "the divergence is in closed form: there is no log q(x) in f to hold"
    )
    assert LANDING.refuses(problem("vae_gaussian", kl="sampled")) is None
    assert LANDING.refuses(problem("gaussian_square"))
    assert DREG.refuses(problem("gaussian_square"))
    assert DREG.refuses(problem("normal_normal_bound", num_particles=1)) is None
    assert "rsample" in DREG.refuses(problem("vae_bernoulli_bound"))
