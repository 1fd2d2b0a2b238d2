"""Autoencoders: gradients by enumerating the ELBO, and the two forms of the divergence."""

import itertools
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradest.estimators.sampling.draws import sample
from gradest.problems import problem
from gradest.problems.distributions.enumeration import binary_vectors
from tests.support.derivatives import by_coordinate, unrolled
from tests.support.distributions import softmax
from tests.support.estimates import as_vector
from tests.support.networks import log_mass, network
from tests.support.statistical import assert_z, initial, truth_of


@pytest.mark.parametrize("kl", ["analytic", "sampled"])
def test_bernoulli_by_enumeration(kl):
    vae = problem("vae_bernoulli", latent_dim=3, num_images=2, hidden_dim=4, kl=kl)
    images = np.asarray(vae.images, float)
    states = binary_vectors(3)
    point, rolled = unrolled(initial(vae))

    def negative_elbo(theta):
        params = rolled(theta)
        log_q = log_mass(network(params["encoder"], images)[:, None], states)
        log_p = log_mass(network(params["decoder"], states), images[:, None]) + 3 * np.log(0.5)
        return (np.exp(log_q) * (log_q - log_p)).sum() / len(images)

    numeric = by_coordinate(negative_elbo, point, h=1e-6)
    np.testing.assert_allclose(as_vector(truth_of(vae)), numeric, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("kl", ["analytic", pytest.param("sampled", marks=pytest.mark.slow)])
def test_categorical_by_enumeration(kl):
    """Each seventh coordinate."""
    dim, categories = 2, 3
    given = {"latent_dim": dim, "categories": categories, "num_images": 2, "hidden_dim": 3}
    vae = problem("vae_categorical", kl=kl, **given)
    images = np.asarray(vae.images, float)
    point, rolled = unrolled(initial(vae))

    def negative_elbo(theta):
        params = rolled(theta)
        logits = network(params["encoder"], images).reshape(2, dim, categories)
        probs = softmax(logits)
        total = 0.0
        for chosen in itertools.product(range(categories), repeat=dim):
            q = probs[:, range(dim), chosen].prod(1)
            x = np.eye(categories)[list(chosen)].reshape(1, -1)
            log_p = log_mass(network(params["decoder"], x), images) - dim * np.log(categories)
            total += (q * (np.log(q) - log_p)).sum() / len(images)
        return total

    numeric = by_coordinate(negative_elbo, point, h=1e-6, every=7)
    np.testing.assert_allclose(as_vector(truth_of(vae))[::7], numeric, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(
    "name", ["vae_gaussian", pytest.param("vae_bernoulli", marks=pytest.mark.slow)]
)
def test_both_divergences_agree(name):
    """Sampled and analytic, on average."""
    values = {}
    for kl in ("analytic", "sampled"):
        vae = problem(name, kl=kl, latent_dim=3, num_images=2, hidden_dim=8)
        x = sample(vae.distribution(initial(vae)), jax.random.key(1), 20_000)
        values[kl] = np.asarray(vae.objectives(initial(vae), x), float)
    apart = values["analytic"] - values["sampled"]
    assert apart.std() > 0
    assert_z(apart.mean(0) / (apart.std(0) / np.sqrt(len(apart))))


@pytest.mark.parametrize("logit", [-30.0, 20.0, 110.0])
def test_the_kl_of_bits_has_its_digits_far_out(logit):
    """All logits of an encoder without weights are its biases."""
    vae = problem("vae_bernoulli", num_images=2)
    params = vae.init_params(jax.random.key(0))
    *hidden, last = params["encoder"]
    last = eqx.tree_at(
        lambda layer: (layer.weight, layer.bias),
        last,
        (jnp.zeros_like(last.weight), jnp.full_like(last.bias, logit)),
    )
    kl = vae.analytic_kl(params | {"encoder": [*hidden, last]})
    rare = math.exp(-abs(logit))
    truth = vae.latent_dim * (math.log(2) - math.log1p(rare) - rare / (1 + rare) * abs(logit))
    np.testing.assert_allclose(kl, [truth, truth], rtol=1e-6)
