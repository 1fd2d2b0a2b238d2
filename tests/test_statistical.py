"""Statistical tests: that they fail where they should, and how many there are."""

import ast
import importlib
import inspect
import math
import textwrap
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from scipy import stats

from gradest.benchmarks.statistics.moments import summarise
from tests.support import statistical
from tests.support.house import ROOT
from tests.support.statistical import (
    FALSE_ALARMS,
    LEVEL,
    TESTS,
    assert_likely,
    assert_mean,
    assert_variance,
    assert_z,
    variance_of,
)

ASSERTIONS = (assert_likely, assert_mean, assert_variance, assert_z)

FUNCTION = type(assert_z)


class Loop(Exception):
    """A loop whose length is not known from the names of its module."""


def weight(function: Callable) -> int:
    """How many statistical tests one call of a function makes."""
    if function in ASSERTIONS:
        return 1
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    return sum(weight_of_node(node, function) for node in tree.body)


def weight_of_node(node: ast.AST, function: Callable) -> int:
    """The same of a statement or an expression in it."""
    inside = sum(weight_of_node(child, function) for child in ast.iter_child_nodes(node))
    called = callee(node, function)
    if called is not None:
        inside += weight(called)
    if inside == 0:
        return 0
    return inside * math.prod(length(loop, function) for loop in loops(node))


def callee(node: ast.AST, function: Callable) -> Callable | None:
    """The function of the tests that a node calls."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        return None
    called = function.__globals__.get(node.func.id)
    is_ours = isinstance(called, FUNCTION) and called.__module__.startswith("tests.")
    return called if is_ours and called is not function else None


def loops(node: ast.AST) -> Iterator[ast.expr]:
    """What a node loops over."""
    if isinstance(node, ast.For):
        yield node.iter
    if isinstance(node, ast.While):
        raise Loop("while")
    yield from (generator.iter for generator in getattr(node, "generators", ()))


def length(iterable: ast.expr, function: Callable) -> int:
    """How many times a loop is run, from the names of the function's module."""
    code = compile(ast.Expression(iterable), function.__module__, "eval")
    try:
        return len(list(eval(code, dict(function.__globals__))))
    except NameError as error:
        text = ast.unparse(iterable)
        raise Loop(f"{function.__module__}.{function.__name__}: {text}: {error}") from error


def cases(function: Callable) -> int:
    """How many times pytest runs a test."""
    marks = [mark for mark in getattr(function, "pytestmark", ()) if mark.name == "parametrize"]
    return math.prod(len(list(mark.args[1])) for mark in marks)


def statistical_tests() -> dict[str, int]:
    """Test functions with statistical tests in them, and how many each makes over all its cases."""
    made = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if name == __name__ or "tests.support.statistical" not in path.read_text():
            continue
        module = importlib.import_module(name)
        for each in vars(module).values():
            if isinstance(each, FUNCTION) and each.__name__.startswith("test_"):
                made[f"{name}.{each.__name__}"] = weight(each) * cases(each)
    return {name: count for name, count in made.items() if count}


def test_the_level_counts_all_tests():
    """One is at LEVEL, so that TESTS of them raise a false alarm as rarely as FALSE_ALARMS says."""
    made = statistical_tests()
    number = sum(made.values())
    assert TESTS >= number > 0.9 * TESTS, made
    assert pytest.approx(FALSE_ALARMS) == LEVEL * TESTS


def looped():
    for _ in range(3):
        assert_z(0.0)
        [assert_likely(p) for p in (0.1, 0.2)]


def looped_over_what_is_local():
    here = [0.0]
    for z in here:
        assert_z(z)


def calls_another():
    looped()
    assert_z(0.0)


def test_counting():
    assert weight(looped) == 3 * (1 + 2)
    assert weight(calls_another) == 10
    with pytest.raises(Loop, match="here"):
        weight(looped_over_what_is_local)


@pytest.fixture(scope="module")
def moments():
    """Of 20,000 normal estimates in two coordinates, of mean 1 and variances 1 and 4."""
    draws = np.random.default_rng(0).normal(1, [1, 2], size=(statistical.REPLICATES, 2))
    return summarise(draws, 32)


def test_a_wrong_mean_is_caught(moments):
    """Six standard errors off in one coordinate."""
    error = 1 / math.sqrt(moments.replicates)
    assert_mean(moments, np.array([1.0, 1.0]))
    with pytest.raises(AssertionError, match="p = "):
        assert_mean(moments, np.array([1 + 6 * error, 1.0]))


def test_a_wrong_variance_is_caught(moments):
    """Seven standard errors off, by the variance of s² = 2σ⁴/R in each coordinate."""
    relative_error = math.sqrt(2 * (1 + 16) / moments.replicates) / 5
    assert_variance(moments, 5.0)
    with pytest.raises(AssertionError, match="t = "):
        assert_variance(moments, 5.0 * (1 + 7 * relative_error))


def test_an_interval_that_is_too_wide_is_no_evidence(moments):
    interval = variance_of(moments)
    with pytest.raises(AssertionError):
        assert_variance(moments, 5.0, widest=interval.high / interval.low)


@pytest.mark.parametrize("size", [1, 100])
def test_z_is_at_the_level(size):
    """Over all coordinates together, by Bonferroni."""
    quantile = stats.norm.isf(LEVEL / size / 2)
    assert_z(np.full(size, 0.999 * quantile))
    with pytest.raises(AssertionError, match="z = "):
        assert_z(np.append(np.zeros(size - 1), -1.001 * quantile))


def test_p_is_at_the_level():
    assert_likely(1.01 * LEVEL)
    with pytest.raises(AssertionError, match="p = "):
        assert_likely(0.99 * LEVEL)
