"""The objective along training: exact where it is known, else estimated on fixed draws."""

from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float

from gradest.benchmarks.measurement.batching import CALL_ELEMENTS, elements_per_evaluation
from gradest.benchmarks.measurement.exact_gradient import exact_objective
from gradest.benchmarks.runtime.configure import COMPILER, in_full_precision
from gradest.benchmarks.runtime.program_cache import compiled
from gradest.benchmarks.statistics.intervals import Interval, t_quantile
from gradest.estimators.sampling.draws import sample
from gradest.problems.base import Params, Problem


class Value(NamedTuple):
    """An objective at some θ."""

    interval: Interval
    """E[f] with its 95 % interval: a point where it is exact."""
    kind: str
    """exact or estimated."""

    def columns(self, name: str) -> dict[str, float]:
        """Three columns: the number and the ends of its interval."""
        value, low, high = self.interval
        return {name: value, f"{name}_low": low, f"{name}_high": high}


def objective_at(problem: Problem, params: Params, key: Array, draws: int) -> Value:
    """E[f] at θ: exact where it is known, else from draws.

    Args:
        problem: of which it is.
        params: θ.
        key: of the draws: from one key come the same draws, up to θ.
        draws: how many, where it is to be estimated.
    """
    exact = exact_objective(problem, params)
    if exact is not None:
        return Value(Interval(exact, exact, exact), "exact")
    values = estimated(problem, params, key, draws)
    mean = float(values.mean())
    half = t_quantile(draws - 1) * float(values.std(ddof=1)) / np.sqrt(draws)
    return Value(Interval(mean, mean - half, mean + half), "estimated")


@in_full_precision
def estimated(
    problem: Problem, params: Params, key: Array, draws: int
) -> Float[np.ndarray, " draws"]:
    """f at each of some draws: the sum of its terms for data points, which may have 1/N."""
    elements = max(1, elements_per_evaluation(problem, params))
    at_once = max(1, min(draws, CALL_ELEMENTS // elements))
    values = sums_of_f(problem, params, jax.random.split(key, draws), at_once=at_once)
    return np.asarray(values, np.float64)


@compiled(static=("at_once",), options=(COMPILER,))
def sums_of_f(
    problem: Problem, params: Params, keys: Array, *, at_once: int
) -> Float[Array, " draws"]:
    """f, as in `estimated`, at a draw from each key; so many at a time."""
    q = problem.distribution(params)

    def of_key(key: Array) -> Float[Array, ""]:
        return problem.objectives(params, sample(q, key, 1)).sum()

    return jax.lax.map(of_key, keys, batch_size=at_once)


def forget_objectives() -> None:
    """Frees the compiled programs."""
    sums_of_f.forget()
