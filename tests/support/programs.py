"""What a traced program is made of."""

from collections.abc import Iterator

import jax
from jax.extend import core


def primitives_of(function, *args) -> set[str]:
    """The names of the primitives in a function's program, and in the programs within it."""
    return set(_names(jax.make_jaxpr(function)(*args).jaxpr))


def _names(program) -> Iterator[str]:
    for equation in program.eqns:
        yield equation.primitive.name
        for part in core.jaxprs_in_params(equation.params):
            yield from _names(getattr(part, "jaxpr", part))
