"""Images, held-out ones, and networks as papers have them, against the same in NumPy."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradest.problems import problem
from gradest.problems.data import images_of, split
from gradest.problems.distributions.enumeration import binary_vectors
from tests.support.derivatives import along, directions, unrolled
from tests.support.distributions import softmax
from tests.support.estimates import as_vector
from tests.support.networks import log_mass, network
from tests.support.statistical import initial, truth_of

PAPERS = {
    "activation": "leaky_relu",
    "slope": 0.3,
    "initialisation": "glorot_uniform",
    "prior": "learned",
    "centred": True,
    "num_images": 2,
    "hidden_dim": "4-3",
}


def leaky(x):
    return np.where(x > 0, x, 0.3 * x)


def mean_pixels():
    return images_of("digits", "threshold", split("digits").training).mean(0)


def log_odds_of_mean():
    mean = np.clip(mean_pixels(), 0.001, 0.999)
    return np.log(mean / (1 - mean))


def away_from_the_start(params):
    """θ with every number moved, so that neither prior nor biases are zero."""
    rng = np.random.default_rng(0)
    return jax.tree.map(lambda leaf: leaf + 0.3 * rng.normal(size=leaf.shape), params)


def assert_gradient(vae, negative_elbo):
    """The exact gradient is that of a negative ELBO written out in NumPy, along four directions."""
    params = away_from_the_start(initial(vae))
    point, rolled = unrolled(params)
    slopes = directions(len(point)) @ as_vector(truth_of(vae, params))
    numeric = along(lambda theta: negative_elbo(rolled(theta)), point)
    np.testing.assert_allclose(slopes, numeric, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kl", ["analytic", "sampled"])
def test_bits_of_a_paper(kl):
    vae = problem("vae_bernoulli", latent_dim=3, kl=kl, **PAPERS)
    shapes = [layer.weight.shape for layer in initial(vae)["encoder"]]
    assert shapes == [(4, 64), (3, 4), (3, 3)]
    assert [layer.weight.shape for layer in initial(vae)["decoder"]] == [(3, 3), (4, 3), (64, 4)]
    images = np.asarray(vae.images, float)
    states = binary_vectors(3)

    def negative_elbo(theta):
        logits = network(theta["encoder"], images - mean_pixels(), leaky)
        log_q = log_mass(logits[:, None], states)
        outputs = network(theta["decoder"], 2 * states - 1, leaky) + log_odds_of_mean()
        log_p = log_mass(outputs, images[:, None])
        log_p = log_p + log_mass(theta["prior"]["logits"], states)
        return (np.exp(log_q) * (log_q - log_p)).sum() / len(images)

    assert_gradient(vae, negative_elbo)


@pytest.mark.parametrize("kl", ["analytic", "sampled"])
def test_categories_of_a_paper(kl):
    dim, categories = 2, 3
    vae = problem("vae_categorical", latent_dim=dim, categories=categories, kl=kl, **PAPERS)
    images = np.asarray(vae.images, float)

    def negative_elbo(theta):
        logits = network(theta["encoder"], images - mean_pixels(), leaky)
        probs = softmax(logits.reshape(2, dim, categories))
        prior = softmax(theta["prior"]["logits"])
        total = 0.0
        for chosen in itertools.product(range(categories), repeat=dim):
            q = probs[:, range(dim), chosen].prod(1)
            x = np.eye(categories)[list(chosen)].reshape(1, -1)
            outputs = network(theta["decoder"], x, leaky) + log_odds_of_mean()
            log_p = log_mass(outputs, images) + np.log(prior[range(dim), chosen]).sum()
            total += (q * (np.log(q) - log_p)).sum() / len(images)
        return total

    assert_gradient(vae, negative_elbo)


def test_two_linear_layers_of_bits():
    """tucker2017's belief network, small: no hidden layer in any network."""
    given = PAPERS | {"activation": "tanh", "slope": 0.1, "hidden_dim": 0}
    vae = problem("vae_bernoulli_two_layers", latent_dim=2, **given)
    images = np.asarray(vae.images, float)
    states = binary_vectors(2)

    def negative_elbo(theta):
        q, p = theta["encoder"], theta["decoder"]
        total = 0.0
        for image, b1, b2 in itertools.product(images, states, states):
            log_q = log_mass(network(q["first"], image - mean_pixels()), b1)
            log_q += log_mass(network(q["second"], 2 * b1 - 1), b2)
            log_p = log_mass(network(p["first"], 2 * b1 - 1) + log_odds_of_mean(), image)
            log_p += log_mass(network(p["second"], 2 * b2 - 1), b1)
            log_p += log_mass(theta["prior"]["logits"], b2)
            total += np.exp(log_q) * (log_q - log_p)
        return total / len(images)

    assert_gradient(vae, negative_elbo)


def test_a_learned_gaussian_prior():
    """KL(N(μ, σ²) || N(m, s²)), by numpyro, which shares no code with it."""
    vae = problem("vae_gaussian", latent_dim=3, prior="learned", num_images=2)
    params = away_from_the_start(initial(vae))
    q = vae.distribution(params).base_dist
    prior = params["prior"]
    m, s = np.asarray(prior["mean"]), np.exp(prior["log_scale"])
    ratio = np.asarray(q.scale) / s
    kl = (np.log(1 / ratio) + (ratio**2 + ((q.loc - m) / s) ** 2 - 1) / 2).sum(-1)
    np.testing.assert_allclose(vae.analytic_kl(params), kl, rtol=1e-5)
    sampled = problem("vae_gaussian", latent_dim=3, prior="learned", num_images=2, kl="sampled")
    x = jnp.asarray(np.random.default_rng(1).normal(size=(2, 3)), jnp.float32)
    expected = -0.5 * (((x - m) / s) ** 2 + np.log(2 * np.pi)).sum(-1) - np.log(s).sum()
    np.testing.assert_allclose(sampled.prior_of(params).log_prob(x), expected, rtol=1e-5)


@pytest.mark.parametrize("name", ["vae_bernoulli_bound", "vae_gaussian_bound"])
def test_bounds_take_the_same_arguments(name):
    bound = problem(name, latent_dim=2, num_particles=2, **PAPERS)

    @jax.jit
    def f(key):
        params = bound.init_params(key)
        x = bound.distribution(params).sample(key).astype(jnp.float32)
        return params["prior"], bound.objective(params, x)

    assert np.isfinite(f(jax.random.key(0))[1]).all()


def test_grey_pixels_are_in_the_cross_entropy():
    vae = problem("vae_bernoulli", latent_dim=2, binarised="none", num_images=3)
    grey = np.asarray(vae.images, float)
    assert ((grey > 0) & (grey < 1)).any()
    z = np.array([[0.0, 1.0], [1.0, 1.0], [0.0, 0.0]])
    logits = network(initial(vae)["decoder"], z)
    p = 1 / (1 + np.exp(-logits))
    expected = (grey * np.log(p) + (1 - grey) * np.log(1 - p)).sum(-1)
    found = vae.log_likelihood(initial(vae), jnp.asarray(z, jnp.float32))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_images_are_as_ever_where_nothing_is_said():
    """The first N of the shuffled images, however many are held out."""
    order = np.random.default_rng(0).permutation(1797)
    for number in (16, 1797):
        made = problem("vae_gaussian", num_images=number)
        np.testing.assert_array_equal(made.images, images_of("digits", "threshold", order[:number]))


def test_held_out_images_are_others():
    whole = problem("vae_bernoulli", num_images=1438, centred=True)
    others = whole.held_out()
    order = np.random.default_rng(0).permutation(1797)
    np.testing.assert_array_equal(others.images, images_of("digits", "threshold", order[1438:]))
    np.testing.assert_array_equal(others.mean_image, whole.mean_image)  # of what it has seen
    assert type(others) is type(whole)
    assert problem("vae_bernoulli", num_images=1439).held_out() is None
    assert problem("vae_bernoulli", train_steps=10).held_out() is None
    assert problem("logistic_regression").held_out() is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"hidden_dim": "512-"}, "hidden_dim = '512-': expected a whole number, 0 for none"),
        ({"hidden_dim": "32"}, "hidden_dim = '32': expected a whole number"),
        ({"hidden_dim": -1}, "hidden_dim = -1: expected a whole number"),
        ({"hidden_dim": [512, 256]}, "hidden_dim = .*expected a whole number, 0 for none"),
        ({"slope": 0.3}, "slope = 0.3: expected only with activation = 'leaky_relu'"),
        ({"activation": "leaky"}, "activation = 'leaky': .*did you mean leaky_relu"),
        ({"hidden": "512-256"}, "unknown argument 'hidden': .*did you mean hidden_dim"),
        ({"num_images": 1798}, "num_images = 1798: expected at most 1797, all of digits"),
    ],
)
def test_what_cannot_be(given, message):
    with pytest.raises(ValueError, match=message):
        problem("vae_bernoulli", **given)


def test_the_networks_of_papers_can_be_said():
    """784–512–256–(20·10) and back; here from the digits' 64 pixels."""
    given = {"latent_dim": 20, "categories": 10, "activation": "leaky_relu"}
    vae = problem("vae_categorical[hidden_dim=512-256]", **given)
    shapes = jax.eval_shape(vae.init_params, jax.random.key(0))
    sizes = [[layer.weight.shape for layer in shapes[g]] for g in ("encoder", "decoder")]
    assert sizes == [
        [(512, 64), (256, 512), (200, 256)],
        [(256, 200), (512, 256), (64, 512)],
    ]
    assert jax.eval_shape(vae.exact_gradient, shapes) is None  # 10²⁰ latents
