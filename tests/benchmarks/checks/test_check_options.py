"""What `gradest check` tries: -p and --fast."""

import re

import pytest

from gradest.benchmarks.checks.trials import representatives, traits_of
from gradest.estimators import estimator
from tests.support.variants import PROBLEM_NAMES, small_problem

OWN = """
from gradest.estimators.pathwise.pathwise import Pathwise

class Half(Pathwise):
    def surrogate(self, problem, params, state, key, num_samples):
        loss, state = super().surrogate(problem, params, state, key, num_samples)
        return loss / 2, state
"""


def test_a_fast_check_of_one_problem_finds_a_gross_bias(run_command, tmp_path):
    (tmp_path / "own_half.py").write_text(OWN)
    status, out, err = run_command("check", "own_half:Half", "-p", "gaussian_cosine", "--fast")
    assert status == 4
    assert "failed: unbiasedness, own_half:Half on gaussian_cosine: " in out
    assert re.fullmatch(r"own_half:Half on gaussian_cosine: 11 passed, 1 failed, .* s\n", err)


def fast(name):
    """The problems of a fast check, and those of them that the estimator is tried on."""
    subject = estimator(name)
    problems = {name: small_problem(name) for name in PROBLEM_NAMES}
    own = {"mine:Own": small_problem("gaussian_square")}
    found = representatives(own | problems, own, lambda each: not subject.refuses(each))
    return list(found), [label for label, each in found.items() if not subject.refuses(each)]


def test_a_fast_check_tries_problems_that_differ_in_kind():
    found, tried = fast("score_function")
    assert found == tried
    assert tried[:3] == ["mine:Own", "gaussian_square", "gaussian_step"]
    assert len(tried) < 12
    kinds = [traits_of(small_problem(name)) for name in tried[1:]]
    every = [traits_of(small_problem(name)) for name in PROBLEM_NAMES]
    assert set.union(*kinds) == set.union(*every)
    assert all(kind - set().union(*kinds[:number]) for number, kind in enumerate(kinds))


def test_a_fast_check_asks_about_every_distribution_that_is_refused():
    found, tried = fast("disarm")
    assert tried[:1] == ["bernoulli_square"]
    assert {"gaussian_square", "gamma_toy", "categorical_square"} <= set(found) - set(tried)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("pathwise", "-p", "gaussian_cosin"), "did you mean gaussian_cosine?"),
        (("pathwise", "-p", "pathwise"), "pathwise: expected a problem; it is an estimator"),
        (("gaussian_square", "-p", "gaussian_cosine"), "expected an estimator to try on it"),
    ],
)
def test_a_problem_that_cannot_be_tried(run_command, words, message):
    status, out, err = run_command("check", *words)
    assert (status, out) == (2, "")
    assert message in err
