"""What a user's problem and estimator answer and return, looked at before anything is measured."""

from collections.abc import Callable
from functools import partial
from numbers import Integral
from typing import Any, NamedTuple

from gradest.estimators.base import Estimator, Evaluations
from gradest.problems.base import Problem
from gradest.problems.registry.own_faults import failures_of, fault_of, is_theirs


class Answer(NamedTuple):
    """Whether an estimator can be used, as it says itself."""

    refusal: str | None
    """Why not; None where it can."""
    fault: str = ""
    """What is wrong with how it was said, or ""."""


def refusal(estimator: Estimator, problem: Problem) -> Answer:
    """What an estimator answers to whether it refuses a problem."""
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
