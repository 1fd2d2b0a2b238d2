"""What the documents say can be run."""

import os
import re
import subprocess
import sys

import pytest

from tests.support.environments import ROOT


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
    assert "For 16 evaluations of f and its gradient" in out
    first, last = re.findall(r"^0 +(?:0|100) +([\d.]+) \[", out, re.MULTILINE)
    assert float(last) < float(first)


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
