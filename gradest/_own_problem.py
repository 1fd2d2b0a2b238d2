"""A problem from three things: f, q and θ."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jax.interpreters.partial_eval import dce_jaxpr
from jaxtyping import Array, Float

from gradest.benchmarks.checks.comparisons import Failed
from gradest.benchmarks.checks.problem_checks import smoothness
from gradest.benchmarks.checks.trials import ProblemTrial
from gradest.benchmarks.runtime.configure import in_full_precision
from gradest.estimators.sampling import sample
from gradest.monte_carlo.distributions import as_numpyro, as_row, broadcast_parameters
from gradest.problems.arguments import as_float
from gradest.problems.base import Params, Problem
from gradest.problems.constants import with_constants

ALONE = "theta"
"""The group of a θ that is one array."""


@in_full_precision
def own_problem(
    f: Callable[..., Any], q: Callable[..., Any], theta: Any, *, smooth: bool | None = None
) -> Problem:
    """The problem of minimising E[f(θ, x)] with x ~ q(θ), at a given θ.

    Args:
        f: from θ and one x to a number. What it closes over or finds among its module's globals,
            arrays of NumPy's and JAX's, is cast to the precision in which it is measured.
        q: from θ to a distribution of numpyro, of which all batch axes are coordinates of x; unless
            f gives a number for each of them: then they are data points.
        theta: a dict of arrays, each a group of its own; or one array. f and q are given the like.
        smooth: whether f is continuous in x and differentiable almost everywhere; where nothing is
            said, whether no jump shows along lines between draws.

    Raises:
        TypeError: one of them is not what is expected.
        ValueError: f or q fails at θ, or f gives what is no number.

    Example:
        >>> import numpyro.distributions as dist
        >>> made = own_problem(
        ...     f=lambda theta, x: (x - 3.0) ** 2,
        ...     q=lambda theta: dist.Normal(theta["mean"], 1.0),
        ...     theta={"mean": 1.0},
        ... )
        >>> made.objective_uses_params
        False
    """
    for name, function in (("f", f), ("q", q)):
        if not callable(function):
            raise TypeError(f"{name} = {function!r}: expected a function")
    if isinstance(q, dist.Distribution):
        kind = type(q).__name__
        raise TypeError(f"q: expected a function from θ to a distribution; got a {kind} itself")
    alone = not isinstance(theta, Mapping)
    groups = {ALONE: theta} if alone else dict(theta)
    for name in groups:
        if not isinstance(name, str):
            raise TypeError(f"theta: {name!r}: expected names of groups")
    params = {name: _arrays(group) for name, group in groups.items()}
    made = _described(OwnProblem(params, f, q, alone, is_smooth=smooth is not False))
    return made if smooth is not None else dataclasses.replace(made, is_smooth=_looks_smooth(made))


def _arrays(group: Any) -> Any:
    """A group of θ with arrays of floats for its leaves; a list of plain numbers is one array.

    Raises:
        TypeError: a leaf is no number.
    """

    def is_array(value: Any) -> bool:
        return isinstance(value, list | tuple) and not any(map(_is_array, jax.tree.leaves(value)))

    def as_array(value: Any) -> Float[Array, "..."]:
        if np.asarray(value).dtype.kind not in "fiu":
            raise TypeError(f"theta: {value!r}: expected numbers")
        return as_float(value)

    return jax.tree.map(as_array, group, is_leaf=is_array)


def _is_array(value: Any) -> bool:
    return isinstance(value, jax.Array | np.ndarray)


class OwnProblem(Problem):
    """A problem that is made of functions, as `gradest.measure` takes them."""

    __module__ = "gradest"  # under which results name it
    named: ClassVar[bool] = False

    theta: Params
    f: Callable[..., Any] = eqx.field(static=True)
    q: Callable[..., Any] = eqx.field(static=True)
    alone: bool = eqx.field(static=True)
    """Whether f and q take one array, not a dict."""
    is_smooth: bool = eqx.field(static=True)
    has_data_points: bool = eqx.field(static=True, default=False)
    """Whether q's batch axes are data points, for each of which f gives a number."""
    is_scalar: bool = eqx.field(static=True, default=False)
    """Whether x is a number, which estimators take as a vector of one."""
    f_uses_theta: bool = eqx.field(static=True, default=False)

    @property
    def smooth(self) -> bool:  # type: ignore[override]
        return self.is_smooth

    @property
    def objective_uses_params(self) -> bool:  # type: ignore[override]
        return self.f_uses_theta

    def init_params(self, key: Array | None = None) -> Params:
        return self.theta

    def distribution(self, params: Params) -> dist.Distribution:
        q = self._call(self.q, params)
        return broadcast_parameters(q) if self.has_data_points else as_row(as_numpyro(q))

    def objective(self, params: Params, x: Array) -> Array:
        one = x.reshape(()) if self.is_scalar else x
        value = jnp.asarray(self._call(self.f, params, one))
        if jnp.issubdtype(value.dtype, jnp.floating):
            return value
        return value.astype(dtype_of(params))  # f counts, or says yes or no

    def abstract_distribution(self) -> Any:
        # not the cached one, which would keep every function that it was ever given
        return eqx.filter_eval_shape(self.distribution, self.theta)

    def _call(self, function: Callable[..., Any], params: Params, *x: Array) -> Any:
        theta = params[ALONE] if self.alone else params
        return with_constants(function, dtype_of(params))(theta, *x)


def dtype_of(params: Params) -> Any:
    """The precision of θ."""
    return jnp.result_type(*jax.tree.leaves(params))


def _described(problem: OwnProblem) -> OwnProblem:
    """The problem with what f and q turn out to be, when they are traced at θ."""
    try:
        raw = problem._call(problem.q, problem.theta)
    except Exception as error:
        raise ValueError(f"q fails at θ: {type(error).__name__}: {error}") from error
    try:
        q = as_numpyro(raw)
    except TypeError as error:
        raise TypeError(f"q gives {error}") from None
    row = as_row(q)
    problem = dataclasses.replace(problem, is_scalar=row is not q)
    x = jax.eval_shape(lambda: sample(row, jax.random.key(0), 1)[0])
    try:
        traced = jax.make_jaxpr(problem.objective)(problem.theta, x)
    except Exception as error:
        raise ValueError(f"f fails at θ and one x: {type(error).__name__}: {error}") from error
    (shape,) = (value.shape for value in traced.out_avals)
    batch = getattr(raw, "batch_shape", ())
    if shape not in ((), batch):
        raise ValueError(f"f gives an array of shape {shape}: expected a number for one x")
    _, used = dce_jaxpr(traced.jaxpr, [True])
    return dataclasses.replace(
        problem,
        has_data_points=shape != (),
        f_uses_theta=any(used[: len(jax.tree.leaves(problem.theta))]),
    )


def _looks_smooth(problem: OwnProblem) -> bool:
    """Whether no jump of f shows along lines between draws of x."""
    try:
        smoothness(ProblemTrial("f", problem, level=0.01))
    except Failed:
        return False
    return True
