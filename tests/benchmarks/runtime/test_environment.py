"""Which code a number comes through, and what the processor is called."""

import shutil

import pytest

from gradest.benchmarks.imports import Module
from gradest.benchmarks.measurement.checkpoints import standard_estimators
from gradest.benchmarks.measurement.reference import needs_reference
from gradest.benchmarks.runtime import environment as module
from gradest.benchmarks.runtime.environment import (
    code_of,
    cores_here,
    cpuinfo,
    digest_of,
    hardware,
    home_of,
    is_ours,
    processor,
)
from gradest.benchmarks.runtime.source_code import package_root
from gradest.estimators import estimator
from gradest.problems import problem
from gradest.problems.toys.gaussian import GaussianSquare


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("gradest", True),
        ("gradest.problems.toys.gaussian", True),
        ("gradest_extras", False),
        ("gradest_extras.problems", False),
        ("my.gradest.problems", False),
        ("__main__", False),
    ],
)
def test_a_class_is_ours_by_its_module(name, ours):
    assert is_ours(type("Anything", (), {"__module__": name})) is ours


THROUGH = "gradest.benchmarks.cells.measuring"


def modules(*things):
    return set(code_of(THROUGH, *things))


def test_the_code_of_a_cell_is_what_it_runs_through_and_no_other():
    found = modules(problem("gaussian_square"), estimator("score_function"))
    assert {
        THROUGH,
        "gradest.benchmarks.measurement.replicates",
        "gradest.benchmarks.statistics.moments",
        "gradest.estimators.base",
        "gradest.estimators.sampling.draws",
        "gradest.estimators.sampling.threefry",
        "gradest.estimators.score_function.score_function",
        "gradest.problems.toys.gaussian",
    } <= found
    others = ("pathwise", "discrete.", "variational", "report", "figures", "store", "__init__")
    assert not [name for name in found for other in others if other in name]


@pytest.mark.parametrize("name", [*module.ALWAYS, *sorted(module.ASIDE)])
def test_what_is_always_part_of_the_code_or_never_is_there(name):
    assert Module(package_root().parent, name).file is not None
    assert (name in modules(problem("gaussian_square"))) == (name in module.ALWAYS)


def test_what_an_argument_stands_for_is_part_of_the_code():
    found = modules(problem("gaussian_square"), estimator("pathwise", coupling="sobol"))
    assert "gradest.estimators.sampling.couplings" in found


def test_a_reference_run_is_part_of_the_code_where_no_exact_gradient_is_known():
    assert needs_reference(problem("vae_gaussian"))
    assert needs_reference(problem("bayesian_network", hidden_dim=2))
    assert not needs_reference(problem("bayesian_network", hidden_dim=1))
    assert not needs_reference(problem("gaussian_square"))


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of our code, which code is read from."""
    folder = tmp_path / "gradest"
    ignored = shutil.ignore_patterns("__pycache__", "bench", "figures", "checks")
    shutil.copytree(package_root(), folder, ignore=ignored)
    monkeypatch.setattr(module, "package_root", lambda: folder)
    home_of.cache_clear()
    yield folder
    home_of.cache_clear()


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_an_edit_of_ours_makes_those_cells_stale_that_run_through_it_and_no_others(copied):
    pairs = {
        "pathwise": (problem("gaussian_square"), estimator("pathwise")),
        "score": (problem("gaussian_square"), estimator("score_function")),
        "reference": (problem("vae_gaussian"), *standard_estimators()),
    }

    def codes():
        return {name: digest_of(code_of(THROUGH, *pair)) for name, pair in pairs.items()}

    def changed(path, old, new):
        before = codes()
        edit(copied / path, old, new)
        after = codes()
        return {name for name in pairs if before[name] != after[name]}

    pathwise = "estimators/pathwise/pathwise.py"
    assert changed(pathwise, "The ", "A ") == set()  # in a docstring
    assert changed(pathwise, "\n\n\n", "\n\n# a comment\n\n") == set()
    assert changed(pathwise, "return ", "return 3.0 * ") == {"pathwise", "reference"}
    assert changed("problems/variational/vae.py", "return ", "return 3.0 * ") == {"reference"}
    assert changed("estimators/discrete/rebar.py", "return ", "return 3.0 * ") == set()
    assert changed("benchmarks/report/summary.py", "return ", "return 3.0 * ") == set()
    assert changed("benchmarks/statistics/intervals.py", "0.95", "0.94") == set(pairs)


def test_a_users_own_class_and_a_class_without_a_file_are_part_of_the_code():
    class Mine(GaussianSquare):
        pass

    assert __name__.rpartition(".")[2] in str(modules(Mine()))
    Mine.__module__ = "__console__"
    home_of.cache_clear()
    assert code_of(THROUGH, Mine())["__console__"] == "no file"


def test_a_digest_is_of_names_and_contents_in_any_order():
    assert digest_of({"a": "1", "b": "2"}) == digest_of({"b": "2", "a": "1"})
    assert digest_of({"a": "1", "b": "2"}) != digest_of({"a": "2", "b": "1"})


def test_the_processor_is_what_linux_says_under_the_first_name(monkeypatch, tmp_path):
    said = tmp_path / "cpuinfo"
    said.write_text("processor\t: 0\nmodel name\t: Made: up\nflags\t\t: a b\nmodel name\t: other\n")
    monkeypatch.setattr(module, "Path", lambda name: said)
    assert cpuinfo("model name") == "Made: up"
    assert cpuinfo("flags", "Features") == "a b"
    assert cpuinfo("Features") == ""
    assert processor.__wrapped__() == "Made: up"


def test_elsewhere_it_is_what_macos_says_or_python_or_the_architecture(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "Path", lambda name: tmp_path / "nothing")
    monkeypatch.setattr(module.platform, "machine", lambda: "arm64")
    monkeypatch.setattr(module.platform, "processor", lambda: "")
    assert processor.__wrapped__() == "arm64"
    monkeypatch.setattr(module.platform, "processor", lambda: "by Python")
    assert processor.__wrapped__() == "by Python"
    monkeypatch.setattr(module.sys, "platform", "darwin")
    assert processor.__wrapped__() == "by Python"  # there is no sysctl here
    monkeypatch.setattr(module.subprocess, "check_output", lambda words, text: f"{words[-1]} M9\n")
    assert processor.__wrapped__() == "machdep.cpu.brand_string M9"


def test_cores_are_those_that_this_process_may_use(monkeypatch):
    monkeypatch.setattr(module.os, "sched_getaffinity", lambda process: {0, 3, 5}, raising=False)
    assert hardware() == {"processor": processor(), "cores": 3}
    monkeypatch.delattr(module.os, "sched_getaffinity")
    monkeypatch.setattr(module.os, "cpu_count", lambda: 7)
    assert cores_here() == 7
