"""Deliberately broken estimators and problems, each caught by the check named for what is broken, and by no other."""

import importlib

import pytest

from benchmarks.check import FALSE_ALARMS, estimator_findings, problem_findings
from benchmarks.estimator_checks import ESTIMATOR_CHECKS
from benchmarks.problem_checks import PROBLEM_CHECKS
from benchmarks.trials import ProblemTrial, small_problem
from tests import broken_problems
from tests.learned_baseline import LearnedBaseline

LEVEL = FALSE_ALARMS / 50

BROKEN = {
    "wrong_shape": ("gaussian_square", {"shapes"}),
    "fixed_dtype": ("gaussian_square", {"dtypes"}),
    "hidden_generator": ("gaussian_square", {"purity"}),
    "looks_at_the_trace": ("gaussian_cosine", {"jit_and_vmap"}),
    "baked_in_temperature": ("bernoulli_square", {"recompilation"}),
    "unsafe_logarithm": ("bernoulli_square", {"extreme_parameters"}),
    "supports_everything": ("bernoulli_square", set(ESTIMATOR_CHECKS) - {"learned_gradients"}),
    "misreported_cost": ("gaussian_square", {"cost"}),
    "biased_baseline": ("gaussian_square", {"unbiasedness"}),
    "missing_direct_term": ("vae_bernoulli", {"unbiasedness"}),
    "key_reuse": ("gaussian_square", {"one_over_samples"}),
    "wrong_one_over_l": ("gaussian_square", {"one_over_samples", "unbiasedness"}),
    "difference_quotient": ("gaussian_square", {"precision"}),
    "stopped_learning_signal": ("gaussian_square", {"learned_gradients"}),
}
"""The problem to show it on, and the checks that must fail: the one named for it, and what cannot but follow."""


def failed(findings) -> dict[str, str]:
    return {finding.check: finding.reason for finding in findings if finding.result == "failed"}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_estimator_is_caught(name: str):
    on, expected = BROKEN[name]
    broken = importlib.import_module(f"tests.broken.{name}").Broken()
    found = failed(estimator_findings(name, broken, ProblemTrial(on, small_problem(on), LEVEL)))
    assert set(found) == expected, found


def test_a_missing_direct_term_is_missed_where_there_is_none():
    broken = importlib.import_module("tests.broken.missing_direct_term").Broken()
    assert not failed(estimator_findings("", broken, ProblemTrial("", small_problem("gaussian_square"), LEVEL)))


def test_an_estimator_that_learns_as_it_should_passes_every_check():
    findings = list(
        estimator_findings("", LearnedBaseline(), ProblemTrial("", small_problem("gaussian_square"), LEVEL))
    )
    assert {finding.result for finding in findings} == {"passed"}, failed(findings)


def test_every_check_of_an_estimator_is_shown_to_bite():
    named = [checks for name, (_, checks) in BROKEN.items() if name != "supports_everything"]
    assert set.union(*named, {"support_claims"}) == set(ESTIMATOR_CHECKS)


def test_a_refusal_without_a_reason_is_caught():
    class Curt(LearnedBaseline):
        def supports(self, problem):
            return "no"

    assert set(failed(estimator_findings("", Curt(), ProblemTrial("", small_problem("gaussian_square"), LEVEL)))) == {
        "support_claims"
    }


@pytest.mark.parametrize("broken", broken_problems.BROKEN, ids=lambda cls: cls.__name__)
def test_a_broken_problem_is_caught(broken: type):
    found = failed(problem_findings(ProblemTrial(broken.__name__, broken(), LEVEL)))
    assert set(found) == {broken_problems.BROKEN[broken]}, found


def test_every_check_of_a_problem_is_shown_to_bite():
    assert set(broken_problems.BROKEN.values()) == set(PROBLEM_CHECKS)


def test_the_problem_is_sound_before_it_is_broken():
    assert not failed(problem_findings(ProblemTrial("sound", broken_problems.Sound(), LEVEL)))
