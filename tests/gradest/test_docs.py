"""What the documents say can be run."""

import os
import re
import subprocess
import sys

import click
import pytest

from gradest.benchmarks.cli.commands import cli
from gradest.benchmarks.sweeps import schema
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.schema import load_sweep, parse_sweep
from tests.support.documents import Block, blocks, commands
from tests.support.environments import ROOT

COMMANDS = [(words, block) for block in blocks("") for words in commands(block)]
PYTHON = [block for block in blocks("python") if block.page.name != "from-optax.md"]
MODULES = [block for block in PYTHON if "\nclass " in block.text]
SCRIPTS = [block for block in PYTHON if block not in MODULES]

CHEAP = ("describe",)
"""Commands that take no time, and need no file or run; others are only parsed."""


@pytest.fixture
def run_python(tmp_path):
    """Runs a script in an empty folder: what it prints."""

    def run(*words: object) -> str:
        environment = os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "agg"}
        command = [sys.executable, *map(str, words)]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.mark.slow
def test_the_quickstart_runs_and_says_what_it_is_about(run_python):
    out = run_python(ROOT / "docs" / "quickstart.py")
    assert "own objective, initialisation" in out
    assert "SelfCritical" in out
    assert "biased, and claims to be unbiased" in out
    assert r"\begin{tabular}" in out
    assert "16 evaluations of f and its gradient" in " ".join(out.split())
    first, last = re.findall(r"^0 +(?:0|100) +([\d.]+) \[", out, re.MULTILINE)
    assert float(last) < float(first)


@pytest.mark.slow
def test_the_examples_of_from_optax_run(run_python):
    text = (ROOT / "docs" / "from-optax.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        run_python("-c", block)


def test_from_optax_names_all_of_optax():
    from gradest import monte_carlo

    text = (ROOT / "docs" / "from-optax.md").read_text(encoding="utf-8")
    for name in monte_carlo.__all__:
        assert f"`{name}`" in text or f"`monte_carlo.{name}`" in text


def test_there_is_something_to_try():
    assert len(COMMANDS) > 12
    assert len(SCRIPTS) > 1
    assert len(MODULES) == 1
    assert len(blocks("toml")) > 1


@pytest.mark.parametrize(
    ("words", "block"), COMMANDS, ids=[f"{b.label} {' '.join(w)}" for w, b in COMMANDS]
)
def test_commands_can_be_typed(words, block, run_command):
    program, name, *rest = words
    if program == "make":
        assert re.search(rf"^{name}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
        return
    assert program == "gradest", block.label
    command = cli.get_command(click.Context(cli), name)
    assert command is not None, f"{block.label}: {name}"
    command.make_context(name, list(rest))  # every option that is written there exists
    if name in CHEAP:
        status, out, err = run_command(name, *rest)
        assert status == 0, err
        assert out


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(block, id=block.label, marks=[pytest.mark.slow] if place else [])
        for place, block in enumerate(SCRIPTS)  # those after the first take every estimator
    ],
)
def test_python_runs(block: Block, monkeypatch):
    """With fewer replicates than a user has."""
    monkeypatch.setattr(schema, "DEFAULT_REPLICATES", 400)
    known = {}
    if "import gradest as ge" not in block.text:
        exec("import gradest as ge", known)  # of the block before
    exec(compile(block.text, block.label, "exec"), known)


def whole(text: str) -> str:
    """A part of a sweep's file as a whole one, on bits."""
    if "schema" in text:
        return text
    head = 'schema = 1\nname = "part"\nreplicates = 40\nsamples = [2]\n'
    problem = '[[problem]]\nname = "bernoulli_square"\n'
    return f"{head}\n{problem}\n{text}"


def test_sweeps_can_be_planned(tmp_path):
    """With the class that the page shows beside them."""
    (tmp_path / "my_module.py").write_text(MODULES[0].text)
    for number, block in enumerate(blocks("toml")):
        file = tmp_path / f"sweep_{number}.toml"
        file.write_text(whole(block.text))
        assert resolve(load_sweep(str(file))).measurable, block.label


def test_a_page_with_a_wrong_sweep_is_found():
    with pytest.raises(schema.BadInput):
        resolve(parse_sweep(whole(blocks("toml")[0].text.replace("samples", "sample")), "here"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SelfCritical", "MaxCut"])
def test_the_examples_pass_their_own_check(run_command, tmp_path, name):
    (tmp_path / "my_module.py").write_text(MODULES[0].text)
    status, out, err = run_command("check", f"my_module:{name}")
    assert status == 0, out + err


def test_commands_fit_a_terminal():
    """But for one that is shown with what it prints."""
    lines = [line for block in blocks("") for line in block.text.splitlines()]
    assert [line for line in lines if len(line) > 80 and not line.startswith("$ ")] == []


def test_the_readme_is_short():
    """What is longer has a page of its own."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 140


def test_the_answer_in_the_readme_is_what_the_command_prints(run_command, tmp_path):
    """But for lines that are left out, for which … stands."""
    (block,) = (b for b in blocks("") if b.page.name == "README.md" and b.text.startswith("$ "))
    ((_, *words),) = commands(block)
    (tmp_path / "results").symlink_to(ROOT / "results")
    status, out, err = run_command(*words)
    assert status == 0, err
    shown = block.text.partition("\n")[2]
    for part in filter(None, shown.split("…\n")):
        assert part in out
        out = out.partition(part)[2]
