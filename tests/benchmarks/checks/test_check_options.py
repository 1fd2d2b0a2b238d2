"""What `gradest check` tries: -p and --fast."""

import re

import pytest

from gradest.benchmarks.checks.check import representatives
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


def test_a_fast_check_tries_one_problem_for_each_distribution():
    problems = {name: small_problem(name) for name in PROBLEM_NAMES if not name.startswith("vae")}
    own = {"mine:Own": small_problem("gaussian_square")}
    found = representatives(own | problems, own)
    assert list(found)[:2] == ["mine:Own", "gaussian_square"]
    assert "gaussian_cosine" not in found
    assert {"bernoulli_square", "poisson_toy", "gamma_toy"} < set(found)


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
