"""Whatever a user's class does wrong is the failure of its cells: the others are measured."""

import dataclasses
import json
import re
import sys

import pytest

import gradest
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.run import measure_plan
from gradest.benchmarks.sweeps.schema import parse_sweep
from gradest.estimators.pathwise.pathwise import Pathwise
from gradest.problems import Problem
from gradest.problems.registry import own_folders
from gradest.problems.registry.own_modules import own_class
from tests.support.slips import MODULE, line_of, sweep_of
from tests.support.sweeps import Quiet

PROBLEMS = {
    "TruthValue": "TracerBoolConversionError: .*: write jnp.where",
    "NumpyCalled": "TracerArrayConversionError: .*: call jax.numpy",
    "NoSuchAttribute": "AttributeError: 'NoSuchAttribute' object has no attribute 'weights'",
    "NoSuchKey": "KeyError: 'mean'",
    "Divided": "ZeroDivisionError: .*by zero",
    "Asserted": "AssertionError: x is no matrix",
    "Exits": "SystemExit: 0: leave out sys.exit",
    "Generates": "GeneratorExit",
    "SaysNothing": "Unsaid",
    "NoNumber": r"init_params of .*: group w: expected at least one number; got float32\[0\]",
    "Recurses": "RecursionError: .*: a method calls itself without an end",
    "Stores": "FrozenInstanceError: .*: return what is learned in the state",
    "Unbroadcast": "TypeError: .*: print the shapes",
    "BrokenInit": "TypeError: Indexer must have integer or boolean type",
    "BrokenDistribution": "AttributeError: .* has no attribute 'Normall'",
    "Whole": r"objective of slips:Whole: expected float32\[\]; got int32\[\]: return floats",
    "Unsummed": r"objective of .*: expected float32\[\]; got float32\[3\]: return one number",
    "WholeTheta": r"init_params of .*: group w: expected an array of float32; got int32\[3\]",
    "NoDict": "TypeError: .*string indexing.*: init_params returns a dict of named arrays",
    "NotFinite": "init_params of .*: group w: expected finite numbers; got .* inf",
    "NoDistribution": r"distribution of .*: expected one of numpyro's; got float32\[3\]",
    "OtherTruth": r"exact_gradient of .*: group w: expected float32\[3\]; got float32\[\]",
    "PlainField": "slips:PlainField: field size = 3: expected an argument of gradest.problems.arg",
    "Leaks": "(UnexpectedTracer|Type)Error: .*: return what is computed: store it nowhere",
}
FEW = ["TruthValue", "Divided", "Exits", "SaysNothing", "NoNumber", "BrokenDistribution", "Whole"]
ESTIMATORS = {
    "AsksTheKey": "TracerBoolConversionError: .*: write jnp.where",
    "Refuses": "AttributeError: 'GaussianSquare' object has no attribute 'nothing_of_the_kind'",
    "RefusesByNumber": "RefusesByNumber.refuses: expected None or a reason; found 3",
    "Counts": "TypeError: .*missing 1 required positional argument: 'grad'",
    "CountsHalves": r"CountsHalves.evaluations: expected Evaluations\(f, grad\) .*; found 1.0",
    "WholeEstimate": r"estimate of slips:\w+: group mean: expected float32\[1\]; got int32",
    "OtherGroups": r"estimate of .*: group mean: expected float32\[1\]; got a dict of v",
    "MoreGroups": "estimate of .*: expected a dict of mean, scale; got a dict of mean, scale, v",
    "NoState": r"estimate of .*: expected \(estimate, state\); got a dict of mean",
    "GrowingState": r"state of .* after an estimate: expected float32\[2\]; got float32\[3\]",
    "Starts": "AttributeError: module 'jax' has no attribute 'nothing'",
}


@pytest.fixture
def module(tmp_path, monkeypatch):
    """slips.py in an empty current folder, forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setattr(own_folders, "_sweep_folders", [])
    (tmp_path / "slips.py").write_text(MODULE)
    yield tmp_path
    sys.modules.pop("slips", None)


def outcomes_of(problems: list[str], estimators: list[str]) -> dict[str, tuple[str, str]]:
    """The status and the reason of each cell of a sweep, by the class of the user's in it."""
    plan = resolve(parse_sweep(sweep_of(problems, estimators), "here"))
    outcomes = measure_plan(plan, Quiet())
    found = {}
    for cell in plan.measurable:
        own = [n for n in (cell.problem.name, cell.estimator.name) if n.startswith("slips:")]
        found[own[-1].partition(":")[2]] = outcomes[cell.id].status, outcomes[cell.id].reason
    return found


def expect_faults(found: dict[str, tuple[str, str]], patterns: dict[str, str]) -> None:
    """Every class of `patterns` failed for the reason that is expected, at its line."""
    assert found.keys() == patterns.keys()
    assert {status for status, _ in found.values()} == {"failed"}
    for name, (_, reason) in found.items():
        assert len(reason) <= 300
        assert re.search(patterns[name], reason), reason
        line = line_of(name)
        # what leaked from one trace into another has no line of its own in every case
        assert not line or name == "Leaks" or reason.startswith(f"slips.py:{line}: "), reason


@pytest.mark.parametrize(
    "some",
    [FEW, pytest.param(list(PROBLEMS), marks=pytest.mark.slow)],
    ids=["few", "all"],
)
def test_a_slip_in_a_problem_fails_its_cells_alone(module, some):
    names = ["slips:Sound", *(f"slips:{name}" for name in some)]
    found = outcomes_of(names, ["score_function"])
    assert found.pop("Sound")[0] != "failed"
    expect_faults(found, {name: PROBLEMS[name] for name in some})


def test_a_slip_in_an_estimator_fails_its_cells_alone(module):
    names = ["slips:Plain", *(f"slips:{name}" for name in ESTIMATORS)]
    found = outcomes_of(["gaussian_square"], names)
    assert found.pop("Plain")[0] != "failed"
    expect_faults(found, ESTIMATORS)


def test_a_fault_of_ours_is_no_cell_s(plan, monkeypatch):
    """Where every class is ours, what is no numerical failure ends the run."""

    def fails(self, problem, params, state, key, num_samples):
        raise KeyError("ours")

    monkeypatch.setattr(Pathwise, "estimate", fails)
    cells = [cell for cell in plan.measurable if cell.estimator.name == "pathwise"][:1]
    with pytest.raises(KeyError, match="ours"):
        measure_plan(dataclasses.replace(plan, cells=cells), Quiet())


def test_commands_say_where_and_what(module, run_command):
    (module / "slips.toml").write_text(
        sweep_of(["slips:TruthValue", "slips:Sound"], ["score_function", "slips:Counts"])
    )
    status, out, _ = run_command("plan", "slips.toml", "--json")
    assert status == 0
    assert json.loads(out)["f_evals"] == 2 * 40 * 2  # of the estimator that counts
    status, out, err = run_command("run", "slips.toml", "--json")
    assert status == 3
    assert json.loads(out)["cells"]["failed"] == 3
    assert "our fault" not in err
    status, out, _ = run_command("status", "slips.toml", "--json")
    assert status == 3
    assert "write jnp.where" in " ".join(json.loads(out)["failures"])
    status, _, err = run_command("describe", "slips:BrokenDistribution")
    assert status == 2
    assert f"slips.py:{line_of('BrokenDistribution')}: AttributeError" in err


def test_from_python(module):
    mine = own_class("problem", Problem, "slips:TruthValue")
    run = gradest.measure(mine, "score_function", samples=2, replicates=40)
    assert "write jnp.where" in str(run.failures)
    mine = own_class("problem", Problem, "slips:BrokenDistribution")
    run = gradest.measure(mine, samples=2, replicates=40)
    assert "Normall" in str(run.failures)


@pytest.mark.parametrize("kind", ["problem", "estimator"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 / 0\n", r"module raises fails: raises.py:1: ZeroDivisionError"),
        ("import not_there\n", r"module raises needs not_there, .* \(raises.py:1\)"),
    ],
)
def test_a_module_that_raises_fails_its_cells_alone(text, said, kind, module):
    (module / "raises.py").write_text(text)
    names = {"problem": ["gaussian_square"], "estimator": ["pathwise"]}
    names[kind].append("raises:Mine")
    plan = resolve(parse_sweep(sweep_of(names["problem"], names["estimator"]), "here"))
    outcomes = measure_plan(plan, Quiet())
    failed = [cell for cell in plan.cells if outcomes[cell.id].status == "failed"]
    assert {getattr(cell, kind).name for cell in failed} == {"raises:Mine"}
    assert 2 * len(failed) == len(plan.cells)
    assert all(re.search(said, outcomes[cell.id].reason) for cell in failed)
