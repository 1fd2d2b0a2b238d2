"""`gradest check` itself: what it says of a class of a user's, and of what is none."""

import json
import re

import pytest

from gradest.benchmarks.checks.check import check
from gradest.benchmarks.checks.estimator_checks import ESTIMATOR_CHECKS
from gradest.benchmarks.cli.main import main
from gradest.benchmarks.errors import BadInput
from gradest.estimators.sampling.couplings import COUPLINGS


@pytest.fixture
def run_command(capsys, tmp_path, monkeypatch):
    """Runs a command in an empty folder, with two small problems in the registry.

    Returns status, stdout, stderr.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    few = {name: cls for name, cls in check.__globals__["PROBLEMS"].items() if name in FEW}
    monkeypatch.setitem(check.__globals__, "PROBLEMS", few)

    def call(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        return ended.value.code, *capsys.readouterr()

    return call


FEW = ("gaussian_cosine", "bernoulli_square")

OWN = """
import jax.numpy as jnp
from gradest.estimators.pathwise.pathwise import Pathwise
from gradest.problems.toys.gaussian import GaussianSquare

class Half(Pathwise):
    def surrogate(self, problem, params, state, key, num_samples):
        loss, state = super().surrogate(problem, params, state, key, num_samples)
        return loss / 2, state

class Good(Pathwise):
    pass

class Explodes(Pathwise):
    def surrogate(self, problem, params, state, key, num_samples):
        raise RuntimeError("no idea\\nhow")

class Nothing(Pathwise):
    def refuses(self, problem):
        return "fits nothing at all"

class Shifted(GaussianSquare):
    def expectation(self, mean, scale):
        return super().expectation(mean, scale) + mean

class Abstract(Pathwise):
    def __init__(self, needed):
        pass

number = 3
"""


def test_a_users_estimator_that_is_biased_is_status_four(run_command, tmp_path):
    (tmp_path / "own_estimator.py").write_text(
        OWN.replace("class Shifted(GaussianSquare)", "class Shifted(Half)")
    )
    status, out, err = run_command("check", "own_estimator:Half", "--json")
    found = json.loads(out)
    assert status == 4
    assert (found["target"], found["kind"]) == ("own_estimator:Half", "estimator")
    assert {(f["check"], f["on"]) for f in found["findings"] if f["result"] == "failed"} == {
        ("unbiasedness", "gaussian_cosine")
    }
    assert found["counts"]["failed"] == len(COUPLINGS)  # one for each variant that it inherits
    assert found["counts"]["ran"] == found["counts"]["passed"] + found["counts"]["failed"]
    assert {f["check"] for f in found["findings"]} == set(ESTIMATOR_CHECKS)
    assert all(f["reason"] for f in found["findings"] if f["result"] != "passed")
    assert len(err.splitlines()) == len(COUPLINGS) * len(FEW)


@pytest.mark.slow
def test_a_users_good_estimator_is_status_zero_and_its_own_problem_is_tried(
    run_command, tmp_path, monkeypatch
):
    few = {name: check.__globals__["PROBLEMS"][name] for name in ("gaussian_cosine",)}
    monkeypatch.setitem(check.__globals__, "PROBLEMS", few)
    (tmp_path / "own_good.py").write_text(OWN.replace("+ mean", ""))
    status, out, err = run_command("check", "own_good:Good")
    assert status == 0
    lines = out.splitlines()
    assert lines[0].split() == ["check", "ran", "passed", "failed", "skipped"]
    assert re.fullmatch(r"own_good:Good: (\d+) ran, \1 passed, 0 failed, \d+ skipped", lines[-1])
    assert f"skipped {2 * len(COUPLINGS)} × learned_gradients: trains nothing by gradient" in lines
    assert "own_good:Good on own_good:Shifted: 12 passed" in err


@pytest.mark.slow
def test_a_users_problem_with_a_wrong_truth(run_command, tmp_path):
    (tmp_path / "own_problem.py").write_text(OWN)
    status, out, _ = run_command("check", "own_problem:Shifted")
    assert status == 4
    place = "exact_gradient, own_problem:Shifted on own_problem:Shifted"
    assert f"failed: {place}: expected exact_gradient to be" in out
    assert "13 ran, 11 passed, 2 failed, 0 skipped" in out  # at its defaults and at the ends


def test_what_a_users_class_raises_is_a_failure_in_one_line(run_command, tmp_path):
    (tmp_path / "own_explodes.py").write_text(OWN)
    status, out, err = run_command("check", "own_explodes:Explodes")
    assert status == 4
    place = "failed: shapes, own_explodes:Explodes on own_explodes:Shifted: own_explodes.py:16: "
    assert f"{place}RuntimeError: no idea\n    own_explodes.py:16, in surrogate: raise Run" in out
    assert out.count("failed: ") == 1
    assert re.search(r"\n    and \d+ more from this cause: dtypes, .* and \d+ more on ", out)
    assert "Traceback" not in out + err


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "pathwize",
            "name 'pathwize': did you mean pathwise? expected a name that `gradest list` shows, "
            "or module:Class",
        ),
        ("own_bed:Good", "no module own_bed: expected a file own_bed.py in "),
        ("own_bed:Good", "did you mean own_bad?"),
        (
            "own_bad:God",
            "module own_bad has no God: expected a subclass of Problem or Estimator; "
            "did you mean Good?",
        ),
        ("own_bad:number", "it is no Problem or Estimator: expected a subclass"),
        ("own_bad:Abstract", "cannot be made"),
        ("own_bad:Nothing", "fits no problem that it could be tried on: fits nothing at all"),
        ("own_syntax:A", "module own_syntax fails: own_syntax.py:1: SyntaxError"),
        ("own_needs:A", "module own_needs needs a_module_that_is_not_there, which is not there"),
        ("own_bad:", "expected a module and a class, as in my_module:MyEstimator"),
        (":Good", "expected a module and a class, as in my_module:MyEstimator"),
    ],
)
def test_a_bad_target_is_status_two_and_one_line(run_command, tmp_path, target, message):
    (tmp_path / "own_bad.py").write_text(
        OWN.replace("class Shifted(GaussianSquare)", "class Shifted(Half)")
    )
    (tmp_path / "own_syntax.py").write_text("class A(:\n")
    (tmp_path / "own_needs.py").write_text("import a_module_that_is_not_there\n")
    status, out, err = run_command("check", target)
    assert (status, out) == (2, "")
    last = err.splitlines()[-1]
    assert message in last
    assert last.startswith("gradest: ")
    assert "Traceback" not in err


def test_an_estimator_that_fits_nothing_is_no_success():
    with pytest.raises(BadInput, match="expected a name that `gradest list`"):
        check("nothing", print)
