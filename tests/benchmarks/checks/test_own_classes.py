"""A user's own classes: the README's examples as they stand, and what is measured again."""

import json
import re
import sys
from pathlib import Path

import pandas as pd
import pytest

from gradest.benchmarks.checks.check import check
from gradest.benchmarks.cli.main import main
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.schema import load_sweep, parse_sweep
from tests.support.documents import blocks
from tests.support.sweeps import GOOD_SWEEP


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty current folder, from which modules can be imported, and forgotten after."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


def run_command(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return ended.value.code


def example() -> tuple[str, str, str]:
    """The README's module, and docs/own-classes.md's entry in a sweep and commands."""
    (module,) = (block.text for block in blocks("python") if "\nclass " in block.text)
    of_page = [b for b in (*blocks("toml"), *blocks("")) if b.page.name == "own-classes.md"]
    entry, commands = (block.text for block in of_page)
    return module, entry, commands


def check_and_measure(monkeypatch, folder: Path, sweep: str, commands: str, on: str):
    """The measurements of a class that is checked on one problem, and then swept with others."""
    few = {on: check.__globals__["PROBLEMS"][on]}
    monkeypatch.setitem(check.__globals__, "PROBLEMS", few)
    (folder / "my_sweep.toml").write_text(sweep)
    for line in commands.splitlines():
        command = line.split()
        more = ["--replicates", "400"] if command[1] == "run" else []
        assert run_command(*command[1:], *more) == 0
    measured = pd.read_csv(folder / "results" / "small" / "measurements.csv")
    return measured[measured.estimator.str.contains(":")]


@pytest.mark.slow
def test_the_readmes_example_is_checked_measured_and_drawn(folder, capsys, monkeypatch):
    module, entry, commands = example()
    problem, estimator = re.findall(r"^class .*?(?=^class |\Z)", module, re.DOTALL | re.MULTILINE)
    assert len([line for line in problem.splitlines() if line]) <= 12
    assert len([line for line in estimator.splitlines() if line]) <= 20
    (folder / "my_module.py").write_text(module)
    sweep = GOOD_SWEEP.replace("samples = [2]\n", "") + entry
    measured = check_and_measure(monkeypatch, folder, sweep, commands, "bernoulli_square")
    assert re.search(
        r"my_module:SelfCritical: \d+ ran, \d+ passed, 0 failed", capsys.readouterr().out
    )
    ok = measured[measured.status == "ok"]
    assert set(ok.problem) == {"bernoulli_square"}
    assert (ok.bias_finding != "biased").all()
    skipped = measured[measured.status == "skipped"]
    assert set(skipped.reason) == {"only bits have a mode here"}
    results = folder / "results" / "small"
    table = (results / "tables" / "bernoulli_square_init_logits.md").read_text()
    assert "my_module:SelfCritical" in table
    assert list((results / "figures").glob("relative_rmse*.png"))


INHERITED = '''
import jax.numpy as jnp
import numpyro.distributions as dist

from gradest.estimators import Estimator
from gradest.estimators.pathwise import Pathwise
from gradest.estimators.sampling import base, rsample


class Antithetic(Pathwise):
    r"""The pathwise gradient at draws x and at their mirror images. Unbiased. Cost: as pathwise.

    The mirror image of a draw about the mean is a draw where q is symmetric, and nowhere else.
    """

    min_samples, independent_terms = 2, False

    def surrogate(self, problem, params, state, key, num_samples):
        q = problem.distribution(params)
        x = rsample(q, key, num_samples // 2)
        both = jnp.concatenate([x, 2 * q.mean - x])
        return problem.objectives(params, both).mean(0).sum(), state

    def draws(self, problem, num_samples):
        return Estimator.draws(self, problem, num_samples // 2)

    def refuses(self, problem):
        q = base(problem.abstract_distribution())
        symmetric = isinstance(q, dist.Normal | dist.Laplace | dist.Logistic)
        return super().refuses(problem) if symmetric else "its distribution is not symmetric"

    def refuses_samples(self, num_samples):
        return "expected an even number of samples" if num_samples % 2 or not num_samples else None
'''


@pytest.mark.slow
def test_a_class_that_inherits_from_ours_is_checked_measured_and_drawn(folder, capsys, monkeypatch):
    (folder / "inherited.py").write_text(INHERITED)
    sweep = GOOD_SWEEP + '[[estimator]]\nname = "inherited:Antithetic"\n'
    commands = "gradest check inherited:Antithetic\ngradest run my_sweep.toml"
    measured = check_and_measure(monkeypatch, folder, sweep, commands, "gaussian_cosine")
    assert re.search(
        r"inherited:Antithetic: \d+ ran, \d+ passed, 0 failed", capsys.readouterr().out
    )
    mirrored = measured[measured.problem == "gaussian_square"]
    ok = mirrored[mirrored.status == "ok"]
    assert set(ok.num_samples) == {4}
    # the gradient with respect to the mean is linear in x, so that mirror images cancel its noise
    assert ok[ok.group == "mean"].reason.str.startswith("variance zero").all()
    assert ok.exact_variance.isna().all()  # it is no Pathwise, though it inherits from it
    skipped = mirrored[mirrored.status == "skipped"]
    assert set(skipped.reason) == {"expected an even number of samples"}
    results = folder / "results" / "small"
    table = (results / "tables" / "gaussian_square_init_scale.md").read_text()
    assert "inherited:Antithetic" in table
    assert list((results / "figures").glob("relative_rmse*.png"))


@pytest.mark.slow
def test_ones_own_classes_are_extended_timed_and_compared(folder, capsys):
    (folder / "mine.py").write_text(OWN)
    (folder / "own.toml").write_text(SWEEP.format(problem="mine:Own", estimator="mine:Mine"))
    assert run_command("run", "own.toml") == 0
    assert run_command("extend", "own", "--replicates", "400") == 0
    assert run_command("time", "own", "--processes", "2") == 0
    measured = pd.read_csv(folder / "results" / "own" / "measurements.csv")
    assert set(measured.estimator) == {"mine:Mine", "score_function"}
    assert (measured.replicates == 800).all()
    assert (measured.timing_processes == 2).all()
    capsys.readouterr()
    assert run_command("compare", "own", "--reference", "mine:Mine", "--metric", "variance") == 0
    assert "score function" in capsys.readouterr().out


OWN = """
from gradest.estimators.pathwise.pathwise import Pathwise
from gradest.problems.toys.gaussian import GaussianSquare

class Mine(Pathwise):
    pass

class Own(GaussianSquare):
    pass
"""

SWEEP = """
schema = 1
name = "own"
replicates = 400
samples = [1]

[[problem]]
name = "{problem}"

[[estimator]]
name = "{estimator}"

[[estimator]]
name = "score_function"
"""


@pytest.mark.parametrize(
    ("problem", "estimator", "kept"),
    [
        pytest.param("gaussian_square", "beside:Mine", 1, id="own estimator"),
        pytest.param("beside:Own", "pathwise", 0, id="own problem", marks=pytest.mark.slow),
    ],
)
def test_an_edited_module_is_measured_again_and_nothing_else(
    folder, capsys, problem, estimator, kept
):
    """One that the class's module imports, too; comments and docstrings are no edit."""
    below = folder / "below"
    below.mkdir()
    with_help = "import helping\n" + OWN
    (below / "beside.py").write_text(with_help)
    (below / "helping.py").write_text("import further\n")
    (below / "further.py").write_text("factor = 1\n")
    (below / "own.toml").write_text(SWEEP.format(problem=problem, estimator=estimator))

    def said(command: str, key: str) -> int:
        for name in ("beside", "helping", "further"):  # as in another process
            sys.modules.pop(name, None)
        assert run_command(command, "below/own.toml", "--json") == 0
        return json.loads(capsys.readouterr().out)[key]

    assert said("run", "reused") == 0
    (below / "beside.py").write_text(with_help.replace("pass", '"""Edited."""  # here'))
    assert said("status", "stale") == []
    (below / "further.py").write_text("factor = 3\n")
    stale = [{"why": "measured with other code (further)", "cells": 2 - kept}]
    assert said("status", "stale") == said("plan", "stale") == stale
    assert said("run", "reused") == kept
    assert said("run", "reused") == 2
    manifest = json.loads((folder / "results" / "own" / "manifest.json").read_text())
    assert any("source beside" in environment for environment in manifest["environments"])
    names = [path.name for path in (folder / "results" / "own").rglob("*") if path.is_file()]
    assert not [name for name in names if ":" in name]
    capsys.readouterr()
    assert run_command("status", "below/own.toml") == run_command("plan", "below/own.toml") == 0
    assert run_command("describe", estimator) == run_command("describe", problem) == 0
    assert f"{problem} (problem)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "missing_module:Mine",
            "estimator 'missing_module:Mine': no module missing_module: expected a file",
        ),
        (
            "wrong_type:Own",
            "estimator 'wrong_type:Own': it is no Estimator: expected a subclass of Estimator",
        ),
        (
            "wrong_type:Min",
            "module wrong_type has no Min: expected a subclass of Estimator; did you mean Mine?",
        ),
    ],
)
def test_a_wrong_name_in_a_sweep_is_one_line(folder, name, message):
    (folder / "wrong_type.py").write_text(OWN)
    with pytest.raises(BadInput, match=re.escape(message)):
        resolve(parse_sweep(SWEEP.format(problem="gaussian_square", estimator=name), "here"))


def test_a_wrong_argument_of_ones_own_is_named(folder):
    (folder / "arguments_of.py").write_text(OWN)
    text = SWEEP.format(problem="arguments_of:Own", estimator="pathwise").replace(
        ':Own"', ':Own"\nkk = 1.0'
    )
    (folder / "own.toml").write_text(text)
    with pytest.raises(
        BadInput, match=r"problem arguments_of:Own: unknown argument 'kk': .* did you mean k\?"
    ):
        resolve(load_sweep("own.toml"))
