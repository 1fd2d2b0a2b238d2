"""The same program in float64: every operation on floats widened, every random bit as it was.

Drawing again in float64 would take other bits and give other samples, so that nothing could be
compared but averages. Here the program traced in float32 is evaluated anew: integers, keys and
random bits are left alone, and from where they become floats on, all is float64.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core

NARROW = ("bitcast_convert_type", "random_gamma", "pure_callback", "io_callback")
"""Primitives that make floats from bits, or run elsewhere: evaluated as they were, widened after."""


def widen(value: Any) -> Any:
    """An array in float64 where it is of a narrower float type, else itself."""
    value = jnp.asarray(value)
    return value.astype(jnp.float64) if jnp.issubdtype(value.dtype, jnp.floating) else value


def in_float64(function: Callable) -> Callable:
    """`function`, traced in the precision in force, as a compiled function that computes in float64."""

    def wide(*args: Any) -> Any:
        traced, shape = jax.make_jaxpr(function, return_shape=True)(*args)
        with jax.enable_x64(True):
            run = jax.jit(
                lambda leaves: evaluate(traced.jaxpr, [*map(widen, traced.consts)], leaves),
                compiler_options={"xla_backend_optimization_level": 0},
            )
            out = run([*map(widen, jax.tree.leaves(args))])
        return jax.tree.unflatten(jax.tree.structure(shape), out)

    return wide


def evaluate(jaxpr: core.Jaxpr, consts: list, inputs: list) -> list:
    """The outputs of a program, every float in it widened."""
    env: dict[Any, Any] = dict(
        zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *inputs], strict=True)
    )

    def read(atom: Any) -> Any:
        return (
            widen(jnp.asarray(atom.val, dtype_of(atom)))
            if isinstance(atom, core.Literal)
            else env[atom]
        )

    for equation in jaxpr.eqns:
        operands = [read(atom) for atom in equation.invars]
        env.update(zip(equation.outvars, apply(equation, operands), strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def apply(equation: core.JaxprEqn, operands: list) -> list:
    """What one equation gives in float64."""
    name, params = equation.primitive.name, equation.params
    if name in CONTROL_FLOW:
        return CONTROL_FLOW[name](params, operands)
    if name in NARROW:
        operands = [
            operand.astype(dtype_of(atom))
            if jnp.issubdtype(operand.dtype, jnp.floating)
            else operand
            for operand, atom in zip(operands, equation.invars, strict=True)
        ]
        return [*map(widen, as_list(equation, equation.primitive.bind(*operands, **params)))]
    if name == "reduce_precision":
        return operands
    bodies = [
        value for value in params.values() if hasattr(value, "eqns") or hasattr(value, "jaxpr")
    ]
    # a call: its body in its place; what a scatter combines two numbers with is none
    if bodies and len(getattr(bodies[0], "jaxpr", bodies[0]).invars) == len(operands):
        return closed(bodies[0])(*operands)
    return as_list(
        equation,
        equation.primitive.bind(*operands, **{key: wider(value) for key, value in params.items()}),
    )


def dtype_of(atom: Any) -> Any:
    """The dtype that a variable or a constant had when the program was traced."""
    return atom.aval.dtype


def wider(param: Any) -> Any:
    """float64 for a parameter that names a narrower float type, and in one that is a program."""
    if hasattr(param, "eqns"):
        numbers = [jnp.zeros(place.aval.shape, wider(dtype_of(place))) for place in param.invars]
        return jax.make_jaxpr(closed(param))(*numbers).jaxpr
    is_float = isinstance(param, jnp.dtype) and jnp.issubdtype(param, jnp.floating)
    return jnp.dtype(jnp.float64) if is_float else param


def as_list(equation: core.JaxprEqn, out: Any) -> list:
    """The outputs, of a primitive with one or several."""
    return list(out) if equation.primitive.multiple_results else [out]


def closed(body: Any) -> Callable[..., list]:
    """A program, with or without its constants, as a function on float64."""
    jaxpr, consts = (body.jaxpr, body.consts) if hasattr(body, "jaxpr") else (body, [])
    return lambda *operands: evaluate(jaxpr, [*map(widen, consts)], [*operands])


def scan(params: dict[str, Any], operands: list) -> list:
    """`lax.scan` over a widened body."""
    first, carried = params["num_consts"], params["num_consts"] + params["num_carry"]
    consts, carry, xs = operands[:first], operands[first:carried], operands[carried:]
    body = closed(params["jaxpr"])

    def step(carry: list, x: list) -> tuple[list, list]:
        out = body(*consts, *carry, *x)
        return out[: len(carry)], out[len(carry) :]

    end, ys = jax.lax.scan(step, carry, xs, length=params["length"], reverse=params["reverse"])
    return [*end, *ys]


def while_loop(params: dict[str, Any], operands: list) -> list:
    """`lax.while_loop` with a widened condition and body; under `vmap` each element goes on until its own end."""
    first, start = params["cond_nconsts"], params["cond_nconsts"] + params["body_nconsts"]
    condition, body = closed(params["cond_jaxpr"]), closed(params["body_jaxpr"])
    of_condition, of_body, carry = operands[:first], operands[first:start], operands[start:]

    def going(carry: list) -> Any:
        return condition(*of_condition, *carry)[0]

    def step(carry: list) -> list:
        goes = going(carry)
        return [
            jnp.where(beside(goes, new), new, old)
            for new, old in zip(body(*of_body, *carry), carry, strict=True)
        ]

    return jax.lax.while_loop(lambda carry: going(carry).any(), step, carry)


def beside(flags: Any, values: Any) -> Any:
    """Flags with as many axes as the values, whose first axes are theirs."""
    return flags.reshape(*flags.shape, *(1 for _ in range(values.ndim - flags.ndim)))


def cond(params: dict[str, Any], operands: list) -> list:
    """`lax.cond` and `lax.switch` with widened branches."""
    index, *rest = operands
    return jax.lax.switch(index, [closed(branch) for branch in params["branches"]], *rest)


CONTROL_FLOW: dict[str, Callable[[dict[str, Any], list], list]] = {
    "scan": scan,
    "while": while_loop,
    "cond": cond,
}
