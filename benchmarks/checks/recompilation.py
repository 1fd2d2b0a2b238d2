"""Whether another value compiles anything anew: of a number, of θ, of a key."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np

from gradest.benchmarks.checks.comparisons import expect
from gradest.problems.arguments import arguments


def expect_no_recompilation(function: Callable, first: tuple, others: dict[str, tuple]) -> None:
    """Fails where a function that is compiled once is compiled again.

    Args:
        function: to be compiled.
        first: the arguments that it is compiled for.
        others: other arguments, each by the name of what is new in them.

    Raises:
        Failed: some of the others compile it again.
    """
    again = retraced(function, first, others)
    expect(
        not again,
        f"expected no compilation for a new value; found one for a new {' and a new '.join(again)}",
    )


def other_numbers(thing: Any) -> dict[str, Any]:
    """For each argument that is a number: the same thing with another value of it.

    Args:
        thing: a problem or an estimator.

    Returns:
        The others by the argument's name; none for one that takes no other value.
    """
    others = {name: with_another(thing, name) for name in numbers_of(thing)}
    return {name: other for name, other in others.items() if other is not None}


def numbers_of(thing: Any) -> Iterator[str]:
    """The fields of a problem or an estimator that hold one number."""
    declared = arguments(type(thing))
    for name, value in vars(thing).items():
        kind = declared[name].kind if name in declared else type(value)
        if kind in ("number", float) and np.size(value) == 1:
            yield name


def with_another(thing: Any, name: str) -> Any | None:
    """A problem or an estimator with another value of a number; None where all are refused."""
    value = float(getattr(thing, name))
    for candidate in (value * 1.25 + 0.0625, value * 0.75, value + 1, value - 1):
        try:
            return remade(thing, **{name: candidate})
        except (TypeError, ValueError):
            continue
    return None


def remade(thing: Any, **changes: Any) -> Any:
    """A problem or an estimator made anew from its fields, some of them changed."""
    names = [field.name for field in dataclasses.fields(thing) if field.init]
    taken = {name: getattr(thing, name) for name in names}
    return type(thing)(**taken | changes)


def retraced(function: Callable, first: tuple, others: dict[str, tuple]) -> list[str]:
    """For which arguments a function that is compiled once is compiled again.

    Args:
        function: to be compiled.
        first: the arguments that it is compiled for.
        others: other arguments, each by a name.

    Returns:
        The names of those.
    """
    traces: list[None] = []

    def counting(*args: Any) -> Any:
        traces.append(None)
        return function(*args)

    compiled = jax.jit(counting)
    jax.eval_shape(compiled, *first)
    again = []
    for name, args in others.items():
        before = len(traces)
        jax.eval_shape(compiled, *args)
        if len(traces) > before:
            again.append(name)
    return again
