r"""How often an estimate evaluates f and its gradient, and how many random numbers it draws.

Both are counted in its traced program: nothing is compiled or run. f is replaced by an opaque
primitive with its shapes, so that every f counts alike, a step or a constant too; its derivatives,
forward and reverse and of any order, are opaque as well. What is counted is what a compiled program
makes: a call whose value is not used is none, equal calls are one, and a call under `vmap` or in a
loop is as many as it has elements or trips.
"""

import functools
import itertools
import math
import operator
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core
from jax.interpreters import ad, batching, partial_eval
from jaxtyping import Array, Float

from gradest.estimators.base import Estimator, Evaluations, State
from gradest.problems.base import Params, Problem, with_methods

Tally = Counter[str]
"""How often something is done, by the primitive that does it."""

REMOVED = ("stop_gradient",)
"""Primitives of which nothing is left in a compiled program."""

SCAN = "scan"
"""A loop whose trips are known."""

WHILE = "while"
"""A loop whose trips are not."""

RANDOM_BITS = "random_bits"
"""Every sampler of jax.random makes one number of one word of these."""

REJECTING = ("random_gamma",)
"""Primitives that hold a loop in which they draw until they accept."""


class Uncountable(Exception):
    """How often it happens is decided only while the program runs."""


def count_evaluations(
    estimator: Estimator, problem: Problem, params: Params, state: State, num_samples: int
) -> Evaluations:
    """The evaluations that one estimate, with the update of its state, makes.

    Args:
        estimator, problem, params, state, num_samples: of the estimate.

    Raises:
        Uncountable: f is evaluated in a `while` loop.
    """
    opaque = with_opaque(problem, problem.evaluated)

    def estimate(params: Params, state: State, key: Array) -> tuple[Params, State]:
        return estimator.estimate(opaque, params, state, key, num_samples)

    program = jax.make_jaxpr(estimate)(params, state, jax.random.key(0)).jaxpr
    tally = tally_of(program, evaluations_in, "f is evaluated")
    return Evaluations(f=tally[objective_p.name], grad=tally[gradient_p.name])


def count_draws(
    estimator: Estimator, problem: Problem, params: Params, state: State, num_samples: int
) -> int:
    """The random numbers that one estimate depends on, whatever f is, or where it is known as a sum
    whatever its terms are. Those from one key count once.

    Args:
        estimator, problem, params, state, num_samples: of the estimate.

    Raises:
        Uncountable: they are drawn by rejection, in a `while` loop.
    """
    opaque = with_opaque(problem, ("terms",) if problem.f_is_sum else problem.evaluated)

    def estimate(params: Params, state: State, key: Array) -> Params:
        grads, _ = estimator.estimate(opaque, params, state, key, num_samples)
        return grads

    program = jax.make_jaxpr(estimate)(params, state, jax.random.key(0)).jaxpr
    return tally_of(program, random_numbers_in, "random numbers are drawn").total()


def evaluations_in(equation: core.JaxprEqn) -> int:
    """How many evaluations of f, or of its gradient, one equation is."""
    counts = equation.primitive in (objective_p, gradient_p)
    return equation.params["times"] if counts else 0


def random_numbers_in(equation: core.JaxprEqn) -> int:
    """How many words of random bits one equation makes.

    Raises:
        Uncountable: it rejects some of them.
    """
    if equation.primitive.name in REJECTING:
        raise Uncountable("random numbers are drawn in a while loop")
    if equation.primitive.name != RANDOM_BITS:
        return 0
    words: Any = equation.outvars[0].aval
    return math.prod(words.shape)


def tally_of(program: core.Jaxpr, amount: Callable[[core.JaxprEqn], int], what: str) -> Tally:
    """How often a traced program does something, but for what none of its outputs depends on.

    Args:
        program: as it was traced.
        amount: how often one equation, without a program in it, does it.
        what: is done, in words.

    Raises:
        Uncountable: it is done in a `while` loop.
    """
    every_output = [True] * len(program.outvars)
    used, _ = partial_eval.dce_jaxpr(program, every_output, instantiate=True)
    numbering = Numbering(amount, what)
    _, tally = numbering.walk(used, numbering.fresh(used.invars), trips=1)
    return tally


class Numbering:
    """Walks through a program, numbers its values, and tallies what the program does.

    Equal values get equal names: constants their text, others a number. An equation whose
    primitive, parameters and operands were met before is the same call again, and counts no more.
    """

    def __init__(self, amount: Callable[[core.JaxprEqn], int], what: str) -> None:
        self._amount = amount
        self._what = what
        self._numbers = itertools.count()
        self._results: dict[tuple, list] = {}

    def fresh(self, values: Sequence[Any]) -> list:
        """New names for as many values."""
        return [next(self._numbers) for _ in values]

    def walk(self, program: core.Jaxpr, inputs: list, trips: int) -> tuple[list, Tally]:
        """Names for a program's outputs, and what it does.

        Args:
            program: without what is not used of it.
            inputs: names for its inputs.
            trips: how often it is run.
        """
        tally = Tally()
        names = dict(zip(program.invars, inputs, strict=True))
        names |= zip(program.constvars, self.fresh(program.constvars), strict=True)

        def name_of(atom: Any) -> Any:
            if isinstance(atom, core.Literal):
                return str(atom), str(atom.aval)
            return names[atom]

        for equation in program.eqns:
            operands = [name_of(atom) for atom in equation.invars]
            if equation.primitive.name in REMOVED:
                results = operands
            else:
                call = (equation.primitive.name, str(equation.params), tuple(operands))
                if call not in self._results:
                    self._results[call], done = self.outcome(equation, operands, trips)
                    tally.update(done)
                results = self._results[call]
            names |= zip(equation.outvars, results, strict=True)
        return [name_of(atom) for atom in program.outvars], tally

    def outcome(self, equation: core.JaxprEqn, operands: list, trips: int) -> tuple[list, Tally]:
        """Names for what one equation gives, and what it does."""
        kind = equation.primitive.name
        bodies = [opened(part) for part in core.jaxprs_in_params(equation.params)]
        if not bodies:
            amount = self._amount(equation)
            done = Tally({kind: trips * amount}) if amount else Tally()
            return self.fresh(equation.outvars), done
        if kind != SCAN and len(bodies) == 1 and len(bodies[0].invars) == len(operands):
            return self.walk(bodies[0], operands, trips)  # a call: its body stands for it
        times = trips * equation.params["length"] if kind == SCAN else trips
        tallies = [self.walk(body, self.fresh(body.invars), times)[1] for body in bodies]
        if kind == WHILE and any(tallies):
            raise Uncountable(f"{self._what} in a while loop")
        costliest = functools.reduce(operator.or_, tallies)  # of a cond's branches
        return self.fresh(equation.outvars), costliest


def opened(part: Any) -> core.Jaxpr:
    """The program itself, of one with or without its constants."""
    return getattr(part, "jaxpr", part)


def with_opaque(problem: Problem, methods: Sequence[str]) -> Problem:
    """The same problem with opaque methods in the place of these."""

    def opaque(name: str) -> Callable:
        def method(self: Problem, params: Params, *others: Any) -> Float[Array, "..."]:
            out = jax.eval_shape(getattr(problem, name), params, *others)
            aval = jax.core.ShapedArray(out.shape, out.dtype)
            operands = (params, *others) if self.objective_uses_params else others
            leaves = map(jnp.asarray, jax.tree.leaves(operands))
            (value,) = objective_p.bind(*leaves, outs=(aval,), times=1)
            return value

        return method

    return with_methods(problem, {name: opaque(name) for name in methods})


objective_p = core.Primitive("objective")
"""f at its operands, the leaves of θ (where f depends on it) and x.

`outs` are the shapes of what it gives, `times` says how many evaluations it is.
"""

gradient_p = core.Primitive("gradient_of_objective")
"""A derivative of f, or of a derivative of f: linear in its last `linear` operands."""


def jvp_rule(primitive: core.Primitive) -> Callable:
    """Forward mode.

    The value is an operand of its derivative, because a gradient is evaluated together with the
    value.
    """

    def rule(
        primals: Any, tangents: Any, *, outs: tuple, times: int, **linear: int
    ) -> tuple[list, list]:
        values = primitive.bind(*primals, outs=outs, times=times, **linear)
        moving = [tangent for tangent in tangents if is_moving(tangent)]
        if not moving:
            return values, [ad.Zero(out) for out in outs]
        fixed = (*primals, *map(jax.lax.stop_gradient, values))
        derivatives = gradient_p.bind(*fixed, *moving, outs=outs, times=times, linear=len(moving))
        return values, derivatives

    return rule


def is_moving(tangent: Any) -> bool:
    """Whether a tangent is other than zero."""
    return not isinstance(tangent, ad.Zero) and tangent.dtype != jax.dtypes.float0


def transpose_rule(cotangents: Any, *operands: Any, outs: tuple, times: int, linear: int) -> list:
    """Reverse mode: the same derivative, from what came out to what was put in.

    Of its linear operands those that are undefined are sought.
    """
    fixed = operands[: len(operands) - linear]
    moving = operands[len(operands) - linear :]
    sought = [ad.is_undefined_primal(operand) for operand in moving]
    avals = tuple(operand.aval for operand in itertools.compress(moving, sought))
    seeds = [ad.instantiate_zeros(cotangent) for cotangent in cotangents]
    grads = iter(gradient_p.bind(*fixed, *seeds, outs=avals, times=times, linear=len(seeds)))
    return [None] * len(fixed) + [next(grads) if is_sought else None for is_sought in sought]


def batching_rule(primitive: core.Primitive) -> Callable:
    """`vmap`: as many evaluations as there are elements."""

    def rule(
        operands: Any, axes: Any, *, outs: tuple, times: int, **linear: int
    ) -> tuple[list, list[int]]:
        pairs = zip(operands, axes, strict=True)
        size = next(operand.shape[axis] for operand, axis in pairs if axis is not None)
        batched = tuple(jax.core.ShapedArray((size, *out.shape), out.dtype) for out in outs)
        values = primitive.bind(*operands, outs=batched, times=times * size, **linear)
        return values, [0] * len(outs)

    return rule


for primitive in (objective_p, gradient_p):
    primitive.multiple_results = True
    primitive.def_abstract_eval(lambda *_, outs, **__: list(outs))
    ad.primitive_jvps[primitive] = jvp_rule(primitive)
    batching.primitive_batchers[primitive] = batching_rule(primitive)
ad.primitive_transposes[gradient_p] = transpose_rule
