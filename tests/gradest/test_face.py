"""The public face: its names, what importing them costs, and that every one has an example."""

import doctest
import inspect
import subprocess
import sys
import time

import pytest

import gradest

VERBS = [
    *("catalogue", "check", "compare", "configure", "estimator", "load", "measure", "problem"),
    *("recommend", "sweep", "train"),
]
MODULES = ("benchmarks", "estimators", "monte_carlo", "problems")


def in_a_fresh_process(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_it_imports_nothing_else():
    script = """
import sys
before = set(sys.modules)
import gradest
dir(gradest), gradest.__all__, gradest.__version__
new = {name.split('.')[0] for name in set(sys.modules) - before}
print(sorted(new & {'jax', 'numpy', 'numpyro', 'pandas', 'scipy'}))
"""
    assert in_a_fresh_process(script) == "[]"


def test_importing_it_takes_a_third_of_a_second_at_most():
    started = time.perf_counter()
    in_a_fresh_process("pass")
    without = time.perf_counter() - started
    started = time.perf_counter()
    in_a_fresh_process("import gradest")
    assert time.perf_counter() - started - without < 0.3


def test_importing_what_measures_changes_nothing_in_the_process():
    script = """
import os, sys
path, environment = list(sys.path), dict(os.environ)
import gradest
for name in gradest.__all__:
    getattr(gradest, name)
assert sys.path == path
assert {k: v for k, v in os.environ.items() if environment.get(k) != v} == {}
import jax
print(jax.config.jax_enable_x64)
"""
    assert in_a_fresh_process(script) == "False"


def test_all_names_are_there():
    assert set(gradest.__all__) == {*VERBS, *MODULES, "Run", "BadInput"}
    assert {*gradest.__all__, "__version__"} <= set(dir(gradest))
    for name in gradest.__all__:
        assert getattr(gradest, name) is not None
    with pytest.raises(AttributeError, match="module 'gradest' has no attribute 'nothing'"):
        _ = gradest.nothing


@pytest.mark.parametrize("name", VERBS)
def test_each_verb_is_documented_and_typed(name):
    verb = getattr(gradest, name)
    signature = inspect.signature(verb)
    assert signature.return_annotation is not inspect.Signature.empty
    assert all(p.annotation is not p.empty for p in signature.parameters.values())
    text = inspect.getdoc(verb)
    if signature.parameters:
        assert "Args:" in text
    if name != "configure":
        assert doctest.DocTestParser().get_examples(verb.__doc__) or name == "load"


def test_what_a_checker_sees_is_what_there_is():
    """The names that are imported for type checkers are those that are there."""
    source = inspect.getsource(gradest)
    lazily = source.partition("if TYPE_CHECKING:")[2].partition("HOMES = ")[0]
    assert {*gradest.__all__} <= set(lazily.replace(",", " ").split())
