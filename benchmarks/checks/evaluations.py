r"""How often an estimate evaluates f and its gradient, counted in its traced program: nothing is
compiled or run.

f is replaced by an opaque primitive with its shapes, so that every f counts alike, a step or a
constant too; its derivatives, forward and reverse and of any order, are opaque as well. What is
counted is what a compiled program makes: a call whose value is not used is none, equal calls are
one, and a call under `vmap` or in a loop is as many as it has elements or trips.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core
from jax.interpreters import ad, batching, partial_eval
from jaxtyping import Array, Float

from gradest.estimators.base import Estimator, Evaluations, State
from gradest.problems.base import Params, Problem


class Uncountable(Exception):
    """How often it happens is decided only while the program runs."""


objective_p = core.Primitive("objective")
"""f at its operands, the leaves of θ (where f depends on it) and x."""

slope_p = core.Primitive("slope_of_objective")
"""A derivative of f, or of a derivative of f: linear in its last `linear` operands."""


def differentiate(primitive: core.Primitive) -> Callable:
    """Forward mode. The value enters its slope, because a gradient is evaluated together with the value."""

    def rule(
        primals: Any, tangents: Any, *, outs: tuple, times: int, linear: int = 0
    ) -> tuple[list, list]:
        given = {"linear": linear} if primitive is slope_p else {}
        values = primitive.bind(*primals, outs=outs, times=times, **given)
        moving = [
            t for t in tangents if not isinstance(t, ad.Zero) and t.dtype != jax.dtypes.float0
        ]
        if not moving:
            return values, [ad.Zero(out) for out in outs]
        beside = map(jax.lax.stop_gradient, values)  # needed, but no slope is taken through it
        return values, slope_p.bind(
            *primals, *beside, *moving, outs=outs, times=times, linear=len(moving)
        )

    return rule


def transpose(cotangents: Any, *operands: Any, outs: tuple, times: int, linear: int) -> list:
    """Reverse mode: the same slope, taken from what came out to those of its linear operands that are sought."""
    fixed, moving = operands[: len(operands) - linear], operands[len(operands) - linear :]
    sought = [ad.is_undefined_primal(operand) for operand in moving]
    avals = tuple(operand.aval for operand, yes in zip(moving, sought, strict=True) if yes)
    given = [ad.instantiate_zeros(cotangent) for cotangent in cotangents]
    found = iter(slope_p.bind(*fixed, *given, outs=avals, times=times, linear=len(given)))
    return [*(None for _ in fixed), *(next(found) if yes else None for yes in sought)]


def batch(primitive: core.Primitive) -> Callable:
    """`vmap`: as many evaluations as there are elements."""

    def rule(
        operands: Any, axes: Any, *, outs: tuple, times: int, **params: Any
    ) -> tuple[list, list[int]]:
        size = next(
            o.shape[axis] for o, axis in zip(operands, axes, strict=True) if axis is not None
        )
        batched = tuple(jax.core.ShapedArray((size, *out.shape), out.dtype) for out in outs)
        return primitive.bind(*operands, outs=batched, times=times * size, **params), [0] * len(
            outs
        )

    return rule


for primitive in (objective_p, slope_p):
    primitive.multiple_results = True
    primitive.def_abstract_eval(lambda *_, outs, **__: list(outs))
    ad.primitive_jvps[primitive] = differentiate(primitive)
    batching.primitive_batchers[primitive] = batch(primitive)
ad.primitive_transposes[slope_p] = transpose


def counted(problem: Problem) -> Problem:
    """The same problem with an opaque f; its class is a subclass, so that whoever asks for the type still finds it."""

    def opaque(name: str) -> Callable:
        def method(self: Problem, params: Params, *others: Any) -> Float[Array, "..."]:
            out = jax.eval_shape(getattr(problem, name), params, *others)
            operands = (params, *others) if self.objective_uses_params else others
            aval = jax.core.ShapedArray(out.shape, out.dtype)
            return objective_p.bind(
                *map(jnp.asarray, jax.tree.leaves(operands)), outs=(aval,), times=1
            )[0]

        return method

    # objectives are the base class's, whatever the problem made of them: f, vmapped
    methods = {"__doc__": "A problem whose f is opaque.", "objectives": Problem.objectives}
    methods |= {name: opaque(name) for name in problem.evaluated}
    metaclass: Any = type(type(problem))
    counted_type = metaclass("Counted", (type(problem),), {"__module__": __name__, **methods})
    twin = object.__new__(counted_type)
    for name, value in vars(problem).items():
        object.__setattr__(twin, name, value)
    return twin


class Tally(Counter[str]):
    """How often each primitive is met that counts: here, an evaluation of f or of its gradient."""

    what = "f is evaluated"

    @staticmethod
    def amount(equation: core.JaxprEqn) -> int:
        """How much one equation counts for."""
        counts = equation.primitive in (objective_p, slope_p)
        return equation.params["times"] if counts else 0


def count_evaluations(
    estimator: Estimator, problem: Problem, params: Params, state: State, num_samples: int
) -> Evaluations:
    """The evaluations that one estimate, with the update of its state, makes.

    Raises:
        Uncountable: f is evaluated in a `while` loop.
    """
    opaque = counted(problem)

    def estimate(params: Params, state: State, key: Array) -> tuple[Params, State]:
        return estimator.estimate(opaque, params, state, key, num_samples)

    traced = jax.make_jaxpr(estimate)(params, state, jax.random.key(0)).jaxpr
    tally = Tally()
    count_in(traced, tally)
    return Evaluations(f=tally[objective_p.name], grad=tally[slope_p.name])


def count_in(program: core.Jaxpr, tally: Tally) -> None:
    """Adds to `tally` what a traced program does, but for what none of its outputs depends on.

    Raises:
        Uncountable: it does so in a `while` loop.
    """
    used, _ = partial_eval.dce_jaxpr(program, [True] * len(program.outvars), instantiate=True)
    names = count()
    consts = [next(names) for _ in used.constvars]
    inputs = [next(names) for _ in used.invars]
    walk(used, consts, inputs, names, {}, tally, 1)


def walk(
    jaxpr: core.Jaxpr,
    consts: list,
    inputs: list,
    names: Iterator[int],
    known: dict[tuple, list],
    tally: Tally,
    trips: int,
) -> list:
    """Adds what a program does to `tally`; returns a name for each of its outputs, equal names for equal values."""
    env = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *inputs], strict=True))

    def name_of(atom: Any) -> Any:
        return (str(atom), str(atom.aval)) if isinstance(atom, core.Literal) else env[atom]

    for equation in jaxpr.eqns:
        operands = [name_of(atom) for atom in equation.invars]
        if (
            equation.primitive.name == "stop_gradient"
        ):  # nothing is left of it in a compiled program
            env.update(zip(equation.outvars, operands, strict=True))
            continue
        key = (equation.primitive.name, str(equation.params), tuple(operands))
        if key not in known:
            known[key] = outcome(equation, operands, names, known, tally, trips)
        env.update(zip(equation.outvars, known[key], strict=True))
    return [name_of(atom) for atom in jaxpr.outvars]


def outcome(
    equation: core.JaxprEqn,
    operands: list,
    names: Iterator[int],
    known: dict,
    tally: Tally,
    trips: int,
) -> list:
    """Names for what one equation gives, after adding what it does."""
    inner = [closed_parts(part) for part in core.jaxprs_in_params(equation.params)]
    fresh = [next(names) for _ in equation.outvars]
    if not inner:
        if amount := tally.amount(equation):
            tally[equation.primitive.name] += trips * amount
        return fresh

    def of(part: core.Jaxpr, inputs: list, times: int) -> tuple[list, Tally]:
        own = type(tally)()
        return walk(
            part, [next(names) for _ in part.constvars], inputs, names, known, own, times
        ), own

    kind = equation.primitive.name
    if len(inner) == 1 and len(inner[0].invars) == len(operands) and kind != "scan":
        found, own = of(inner[0], operands, trips)  # a call: its body stands for it
        tally.update(own)
        return found
    times = trips * (equation.params["length"] if kind == "scan" else 1)
    each = [of(part, [next(names) for _ in part.invars], times)[1] for part in inner]
    if kind == "while" and any(each):
        raise Uncountable(f"{tally.what} in a while loop")
    for name in set().union(*each):
        tally[name] += max(own[name] for own in each)  # of a cond's branches the costliest
    return fresh


def closed_parts(part: Any) -> core.Jaxpr:
    """The program itself, of one with or without its constants."""
    return getattr(part, "jaxpr", part)
