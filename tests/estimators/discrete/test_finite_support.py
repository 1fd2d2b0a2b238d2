"""Estimators over the listed values of x: formulas as sums over sets and orders, and variances."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

from gradest.estimators import estimator
from gradest.estimators.families.distinct_draws import log_draw_the_rest, log_probability_of_event
from gradest.problems import problem
from gradest.problems.arguments import Number, number
from gradest.problems.toys.categorical import CategoricalToy
from tests.support.estimates import as_vector, one_estimate
from tests.support.shared_bits import shared_bits
from tests.support.statistical import (
    assert_mean,
    assert_variance,
    initial,
    moments_of,
    truth_of,
    variance_of,
)
from tests.support.three_categories import GIVEN

PROBS = np.array([0.45, 0.25, 0.15, 0.1, 0.05])
TABLE = np.array([0.3, -1.0, 2.0, 0.7, -3.0])
TRUTH = PROBS * (TABLE - PROBS @ TABLE)


class Table(CategoricalToy):
    """f over five categories as a table."""

    offset: Number = number(0.0, "added to f")

    def objective(self, params, x):
        return (x @ (jnp.asarray(TABLE, x.dtype) + self.offset)).sum()

    def expectation(self, probs):
        return (probs @ (jnp.asarray(TABLE, probs.dtype) + self.offset)).sum()


def table(offset=0.0):
    """The toy, and θ at PROBS."""
    logits = jnp.log(jnp.asarray(PROBS, jnp.float32))
    return Table(categories=5, offset=offset), {"logits": logits[None]}


def draw_the_rest(rates):
    """∫ Π (1 − u^a) du by multiplying out."""
    total = 0.0
    for size in range(len(rates) + 1):
        parts = itertools.combinations(rates, size)
        total += sum((-1) ** size / (1 + sum(part)) for part in parts)
    return total


@pytest.mark.parametrize("scale", [1e-3, 0.1, 1.0, 30.0])
def test_integral_by_multiplying_out(scale):
    """Of the unordered set, without one value and without two."""
    rates = scale * np.array([0.7, 1.0, 2.5, 4.0])
    with jax.enable_x64(True):
        one, two = jax.jit(log_draw_the_rest)(jnp.log(jnp.asarray(rates)))
    for s in range(4):
        expected = math.log(draw_the_rest(np.delete(rates, s)))
        assert float(one[s]) == pytest.approx(expected, abs=1e-6)
    for s, t in itertools.permutations(range(4), 2):
        expected = math.log(draw_the_rest(np.delete(rates, [s, t])))
        assert float(two[s, t]) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("values", [1, 8, 64])
def test_integral_by_adaptive_quadrature(values):
    rates = np.random.default_rng(0).exponential(size=values) * 0.3
    with jax.enable_x64(True):
        one, _ = jax.jit(log_draw_the_rest)(jnp.log(jnp.asarray(rates)))
    rest = np.delete(rates, 0)

    def log_density(y):
        t = math.exp(y)
        return y - t + np.log(-np.expm1(-rest * t)).sum()

    peak = max(log_density(y) for y in np.arange(-15, 6, 0.01))
    integral = quad(lambda y: math.exp(log_density(y) - peak), -20, 7, limit=500, epsabs=1e-12)[0]
    assert float(one[0]) == pytest.approx(math.log(integral) + peak, abs=1e-6)


def test_probability_of_an_event():
    """Where it is rare, and where it is certain."""
    with jax.enable_x64(True):
        log_rates = jnp.array([-300.0, -11.0, -10.0, -9.0, 0.0, 3.0, 300.0, jnp.inf])
        ours = np.asarray(log_probability_of_event(log_rates))
    np.testing.assert_allclose(ours[:1], [-300.0])
    between = np.log(-np.expm1(-np.exp([-11, -10, -9, 0, 3.0])))
    np.testing.assert_allclose(ours[1:-2], between, rtol=1e-9)
    np.testing.assert_array_equal(ours[-2:], 0)


def probability_of_order(order, excluded=()):
    """Of drawing these one after the other without replacement, where some cannot be drawn."""
    left = 1.0 - PROBS[list(excluded)].sum()
    probability = 1.0
    for item in order:
        probability *= PROBS[item] / left
        left -= PROBS[item]
    return probability


def probability_of_set(chosen, excluded=()):
    """In whatever order."""
    orders = itertools.permutations(chosen)
    return sum(probability_of_order(order, excluded) for order in orders)


def without(chosen, *excluded):
    return [c for c in chosen if c not in excluded]


def no_baseline(chosen, s):
    return 0.0


def leave_one_out_baseline(chosen, s):
    """Of the s-th value, from the others in the set."""
    rest = without(chosen, s)
    b = PROBS[s] * TABLE[s]
    for t in rest:
        second = probability_of_set(without(rest, t), [s, t]) / probability_of_set(rest, [s])
        b += PROBS[t] * second * TABLE[t]
    return b


def unordered_set(chosen, baseline):
    """Kool's estimate from a set: Σ p_s p^{D∖s}(S∖s) / p(S) (f_s − b_s) (e_s − p)."""
    gradient = np.zeros(5)
    for s in chosen:
        ratio = probability_of_set(without(chosen, s), [s]) / probability_of_set(chosen)
        advantage = TABLE[s] - baseline(chosen, s)
        gradient += PROBS[s] * ratio * advantage * (np.eye(5)[s] - PROBS)
    return gradient


@pytest.mark.parametrize(
    ("with_baseline", "baseline"), [(False, no_baseline), (True, leave_one_out_baseline)]
)
def test_unordered_set_written_out(with_baseline, baseline):
    """The mean of all estimates is the gradient, and ours are among them."""
    size = 3
    sets = list(itertools.combinations(range(5), size))
    estimates = np.array([unordered_set(chosen, baseline) for chosen in sets])
    mean = np.array([probability_of_set(chosen) for chosen in sets]) @ estimates
    np.testing.assert_allclose(mean, TRUTH, atol=1e-12)
    toy, params = table()
    subject = estimator("unordered_set", with_baseline=with_baseline)
    ours = jax.jit(lambda key: subject.estimate(toy, params, (), key, size)[0]["logits"][0])
    seen = set()
    for seed in range(20):
        estimate = np.asarray(ours(jax.random.key(seed)))
        nearest = int(np.abs(estimates - estimate).max(1).argmin())
        np.testing.assert_allclose(estimate, estimates[nearest], rtol=1e-4, atol=1e-5)
        seen.add(nearest)
    assert len(seen) > 3


@pytest.mark.parametrize("with_baseline", [False, True])
@pytest.mark.parametrize("name", ["unordered_set", "without_replacement"])
def test_exact_where_all_values_are_drawn(name, with_baseline):
    toy, params = table()
    subject = estimator(name, with_baseline=with_baseline)
    assert subject.evaluations(toy, 5).f == subject.evaluations(toy, 9).f == 5
    estimate = one_estimate(toy, subject, params, 9)
    np.testing.assert_allclose(estimate["logits"][0], TRUTH, atol=1e-5)


UNBIASED = [
    {"name": "unordered_set"},
    {"name": "unordered_set", "with_baseline": False},
    {"name": "without_replacement"},
    {"name": "without_replacement", "with_baseline": False},
    {"name": "sum_and_sample"},
    {"name": "sum_and_sample", "summed": 2},
    {"name": "sum_and_sample", "baseline": "sample"},
    {"name": "enumeration"},
]


@pytest.mark.parametrize("arguments", UNBIASED, ids=str)
@pytest.mark.parametrize("num_samples", [2, pytest.param(5, marks=pytest.mark.slow)])
def test_unbiased_where_coordinates_meet(arguments, num_samples):
    """Nine joint values of two coordinates."""
    subject = estimator(**arguments)
    while subject.refuses_samples(num_samples):
        num_samples += 1
    toy = problem("categorical_square", dim=2, exponent=2.0, **GIVEN)
    moments = moments_of(toy, subject, num_samples, "meet")["logits"]
    assert_mean(moments, truth_of(toy)["logits"], resolution=1e-6)


@pytest.mark.slow
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
    moments = moments_of(toy, estimator(**arguments), 4, "rankings")["logits"]
    assert_mean(moments, truth_of(toy)["logits"], resolution=1e-6)


def test_enumeration_is_exact():
    toy = problem("categorical_square", dim=2)
    enumeration = estimator("enumeration")
    estimate, _ = enumeration.estimate(toy, initial(toy), (), jax.random.key(0), 1)
    np.testing.assert_allclose(as_vector(estimate), truth_of(toy)["logits"], atol=1e-6)
    assert enumeration.evaluations(toy, 1) == enumeration.evaluations(toy, 64) == (9, 0)


@pytest.mark.parametrize(
    "toy",
    [
        problem("plackett_luce_square", items=7),
        problem("vae_categorical", latent_dim=5, num_images=1),
    ],
    ids=["rankings", "categories"],
)
def test_enumeration_refuses_many_values(toy):
    assert "joint values here, above 4,096" in estimator("enumeration").refuses(toy)


@pytest.mark.parametrize("summed", [1, 2, 3])
def test_variance_of_sum_and_sample(summed):
    """(1 − q(C))² Var(g | not in C) / (L − k), summed over the coordinates of g."""
    num_samples = 5
    g = TABLE[:, None] * (np.eye(5) - PROBS)
    rest = PROBS.copy()
    rest[:summed] = 0  # the likeliest come first
    left = rest.sum()
    centred = g - rest @ g / left
    expected = left**2 * (rest / left) @ (centred**2).sum(1) / (num_samples - summed)
    toy, params = table()
    subject = estimator("sum_and_sample", summed=summed)
    moments = moments_of(toy, subject, num_samples, "table", params=params, replicates=40_000)
    assert_variance(moments["logits"], expected)


def variance_with_a_sample_baseline(bits, summed, drawn):
    """Each summed value has a baseline of its own: q² Var[f'] s². Each drawn one has (f − f') s,
    f' of all of q, and all of them together the weight 1 − q(C)."""
    order = np.argsort(-bits.q, kind="stable")
    likely, rest = order[:summed], order[summed:]
    total = (bits.q[likely] ** 2 * bits.spread * bits.score[likely] ** 2).sum()
    if drawn == 0:
        return total
    left = bits.q[rest].sum()
    given = bits.q[rest] / left
    terms = [
        (probability * other, (bits.f[s] - there) * bits.score[s])
        for s, probability in zip(rest, given, strict=True)
        for other, there in zip(bits.q, bits.f, strict=True)
    ]
    chance, estimates = np.array(terms).T
    return total + left**2 * (chance @ (estimates - chance @ estimates) ** 2) / drawn


WITHOUT_TIES = [(-4.0, 0), (-4.0, 1), (-4.0, 4), (-4.0, 7), (-4.0, 8), (0.0, 0), (0.0, 8)]
"""Logits of three bits, and how many of their values are the likeliest without a tie."""


@pytest.mark.parametrize(("logit", "summed"), WITHOUT_TIES)
def test_variance_with_a_sample_baseline(logit, summed):
    """By enumeration, where what the likeliest values are is no accident."""
    drawn = min(1, 8 - summed)
    expected = variance_with_a_sample_baseline(shared_bits(logit), summed, drawn)
    toy = problem("bernoulli_shared", logit=logit)
    subject = estimator("sum_and_sample", summed=summed, baseline="sample")
    moments = moments_of(toy, subject, summed + 1, f"{summed}{logit}", replicates=100_000)["logit"]
    assert_mean(moments, [shared_bits(logit).gradient], resolution=1e-6)
    assert_variance(moments, expected)
    assert subject.evaluations(toy, summed + 1) == (2 * (summed + drawn), 0)


def test_several_draws_have_a_sample_baseline_each():
    expected = variance_with_a_sample_baseline(shared_bits(-4.0), 1, 5)
    toy = problem("bernoulli_shared", logit=-4.0)
    subject = estimator("sum_and_sample", summed=1, baseline="sample")
    moments = moments_of(toy, subject, 6, "six", replicates=100_000)["logit"]
    assert_variance(moments, expected)


def test_all_values_summed():
    """None is drawn, f is evaluated once at each, and nothing is left to vary."""
    toy, params = table()
    for summed in (5, 7):
        subject = estimator("sum_and_sample", summed=summed)
        assert subject.evaluations(toy, 9) == (5, 0)
        assert subject.draws(toy, 9) == 0
        estimate = one_estimate(toy, subject, params, 9)
        np.testing.assert_allclose(estimate["logits"][0], TRUTH, atol=1e-5)


def variance_on_the_table(name, replicates=20_000, **arguments):
    toy, params = table(offset=5.0)
    subject = estimator(name, **arguments)
    moments = moments_of(toy, subject, 4, "table", params=params, replicates=replicates)
    return variance_of(moments["logits"])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["unordered_set", "without_replacement"])
def test_a_baseline_lowers_the_variance(name):
    """In so many replicates that the few large weights without replacement show."""
    plain = variance_on_the_table(name, with_baseline=False)
    assert variance_on_the_table(name, replicates=200_000).high < plain.low


@pytest.mark.slow
def test_variance_without_replacement():
    """Lowest with the unordered set: below leave-one-out, and below weights without it."""
    unordered = variance_on_the_table("unordered_set")
    reinforce = variance_on_the_table("score_function", baseline="leave_one_out")
    assert unordered.high < reinforce.low
    assert unordered.high < variance_on_the_table("without_replacement").low


@pytest.mark.parametrize("name", ["without_replacement", "unordered_set"])
def test_not_all_values_are_sorted_to_find_the_largest(name):
    """Where they were, an estimate took twenty times as long with 4,096 values."""
    toy, subject = problem("bernoulli_square", dim=8), estimator(name)
    params = toy.init_params(jax.random.key(0))

    def estimate(key):
        return subject.estimate(toy, params, (), key, 4)[0]

    program = jax.jit(jax.vmap(estimate)).lower(jax.random.split(jax.random.key(0), 3)).compile()
    assert " sort(" not in program.as_text()
