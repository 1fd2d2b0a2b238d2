"""Estimates on minibatches: against all minibatches, and all latents, that there are."""

import itertools
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradest.benchmarks.cells.minibatches import data_spread, minibatch_variance
from gradest.estimators import Estimator, estimator
from gradest.estimators.base import Evaluations
from gradest.estimators.minibatched import Minibatched
from gradest.problems import problem
from gradest.problems.base import chosen_points
from tests.support.estimates import as_vector, one_estimate
from tests.support.networks import log_mass, network
from tests.support.statistical import (
    assert_mean,
    assert_variance,
    assert_z,
    initial,
    moments_of,
    truth_of,
)

POINTS, SIZE = 5, 2
PAIRS = list(itertools.combinations(range(POINTS), SIZE))
STATES = np.array(list(itertools.product([0.0, 1.0], repeat=2)))
GROUPS = ("decoder", "encoder")


def small(**given):
    arguments = {"num_images": POINTS, "latent_dim": 2, "hidden_dim": 2} | given
    return problem("vae_bernoulli", **arguments)


def term_of(params, image, state):
    """One image's part of the score-function gradient at one value of its latents, from
    derivatives of sums that are written out here: f ∇log q + ∇f, f the KL less log p."""

    def log_q(params):
        return log_mass_of(network_of(params["encoder"], image), state)

    def f(params):
        on = jax.nn.sigmoid(network_of(params["encoder"], image))
        kl = (on * jnp.log(2 * on) + (1 - on) * jnp.log(2 * (1 - on))).sum()
        return kl - log_mass_of(network_of(params["decoder"], state), image)

    value = f(params)
    return jax.tree.map(lambda a, b: value * a + b, jax.grad(log_q)(params), jax.grad(f)(params))


def network_of(layers, x):
    first, second = layers
    return second.weight @ jnp.tanh(first.weight @ x + first.bias) + second.bias


def log_mass_of(logits, bits):
    return jnp.where(bits == 1, jax.nn.log_sigmoid(logits), jax.nn.log_sigmoid(-logits)).sum()


@pytest.fixture(scope="module")
def pieces():
    """Of each image and state: its probability, and its part of an estimate, by group."""
    vae, start = small(), initial(small())
    with jax.enable_x64(True):
        params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), start)
        images = np.asarray(vae.images, float)
        q = np.exp([log_mass(network(params["encoder"], image), STATES) for image in images])
        terms = jax.jit(
            jax.vmap(jax.vmap(term_of, in_axes=(None, None, 0)), in_axes=(None, 0, None))
        )(params, images, STATES)
        rows = {group: in_rows(jax.tree.leaves(terms[group])) for group in GROUPS}
    return q, rows


def in_rows(leaves):
    """A vector for each image and state."""
    return np.concatenate([np.reshape(leaf, (POINTS, len(STATES), -1)) for leaf in leaves], -1)


def outcomes(pieces, group):
    """Every estimate that there is, by pair of images and pair of states, with its probability."""
    q, rows = pieces
    for i, j in PAIRS:
        for s, t in itertools.product(range(len(STATES)), repeat=2):
            yield q[i, s] * q[j, t], (rows[group][i, s] + rows[group][j, t]) / SIZE, (i, j)


def exact_moments(pieces, group):
    """Mean and variance over all minibatches and latents, and the two parts of the variance."""
    probability, estimates, pairs = zip(*outcomes(pieces, group), strict=True)
    p = np.array(probability)[:, None]
    estimates = np.array(estimates)
    of_pair = {pair: np.array([each == pair for each in pairs]) for pair in PAIRS}
    means = np.array([(p * estimates)[of_pair[pair]].sum(0) for pair in PAIRS])
    own = np.mean(
        [
            (p[of_pair[pair]] * (estimates[of_pair[pair]] - mean) ** 2).sum()
            for pair, mean in zip(PAIRS, means, strict=True)
        ]
    )
    p = p / len(PAIRS)
    mean = (p * estimates).sum(0)
    return mean, (p * (estimates - mean) ** 2).sum(), own, means.var(0).sum()


@pytest.fixture(scope="module")
def measured():
    return moments_of(small(), Minibatched(estimator("score_function"), SIZE), 1, "minibatched")


@pytest.mark.parametrize("group", GROUPS)
def test_mean_and_variance_over_all_minibatches_and_latents(group, pieces, measured):
    mean, variance, own, of_minibatches = exact_moments(pieces, group)
    assert variance == pytest.approx(own + of_minibatches)  # the law of total variance
    assert min(own, of_minibatches) > 0
    np.testing.assert_allclose(mean, truth_of(small())[group], rtol=1e-5, atol=1e-7)
    assert_mean(measured[group], mean)
    assert_variance(measured[group], variance)
    spread = data_spread(small(), initial(small())).spreads[group]
    assert minibatch_variance(spread, POINTS, SIZE) == pytest.approx(of_minibatches, rel=1e-4)


LEARNING = [
    ("score_function", {"baseline": "leave_one_out"}, 2),
    ("score_function", {"baseline": "mean"}, 1),
    ("rebar", {}, 1),
    ("score_function", {"baseline": "input_dependent"}, 1),
    ("disarm", {}, 2),
    ("double_control_variate", {}, 2),
]


@pytest.mark.parametrize(
    ("name", "arguments", "num_samples"),
    [
        pytest.param(
            *case,
            id="-".join([case[0], *case[1].values()]),
            marks=() if case in LEARNING[:3] else pytest.mark.slow,
        )
        for case in LEARNING
    ],
)
def test_no_bias(name, arguments, num_samples):
    """Of a state that is learned, one that is shared, one for each data point, or of none."""
    subject = Minibatched(estimator(name, **arguments), SIZE)
    assert subject.claims_unbiased(small())
    moments = moments_of(small(), subject, num_samples, "minibatched", replicates=4_000)
    truth = truth_of(small())
    together = [np.ravel(truth[group]) for group in GROUPS]
    assert_mean_of_all(moments, together)


def assert_mean_of_all(moments, truths):
    z = []
    for group, truth in zip(GROUPS, truths, strict=True):
        mean = moments[group].mean
        error = mean.std(0, ddof=1) / np.sqrt(len(mean))
        z.append((mean.mean(0) - truth)[error > 0] / error[error > 0])
    # Student's t over some 25 batches, against a quantile of the normal: less than half as sure
    assert_z(0.75 * np.concatenate(z))


def test_what_is_learned_of_a_data_point_is_kept_for_it():
    """A baseline's means: those of the minibatch become what the estimator alone would make them
    on it, and the others stay."""
    vae, params = small(), initial(small())
    inner = estimator("score_function", baseline="mean")
    subject = Minibatched(inner, SIZE)
    state = subject.init(vae, params, jax.random.key(0))
    estimate = jax.jit(lambda state, key: subject.estimate(vae, params, state, key, 3)[1])
    on_minibatch = jax.jit(
        lambda chosen, part, key: inner.estimate(vae.at_points(chosen), params, part, key, 3)[1]
    )
    seen = np.zeros(POINTS)
    for seed in range(12):
        choice_key, sample_key = jax.random.split(jax.random.key(seed))
        chosen = np.asarray(chosen_points(choice_key, POINTS, SIZE))
        others = np.setdiff1d(np.arange(POINTS), chosen)
        before = state
        state = estimate(before, jax.random.key(seed))
        part = jax.tree.map(lambda leaf, rows=chosen: leaf[rows], before)
        alone = on_minibatch(jnp.asarray(chosen), part, sample_key)
        np.testing.assert_allclose(state.total[chosen], alone.total, rtol=1e-5)
        np.testing.assert_array_equal(state.total[others], before.total[others])
        seen[chosen] += 3
        np.testing.assert_array_equal(state.weight, seen)
    assert (seen > 0).all()


def codes(images):
    """A number for each image, by which it is known."""
    return images @ jnp.arange(1.0, 65.0) ** 2


class Telling(Estimator):
    """No gradient: the sum of the minibatch's codes, in every coordinate."""

    unbiased: ClassVar[bool] = False
    source: ClassVar[str] = "nobody"

    def refuses(self, problem):
        return None

    def evaluations(self, problem, num_samples):
        return Evaluations(f=len(problem.images), grad=0)

    def estimate(self, problem, params, state, key, num_samples):
        total = codes(problem.images).sum()
        return jax.tree.map(lambda leaf: jnp.full_like(leaf, total), params), state


def test_two_estimators_have_the_same_minibatches():
    """One has the exact gradient of its minibatch, by which that is known, the other tells it."""
    vae, params = small(), initial(small())
    gradient = jax.jit(lambda pair: vae.at_points(pair).exact_gradient(params))
    exact = np.array([as_vector(gradient(jnp.array(pair))) for pair in PAIRS])
    sums = {float(codes(vae.images)[jnp.array(pair)].sum()): pair for pair in PAIRS}
    assert len(sums) == len(PAIRS)
    subjects = [Minibatched(each, SIZE) for each in (estimator("enumeration"), Telling())]
    both = jax.jit(lambda key: [of.estimate(vae, params, (), key, 1)[0] for of in subjects])
    found = []
    for seed in range(30):
        by_enumeration, told = map(as_vector, both(jax.random.key(seed)))
        distances = np.abs(exact - by_enumeration).max(1)
        assert distances.min() < 1e-5
        found.append(PAIRS[int(distances.argmin())])
        assert sums[float(told[0])] == found[-1]
    assert len(set(found)) > 6


def test_every_pair_is_as_likely():
    keys = jax.random.split(jax.random.key(1), 20_000)
    chosen = np.asarray(jax.vmap(lambda key: chosen_points(key, POINTS, SIZE))(keys))
    counts = [(np.sort(chosen, 1) == pair).all(1).sum() for pair in PAIRS]
    assert sum(counts) == len(keys)  # none has a data point twice
    expected = len(keys) / len(PAIRS)
    assert_z((np.array(counts) - expected) / np.sqrt(expected * (1 - 1 / len(PAIRS))))


SUMS = [
    problem("logistic_regression"),
    problem("bayesian_network", num_rows=6, hidden_dim=1),
    problem("linear_gaussian_vae", num_points=6),
]


@pytest.mark.slow
@pytest.mark.parametrize("whole", SUMS, ids=lambda each: type(each).__name__)
def test_the_exact_gradients_of_minibatches_have_the_mean_of_all(whole):
    """Where f is a sum, and its KL belongs to no row, as where it is a mean."""
    rows = jnp.arange(6)
    with jax.enable_x64(True):
        whole = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), whole)
        six = whole.with_data(tuple(each[rows] for each in whole.data_rows))
        rng = np.random.default_rng(0)
        params = jax.tree.map(lambda leaf: leaf + 0.2 * rng.normal(size=leaf.shape), initial(six))
        gradient = jax.jit(lambda chosen: six.at_points(chosen).exact_gradient(params))
        found = [
            as_vector(gradient(jnp.array(each))) for each in itertools.combinations(range(6), 2)
        ]
        truth = as_vector(six.exact_gradient(params))
    assert np.std(found, axis=0).max() > 1e-3
    np.testing.assert_allclose(np.mean(found, axis=0), truth, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", ["local_reparameterization", "flipout", "pathwise"])
def test_layers_with_noise_for_each_row(name):
    """Of a minibatch's rows alone, which count for all."""
    network_problem = problem("bayesian_network", num_rows=8, hidden_dim=1)
    moments = moments_of(network_problem, Minibatched(estimator(name), 3), 1, name)
    truth = truth_of(network_problem)
    assert_mean(moments["mean"], truth["mean"])


def test_all_data_points_are_no_minibatch():
    """The estimate is the estimator's, from the second of the key's halves."""
    vae, params = small(), initial(small())
    inner = estimator("score_function")
    key = jax.random.key(4)
    found = one_estimate(vae, Minibatched(inner, POINTS), params, 2, key=key)
    expected = one_estimate(vae, inner, params, 2, key=jax.random.split(key)[1])
    np.testing.assert_array_equal(as_vector(found), as_vector(expected))


def test_cost_and_claims():
    vae = small()
    inner = estimator("score_function", baseline="leave_one_out")
    subject = Minibatched(inner, SIZE)
    assert subject.evaluations(vae, 4) == inner.evaluations(vae, 4)  # of f at an x for each
    assert Minibatched(Telling(), SIZE).evaluations(vae, 1).f == SIZE
    assert subject.draws(vae, 3) == POINTS + 3 * SIZE * 2
    assert Minibatched(inner, POINTS).draws(vae, 3) == inner.draws(vae, 3)
    assert subject.min_samples == 2
    assert "at least 2" in subject.refuses_samples(1)
    assert not Minibatched(estimator("pathwise"), SIZE).claims_one_over_samples()
    assert Minibatched(estimator("score_function"), SIZE).variance_terms(4) == (0.25, 1.0)
    assert not Minibatched(estimator("straight_through"), SIZE).claims_unbiased(vae)


@pytest.mark.parametrize(
    ("name", "size", "reason"),
    [
        ("vae_bernoulli", 17, "it has 16 data points, fewer than 17"),
        ("gaussian_square", 1, "it has no data points"),
        ("vae_gaussian", 2, "Normal"),
    ],
)
def test_refusals(name, size, reason):
    subject = Minibatched(estimator("disarm"), size)
    assert reason in subject.refuses(problem(name))
