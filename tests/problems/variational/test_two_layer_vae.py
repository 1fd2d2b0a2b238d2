"""Two layers of bits, by differences of the enumerated ELBO."""

import itertools

import jax
import numpy as np

from gradest.problems import problem
from gradest.problems.distributions.enumeration import binary_vectors
from tests.support.derivatives import along, directions, unrolled
from tests.support.estimates import as_vector
from tests.support.networks import log_mass, network
from tests.support.statistical import initial, truth_of


def test_by_enumeration():
    vae = problem("vae_bernoulli_two_layers", latent_dim=2, num_images=2, hidden_dim=3)
    params = jax.tree.map(lambda leaf: 1.5 * leaf, initial(vae))
    images = np.asarray(vae.images, float)
    states = binary_vectors(2)
    point, rolled = unrolled(params)

    def negative_elbo(theta):
        both = rolled(theta)
        q = both["encoder"]
        p = both["decoder"]
        total = 0.0
        for image, b1, b2 in itertools.product(images, states, states):
            log_q = log_mass(network(q["first"], image), b1)
            log_q += log_mass(network(q["second"], b1), b2)
            log_p = log_mass(network(p["first"], b1), image)
            log_p += log_mass(network(p["second"], b2), b1) + 2 * np.log(0.5)
            total += np.exp(log_q) * (log_q - log_p)
        return total / len(images)

    slopes = directions(len(point)) @ as_vector(truth_of(vae, params))
    np.testing.assert_allclose(slopes, along(negative_elbo, point), rtol=1e-5, atol=1e-6)
