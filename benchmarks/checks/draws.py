"""How many random numbers an estimate is made of, counted in its traced program."""

import math

import jax
from jax.extend import core

from gradest.benchmarks.checks.evaluations import Tally, Uncountable, count_in, counted
from gradest.estimators.base import Estimator, State
from gradest.problems.base import Params, Problem


class Draws(Tally):
    """Of words of random bits: each sampler of jax.random makes one number of one word."""

    what = "random numbers are drawn"

    @staticmethod
    def amount(equation: core.JaxprEqn) -> int:
        if equation.primitive.name == "random_gamma":  # holds the loop in which it rejects
            raise Uncountable(f"{Draws.what} in a while loop")
        if equation.primitive.name != "random_bits":
            return 0
        (words,) = equation.outvars
        return math.prod(getattr(words.aval, "shape", ()))


def count_draws(
    estimator: Estimator, problem: Problem, params: Params, state: State, num_samples: int
) -> int:
    """The random numbers that one estimate depends on, whatever f is, those from one key once.

    Raises:
        Uncountable: they are drawn by rejection, in a `while` loop.
    """
    opaque = counted(problem)

    def estimate(params: Params, state: State, key: jax.Array) -> Params:
        return estimator.estimate(opaque, params, state, key, num_samples)[0]

    tally = Draws()
    count_in(jax.make_jaxpr(estimate)(params, state, jax.random.key(0)).jaxpr, tally)
    return tally.total()
