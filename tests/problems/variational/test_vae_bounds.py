"""Bounds from several particles: by enumeration, and of one particle, which is the plain ELBO."""

import itertools

import jax
import numpy as np

from gradest.estimators import estimator
from gradest.problems import problem
from gradest.problems.distributions.enumeration import binary_vectors
from tests.support.bounds import small_bound
from tests.support.derivatives import along, directions, unrolled
from tests.support.estimates import as_vector, one_estimate
from tests.support.networks import log_mass, network
from tests.support.statistical import initial, truth_of


def test_bernoulli_by_enumeration():
    vae, params = small_bound(latent=2, k=3)
    images = np.asarray(vae.images, float)
    states = binary_vectors(2)
    point, rolled = unrolled(params)

    def negative_bound(theta):
        layers = rolled(theta)
        log_q = log_mass(network(layers["encoder"], images)[:, None], states)
        pixels = network(layers["decoder"], states)
        log_p = log_mass(pixels, images[:, None]) + 2 * np.log(0.5)
        w = np.exp(log_p - log_q)
        q = np.exp(log_q)
        total = 0.0
        for trio in itertools.product(range(4), repeat=3):
            total += (q[:, trio].prod(1) * np.log(w[:, trio].mean(1))).sum()
        return -total / len(images)

    slopes = directions(len(point)) @ as_vector(truth_of(vae, params))
    np.testing.assert_allclose(slopes, along(negative_bound, point), rtol=1e-5, atol=1e-6)


def test_one_particle_of_bits():
    vae, params = small_bound(latent=3, k=1)
    plain = problem("vae_bernoulli", latent_dim=3, num_images=2, hidden_dim=3, kl="sampled")
    truths = as_vector(truth_of(vae, params)), as_vector(truth_of(plain, params))
    np.testing.assert_allclose(*truths, rtol=1e-9, atol=1e-12)


def test_one_particle_of_gaussians():
    """Their pathwise estimates are the same."""
    given = {"latent_dim": 3, "num_images": 2, "hidden_dim": 3}
    bound = problem("vae_gaussian_bound", num_particles=1, **given)
    plain = problem("vae_gaussian", kl="sampled", **given)
    pathwise = estimator("pathwise")
    key = jax.random.key(0)
    one = one_estimate(bound, pathwise, initial(bound), 4, key=key)
    other = one_estimate(plain, pathwise, initial(bound), 4, key=key)
    np.testing.assert_allclose(as_vector(one), as_vector(other), rtol=1e-4, atol=1e-5)
