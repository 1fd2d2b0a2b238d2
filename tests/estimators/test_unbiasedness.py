"""One test over the registries: the unbiased pass the bias test, the biased fail it. And broken copies are caught."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from gradest.benchmarks.measurement.exact_gradient import exact_gradient
from gradest.benchmarks.measurement.replicates import cell_key, measure
from gradest.benchmarks.statistics.bias import biases, exactly
from gradest.estimators import Estimator, estimator
from gradest.estimators.pathwise.pathwise import Pathwise
from gradest.estimators.score_function.baselines import MovingAverage, WeightedMean
from gradest.estimators.score_function.score_function import ScoreFunction
from gradest.problems import Problem
from tests.support.variants import small_problem

ALPHA = 1e-4
"""Of each of these tests."""


def smallest_p(problem: Problem, candidate: Estimator, num_samples: int, replicates: int) -> float:
    """The p-value of the most deviant coordinate, Holm-adjusted over the groups too."""
    params = problem.init_params(jax.random.key(0))
    key = cell_key(7, "bias", "init", num_samples)
    result = measure(
        problem, candidate, params, num_samples=num_samples, replicates=replicates, key=key
    )
    truth = exact_gradient(problem, params)
    truths = {group: exactly(gradient) for group, gradient in truth.items()}
    return min(found.p for found in biases(result.moments, truths, 1.2e-7).values())


def test_pathwise_on_the_step_is_wrong_and_said_to_be():
    step = small_problem("gaussian_step")
    params = step.init_params(jax.random.key(0))
    estimate, _ = Pathwise().estimate(step, params, (), jax.random.key(0), 1000)
    assert not Pathwise().claims_unbiased(step)
    assert float(jnp.abs(estimate["mean"]).max()) == 0
    assert float(step.exact_gradient(params)["mean"][0]) > 0.1


class SeesItself(MovingAverage):
    """A moving average whose value includes the samples that it is subtracted from."""

    def value(self, drawn, state):
        return self.update(drawn, state).mean[None]


def test_a_moving_average_that_sees_itself_is_biased():
    # at decay 0.9 the bias is a tenth of the gradient at L = 1
    broken = ScoreFunction(baseline=SeesItself(decay=0.9))
    assert broken.claims_unbiased(small_problem("gaussian_square")), (
        "the copy claims what the original does"
    )
    assert smallest_p(small_problem("gaussian_square"), broken, 1, 200_000) < ALPHA


def test_a_moving_average_that_does_not_see_itself_passes_where_the_broken_one_fails():
    sound = ScoreFunction(baseline=MovingAverage(decay=0.9))
    assert smallest_p(small_problem("gaussian_square"), sound, 1, 200_000) > ALPHA


def test_a_replicate_key_used_twice_shows_as_too_little_variance():
    """The harness's own keys: replicates of one cell are distinct."""
    square = small_problem("gaussian_square")
    params = square.init_params(jax.random.key(0))
    key = cell_key(0, "square", "init", 1)
    estimates = jax.vmap(
        lambda i: Pathwise().estimate(square, params, (), jax.random.fold_in(key, i), 1)[0]["mean"][
            0
        ]
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
