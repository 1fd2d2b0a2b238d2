"""Categorical variables and permutations: distributions, truths, biases and estimates against sums written out here."""

import itertools
import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy import stats
from scipy.integrate import quad

from gradest.benchmarks.measurement.exact_gradient import exact_gradient
from gradest.benchmarks.measurement.replicates import cell_key, measure
from gradest.benchmarks.statistics import intervals
from gradest.benchmarks.statistics.bias import bias
from gradest.estimators import estimator
from gradest.estimators.discrete.categorical_disarm import TREES
from gradest.estimators.discrete.finite_support import log_draw_the_rest, log_probability_of_event
from gradest.estimators.sampling.conditional_latents import (
    conditional_latent,
    coupled_latent,
    hard,
    latent,
    relax,
)
from gradest.estimators.sampling.draws import sample
from gradest.problems import problem
from gradest.problems.arguments import Number, number
from gradest.problems.distributions.bernoulli_chain import BernoulliChain
from gradest.problems.distributions.discrete import OneHotCategoricalLogits, PlackettLuce
from gradest.problems.distributions.enumeration import all_log_probs, all_states, number_of_states
from gradest.problems.distributions.perceptron import perceptron
from gradest.problems.toys.categorical import CategoricalToy

REPLICATES = 20_000
LEVEL = 1e-4
"""Of each of about a hundred z-tests: one fails by chance once in a hundred changes of their seeds."""


def softmax(logits):
    weights = np.exp(logits - np.max(logits, -1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def probability_of_ranking(order, logits):
    """One choice after the other among those that are left."""
    left, total = list(order), 1.0
    for item in order:
        total *= math.exp(logits[item]) / sum(math.exp(logits[other]) for other in left)
        left.remove(item)
    return total


@partial(jax.jit, static_argnums=3)
def once(candidate, toy, params, num_samples, key=0):
    """One estimate."""
    return candidate.estimate(toy, params, (), jax.random.key(key), num_samples)[0]


def expect_mean(name, arguments, given, truth, num_samples=4, label=""):
    """The mean of many estimates is `truth`, by a z-test; returns their moments."""
    toy = problem(name, **given)
    params = toy.init_params(jax.random.key(0))
    candidate = estimator(**arguments)
    key = cell_key(3, f"{name}{sorted(given.items())}{label}", "init", num_samples)
    moments = measure(
        toy, candidate, params, num_samples=num_samples, replicates=REPLICATES, key=key
    ).moments["logits"]
    assert bias(moments, np.ravel(truth), 1e-6).p > LEVEL, (moments.mean.mean(0), truth)
    return moments


# distributions


LOGITS = np.array([[0.3, -1.0, 1.2], [0.0, 0.5, -0.4]], np.float32)

DISTRIBUTIONS = {
    "bits": lambda logits: dist.Bernoulli(logits=logits).to_event(1),
    "one-hot": lambda logits: OneHotCategoricalLogits(logits).to_event(1),
    "ranking": PlackettLuce,
    "two layers": lambda logits: BernoulliChain(logits, perceptron(jax.random.key(5), [3, 4, 3])),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_every_value_is_listed_once_with_its_probability(name):
    q = DISTRIBUTIONS[name](jnp.asarray(np.stack([LOGITS, LOGITS[::-1] * 2])))
    states, log_probs = all_states(q), all_log_probs(q)
    assert len(states) == number_of_states(q) == len({state.tobytes() for state in states})
    spread = jnp.asarray(
        states.reshape(-1, *(1 for _ in q.batch_shape), *q.event_shape), jnp.float32
    )
    np.testing.assert_allclose(np.moveaxis(q.log_prob(spread), 0, -1), log_probs, rtol=1e-5)
    np.testing.assert_allclose(np.exp(log_probs).sum(-1), 1, rtol=1e-5)
    assert np.all(q.support(jnp.asarray(states)))
    assert not np.any(q.support(jnp.asarray(states) + 0.5))


def test_rankings_have_the_probability_of_one_choice_after_the_other():
    logits = LOGITS[0]
    q = PlackettLuce(jnp.asarray(logits))
    for order in itertools.permutations(range(3)):
        expected = probability_of_ranking(order, logits)
        assert float(
            jnp.exp(q.log_prob(np.eye(3, dtype=np.float32)[list(order)]))
        ) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("draw", ["ours", "numpyro's"])
def test_draws_have_the_listed_probabilities(name, draw):
    q = DISTRIBUTIONS[name](jnp.asarray(LOGITS[0] if name != "one-hot" else LOGITS))
    n, key = 20_000, jax.random.key(2)
    x = np.asarray(sample(q, key, n) if draw == "ours" else q.sample(key, (n,)), float)
    states = all_states(q)
    same = (x[:, None] == states).reshape(n, len(states), -1).all(-1)
    assert (same.sum(1) == 1).all()
    expected = np.exp(np.asarray(all_log_probs(q), float))
    assert stats.chisquare(same.sum(0), expected / expected.sum() * n).pvalue > LEVEL


# the latent given x


@pytest.mark.parametrize("name", ["one-hot", "ranking"])
def test_x_and_the_latent_given_x_are_distributed_as_x_and_the_latent(name):
    """Its hard reading is x, and its entries are Gumbel; their order on top of that is x's, so that this is all."""
    q = {"one-hot": OneHotCategoricalLogits, "ranking": PlackettLuce}[name](jnp.asarray(LOGITS[0]))
    n = 20_000
    z = latent(q, jax.random.key(0), n)
    x = hard(q, z)
    np.testing.assert_array_equal(x, sample(q, jax.random.key(0), n))
    given_x = conditional_latent(q, x, jax.random.key(1))
    np.testing.assert_array_equal(hard(q, given_x), x)
    for entries, logit in zip(np.asarray(given_x, float).T, LOGITS[0], strict=True):
        assert stats.kstest(entries, stats.gumbel_r(loc=logit).cdf).pvalue > LEVEL
    for one, other in ((z, given_x), (z[:, :1] - z[:, 1:], given_x[:, :1] - given_x[:, 1:])):
        for left, right in zip(np.asarray(one).T, np.asarray(other).T, strict=True):
            assert stats.ks_2samp(left, right).pvalue > LEVEL
    assert abs(np.corrcoef(z[:, 0], given_x[:, 0])[0, 1]) < 0.9, "a fresh draw, not the same one"
    np.testing.assert_allclose(coupled_latent(q, x, z), z, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["one-hot", "ranking"])
def test_the_latent_given_x_moves_with_theta_as_its_distribution_function_does(name):
    """By implicit differentiation in one dimension: two items, of which the first is drawn, and the
    larger latent z.

    It is Gumbel at log(e^φ + 1) whichever is drawn, so that ∂z/∂φ = sigmoid(φ) at every draw.
    """
    phi = 0.7

    def largest(phi):
        q = {"one-hot": OneHotCategoricalLogits, "ranking": PlackettLuce}[name](
            jnp.stack([phi, 0.0])
        )
        x = jnp.eye(2)[0] if name == "one-hot" else jnp.eye(2)
        return conditional_latent(q, x[None], jax.random.key(0)).max()

    slope = jax.jit(jax.grad(largest))(jnp.float32(phi))
    assert float(slope) == pytest.approx(1 / (1 + math.exp(-phi)), rel=1e-5)


@pytest.mark.parametrize("temperature", [0.05, 1.0, 20.0])
def test_a_relaxed_permutation_has_the_permutation_in_its_largest_entries(temperature):
    q = PlackettLuce(jnp.zeros(5))
    z = latent(q, jax.random.key(0), 50)
    relaxed = relax(q, z, jnp.float32(temperature))
    np.testing.assert_allclose(relaxed.sum(-1), 1, rtol=1e-5)
    np.testing.assert_array_equal(relaxed.argmax(-1), jnp.argsort(-z, axis=-1))
    if temperature == 0.05:
        assert (
            np.abs(
                np.asarray(relax(q, z[:1] * 100, jnp.float32(temperature)) - hard(q, z[:1]))
            ).max()
            < 1e-6
        )


# truths


def test_the_categorical_square_by_summing_over_every_x():
    dim, categories = 2, 3
    toy = problem("categorical_square", dim=dim, categories=categories, logit=0.8, exponent=1.3)
    truth = exact_gradient(toy, toy.init_params(jax.random.key(0)))["logits"].reshape(
        dim, categories
    )
    p = softmax(np.linspace(0, 0.8, 3))
    target = np.array([1, 2**-1.3, 3**-1.3]) / (1 + 2**-1.3 + 3**-1.3)
    expected = np.zeros((dim, categories))
    for chosen in itertools.product(range(categories), repeat=dim):
        frequencies = np.bincount(chosen, minlength=categories) / dim
        f = ((frequencies - target) ** 2).sum()
        for d, k in enumerate(chosen):
            expected[d] += p[list(chosen)].prod() * f * (np.eye(categories)[k] - p)
    np.testing.assert_allclose(truth, expected, rtol=1e-5)


def test_two_categories_are_a_bit():
    """The square is twice `bernoulli_square`, where the targets add up to 1."""
    square = problem("categorical_square", categories=2, logit=0.5, exponent=0.7)
    t = 2**-0.7 / (1 + 2**-0.7)
    bits = problem("bernoulli_square", t=t, logit=0.5)
    ours = exact_gradient(square, square.init_params(jax.random.key(0)))["logits"]
    theirs = exact_gradient(bits, bits.init_params(jax.random.key(0)))["logits"]
    np.testing.assert_allclose(ours, [-2 * theirs[0], 2 * theirs[0]], rtol=1e-5)


def test_the_norm_is_that_of_bits():
    toy = problem("categorical_norm", dim=3, logit=0.5, p=1.5, c=0.45)
    params = toy.init_params(jax.random.key(0))
    bits = np.array([1.0, 0.0, 1.0])
    x = np.eye(2, dtype=np.float32)[bits.astype(int)]
    assert float(toy.objective(params, jnp.asarray(x))) == pytest.approx(
        (np.abs(bits - 0.45) ** 1.5).mean(), rel=1e-6
    )
    p = 1 / (1 + math.exp(-0.5))
    slope = p * (1 - p) * (0.55**1.5 - 0.45**1.5) / 3
    np.testing.assert_allclose(
        exact_gradient(toy, params)["logits"], [-slope, slope] * 3, rtol=1e-5
    )


def test_the_permutation_toy_by_finite_differences_of_choices_one_after_the_other():
    toy = problem("plackett_luce_square", items=4, t=0.1, logit=0.9)
    truth = exact_gradient(toy, toy.init_params(jax.random.key(0)))["logits"]
    logits = np.linspace(0, 0.9, 4)
    target = np.full((4, 4), 0.25 - 0.1 / 3)
    np.fill_diagonal(target, 0.35)

    def expectation(logits):
        orders = itertools.permutations(range(4))
        return sum(
            probability_of_ranking(o, logits) * ((np.eye(4)[list(o)] - target) ** 2).sum()
            for o in orders
        )

    h = 1e-5
    numeric = [
        (expectation(logits + h * e) - expectation(logits - h * e)) / (2 * h) for e in np.eye(4)
    ]
    np.testing.assert_allclose(truth, numeric, rtol=1e-5, atol=1e-8)


def test_many_values_have_no_enumerated_truth():
    for toy in (
        problem("plackett_luce_square", items=7),
        problem("vae_categorical", latent_dim=5, num_images=1),
    ):
        assert toy.exact_gradient(toy.init_params(jax.random.key(0))) is None
        assert "joint values here, above 4,096" in estimator("enumeration").refuses(toy)


@pytest.mark.parametrize("kl", ["analytic", pytest.param("sampled", marks=pytest.mark.slow)])
def test_vae_categorical_by_finite_differences_of_the_enumerated_elbo_in_numpy(kl):
    dim, categories = 2, 3
    vae = problem(
        "vae_categorical", latent_dim=dim, categories=categories, num_images=2, hidden_dim=3, kl=kl
    )
    params = vae.init_params(jax.random.key(0))
    truth = exact_gradient(vae, params)
    images = np.asarray(vae.images, float)

    def network(layers, x):
        (w1, b1), (w2, b2) = layers
        return np.tanh(x @ w1.T + b1) @ w2.T + b2

    def negative_elbo(weights):
        probs = softmax(network(weights["encoder"], images).reshape(2, dim, categories))
        total = 0.0
        for chosen in itertools.product(range(categories), repeat=dim):
            q = probs[:, range(dim), chosen].prod(1)
            pixels = network(weights["decoder"], np.eye(categories)[list(chosen)].reshape(1, -1))
            log_p = -(
                np.logaddexp(0, -pixels) * images + np.logaddexp(0, pixels) * (1 - images)
            ).sum(1)
            total += (q * (np.log(q) + dim * np.log(categories) - log_p)).sum() / len(images)
        return total

    weights = {
        group: [
            [np.asarray(layer.weight, float), np.asarray(layer.bias, float)] for layer in layers
        ]
        for group, layers in params.items()
    }
    for group in ("encoder", "decoder"):
        places = [
            (layer, index)
            for layer in itertools.chain(*weights[group])
            for index in np.ndindex(layer.shape)
        ]
        assert len(truth[group]) == len(places)
        for place in range(0, len(places), 7):
            array, index = places[place]
            middle, h, values = array[index], 1e-6, []
            for step in (h, -h):
                array[index] = middle + step
                values.append(negative_elbo(weights))
            array[index] = middle
            assert truth[group][place] == pytest.approx(
                (values[0] - values[1]) / (2 * h), rel=1e-4, abs=1e-7
            )


# biases


GIVEN = {"categories": 3, "logit": 1.0}
PHI = np.linspace(0, 1, 3)
P = softmax(PHI)
TARGET = np.array([6, 3, 2]) / 11
NORM_VALUES = np.linspace(0, 1, 3)


def square_slope(x):
    return 2 * (x - TARGET)


def norm_slope(x):
    apart = x @ NORM_VALUES - 0.45
    return (1.5 * np.abs(apart) ** 0.5 * np.sign(apart))[..., None] * NORM_VALUES


BOTH_TOYS = ["categorical_square", pytest.param("categorical_norm", marks=pytest.mark.slow)]

SLOPES = {"categorical_square": square_slope, "categorical_norm": norm_slope}
TOYS = {"categorical_square": GIVEN, "categorical_norm": GIVEN | {"dim": 1}}


def truth_of(name):
    """Σ p (f(e_k) − E f), f written out."""
    f = {
        "categorical_square": ((np.eye(3) - TARGET) ** 2).sum(1),
        "categorical_norm": np.abs(NORM_VALUES - 0.45) ** 1.5,
    }[name]
    return P * (f - P @ f)


def jacobian(p):
    """∂ softmax / ∂ logits."""
    return p[..., :, None] * np.eye(p.shape[-1]) - p[..., :, None] * p[..., None, :]


def straight_through(x, temperature):
    return jacobian(P)


def reinmax(x, temperature):
    return 2 * jacobian((x + softmax(PHI / temperature)) / 2) - jacobian(P) / 2


def gapped_straight_through(x, temperature):
    k = int(np.argmax(x))
    moved = [max(PHI) if i == k else min(PHI[i], max(PHI) - 1.0) for i in range(3)]
    return jacobian(softmax(np.array(moved) / temperature)) / temperature


OF_THE_DRAW = {
    "straight_through": straight_through,
    "reinmax": reinmax,
    "gapped_straight_through": gapped_straight_through,
}


def mean_given_the_draw(name, toy, temperature):
    """Σ_k p_k J(e_k) f'(e_k)."""
    each = [OF_THE_DRAW[name](x, temperature) @ SLOPES[toy](x) for x in np.eye(3)]
    return P @ np.stack(each)


CASES = [("straight_through", 1.0)] + [
    (name, temperature)
    for name in ("reinmax", "gapped_straight_through")
    for temperature in (0.5, 1.0)
]


@pytest.mark.parametrize("toy", BOTH_TOYS)
@pytest.mark.parametrize(("name", "temperature"), CASES)
def test_straight_through_estimators_have_the_mean_that_summing_over_x_gives(
    name, temperature, toy
):
    expected = mean_given_the_draw(name, toy, temperature)
    given = {} if name == "straight_through" else {"temperature": temperature}
    expect_mean(toy, {"name": name, **given}, TOYS[toy], expected)


def test_reinmax_is_exact_where_coordinates_meet_in_a_quadratic():
    """Each coordinate's f is quadratic given the others, so that it has no bias at all; straight-through has."""
    toy = problem("categorical_square", dim=2, **GIVEN)
    params = toy.init_params(jax.random.key(0))
    truth = exact_gradient(toy, params)["logits"]
    expect_mean("categorical_square", {"name": "reinmax"}, {"dim": 2, **GIVEN}, truth)
    key = cell_key(3, "coupled", "init", 4)
    through = measure(
        toy, estimator("straight_through"), params, num_samples=4, replicates=REPLICATES, key=key
    )
    assert bias(through.moments["logits"], truth, 1e-6).p < LEVEL


def relaxed_given_the_draw(temperature):
    """Relaxed draws given each x, and weights: y_j ∝ (1 + Z e^{−φ_j} ρ_j)^{−1/τ}, ρ_j ratios of
    exponentials.

    Their density in u = log ρ is 2 e^{u+v} / (1 + e^u + e^v)³, by the trapezoid rule.
    """
    u, v = np.meshgrid(np.arange(-30, 30, 0.2), np.arange(-30, 30, 0.2))
    weights = 0.04 * 2 * np.exp(u + v) / (1 + np.exp(u) + np.exp(v)) ** 3
    assert weights.sum() == pytest.approx(1, abs=1e-10)
    for k in range(3):
        logs = np.zeros((*u.shape, 3))
        others = [j for j in range(3) if j != k]
        for j, ratio in zip(others, (u, v), strict=True):
            logs[..., j] = -np.log1p(np.exp(PHI).sum() * np.exp(-PHI[j] + ratio)) / temperature
        yield np.eye(3)[k], softmax(logs), weights


def mean_of_the_relaxed(name, toy, temperature):
    total = np.zeros(3)
    for probability, (x, y, weights) in zip(P, relaxed_given_the_draw(temperature), strict=True):
        slope = (
            SLOPES[toy](y) if name == "gumbel_softmax" else np.broadcast_to(SLOPES[toy](x), y.shape)
        )
        each = y * (slope - (y * slope).sum(-1, keepdims=True)) / temperature
        total += probability * np.tensordot(weights, each, 2)
    return total


@pytest.mark.parametrize("toy", BOTH_TOYS)
@pytest.mark.parametrize("temperature", [0.3, pytest.param(1.0, marks=pytest.mark.slow), 2.0])
@pytest.mark.parametrize("name", ["gumbel_softmax", "straight_through_gumbel", "gumbel_rao"])
def test_gumbel_estimators_have_the_mean_that_quadrature_gives(name, temperature, toy):
    expected = mean_of_the_relaxed(name, toy, temperature)
    expect_mean(toy, {"name": name, "temperature": temperature}, TOYS[toy], expected)
    assert np.linalg.norm(expected - truth_of(toy)) > 0.01 * np.linalg.norm(truth_of(toy)), "biased"


TEMPERATURES = (2.0, 1.0, 0.5, 0.25, 0.1, 0.05)

RELATIVE_BIAS = {
    ("categorical_square", "gumbel_softmax"): (0.3109, 0.0889, 0.2665, 0.2151, 0.1023, 0.0530),
    ("categorical_square", "straight_through_gumbel"): (
        0.0431,
        0.3841,
        0.4663,
        0.3228,
        0.1452,
        0.0742,
    ),
    ("categorical_norm", "gumbel_softmax"): (0.7893, 0.6003, 0.3844, 0.2115, 0.0868, 0.0436),
    ("categorical_norm", "straight_through_gumbel"): (
        0.7451,
        0.5728,
        0.3917,
        0.2523,
        0.1730,
        0.1580,
    ),
    ("categorical_square", "straight_through"): (1.0855,) * 6,
    ("categorical_square", "reinmax"): (0.9913, 0.0, 1.7406, 3.8910, 5.2456, 5.3183),
    ("categorical_square", "gapped_straight_through"): (
        0.2003,
        1.2489,
        1.9373,
        0.1699,
        0.9923,
        1.0,
    ),
    ("categorical_norm", "straight_through"): (0.8090,) * 6,
    ("categorical_norm", "reinmax"): (0.4169, 0.1536, 0.7872, 1.6204, 2.0872, 2.1105),
    ("categorical_norm", "gapped_straight_through"): (0.8020, 0.7778, 0.8351, 0.6140, 0.9969, 1.0),
}
"""‖bias‖ / ‖gradient‖ at each temperature, in one coordinate of three categories."""


@pytest.mark.parametrize(("toy", "name"), RELATIVE_BIAS)
def test_how_much_each_estimator_is_biased_at_each_temperature(toy, name):
    """Straight-through Gumbel keeps a bias as τ falls, but where f is quadratic, as ReinMax has none there at τ = 1."""
    mean = mean_given_the_draw if name in OF_THE_DRAW else mean_of_the_relaxed
    truth = truth_of(toy)
    found = [
        np.linalg.norm(mean(name, toy, t) - truth) / np.linalg.norm(truth) for t in TEMPERATURES
    ]
    np.testing.assert_allclose(found, RELATIVE_BIAS[toy, name], atol=6e-5)


@pytest.mark.slow
def test_gumbel_rao_is_straight_through_gumbel_with_less_variance():
    toy = problem("categorical_square", **GIVEN)
    params = toy.init_params(jax.random.key(0))
    key = cell_key(3, "rao", "init", 1)

    def variance(name, **given):
        candidate = estimator(name, temperature=0.3, **given)
        moments = measure(
            toy, candidate, params, num_samples=1, replicates=REPLICATES, key=key
        ).moments["logits"]
        return intervals.variance(moments)

    plain, one = variance("straight_through_gumbel"), variance("gumbel_rao", conditional_draws=1)
    ten, hundred = (variance("gumbel_rao", conditional_draws=draws) for draws in (10, 100))
    assert one.low < plain.value < one.high, "a single draw given x is a draw of both"
    assert hundred.high < ten.low < ten.high < one.low
    # given x the variance is Var / M, so that three values of M determine the rest: V(10) from V(1)
    # and V(100)
    rest = (100 * hundred.value - one.value) / 99
    assert ten.low < rest + (one.value - rest) / 10 < ten.high


@pytest.mark.slow
def test_bits_are_two_categories_for_every_estimator_that_takes_both():
    """On bits as on one-hot vectors of two, where only the difference of the logits counts: the same mean."""
    t = 2**-0.7 / (1 + 2**-0.7)
    for name in ("reinmax", "gapped_straight_through", "gumbel_rao", "straight_through_gumbel"):
        means = []
        for toy in (
            problem("categorical_square", categories=2, logit=0.8, exponent=0.7),
            problem("bernoulli_square", t=t, logit=0.8),
        ):
            params = toy.init_params(jax.random.key(0))
            key = cell_key(3, f"bits{toy}", "init", 4)
            candidate = estimator(name, temperature=0.8)
            result = measure(toy, candidate, params, num_samples=4, replicates=REPLICATES, key=key)
            means.append(result.moments["logits"])
        one_hot, bits = (moments.mean for moments in means)
        apart = one_hot.mean(0) - np.array([-2, 2]) * bits.mean(
            0
        )  # f along (1 − b, b) is twice that of b
        error = np.sqrt((one_hot.var(0, ddof=1) + 4 * bits.var(0, ddof=1)) / len(bits))
        assert np.abs(apart / error).max() < 4.5


# estimators over the listed values


PROBS = np.array([0.45, 0.25, 0.15, 0.1, 0.05])


def draw_the_rest(rates):
    """∫ Π (1 − u^a) du by multiplying out."""
    total = 0.0
    for size in range(len(rates) + 1):
        total += sum((-1) ** size / (1 + sum(part)) for part in itertools.combinations(rates, size))
    return total


@pytest.mark.parametrize("scale", [1e-3, 0.1, 1.0, 30.0])
def test_the_integral_of_the_unordered_set_is_its_sum_of_signs(scale):
    rates = scale * np.array([0.7, 1.0, 2.5, 4.0])
    with jax.enable_x64(True):
        one, two = jax.jit(log_draw_the_rest)(jnp.log(jnp.asarray(rates)))
    for s in range(4):
        assert float(one[s]) == pytest.approx(
            math.log(draw_the_rest(np.delete(rates, s))), abs=1e-6
        )
        for t in range(4):
            if s != t:
                expected = math.log(draw_the_rest(np.delete(rates, [s, t])))
                assert float(two[s, t]) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("values", [1, 8, 64])
def test_the_integral_of_the_unordered_set_by_adaptive_quadrature(values):
    rates = np.random.default_rng(0).exponential(size=values) * 0.3
    with jax.enable_x64(True):
        one, _ = jax.jit(log_draw_the_rest)(jnp.log(jnp.asarray(rates)))
    rest = np.delete(rates, 0)

    def density(y):
        t = math.exp(y)
        return math.exp(y - t + np.log(-np.expm1(-rest * t)).sum() + shift)

    shift = -max(
        y - math.exp(y) + np.log(-np.expm1(-rest * math.exp(y))).sum()
        for y in np.arange(-15, 6, 0.01)
    )
    expected = math.log(quad(density, -20, 7, limit=500, epsabs=1e-12)[0]) - shift
    assert float(one[0]) == pytest.approx(expected, abs=1e-6)


def test_the_probability_of_an_event_where_it_is_rare_and_where_it_is_certain():
    with jax.enable_x64(True):
        log_rates = jnp.array([-300.0, -11.0, -10.0, -9.0, 0.0, 3.0, 300.0, jnp.inf])
        ours = np.asarray(log_probability_of_event(log_rates))
    np.testing.assert_allclose(ours[:1], [-300.0])
    np.testing.assert_allclose(
        ours[1:-2], np.log(-np.expm1(-np.exp([-11, -10, -9, 0, 3.0]))), rtol=1e-9
    )
    np.testing.assert_array_equal(ours[-2:], 0)


def ordered_draws(size):
    """Every ordered draw without replacement, with its probability."""
    for order in itertools.permutations(range(len(PROBS)), size):
        left, probability = 1.0, 1.0
        for item in order:
            probability *= PROBS[item] / left
            left -= PROBS[item]
        yield order, probability


class Table(CategoricalToy):
    """f over five categories as a table."""

    offset: Number = number(0.0, "added to f")

    def objective(self, params, x):
        return (x @ (jnp.asarray(TABLE, x.dtype) + self.offset)).sum()

    def expectation(self, probs):
        return (probs @ (jnp.asarray(TABLE, probs.dtype) + self.offset)).sum()


def toy_of_five(offset=0.0):
    return Table(categories=5, offset=offset)


TABLE = np.array([0.3, -1.0, 2.0, 0.7, -3.0])


@pytest.mark.parametrize("with_baseline", [False, True])
def test_the_unordered_set_estimate_is_kools_written_out_with_probabilities_of_sets(with_baseline):
    """p(S) and p^{D∖C}(S∖C) as sums over orders; and the mean of all estimates is the gradient."""
    size = 3
    params = {"logits": jnp.log(jnp.asarray(PROBS, jnp.float32))[None]}
    toy, candidate = toy_of_five(), estimator("unordered_set", with_baseline=with_baseline)

    def probability_of_set(chosen, excluded):
        total = 0.0
        for order in itertools.permutations(chosen):
            left, probability = 1.0 - PROBS[list(excluded)].sum(), 1.0
            for item in order:
                probability *= PROBS[item] / left
                left -= PROBS[item]
            total += probability
        return total

    def estimate(chosen):
        whole, gradient = probability_of_set(chosen, ()), np.zeros(5)
        for s in chosen:
            rest = [c for c in chosen if c != s]
            ratio = probability_of_set(rest, [s]) / whole
            b = 0.0
            if with_baseline:
                b = PROBS[s] * TABLE[s]
                for t in rest:
                    rest_of_rest = [c for c in rest if c != t]
                    second = probability_of_set(rest_of_rest, [s, t]) / probability_of_set(
                        rest, [s]
                    )
                    b += PROBS[t] * second * TABLE[t]
            gradient += PROBS[s] * ratio * (TABLE[s] - b) * (np.eye(5)[s] - PROBS)
        return gradient

    mean = sum(probability * estimate(sorted(order)) for order, probability in ordered_draws(size))
    np.testing.assert_allclose(mean, PROBS * (TABLE - PROBS @ TABLE), atol=1e-12)
    estimates = {chosen: estimate(chosen) for chosen in itertools.combinations(range(5), size)}
    seen = set()
    ours = jax.jit(lambda key: candidate.estimate(toy, params, (), key, size)[0]["logits"][0])
    for seed in range(20):
        found = np.asarray(ours(jax.random.key(seed)))
        nearest = min(estimates, key=lambda chosen: np.abs(estimates[chosen] - found).max())
        np.testing.assert_allclose(found, estimates[nearest], rtol=1e-4, atol=1e-5)
        seen.add(nearest)
    assert len(seen) > 3


def test_estimates_without_replacement_are_exact_where_all_values_are_drawn():
    toy, params = toy_of_five(), {"logits": jnp.log(jnp.asarray(PROBS, jnp.float32))[None]}
    for name in ("unordered_set", "without_replacement"):
        for with_baseline in (False, True):
            candidate = estimator(name, with_baseline=with_baseline)
            assert candidate.evaluations(toy, 5).f == candidate.evaluations(toy, 9).f == 5
            found = once(candidate, toy, params, 9)
            np.testing.assert_allclose(
                found["logits"][0], PROBS * (TABLE - PROBS @ TABLE), atol=1e-5
            )


@pytest.mark.parametrize(
    "arguments",
    [
        {"name": "unordered_set"},
        {"name": "unordered_set", "with_baseline": False},
        {"name": "without_replacement"},
        {"name": "without_replacement", "with_baseline": False},
        {"name": "sum_and_sample"},
        {"name": "sum_and_sample", "summed": 2},
        {"name": "enumeration"},
        {"name": "arsm"},
        {"name": "arsm", "merge": False},
        {"name": "disarm_categorical"},
        {"name": "disarm_categorical", "tree": "balanced"},
    ],
    ids=str,
)
@pytest.mark.parametrize("num_samples", [pytest.param(2, marks=pytest.mark.slow), 5])
def test_unbiased_where_coordinates_meet(arguments, num_samples):
    """Nine joint values of two coordinates."""
    while estimator(**arguments).refuses_samples(num_samples):
        num_samples += 1
    given = {"dim": 2, "exponent": 2.0, **GIVEN}
    toy = problem("categorical_square", **given)
    truth = exact_gradient(toy, toy.init_params(jax.random.key(0)))["logits"]
    expect_mean("categorical_square", arguments, given, truth, num_samples)


@pytest.mark.parametrize(
    "arguments",
    [
        {"name": "score_function", "baseline": "leave_one_out"},
        {"name": "unordered_set"},
        {"name": "without_replacement"},
        {"name": "sum_and_sample"},
        {"name": "enumeration"},
    ],
    ids=str,
)
def test_unbiased_on_rankings(arguments):
    toy = problem("plackett_luce_square", items=3)
    truth = exact_gradient(toy, toy.init_params(jax.random.key(0)))["logits"]
    expect_mean("plackett_luce_square", arguments, {"items": 3}, truth)


def test_enumeration_has_no_variance():
    toy = problem("categorical_square", dim=2)
    params = toy.init_params(jax.random.key(0))
    found, _ = estimator("enumeration").estimate(toy, params, (), jax.random.key(0), 1)
    np.testing.assert_allclose(
        np.ravel(found["logits"]), exact_gradient(toy, params)["logits"], atol=1e-6
    )
    assert (
        estimator("enumeration").evaluations(toy, 1)
        == estimator("enumeration").evaluations(toy, 64)
        == (9, 0)
    )


@pytest.mark.parametrize("summed", [1, 2, 3])
def test_sum_and_sample_has_the_variance_of_what_is_sampled(summed):
    """(1 − q(C))² Var(g | not in C) / (L − k), summed over the coordinates of g."""
    num_samples, toy = 5, toy_of_five()
    params = {"logits": jnp.log(jnp.asarray(PROBS, jnp.float32))[None]}
    g = TABLE[:, None] * (np.eye(5) - PROBS)
    rest = PROBS.copy()
    rest[:summed] = 0  # the likeliest come first
    left = rest.sum()
    centred = g - rest @ g / left
    expected = left**2 * (rest / left) @ (centred**2).sum(1) / (num_samples - summed)
    key = cell_key(3, "table", "init", num_samples)
    candidate = estimator("sum_and_sample", summed=summed)
    moments = measure(
        toy, candidate, params, num_samples=num_samples, replicates=REPLICATES, key=key
    ).moments["logits"]
    found = intervals.variance(moments)
    assert abs(math.log(found.value / expected)) < 2.5 * math.log(found.high / found.low) / 2


@pytest.mark.slow
def test_drawing_without_replacement_beats_drawing_with():
    """On five values: the unordered set below the leave-one-out baseline, and each baseline below none."""
    toy, params = (
        toy_of_five(offset=5.0),
        {"logits": jnp.log(jnp.asarray(PROBS, jnp.float32))[None]},
    )

    def variance(name, **given):
        key = cell_key(3, "table", "init", 4)
        result = measure(
            toy, estimator(name, **given), params, num_samples=4, replicates=REPLICATES, key=key
        )
        return intervals.variance(result.moments["logits"])

    unordered = variance("unordered_set")
    assert unordered.high < variance("score_function", baseline="leave_one_out").low
    assert unordered.high < variance("without_replacement").low
    for name in ("unordered_set", "without_replacement"):
        assert variance(name).high < variance(name, with_baseline=False).low


# augment-REINFORCE-swap


@pytest.mark.parametrize("merge", [True, False])
def test_arsm_is_the_formula_written_out(merge):
    toy = problem("categorical_square", dim=2, **GIVEN)
    params = toy.init_params(jax.random.key(0))
    key, n, categories = jax.random.key(5), 3, 3
    gumbel = np.moveaxis(np.asarray(jax.random.gumbel(key, (2, 3, n)), float), -1, 0)
    gradient = np.zeros((2, 3))
    for g in gumbel:
        exponential = np.exp(-g)
        dirichlet = exponential / exponential.sum(-1, keepdims=True)

        def f(c, j, dirichlet=dirichlet):
            swapped = dirichlet.copy()
            swapped[:, [c, j]] = swapped[:, [j, c]]
            chosen = np.argmin(swapped * np.exp(-PHI), axis=1)
            return ((np.eye(3)[chosen].mean(0) - TARGET) ** 2).sum()

        references = range(categories) if merge else [0]
        for j in references:
            mean = np.mean([f(m, j) for m in range(categories)])
            for c in range(categories):
                weight = (1 - categories * dirichlet[:, j]) / len(references)
                gradient[:, c] += (f(c, j) - mean) * weight / n
    found = once(estimator("arsm", merge=merge), toy, params, n, 5)
    np.testing.assert_allclose(found["logits"], gradient, rtol=1e-4, atol=1e-6)
    assert estimator("arsm", merge=merge).evaluations(toy, n).f == n * (4 if merge else 3)


@pytest.mark.slow
def test_merging_lowers_the_variance_for_the_same_noise():
    toy = problem("categorical_square", dim=2, **GIVEN)
    params = toy.init_params(jax.random.key(0))

    def variance(name, num_samples, **given):
        key = cell_key(3, "arsm", "init", num_samples)
        result = measure(
            toy,
            estimator(name, **given),
            params,
            num_samples=num_samples,
            replicates=REPLICATES,
            key=key,
        )
        return intervals.variance(result.moments["logits"])

    assert variance("arsm", 1).high < variance("arsm", 1, merge=False).low
    assert variance("arsm", 1).high < variance("score_function", 4).low  # as many evaluations of f


# DisARM on a tree


@pytest.mark.parametrize("tree", TREES)
def test_a_tree_of_two_categories_is_disarm(tree):
    """Published at t = 0.45, logit 0.5: variance 1.7913e−4 of one pair; here f, and so the gradient, is twice that."""
    toy = problem("categorical_square", categories=2, logit=0.5, exponent=math.log2(0.55 / 0.45))
    params = toy.init_params(jax.random.key(0))
    key = cell_key(3, "disarm", "init", 2)
    result = measure(
        toy,
        estimator("disarm_categorical", tree=tree),
        params,
        num_samples=2,
        replicates=REPLICATES,
        key=key,
    )
    found = intervals.variance(result.moments["logits"])
    expected = 2 * 4 * 1.7913e-4  # two logits
    assert abs(math.log(found.value / expected)) < 2.5 * math.log(found.high / found.low) / 2


def stick_of_four(weights):
    """The probability of each bit, its slope in the logits, and what the bits lead to."""
    remaining = weights[::-1].cumsum()[::-1]
    to_logits = [
        np.eye(4)[k] - np.where(np.arange(4) > k, weights, 0) / remaining[k + 1] for k in range(3)
    ]
    return weights[:-1] / remaining[:-1], np.array(to_logits), lambda bits: [*bits, 1].index(1)


def halves_of_four(weights):
    """The same for a bit that says whether it is one of the first two, and two that say which."""
    a, b, c, d = weights
    first, second = a + b, c + d
    p = np.array([first / (first + second), a / first, c / second])
    to_logits = np.array(
        [[a / first, b / first, -c / second, -d / second], [1, -1, 0, 0], [0, 0, 1, -1]]
    )
    return p, to_logits, lambda bits: (0 if bits[1] else 1) if bits[0] else (2 if bits[2] else 3)


@pytest.mark.parametrize(
    ("tree", "by_hand"), [("stick_breaking", stick_of_four), ("balanced", halves_of_four)]
)
def test_disarm_on_a_tree_is_the_mean_over_the_bits_that_no_draw_comes_to(tree, by_hand):
    """All bits of K = 4 drawn from logistic noise, those not come to redrawn: DisARM's estimate of every bit."""
    toy = problem("categorical_square", categories=4, logit=-0.8)
    params = toy.init_params(jax.random.key(0))
    logits = np.linspace(0, -0.8, 4)
    target = 1 / np.arange(1, 5) / (1 / np.arange(1, 5)).sum()
    p, to_logits, category = by_hand(np.exp(logits))
    f = ((np.eye(4) - target) ** 2).sum(1)
    # of one bit, its antithetic twin and their probability: both 1, or one of them, or both 0
    joint = [
        {
            (1, 0): min(a, 1 - a),
            (0, 1): min(a, 1 - a),
            (1, 1): max(2 * a - 1, 0),
            (0, 0): max(1 - 2 * a, 0),
        }
        for a in p
    ]
    means = {}
    total = np.zeros(4)
    for pairs in itertools.product(*(outcomes.items() for outcomes in joint)):
        probability = math.prod(chance for _, chance in pairs)
        first, second = (category([pair[side] for pair, _ in pairs]) for side in (0, 1))
        weight = [(b - c) * max(a, 1 - a) for ((b, c), _), a in zip(pairs, p, strict=True)]
        estimate = (f[first] - f[second]) / 2 * np.array(weight) @ to_logits
        total += probability * estimate
        mass, sum_of = means.get((first, second), (0.0, np.zeros(4)))
        means[first, second] = mass + probability, sum_of + probability * estimate
    q = softmax(logits)
    np.testing.assert_allclose(total, q * (f - q @ f), atol=1e-12)
    candidates = np.array([sum_of / mass for mass, sum_of in means.values() if mass > 0])
    candidate = estimator("disarm_categorical", tree=tree)
    ours = jax.jit(lambda key: candidate.estimate(toy, params, (), key, 2)[0]["logits"][0])
    for seed in range(12):
        found = np.asarray(ours(jax.random.key(seed)))
        assert np.abs(candidates - found).max(1).min() < 1e-5
