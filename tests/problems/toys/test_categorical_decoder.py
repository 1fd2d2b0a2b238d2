"""Logits before a decoder: by summing over every latent, and as what an encoder is passed back."""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradest.problems import problem
from tests.support.derivatives import by_coordinate, unrolled
from tests.support.distributions import softmax
from tests.support.estimates import as_vector
from tests.support.networks import network
from tests.support.statistical import initial, truth_of

SMALL = {"latent_dim": 2, "categories": 3, "num_images": 2, "hidden_dim": 3}


def relu(x):
    return np.maximum(x, 0)


def test_by_summing():
    """By differences of the sum over all latents."""
    toy = problem("categorical_decoder", **SMALL)
    images = np.asarray(toy.images, float)
    assert ((images > 0) & (images < 1)).any()
    decoder = jax.tree.map(partial(np.asarray, dtype=float), toy.decoder)
    point, rolled = unrolled(initial(toy))

    def cross_entropy(theta):
        probs = softmax(rolled(theta)["logits"])
        total = 0.0
        for chosen in itertools.product(range(3), repeat=2):
            q = probs[:, range(2), chosen].prod(1)
            x = np.eye(3)[list(chosen)].reshape(1, -1)
            on = 1 / (1 + np.exp(-network(decoder, x, relu)))
            entropies = -(images * np.log(on) + (1 - images) * np.log1p(-on)).sum(1)
            total += (q * entropies).sum() / len(images)
        return total

    assert float(toy.exact_objective(initial(toy))) == pytest.approx(cross_entropy(point), rel=1e-5)
    numeric = by_coordinate(cross_entropy, point, h=1e-6)
    np.testing.assert_allclose(as_vector(truth_of(toy)), numeric, rtol=1e-4, atol=1e-7)


def test_an_encoder_is_passed_the_gradient_in_the_logits():
    """The chain rule: a VAE's encoder, whose loss has the divergence from the prior besides."""
    same = {**SMALL, "activation": "relu"}
    toy = problem("categorical_decoder", **same)
    vae = problem("vae_categorical", binarised="none", **same)
    params = vae.init_params(jax.random.key(3)) | {"decoder": toy.decoder}

    def logits_of(encoder):
        return vae.of_images(encoder).reshape(2, 2, 3)

    def divergence(encoder):
        return vae.analytic_kl({"encoder": encoder}).mean()

    logits, back = jax.vjp(logits_of, params["encoder"])
    (passed_back,) = back(toy.exact_gradient({"logits": logits})["logits"])
    whole = jax.tree.map(jnp.add, passed_back, jax.grad(divergence)(params["encoder"]))
    truth = vae.exact_gradient(params)
    for ours, theirs in zip(jax.tree.leaves(whole), jax.tree.leaves(truth["encoder"]), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_too_many_latents_have_no_truth():
    toy = problem("categorical_decoder", num_images=2, latent_dim=5, hidden_dim=3)
    params = toy.init_params(jax.random.key(0))
    assert toy.exact_gradient(params) is None
    assert toy.exact_objective(params) is None


def test_more_images_than_there_are():
    with pytest.raises(ValueError, match="num_images = 1798: expected at most 1797, all of digits"):
        problem("categorical_decoder", num_images=1798)
