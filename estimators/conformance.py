"""What a user's problem and estimator answer and return, looked at before anything is measured."""

from collections.abc import Callable
from functools import partial
from numbers import Integral
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array

from gradest.estimators.base import Estimator, Evaluations, State
from gradest.estimators.sampling.draws import sample
from gradest.problems.base import Params, Problem
from gradest.problems.registry.own_faults import failures_of, fault_of, is_theirs

SAMPLES = 3
"""L at which f is tried."""


class Answer(NamedTuple):
    """Whether an estimator can be used, as it says itself."""

    refusal: str | None
    """Why not; None where it can."""
    fault: str = ""
    """What is wrong with how it was said, or ""."""


def refusal(estimator: Estimator, problem: Problem) -> Answer:
    """What an estimator answers to whether it refuses a problem, which is a user's perhaps."""
    try:
        for thing in (problem, estimator):
            expect_fields(thing)
        if is_theirs(problem):
            distribution_of(problem)
    except failures_of(problem, estimator) as error:
        return Answer(None, fault_of(error, problem, estimator))
    return answer("refuses", partial(estimator.refuses, problem), estimator, problem)


def refusal_of_samples(
    earlier: Answer, estimator: Estimator, problem: Problem, num_samples: int
) -> Answer:
    """What an estimator answers to whether it refuses so many samples of a problem.

    A user's also has to say what such an estimate costs.

    Args:
        earlier: what it answered of the problem: where it refuses that, or fails, it is not asked.
        estimator: who is asked.
        problem: of which the samples are.
        num_samples: L.
    """
    if earlier.refusal or earlier.fault:
        return Answer(None)
    asked = partial(estimator.refuses_samples, num_samples)
    found = answer("refuses_samples", asked, estimator, problem)
    if found.refusal or found.fault or not is_theirs(estimator):
        return found
    return Answer(None, fault_of_evaluations(estimator, problem, num_samples))


def answer(method: str, ask: Callable[[], Any], estimator: Estimator, problem: Problem) -> Answer:
    """What a method answers that gives None or a reason."""
    try:
        given = ask()
    except failures_of(estimator, problem) as error:
        return Answer(None, fault_of(error, estimator, problem))
    if given is None or isinstance(given, str):
        return Answer(given or None)
    kind = type(estimator).__name__
    return Answer(None, f"{kind}.{method}: expected None or a reason; found {given!r}")


def fault_of_evaluations(estimator: Estimator, problem: Problem, num_samples: int) -> str:
    """What is wrong with what an estimator says that an estimate costs, or ""."""
    try:
        cost = estimator.evaluations(problem, num_samples)
    except failures_of(estimator, problem) as error:
        return fault_of(error, estimator, problem)
    whole = isinstance(cost, Evaluations) and all(isinstance(count, Integral) for count in cost)
    if whole and min(cost) >= 0:
        return ""
    return (
        f"{type(estimator).__name__}.evaluations: expected Evaluations(f, grad) of whole numbers; "
        f"found {cost!r}"
    )


class Misfit(ValueError):
    """What a user's class returns is not what is expected of it."""


def expect_fields(thing: Any) -> None:
    """Refuses an object with a field that is neither an array nor declared to be static.

    Raises:
        Misfit: there is one.
    """
    leaves, _ = jax.tree_util.tree_flatten_with_path(thing)
    for path, leaf in leaves:
        if not (hasattr(leaf, "shape") and hasattr(leaf, "dtype")):
            name = jax.tree_util.keystr(path[:1], simple=True)
            raise Misfit(
                f"{name_of(thing)}: field {name} = {leaf!r:.40}: expected an argument of "
                "gradest.problems.arguments (number, integer, flag, choice), or one declared "
                "with equinox.field(static=True)"
            )


def expect_problem(problem: Problem, params: Any) -> None:
    """Refuses a user's problem whose θ, q, f or exact gradient are not what is expected.

    All but θ are traced alone: nothing is computed.

    Raises:
        Misfit: one of them is of the wrong structure, shape or dtype, or θ is not finite.
    """
    if not is_theirs(problem):
        return
    of_problem = f"of {name_of(problem)}"
    expect_params(f"init_params {of_problem}", params)
    q = distribution_of(problem)
    dtype = jnp.result_type(float)
    key = jax.random.key(0)
    x = jax.eval_shape(lambda params: sample(problem.distribution(params), key, SAMPLES), params)
    one = jax.ShapeDtypeStruct(x.shape[1:], x.dtype)
    value = jax.ShapeDtypeStruct(q.batch_shape, dtype)
    values = jax.ShapeDtypeStruct((SAMPLES, *q.batch_shape), dtype)
    found = jax.eval_shape(problem.objective, params, one)
    expect_like(f"objective {of_problem}", found, value)
    found = jax.eval_shape(problem.objectives, params, x)
    expect_like(f"objectives {of_problem} at {SAMPLES} samples", found, values)
    truth = jax.eval_shape(problem.exact_gradient, params)
    if truth is not None:
        expect_like(f"exact_gradient {of_problem}", truth, params)


def distribution_of(problem: Problem) -> dist.Distribution:
    """A user's q_θ with shapes in the place of arrays.

    Raises:
        Misfit: it is no distribution.
    """

    def distribution(key: Array) -> Any:
        return problem.distribution(problem.init_params(key))

    q = jax.eval_shape(distribution, jax.random.key(0))
    if not isinstance(q, dist.Distribution):
        of_problem = f"of {name_of(problem)}"
        raise Misfit(f"distribution {of_problem}: expected one of numpyro's; got {kind_of(q)}")
    return q


def expect_params(what: str, params: Any) -> None:
    """Refuses a θ that is no dict of finite arrays in the precision in force.

    Raises:
        Misfit: it is none.
    """
    if not isinstance(params, dict) or not params:
        raise Misfit(f"{what}: expected a dict of named arrays; got {kind_of(params)}")
    dtype = jnp.result_type(float)
    for place, leaf in places_of(params).items():
        if not isinstance(leaf, jax.Array | np.ndarray) or leaf.dtype != dtype:
            raise Misfit(f"{what}: {place}expected an array of {dtype}; got {kind_of(leaf)}")
        if leaf.size == 0:
            raise Misfit(f"{what}: {place}expected at least one number; got {kind_of(leaf)}")
        if not np.isfinite(leaf).all():
            raise Misfit(f"{what}: {place}expected finite numbers; got {np.asarray(leaf)}")


def expect_estimate(
    problem: Problem, estimator: Estimator, params: Params, num_samples: int
) -> None:
    """Refuses a user's estimator whose estimate or state is not what is expected, by tracing alone.

    Raises:
        Misfit: the estimate is not built like θ, or the next state not like the first.
    """
    if not is_theirs(estimator):
        return
    of_estimator = f"of {name_of(estimator)}"
    key = jax.random.key(0)
    state = jax.eval_shape(partial(estimator.init, problem), params, key)

    def estimate(params: Params, state: State, key: Array) -> Any:
        return estimator.estimate(problem, params, state, key, num_samples)

    found = jax.eval_shape(estimate, params, state, key)
    if not isinstance(found, tuple) or len(found) != 2:
        raise Misfit(f"estimate {of_estimator}: expected (estimate, state); got {kind_of(found)}")
    expect_like(f"estimate {of_estimator}", found[0], params)
    expect_like(f"state {of_estimator} after an estimate", found[1], state)


def expect_like(what: str, found: Any, expected: Any) -> None:
    """Refuses a tree that is not of the structure, shapes and dtypes of another.

    Raises:
        Misfit: it is not; the message names the first place.
    """
    theirs, ours = places_of(found), places_of(expected)
    for place, leaf in ours.items():
        wanted = kind_of(leaf)
        got = kind_of(theirs[place]) if place in theirs else kind_of(found)
        if got != wanted:
            raise Misfit(f"{what}: {place}expected {wanted}; got {got}{hint(wanted, got)}")
    structures: list[Any] = [jax.tree.structure(found), jax.tree.structure(expected)]
    if structures[0] != structures[1]:
        raise Misfit(f"{what}: expected {kind_of(expected)}; got {kind_of(found)}")


def places_of(tree: Any) -> dict[str, Any]:
    """The leaves of a tree by their place in it, as errors name it."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    name = partial(jax.tree_util.keystr, simple=True, separator=".")
    return {f"group {name(path)}: " if path else "": leaf for path, leaf in leaves}


def kind_of(thing: Any) -> str:
    """What something is in a few words: dtype and shape of an array, the keys of a dict.

    >>> kind_of(jnp.zeros((2, 3), int))
    'int32[2,3]'
    """
    if hasattr(thing, "dtype") and hasattr(thing, "shape"):
        return f"{thing.dtype}[{','.join(map(str, thing.shape))}]"
    if isinstance(thing, dict):
        return f"a dict of {', '.join(map(str, thing)) or 'nothing'}"
    return "None" if thing is None else f"{type(thing).__name__} {thing!r:.40}"


def hint(wanted: str, got: str) -> str:
    """What to write instead, where a dtype or a rank is the commonest wrong one."""
    if got.startswith(("int", "uint", "bool")):
        return ": return floats: .astype(x.dtype)"
    if got.count(",") > wanted.count(",") or (wanted.endswith("[]") and not got.endswith("[]")):
        return ": return one number for each data point: sum over the axes of x"
    return ""


def name_of(thing: Any) -> str:
    """The class of a problem or an estimator, as users name it."""
    return f"{type(thing).__module__}:{type(thing).__qualname__}"
