"""VIMCO and OVIS: their means and variances over all that can be drawn, and their formulas."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.lax import stop_gradient

from gradest.estimators import estimator
from gradest.estimators.score_function import particles
from gradest.problems import problem
from gradest.problems.distributions.enumeration import binary_vectors
from tests.support.bounds import small_bound
from tests.support.estimates import as_vector, one_estimate
from tests.support.statistical import moments_of, truth_of, variance_of

KEY = jax.random.key(0)

WITHOUT_NOISE = {
    "vimco, geometric": estimator("vimco", mean="geometric"),
    "vimco, arithmetic": estimator("vimco", mean="arithmetic"),
    "ovis": estimator("ovis"),
}
"""Estimators whose only randomness is the particles."""


def in_float64(tree):
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), tree)


def exact_moments(subject, vae, params, monkeypatch, auxiliary: bool = False):
    """Mean and total variance of an estimate at L = 1, by enumerating all that it can draw.

    What it draws a second time, `auxiliary` particles, is enumerated too where there are any.
    """
    with jax.enable_x64(True):
        vae, params, subject = in_float64((vae, params, subject))
        q = vae.distribution(params)
        (size,) = q.batch_shape
        k, latent = q.event_shape
        states = binary_vectors(size * k * latent).reshape(-1, size, k, latent)
        probability = np.exp(np.asarray(q.log_prob(jnp.asarray(states)).sum(-1)))
        state = subject.init(vae, params, KEY)

        def estimate(x, spare):
            waiting = [x, spare]
            monkeypatch.setattr(particles, "sample", lambda q, key, num: waiting.pop(0)[None])
            grads, _ = subject.estimate(vae, params, state, KEY, 1)
            return jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(grads)])

        spares = states if auxiliary else states[:1]
        of_spares = jax.vmap(estimate, in_axes=(None, 0))
        of_both = jax.jit(jax.vmap(of_spares, in_axes=(0, None)))
        estimates = np.asarray(of_both(jnp.asarray(states), jnp.asarray(spares)))
    weight = np.outer(probability, probability if auxiliary else np.ones(1))
    mean = np.einsum("ij,ijp->p", weight, estimates)
    return mean, float((weight * ((estimates - mean) ** 2).sum(-1)).sum())


@pytest.mark.parametrize("name", WITHOUT_NOISE)
def test_unbiased(name, monkeypatch):
    vae, params = small_bound(latent=2, k=3, images=1)
    mean, variance = exact_moments(WITHOUT_NOISE[name], vae, params, monkeypatch)
    np.testing.assert_allclose(mean, as_vector(truth_of(vae, params)), rtol=1e-9, atol=1e-10)
    assert variance > 0


def test_unbiased_with_auxiliary_particles(monkeypatch):
    vae, params = small_bound(latent=1, k=3, images=1)
    ovis = estimator("ovis", control_variate="monte_carlo")
    mean, variance = exact_moments(ovis, vae, params, monkeypatch, auxiliary=True)
    np.testing.assert_allclose(mean, as_vector(truth_of(vae, params)), rtol=1e-9, atol=1e-10)
    assert variance > 0


def test_ovis_for_many_effective_particles(monkeypatch):
    r"""Its bias is $-E[\gamma \sum_k \tilde w_k \nabla \log q(z_k)]$, enumerated."""
    vae, params = small_bound(latent=2, k=3, images=1)
    ovis = estimator("ovis", gamma=0.5)
    assert not ovis.claims_unbiased(vae)
    mean, _ = exact_moments(ovis, vae, params, monkeypatch)
    bias = mean - as_vector(truth_of(vae, params))
    with jax.enable_x64(True):
        vae, params = in_float64((vae, params))
        states = jnp.asarray(binary_vectors(6).reshape(-1, 1, 3, 2))

        def weighted_score(params):
            q = stop_gradient(vae.distribution(params))
            density = vae.distribution(params).base_dist.log_prob(states).sum(-1)
            log_weights = jax.vmap(vae.log_weights, in_axes=(None, None, 0))
            log_w = log_weights(stop_gradient(params), q, states)
            each = (jax.nn.softmax(log_w) * density).sum((-2, -1))
            return (jnp.exp(q.log_prob(states))[:, 0] * each).sum()

        expected = -0.5 * as_vector(jax.jit(jax.grad(weighted_score))(params))
    np.testing.assert_allclose(bias, expected, rtol=1e-8, atol=1e-10)
    assert np.abs(bias).max() > 1e-3


@pytest.mark.slow
def test_controls_lower_the_variance(monkeypatch):
    """Each to below a tenth of what it is without any control."""
    vae, params = small_bound(latent=2, k=3, images=1)
    without = estimator("vimco")

    def no_control(self, problem, params, log_w, scale, key):
        return 0 * log_w - scale

    with monkeypatch.context() as patch:
        patch.setattr(type(without), "control", no_control)
        _, plain = exact_moments(without, vae, params, patch)
    for subject in WITHOUT_NOISE.values():
        _, controlled = exact_moments(subject, vae, params, monkeypatch)
        assert controlled < plain / 10


def normal_normal_draws(toy, params):
    """Four particles z of each of three points, their weights w, and the score of each."""
    q = toy.distribution(params)
    mean = np.asarray(q.base_dist.loc, float)[..., 0]
    noise = jax.random.normal(KEY, (3, 4, 1, 1))[..., 0]
    z = np.asarray(q.base_dist.loc + q.base_dist.scale * noise, float)[..., 0]
    x = np.asarray(toy.points, float)[:, None]
    variance = float(toy.variance)
    mu = float(params["model"]["mean"])
    log_w = -((z - mu) ** 2 + (x - z) ** 2) / 2 + (z - mean) ** 2 / (2 * variance)
    return z, np.exp(log_w), (z - mean) / variance


def vimco_signal(w, k, stand_in):
    """With `stand_in`, a mean of the others, for the k-th weight."""
    rest = np.delete(w, k, axis=1)
    without = np.log((rest.sum(1) + stand_in(rest)) / 4)
    return np.log(w.mean(1)) - without - w[:, k] / w.sum(1)


def ovis_signal(w, k):
    share = w[:, k] / w.sum(1)
    return -np.log(1 - share) - share


SIGNALS = {
    "vimco, geometric": lambda w, k: vimco_signal(w, k, lambda v: np.exp(np.log(v).mean(1))),
    "vimco, arithmetic": lambda w, k: vimco_signal(w, k, lambda v: v.mean(1)),
    "ovis": ovis_signal,
}


@pytest.mark.parametrize("name", SIGNALS)
def test_written_out(name):
    toy = problem("normal_normal_bound", num_particles=4, num_points=3)
    params = toy.init_params(jax.random.key(4))
    z, w, score = normal_normal_draws(toy, params)
    share = w / w.sum(1, keepdims=True)
    signal = np.stack([SIGNALS[name](w, k) for k in range(4)], axis=1)
    estimate = one_estimate(toy, WITHOUT_NOISE[name], params, 1, key=KEY)
    by_offset = float(estimate["encoder"]["offset"])
    assert by_offset == pytest.approx(-(signal * score).sum() / 3, rel=1e-3)
    by_mean = -(share * (z - float(params["model"]["mean"]))).sum() / 3
    assert float(estimate["model"]["mean"]) == pytest.approx(by_mean, rel=1e-4)


@pytest.mark.parametrize("name", WITHOUT_NOISE)
def test_sums_from_both_ends(name, monkeypatch):
    """Of many particles they are those over pairs, in another order."""
    with jax.enable_x64(True):
        toy = problem("normal_normal_bound", num_particles=9, num_points=3, offset=0.5)
        params = toy.init_params(jax.random.key(4))
        subject = in_float64(WITHOUT_NOISE[name])
        paired = one_estimate(toy, subject, params, 2)
        monkeypatch.setattr(particles, "MOST_PAIRED", 8)
        found = one_estimate(toy, subject, params, 2)
    np.testing.assert_allclose(as_vector(found), as_vector(paired), rtol=1e-9)


def test_all_but_the_largest():
    """Nothing is taken off a sum: of weights that differ by e^60 the small ones stay."""
    log_w = jnp.array([[-60.0, 0.0, -61.0, -62.0]])
    expected = [0, np.log(np.exp([-60.0, -61, -62]).sum()), 0, 0]
    np.testing.assert_allclose(particles.rest_from_both_ends(log_w)[0], expected, atol=1e-5)


def signal_to_noise(name: str, k: int) -> dict[str, float]:
    toy = problem("normal_normal_bound", num_particles=k)
    params = toy.init_params(jax.random.key(1))
    label = f"signal to noise {k}"
    moments = moments_of(toy, estimator(name), 1, label, params=params, replicates=6_400)
    return {
        group: float(np.linalg.norm(truth)) / np.sqrt(variance_of(moments[group]).value)
        for group, truth in truth_of(toy, params).items()
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "slope"), [("pathwise", -0.5), ("vimco", -0.5), ("dreg", 0.5), ("ovis", 0.5)]
)
def test_signal_to_noise_against_particles(name, slope):
    """The inference network's falls as K^−½ or rises as K^½; the model's rises with all.

    Rainforth et al. (2018), Tucker et al. (2019); without a differentiable draw Liévin et al.
    (2020).
    """
    few, many = 8, 64
    low = signal_to_noise(name, few)
    high = signal_to_noise(name, many)
    slopes = {group: np.log(high[group] / low[group]) / np.log(many / few) for group in low}
    assert slopes == pytest.approx({"encoder": slope, "model": 0.5}, abs=0.1)


@pytest.mark.parametrize("name", ["vimco", "ovis"])
def test_refusals(name):
    assert estimator(name).refuses(problem("gaussian_square"))


def test_vimco_needs_other_particles():
    one = problem("normal_normal_bound", num_particles=1)
    assert estimator("vimco").refuses(one) == "num_particles = 1: a particle needs others beside it"
