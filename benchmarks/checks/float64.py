"""The same program in float64: every operation on floats widened, every random bit as it was.

Drawing again in float64 would take other bits and give other samples, so that nothing could be
compared but averages. Here the program traced in float32 is evaluated anew: integers, keys and
random bits are left alone, and from where they become floats on, all is float64.

`in_float64` is all that others need. What a primitive becomes is decided in `replayed`, by the
tables IN_FLOAT32, ROUNDING and CONTROL_FLOW; whatever is in none of them is applied to wider
operands.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core

IN_FLOAT32 = ("bitcast_convert_type", "random_gamma", "pure_callback", "io_callback")
"""Primitives that make floats from bits, or run elsewhere: applied as they were, widened after."""

ROUNDING = ("reduce_precision",)
"""Primitives that only round, of which nothing is left."""


def in_float64(function: Callable) -> Callable:
    """A function that computes in float64 what another one computes in float32.

    Args:
        function: of trees of arrays. It is traced in the precision in force, and may draw from keys
            of jax.random that it is given.

    Returns:
        A function of the same arguments, compiled, whose every float is float64: the same random
        bits, and the same operations on them.
    """

    def wide(*args: Any) -> Any:
        traced, shape = jax.make_jaxpr(function, return_shape=True)(*args)
        with jax.enable_x64(True):
            consts = [*map(widen, traced.consts)]
            run = jax.jit(
                lambda leaves: evaluate(traced.jaxpr, consts, leaves),
                compiler_options={"xla_backend_optimization_level": 0},
            )
            out = run([*map(widen, jax.tree.leaves(args))])
        return jax.tree.unflatten(jax.tree.structure(shape), out)

    return wide


def widen(value: Any) -> Any:
    """An array in float64 where it is of a narrower float type, else itself."""
    value = jnp.asarray(value)
    return value.astype(jnp.float64) if is_float(value.dtype) else value


def is_float(dtype: Any) -> bool:
    """Whether a dtype is one of floats."""
    return jnp.issubdtype(dtype, jnp.floating)


def evaluate(program: core.Jaxpr, consts: list, inputs: list) -> list:
    """The outputs of a program, every float in it widened.

    Args:
        program: as it was traced.
        consts: its constants, widened.
        inputs: widened.
    """
    values: dict[Any, Any] = dict(zip(program.constvars, consts, strict=True))
    values |= zip(program.invars, inputs, strict=True)

    def read(atom: Any) -> Any:
        if isinstance(atom, core.Literal):
            return widen(jnp.asarray(atom.val, dtype_of(atom)))
        return values[atom]

    for equation in program.eqns:
        operands = [read(atom) for atom in equation.invars]
        values |= zip(equation.outvars, replayed(equation, operands), strict=True)
    return [read(atom) for atom in program.outvars]


def replayed(equation: core.JaxprEqn, operands: list) -> list:
    """What one equation gives of wide operands."""
    name = equation.primitive.name
    params = equation.params
    if name in CONTROL_FLOW:
        return CONTROL_FLOW[name](params, operands)
    if name in IN_FLOAT32:
        narrow = [narrowed(x, atom) for x, atom in zip(operands, equation.invars, strict=True)]
        return [*map(widen, bound(equation, narrow, params))]
    if name in ROUNDING:
        return operands
    bodies = [value for value in params.values() if is_program(value)]
    # a call: its body in its place; what a scatter combines two numbers with is none
    if bodies and len(getattr(bodies[0], "jaxpr", bodies[0]).invars) == len(operands):
        return as_function(bodies[0])(*operands)
    return bound(equation, operands, {key: wider(value) for key, value in params.items()})


def bound(equation: core.JaxprEqn, operands: list, params: dict[str, Any]) -> list:
    """The outputs of an equation's primitive, in a list, of other operands and parameters."""
    out = equation.primitive.bind(*operands, **params)
    return list(out) if equation.primitive.multiple_results else [out]


def narrowed(operand: Any, atom: Any) -> Any:
    """An operand in the float type that it had when the program was traced."""
    return operand.astype(dtype_of(atom)) if is_float(operand.dtype) else operand


def dtype_of(atom: Any) -> Any:
    """The dtype that a variable or a constant had when the program was traced."""
    return atom.aval.dtype


def is_program(param: Any) -> bool:
    """Whether a parameter is a program, with or without its constants."""
    return hasattr(param, "eqns") or hasattr(param, "jaxpr")


def wider(param: Any) -> Any:
    """float64 for a parameter that names a narrower float type, and in one that is a program."""
    if hasattr(param, "eqns"):
        numbers = [jnp.zeros(place.aval.shape, wider(dtype_of(place))) for place in param.invars]
        return jax.make_jaxpr(as_function(param))(*numbers).jaxpr
    if isinstance(param, jnp.dtype) and is_float(param):
        return jnp.dtype(jnp.float64)
    return param


def as_function(program: Any) -> Callable[..., list]:
    """A program, with or without its constants, as a function on float64."""
    if not hasattr(program, "jaxpr"):
        return lambda *operands: evaluate(program, [], [*operands])
    consts = [*map(widen, program.consts)]
    return lambda *operands: evaluate(program.jaxpr, consts, [*operands])


def scan(params: dict[str, Any], operands: list) -> list:
    """`lax.scan` over a widened body."""
    first = params["num_consts"]
    last = first + params["num_carry"]
    consts = operands[:first]
    body = as_function(params["jaxpr"])

    def step(carry: list, x: list) -> tuple[list, list]:
        out = body(*consts, *carry, *x)
        return out[: len(carry)], out[len(carry) :]

    end, ys = jax.lax.scan(
        step,
        operands[first:last],
        operands[last:],
        length=params["length"],
        reverse=params["reverse"],
    )
    return [*end, *ys]


def while_loop(params: dict[str, Any], operands: list) -> list:
    """`lax.while_loop` with a widened condition and body.

    Under `vmap` each element goes on until its own end.
    """
    first = params["cond_nconsts"]
    last = first + params["body_nconsts"]
    of_condition = operands[:first]
    of_body = operands[first:last]
    condition = as_function(params["cond_jaxpr"])
    body = as_function(params["body_jaxpr"])

    def goes_on(carry: list) -> Any:
        return condition(*of_condition, *carry)[0]

    def step(carry: list) -> list:
        flags = goes_on(carry)
        moved = body(*of_body, *carry)
        pairs = zip(moved, carry, strict=True)
        return [jnp.where(aligned(flags, new), new, old) for new, old in pairs]

    return jax.lax.while_loop(lambda carry: goes_on(carry).any(), step, operands[last:])


def aligned(flags: Any, values: Any) -> Any:
    """Flags with as many axes as the values, whose first axes are theirs."""
    return flags.reshape(flags.shape + (1,) * (values.ndim - flags.ndim))


def cond(params: dict[str, Any], operands: list) -> list:
    """`lax.cond` and `lax.switch` with widened branches."""
    index, *rest = operands
    return jax.lax.switch(index, [*map(as_function, params["branches"])], *rest)


CONTROL_FLOW: dict[str, Callable[[dict[str, Any], list], list]] = {
    "scan": scan,
    "while": while_loop,
    "cond": cond,
}
"""Primitives with programs in them that are no calls: each is made anew of wider ones."""
