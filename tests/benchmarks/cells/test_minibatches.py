"""The variance of minibatches, against all minibatches there are."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradest.benchmarks.cells.minibatches import data_spread, minibatch_variance
from gradest.problems import PROBLEMS, problem
from gradest.problems.base import WithData

POINTS, SIZE = 5, 2
SUBSETS = [list(each) for each in itertools.combinations(range(POINTS), SIZE)]


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def in_float64(tree):
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), tree)


def elsewhere(params, seed=1):
    """θ away from its start, where some gradients are zero by symmetry."""
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: leaf + 0.3 * rng.normal(size=leaf.shape), in_float64(params))


def over_subsets(gradient):
    """The variance, in each group, of a gradient over all minibatches."""
    found = [gradient(subset) for subset in SUBSETS]
    return {
        group: sum(
            float(np.stack(leaves).var(0).sum())
            for leaves in zip(*(jax.tree.leaves(each[group]) for each in found), strict=True)
        )
        for group in found[0]
    }


def assert_variances(made, params, expected):
    spread = data_spread(made, params)
    assert spread.points == POINTS
    assert spread.spreads.keys() == expected.keys()
    for group, value in expected.items():
        assert value > 0
        found = minibatch_variance(spread.spreads[group], POINTS, SIZE)
        assert found == pytest.approx(value, rel=1e-5), group


def layers(network, x):
    """The perceptron, by hand."""
    first, second = network
    hidden = jnp.tanh(x @ first.weight.T + first.bias)
    return hidden @ second.weight.T + second.bias


@pytest.mark.slow
def test_a_vae_over_all_pairs_of_its_images():
    """The negative ELBO of each pair, all eight latents of an image listed."""
    made = problem("vae_bernoulli", num_images=POINTS, latent_dim=3, hidden_dim=4)
    params = elsewhere(made.init_params(jax.random.key(0)))
    images = np.asarray(made.images, float)
    latents = jnp.asarray(list(itertools.product([0.0, 1.0], repeat=3)))

    def negative_elbo(params, image):
        on = jax.nn.sigmoid(layers(params["encoder"], image))
        q = jnp.prod(jnp.where(latents == 1, on, 1 - on), axis=1)
        pixels = jax.nn.sigmoid(layers(params["decoder"], latents))
        log_p = jnp.log(jnp.where(image == 1, pixels, 1 - pixels)).sum(1) + 3 * jnp.log(0.5)
        return (q * (jnp.log(q) - log_p)).sum()

    def of_pair(params, pair):
        return sum(negative_elbo(params, images[i]) for i in pair) / SIZE

    assert_variances(made, params, over_subsets(lambda pair: jax.grad(of_pair)(params, pair)))


def test_a_regression_over_all_pairs_of_its_rows():
    """Its KL belongs to no row: it is whole in every minibatch."""
    whole = problem("logistic_regression")
    rows = [3, 100, 200, 300, 500]
    features, labels = (np.asarray(a, float)[rows] for a in (whole.features, whole.labels))
    made = eqx.tree_at(
        lambda each: (each.features, each.labels), whole, (jnp.array(features), jnp.array(labels))
    )
    params = elsewhere(made.init_params(jax.random.key(0)))
    params["log_scale"] = params["log_scale"] - 2  # so that Gauss's rule converges
    nodes, weights = np.polynomial.hermite_e.hermegauss(100)
    weights = weights / weights.sum()

    def negative_elbo(params, pair):
        mean, scale = params["mean"], jnp.exp(params["log_scale"])
        margin = labels[pair] * (features[pair] @ mean)
        spread = jnp.sqrt(features[pair] ** 2 @ scale**2)
        losses = jnp.log1p(jnp.exp(-(margin[:, None] + spread[:, None] * nodes))) @ weights
        kl = 0.5 * (mean**2 + scale**2 - 1 - 2 * params["log_scale"]).sum()
        return POINTS / SIZE * losses.sum() + kl

    expected = over_subsets(lambda pair: jax.grad(negative_elbo)(params, np.array(pair)))
    assert_variances(made, params, expected)


SMALL = {
    "vae_categorical": {"num_images": POINTS, "latent_dim": 1, "categories": 3, "hidden_dim": 2},
    "vae_bernoulli_two_layers": {"num_images": POINTS, "latent_dim": 1, "hidden_dim": 2},
    "vae_bernoulli_bound": {
        "num_images": POINTS,
        "latent_dim": 1,
        "num_particles": 2,
        "hidden_dim": 2,
    },
    "linear_gaussian_vae": {"num_points": POINTS},
    "normal_normal_bound": {"num_points": POINTS, "num_particles": 2},
    "bayesian_network": {"num_rows": POINTS, "hidden_dim": 1},
}
"""The problems whose exact gradient is that of a minibatch, were these all the data there are."""


QUICK = ("normal_normal_bound",)


@pytest.mark.parametrize(
    "name",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in SMALL],
)
def test_others_over_all_pairs(name):
    made = in_float64(problem(name, **SMALL[name]))
    start = in_float64(made.init_params(jax.random.key(0)))
    params = start if name == "normal_normal_bound" else elsewhere(start)
    factor = 1 if made.averaged else POINTS / SIZE

    @jax.jit
    def of_pair(pair):
        data = tuple(rows[pair] for rows in made.data_rows)
        gradient = made.with_data(data).exact_gradient(params)
        return jax.tree.map(lambda leaf: factor * leaf, gradient)

    assert_variances(made, params, over_subsets(lambda pair: of_pair(jnp.array(pair))))


def test_who_has_data():
    """All that are measured on a data set; a toy has none, and a network's terms may be unknown."""
    having = {name for name, cls in PROBLEMS.items() if issubclass(cls, WithData)}
    assert having == {*SMALL, "vae_bernoulli", "vae_gaussian", "vae_gaussian_bound"} | {
        "logistic_regression"
    }
    toy = problem("gaussian_square")
    assert data_spread(toy, toy.init_params(jax.random.key(0))) is None
    network = problem("vae_gaussian", num_images=3)
    assert data_spread(network, network.init_params(jax.random.key(0))) == (3, {})


def test_all_data_are_no_minibatch():
    assert minibatch_variance(0.3, 7, 7) == 0
    assert minibatch_variance(0.3, 7, 1) == pytest.approx(0.3 * 7 * 6)
