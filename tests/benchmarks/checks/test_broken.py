"""Deliberately broken estimators and problems.

Each is caught by the check named for what is broken, and by no other.
"""

import importlib
from collections.abc import Iterable

import equinox as eqx
import jax
import pytest
from jax.lax import stop_gradient

from gradest.benchmarks.checks.check import FALSE_ALARMS, estimator_findings, problem_findings
from gradest.benchmarks.checks.comparisons import Failed
from gradest.benchmarks.checks.estimator_checks import ESTIMATOR_CHECKS
from gradest.benchmarks.checks.problem_checks import PROBLEM_CHECKS
from gradest.benchmarks.checks.trials import EstimatorTrial, ProblemTrial, small_problem
from gradest.estimators import SurrogateEstimator
from gradest.estimators.score_function.baselines import InputDependent
from gradest.estimators.score_function.score_function import ScoreFunction
from tests.support import broken_problems
from tests.support.learned_baseline import LearnedBaseline

LEVEL = FALSE_ALARMS / 50

BROKEN = {
    "wrong_shape": ("gaussian_square", {"shapes"}),
    "fixed_dtype": ("gaussian_square", {"dtypes"}),
    "hidden_generator": ("gaussian_square", {"purity"}),
    "looks_at_the_trace": ("gaussian_cosine", {"jit_and_vmap"}),
    "baked_in_temperature": ("bernoulli_square", {"recompilation"}),
    "unsafe_logarithm": ("bernoulli_square", {"extreme_parameters"}),
    "refuses_nothing": ("bernoulli_square", set(ESTIMATOR_CHECKS) - {"learned_gradients"}),
    "misreported_evaluations": ("gaussian_square", {"evaluations"}),
    "misreported_draws": ("gaussian_square", {"draws"}),
    "biased_baseline": ("gaussian_square", {"unbiasedness"}),
    "missing_direct_term": ("vae_bernoulli", {"unbiasedness"}),
    "key_reuse": ("gaussian_square", {"one_over_samples", "draws"}),
    "wrong_one_over_l": ("gaussian_square", {"one_over_samples", "unbiasedness"}),
    "difference_quotient": ("gaussian_square", {"precision"}),
    "stopped_learning_signal": ("gaussian_square", {"learned_gradients"}),
}
"""The problem to show it on, and the checks that must fail.

That is the one named for it, and what cannot but follow.
"""


def failed(findings) -> dict[str, str]:
    return {finding.check: finding.reason for finding in findings if finding.result == "failed"}


QUICK = {
    "fixed_dtype",
    "biased_baseline",
    "key_reuse",
    broken_problems.WrongShape,
    broken_problems.WrongGradient,
    broken_problems.WrongFarOut,
}
"""What `make test` breaks; `make test-all` breaks everything."""


def breaking(broken: Iterable) -> list:
    return [
        pytest.param(each, marks=[] if each in QUICK else [pytest.mark.slow]) for each in broken
    ]


@pytest.mark.parametrize("name", breaking(BROKEN))
def test_a_broken_estimator_is_caught(name: str):
    on, expected = BROKEN[name]
    broken = importlib.import_module(f"tests.support.broken.{name}").Broken()
    found = failed(estimator_findings(name, broken, ProblemTrial(on, small_problem(on), LEVEL)))
    assert set(found) == expected, found


def test_a_missing_direct_term_is_missed_where_there_is_none():
    broken = importlib.import_module("tests.support.broken.missing_direct_term").Broken()
    assert not failed(
        estimator_findings("", broken, ProblemTrial("", small_problem("gaussian_square"), LEVEL))
    )


@pytest.mark.slow
def test_an_estimator_that_learns_as_it_should_passes_every_check():
    findings = list(
        estimator_findings(
            "", LearnedBaseline(), ProblemTrial("", small_problem("gaussian_square"), LEVEL)
        )
    )
    assert {finding.result for finding in findings} == {"passed"}, failed(findings)


class Counting(LearnedBaseline):
    """Keeps beside its baseline a number that is not trained."""

    def init(self, problem, params, key):
        return {
            "baseline": super().init(problem, params, key),
            "seen": super().init(problem, params, key),
        }

    def advantage(self, f, state):
        return super().advantage(f, state["baseline"])

    def estimate(self, problem, params, state, key, num_samples):
        estimate, _ = SurrogateEstimator.estimate(self, problem, params, state, key, num_samples)
        return estimate, state | {"seen": state["seen"] + 1}

    def trained(self, state):
        return state["baseline"]

    def training_objective(self, learned, problem, params, state, key, num_samples):
        state = state | {"baseline": learned}
        estimate, _ = SurrogateEstimator.estimate(self, problem, params, state, key, num_samples)
        return sum((leaf**2).sum() for leaf in jax.tree.leaves(estimate)), estimate


class TwiceTheGradient(Counting):
    def training_objective(self, learned, problem, params, state, key, num_samples):
        objective, estimate = super().training_objective(
            learned, problem, params, state, key, num_samples
        )
        return 2 * objective - stop_gradient(objective), estimate


def test_of_a_state_only_what_is_trained_by_gradient_is_differentiated():
    on = ProblemTrial("", small_problem("gaussian_square"), LEVEL)
    ESTIMATOR_CHECKS["learned_gradients"](EstimatorTrial(Counting(), on))
    with pytest.raises(Failed, match="expected the gradient that trains the state"):
        ESTIMATOR_CHECKS["learned_gradients"](EstimatorTrial(TwiceTheGradient(), on))


class Stopped(InputDependent):
    """A baseline whose network is cut off from the objective that it is trained on."""

    def training_objective(self, learned, drawn, state):
        stopped = jax.tree.map(stop_gradient, learned.hidden)
        cut_off = eqx.tree_at(lambda network: network.hidden, learned, stopped)
        return super().training_objective(cut_off, drawn, state)


@pytest.mark.slow
def test_a_baseline_that_is_cut_off_from_its_objective_is_caught():
    on = ProblemTrial("", small_problem("vae_bernoulli"), LEVEL)
    broken = ScoreFunction(baseline=Stopped(hidden_dim=4))
    with pytest.raises(Failed, match="expected the gradient that trains the state"):
        ESTIMATOR_CHECKS["learned_gradients"](EstimatorTrial(broken, on))


def test_every_check_of_an_estimator_is_shown_to_bite():
    named = [checks for name, (_, checks) in BROKEN.items() if name != "refuses_nothing"]
    assert set.union(*named, {"support_claims"}) == set(ESTIMATOR_CHECKS)


def test_a_refusal_without_a_reason_is_caught():
    class Curt(LearnedBaseline):
        def refuses(self, problem):
            return "no"

    assert set(
        failed(
            estimator_findings(
                "", Curt(), ProblemTrial("", small_problem("gaussian_square"), LEVEL)
            )
        )
    ) == {"support_claims"}


@pytest.mark.parametrize("broken", breaking(broken_problems.BROKEN), ids=lambda cls: cls.__name__)
def test_a_broken_problem_is_caught(broken: type):
    found = failed(problem_findings(ProblemTrial(broken.__name__, broken(), LEVEL)))
    # what is wrong everywhere is wrong at the ends of its arguments too
    named = broken_problems.BROKEN[broken]
    assert {named} <= set(found) <= {named, "ends_of_range"}, found


def test_every_check_of_a_problem_is_shown_to_bite():
    assert set(broken_problems.BROKEN.values()) == set(PROBLEM_CHECKS)


def test_the_problem_is_sound_before_it_is_broken():
    assert not failed(problem_findings(ProblemTrial("sound", broken_problems.Sound(), LEVEL)))
