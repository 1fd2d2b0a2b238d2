"""What a command imports: what answers at once imports nothing that takes long."""

import json
import subprocess
import sys

import pytest

from gradest.benchmarks.cli.commands import cli

SLOW = {"jax", "numpy", "scipy", "pandas", "matplotlib", "numpyro", "equinox", "optax", "pydantic"}
"""Packages that take longer to import than all of what `--help` prints takes."""

WAYS = {
    "module": "import runpy; runpy.run_module('gradest', run_name='__main__')",
    "script": "from gradest.benchmarks.cli.main import main; main()",
}
"""`python -m gradest` and the installed command."""

IMPORTED = """
import json, sys
sys.argv = ["gradest", *{words}]
try:
    {way}
except SystemExit as end:
    print(json.dumps([end.code, *sys.modules]), file=sys.stderr)
"""


def imported_by(way, *words):
    """The names of the modules that a command leaves imported, which must end well."""
    code = IMPORTED.format(words=list(words), way=WAYS[way])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    status, *names = json.loads(done.stderr.splitlines()[-1])
    assert (status, bool(done.stdout)) == (0, True)
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("words", [("--help",), ("--version",), ("run", "--help")])
def test_what_says_what_there_is_imports_nothing_slow(way, words):
    assert imported_by(way, *words) & SLOW == set()


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_the_help_of_no_command_imports_its_body(name):
    assert imported_by("script", name, "--help") & SLOW == set()


def test_a_status_draws_nothing():
    """Which cells there are is asked of the estimators: JAX is needed for that, no more."""
    names = imported_by("module", "status", "quick")
    assert "jax" in names
    assert "matplotlib" not in names
