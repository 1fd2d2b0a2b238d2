"""What a traced program is made of."""

import math
from collections.abc import Iterator

import jax
from jax.extend import core


def primitives_of(function, *args) -> set[str]:
    """The names of the primitives in a function's program, and in the programs within it."""
    program = jax.make_jaxpr(function)(*args).jaxpr
    return {equation.primitive.name for equation in _equations(program)}


def elements_of(function, *args) -> int:
    """How many numbers all equations in a function's program make."""
    equations = _equations(jax.make_jaxpr(function)(*args).jaxpr)
    return sum(math.prod(out.aval.shape) for equation in equations for out in equation.outvars)


def _equations(program) -> Iterator[core.JaxprEqn]:
    for equation in program.eqns:
        yield equation
        for part in core.jaxprs_in_params(equation.params):
            yield from _equations(getattr(part, "jaxpr", part))
