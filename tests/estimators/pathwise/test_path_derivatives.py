"""Sticking the landing and DReG: where they coincide, and variances in closed form."""

import jax
import numpy as np
import numpyro.distributions as dist
import pytest

from gradest.estimators import estimator
from gradest.problems import problem
from tests.support.estimates import KEY, as_vector, one_estimate
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


def with_unit_scale(toy, params, power):
    """The gradient by b in NumPy, log q under scale 1: Σ w̃^power ∂_z log w, in the mean."""
    mean = np.asarray(toy.proposal_mean(params), float)[:, None]
    scale = np.sqrt(float(toy.variance))
    noise = jax.random.normal(KEY, (toy.num_points, toy.num_particles, toy.dim, 1))[..., 0]
    z = mean + scale * np.asarray(noise, float)
    mu = np.asarray(params["model"]["mean"], float)
    x = np.asarray(toy.points, float)[:, None]
    log_w = (-((z - mu) ** 2) - (x - z) ** 2 + (z - mean) ** 2).sum(-1) / 2
    w = np.exp(log_w - log_w.max(1, keepdims=True))
    share = w / w.sum(1, keepdims=True)
    slope = mu + x - z - mean
    return -(share[..., None] ** power * slope).sum(1).mean(0)


@pytest.mark.parametrize(("name", "power"), [("sticking_the_landing", 1), ("dreg", 2)])
def test_another_density(name, power):
    """As published curves have it; no claim is made for it."""
    toy = problem("normal_normal_bound", dim=3, num_points=4, num_particles=6, variance=4 / 9)
    params = toy.init_params(jax.random.key(4))
    subject = estimator(name, density="unit_scale")
    found = one_estimate(toy, subject, params, 1, key=KEY)["offset"]
    np.testing.assert_allclose(found, with_unit_scale(toy, params, power), rtol=1e-4)
    one = problem("normal_normal_bound", num_particles=1)
    assert estimator(name).claims_unbiased(one)
    assert not subject.claims_unbiased(one)


def test_another_density_needs_a_gaussian():
    class Logistic(type(problem("normal_normal_bound"))):
        def distribution(self, params):
            q = super().distribution(params)
            return dist.Logistic(q.base_dist.loc, q.base_dist.scale).to_event(2)

    assert DREG.refuses(Logistic()) is None
    for name in ("dreg", "sticking_the_landing"):
        refusal = estimator(name, density="unit_scale").refuses(Logistic())
        assert refusal == "density = unit_scale: Logistic is no Gaussian"


def test_refusals():
    assert LANDING.refuses(problem("vae_gaussian")) == (
        "the divergence is in closed form: there is no log q(x) in f to hold"
    )
    assert LANDING.refuses(problem("vae_gaussian", kl="sampled")) is None
    assert LANDING.refuses(problem("gaussian_square"))
    assert DREG.refuses(problem("gaussian_square"))
    assert DREG.refuses(problem("normal_normal_bound", num_particles=1)) is None
    assert "rsample" in DREG.refuses(problem("vae_bernoulli_bound"))
