"""One test over the registries: the unbiased pass the bias test, the biased fail it. And broken copies are caught."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.lax import stop_gradient

from benchmarks import statistics
from benchmarks.exact import exact_variance
from benchmarks.measure import cell_key, exact_gradient, measure
from estimators import Estimator, estimator
from estimators.baselines import MovingAverage, WeightedMean
from estimators.pathwise import Pathwise
from estimators.sampling import rsample, sample
from estimators.score_function import ScoreFunction
from problems import Params, Problem
from tests.variants import PROBLEM_NAMES, VARIANTS, small_problem

NUM_SAMPLES = 4
REPLICATES = {"logistic_regression": 2_000}
CASES = [
    pytest.param(small_problem(name), variant, id=f"{name}-{label}")
    for name in PROBLEM_NAMES
    if small_problem(name).truth
    for label, variant in VARIANTS
    if not variant.supports(small_problem(name))
]
ALPHA = 0.01 / len(CASES)
"""One of all these tests fails by chance once in a hundred runs."""


def smallest_p(problem: Problem, candidate: Estimator, num_samples: int = NUM_SAMPLES, replicates: int = 0) -> float:
    """The p-value of the most deviant coordinate, Holm-adjusted over the groups too."""
    name = type(problem).__name__
    replicates = replicates or (2_000 if name == "LogisticRegression" else 20_000)
    params = off_the_start(problem)
    key = cell_key(7, name, "init", num_samples)
    result = measure(problem, candidate, params, num_samples=num_samples, replicates=replicates, key=key)
    truth = exact_gradient(problem, params)
    ps = [statistics.bias(result.moments[group], truth[group], 1.2e-7).p for group in truth]
    return min(1.0, len(ps) * min(ps))


def off_the_start(problem: Problem) -> Params:
    """θ near its initialisation but not at it, where some terms of the gradient happen to vanish (the KL's, say)."""
    leaves, structure = jax.tree.flatten(problem.init_params(jax.random.key(3)))
    keys = jax.random.split(jax.random.key(4), len(leaves))
    moved = [leaf + 0.1 * jax.random.normal(key, leaf.shape) for leaf, key in zip(leaves, keys, strict=True)]
    return jax.tree.unflatten(structure, moved)


@pytest.mark.parametrize(("problem", "candidate"), CASES)
def test_unbiased_pass_and_biased_fail(problem: Problem, candidate: Estimator):
    p = smallest_p(problem, candidate)
    assert (p > ALPHA) == candidate.claims_unbiased(problem), f"p = {p:.2g}"


def test_pathwise_on_the_step_is_wrong_and_said_to_be():
    step = small_problem("gaussian_step")
    params = step.init_params(jax.random.key(0))
    estimate, _ = Pathwise().estimate(step, params, (), jax.random.key(0), 1000)
    assert not Pathwise().claims_unbiased(step)
    assert float(jnp.abs(estimate["mean"]).max()) == 0
    assert float(step.exact_gradient(params)["mean"][0]) > 0.1


class WrongMean(Pathwise):
    """Divides by L + 1."""

    def surrogate(self, problem, params, state, key, num_samples):
        loss, state = super().surrogate(problem, params, state, key, num_samples)
        return loss * num_samples / (num_samples + 1), state


class ForgetsDirectTerm(ScoreFunction):
    """Leaves ∂f/∂θ out."""

    def surrogate(self, problem, params, state, key, num_samples):
        q = problem.distribution(params)
        x = sample(q, key, num_samples)
        return (stop_gradient(problem.costs(params, x)) * q.log_prob(x)).mean(0).sum(), state


class SeesItself(MovingAverage):
    """A moving average whose value includes the samples that it is subtracted from."""

    def value(self, signal, state):
        total = self.decay * state.total + (1 - self.decay) * signal.mean(0)
        return (total / (self.decay * state.weight + 1 - self.decay))[None]


class QuickSeesItself(SeesItself):
    """The same at decay 0.9, where the bias is a tenth of the gradient at L = 1."""

    decay = 0.9


@pytest.mark.parametrize(
    ("name", "broken", "num_samples"),
    [
        ("gaussian_square", WrongMean(), 4),
        ("vae_bernoulli", ForgetsDirectTerm(), 4),
        ("gaussian_square", ScoreFunction(baseline=QuickSeesItself()), 1),
    ],
    ids=["wrong 1/L", "missing direct term", "moving average sees itself"],
)
def test_broken_copies_are_biased(name: str, broken: Estimator, num_samples: int):
    assert broken.claims_unbiased(small_problem(name)), "the copy claims what the original does"
    replicates = 200_000 if num_samples == 1 else 0
    assert smallest_p(small_problem(name), broken, num_samples, replicates) < ALPHA


def test_a_moving_average_that_does_not_see_itself_passes_where_the_broken_one_fails():
    class Quick(MovingAverage):
        decay = 0.9

    assert smallest_p(small_problem("gaussian_square"), ScoreFunction(baseline=Quick()), 1, 200_000) > ALPHA


class ReusesKey(Pathwise):
    """Draws the L samples from one key: they are all the same, and the mean is none the wiser."""

    def surrogate(self, problem, params, state, key, num_samples):
        x = rsample(problem.distribution(params), key, 1)
        return problem.costs(params, jnp.repeat(x, num_samples, axis=0)).mean(0).sum(), state


def test_a_reused_key_is_unbiased_and_its_variance_gives_it_away():
    square = small_problem("gaussian_square")
    params = square.init_params(jax.random.key(0))
    assert smallest_p(square, ReusesKey()) > ALPHA
    exact = exact_variance(square, Pathwise(), params, NUM_SAMPLES)
    for candidate, caught in ((Pathwise(), False), (ReusesKey(), True)):
        key = cell_key(0, "reuse", "init", NUM_SAMPLES)
        result = measure(square, candidate, params, num_samples=NUM_SAMPLES, replicates=20_000, key=key)
        for group in exact:
            _, low, high = statistics.variance(result.moments[group])
            assert (not low * 0.9 < exact[group] < high * 1.1) == caught


def test_a_replicate_key_used_twice_shows_as_too_little_variance():
    """The harness's own keys: replicates of one cell are distinct."""
    square = small_problem("gaussian_square")
    params = square.init_params(jax.random.key(0))
    key = cell_key(0, "square", "init", 1)
    estimates = jax.vmap(
        lambda i: Pathwise().estimate(square, params, (), jax.random.fold_in(key, i), 1)[0]["mean"][0]
    )(jnp.arange(10_000))
    assert len(np.unique(np.asarray(estimates))) > 9_990


def test_learned_state_is_not_used_in_the_estimate_that_updates_it():
    square = small_problem("gaussian_square")
    params = square.init_params(jax.random.key(0))
    for baseline in ("mean", "moving_average", "optimal"):
        reinforce = estimator("score_function", baseline=baseline)
        state = reinforce.init(square, params, jax.random.key(0))
        first, after = reinforce.estimate(square, params, state, jax.random.key(1), 4)
        plain, _ = estimator("score_function").estimate(square, params, (), jax.random.key(1), 4)
        np.testing.assert_array_equal(first["mean"], plain["mean"])  # nothing learned yet: b = 0
        assert isinstance(after, WeightedMean)
        assert not eqx.tree_equal(state, after)
