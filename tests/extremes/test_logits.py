"""Bits, categories and permutations whose logits lie far out: both tails alike, nothing unsaid."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

import gradest
from gradest.benchmarks.checks.float64 import in_float64
from gradest.estimators import ESTIMATORS, estimator
from gradest.problems import problem
from tests.support.statistical import initial

TOYS = {
    "bernoulli_square": {"dim": 2},
    "bernoulli_shared": {},
    "categorical_square": {"dim": 2},
    "categorical_norm": {"dim": 2, "categories": 3},
    "plackett_luce_square": {"items": 3},
}
"""Each with an argument `logit`: of a bit, or of the last of the categories or items."""

TWO_VALUES = {
    **TOYS,
    "categorical_square": {"dim": 2, "categories": 2},
    "categorical_norm": {"dim": 2, "categories": 2},
    "plackett_luce_square": {"items": 2},
}
"""The same with one probability each, so that a rare event is seen in all coordinates or in none:
where one is missing that would change all of them, while other events vary them, none can tell.
"""

LOGITS = (-16.0, -15.0, -12.0, -10.0, -5.0, 0.0, 5.0, 10.0, 12.0, 15.0, 16.0)

SAMPLES = 4


def fits(name, toy):
    """Whether an estimator can be used on the toy."""
    made = estimator(name)
    return made.refuses(toy) is None and made.refuses_samples(SAMPLES) is None


MADE = {toy: problem(toy, **given) for toy, given in TOYS.items()}

PAIRS = [(toy, name) for toy, made in MADE.items() for name in ESTIMATORS if fits(name, made)]

QUICK = [
    ("bernoulli_square", "measure_valued"),
    ("bernoulli_square", "stochastic_triple[side=left]"),
    ("bernoulli_square", "score_function[control_variate=delta]"),
    ("bernoulli_square", "straight_through"),
    ("bernoulli_square", "reinmax"),
    ("bernoulli_shared", "stochastic_triple"),
    ("categorical_square", "score_function"),
    ("categorical_square", "reinmax"),
    ("plackett_luce_square", "score_function"),
]
"""One of each way in which an estimator uses probabilities."""


def estimates(toy, name):
    """A function of θ, for several θ, and of a key, which gives an estimate at each."""
    made = estimator(name)

    def one(params, key):
        state = made.init(toy, params, jax.random.fold_in(key, 1))
        return made.estimate(toy, params, state, key, SAMPLES)[0]

    return jax.vmap(one, in_axes=(0, None))


def assert_both_tails_have_their_digits(toy_name, name, logits=(-17.5, -15.0, 15.0, 17.5)):
    """Estimates in float32 are those of the same program, and the same bits, in float64.

    There one less a probability of 1 − 10⁻⁸ has nine digits: in float32 it has none.
    """
    given = TOYS[toy_name]
    starts = [initial(problem(toy_name, logit=logit, **given)) for logit in logits]
    params = jax.tree.map(lambda *leaves: jnp.stack(leaves), *starts)
    run = estimates(problem(toy_name, **given), name)
    key = jax.random.key(5)
    narrow, wide = jax.jit(run)(params, key), in_float64(run)(params, key)
    for less, more in zip(jax.tree.leaves(narrow), jax.tree.leaves(wide), strict=True):
        less, more = (np.asarray(each, float).reshape(len(logits), -1) for each in (less, more))
        # terms of a coordinate may cancel, and of all where f does not change
        allowed = 1e-4 * np.abs(more) + 2e-5 * np.abs(more).max(1, keepdims=True) + 1e-14
        assert (np.abs(less - more) <= allowed).all(), (less, more)


@pytest.mark.parametrize(("toy", "name"), QUICK)
def test_both_tails_have_their_digits(toy, name):
    assert_both_tails_have_their_digits(toy, name)


@pytest.mark.slow
@pytest.mark.parametrize(("toy", "name"), PAIRS)
def test_both_tails_have_their_digits_everywhere(toy, name):
    assert_both_tails_have_their_digits(toy, name)


RELAXED = [
    ("bernoulli_square", "gumbel_softmax"),
    ("bernoulli_square", "rebar"),
    ("categorical_norm", "rebar"),
    ("plackett_luce_square", "straight_through_gumbel"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("toy", "name"), RELAXED)
def test_temperatures_next_to_nothing(toy, name):
    """At τ = 10⁻⁶ the logits that softmax takes are 10⁷, and its derivatives 0 or 10⁶."""
    made = problem(toy, **TOYS[toy])
    learns = {"learned": True} if name == "rebar" else {}
    cold = estimator(name, temperature=1e-6, **learns)
    params = initial(made)

    @jax.jit
    def three_times(key):
        state = cold.init(made, params, key)
        for place in range(3):
            place_key = jax.random.fold_in(key, place)
            estimate, state = cold.estimate(made, params, state, place_key, SAMPLES)
        return estimate, cold.trained(state) if learns else None

    for leaf in jax.tree.leaves(three_times(jax.random.key(2))):
        assert np.isfinite(leaf).all()


def measured(toy, dtype, logits, estimators, replicates, toys=TWO_VALUES):
    """The rows of a sweep over logits, but for estimators that do not fit."""
    given = toys[toy]
    run = gradest.sweep(
        {
            "name": "logits",
            "samples": [SAMPLES],
            "replicates": replicates,
            "adapt_steps": 50,
            "dtype": dtype,
            "problem": [{"name": toy, "logit": logit, **given} for logit in logits],
            "estimator": [{"name": name} for name in estimators],
        }
    )
    return run.frame[run.frame.status != "skipped"]


CHANCE = 1e-4
"""The share of findings that may be false, for the grid's ten sweeps together."""


def assert_sound(rows):
    """No cell fails, no number is NaN, and none that claims no bias is surely biased."""
    assert set(rows.status) <= {"ok", "unreliable"}, rows[["estimator", "status", "reason"]]
    assert np.isfinite(rows[["mean_norm", "variance", "exact_norm"]]).all().all()
    assert (rows.reason[rows.status == "unreliable"] != "").all()
    claimed = rows[(rows.status == "ok") & rows.unbiased.astype(bool)]
    wrong = claimed[(claimed.bias_finding == "biased") & (claimed.bias_q < CHANCE)]
    assert wrong.empty, wrong[["estimator", "problem_args", "bias_relative", "bias_q"]]


@pytest.mark.slow
def test_far_out_nothing_is_unsaid():
    names = ("score_function", "disarm", "measure_valued", "sum_and_sample")
    rows = measured("bernoulli_square", "float32", (-15.0, 15.0), names, 400)
    assert len(rows) == len(names) * 2
    assert_sound(rows)
    by_name = rows.set_index("estimator")
    assert (by_name.status["disarm"] == "unreliable").all(), "no event was seen"
    assert (by_name.status["measure_valued"] == "ok").all()
    assert (abs(by_name.bias_relative["measure_valued"]) < 1e-5).all()


@pytest.mark.slow
def test_the_rarest_of_three_categories_is_not_called_a_bias():
    """Replicates vary by the second, and do not show the third in its own coordinate."""
    names = ("score_function", "double_control_variate", "sum_and_sample")
    rows = measured("categorical_square", "float32", (12.0,), names, 2_000, toys=TOYS)
    assert (rows.bias_finding != "biased").all()


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("toy", TOYS)
def test_nothing_is_unsaid_on_the_grid(toy, dtype):
    made = problem(toy, **TWO_VALUES[toy])
    names = [name for name in ESTIMATORS if fits(name, made)]
    rows = measured(toy, dtype, LOGITS, names, 2_000)
    assert len(rows) == len(names) * len(LOGITS)
    assert_sound(rows)


def variances_of_one_bit(logit, t=0.45, n=SAMPLES):
    """Of n draws of (b − t)²: without a baseline, with one, and of antithetic pairs."""
    p, q = special.expit(logit), special.expit(-logit)
    m = min(p, q)
    rise = 1 - 2 * t
    gradient = rise * p * q
    ones = np.arange(n + 1)
    weights = special.binom(n, ones) * p**ones * q ** (n - ones)
    loo = rise * ones * (n - ones) / (n * (n - 1))
    arm = 2 / 3 * m * (3 / 4 - 3 / 2 * m + m**2)
    disarm = m * (1 - m) ** 2 / 2
    return {
        "none": (p * (1 - t) ** 4 * q**2 + q * t**4 * p**2 - gradient**2) / n,
        "leave_one_out": weights @ loo**2 - gradient**2,
        "arm": 2 / n * (rise**2 * arm - gradient**2),
        "disarm": 2 / n * (rise**2 * disarm - gradient**2),
    }


ONE_BIT = [
    {"name": "score_function", "baseline": "none"},
    {"name": "score_function", "baseline": "leave_one_out"},
    {"name": "arm"},
    {"name": "disarm"},
]


def covered(seed, dtype):
    """Of each interval that is given and not doubted, whether it holds the exact variance."""
    logits = [logit for logit in LOGITS if abs(logit) <= 12]
    run = gradest.sweep(
        {
            "name": "one_bit",
            "samples": [SAMPLES],
            "replicates": 200_000,
            "seed": seed,
            "dtype": dtype,
            "problem": [{"name": "bernoulli_square", "logit": logit} for logit in logits],
            "estimator": ONE_BIT,
        }
    )
    holds = []
    for row in run.frame[run.frame.status == "ok"].itertuples():
        exact = variances_of_one_bit(json.loads(row.problem_args)["logit"])
        kind = json.loads(row.estimator_args).get("baseline", row.estimator)
        holds.append(row.variance_low <= exact[kind] <= row.variance_high)
    assert len(holds) >= len(ONE_BIT) * 3, "every cell between −5 and 5, at least"
    return holds


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_intervals_hold_the_exact_variance(dtype):
    holds = [each for seed in range(10) for each in covered(seed, dtype)]
    assert 0.93 <= np.mean(holds) <= 0.97, f"{np.mean(holds):.3f} of {len(holds)}"
