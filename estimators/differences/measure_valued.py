"""The measure-valued gradient, also known as the weak derivative method."""

import math
from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax.interpreters.partial_eval import dce_jaxpr
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.base import Evaluations, State, SurrogateEstimator
from gradest.estimators.sampling.draws import has_rule, sample
from gradest.estimators.sampling.weak_derivatives import (
    numbers_drawn,
    weak_derivatives,
    without_weak_derivative,
)
from gradest.problems.arguments import flag
from gradest.problems.base import Params, Problem
from gradest.problems.distributions.coordinates import base


class MeasureValued(SurrogateEstimator):
    r"""The derivative of q in each of its parameters, as a scaled difference of two distributions.

    $\sum_{il} \frac{c_i}{L} [f(x_l; x_i=x^+_{il}) - f(x_l; x_i=x^-_{il})] \nabla_\theta \psi_i$,
    plus ∂f/∂θ.

    With the weak derivative $\partial_{\psi_i} q = c_i (q^+_i - q^-_i)$ of coordinate i,
    $\partial_{\psi_i} E[f]$ is c_i times the difference between E[f] with $x_i$ from $q^+_i$ and
    with $x_i$ from $q^-_i$, all other coordinates from q; the chain rule goes from ψ to θ.

    ψ_i runs over the parameters of q's coordinates (mean and scale, rate, or probability), each
    with its weak derivative, of which none is known for a gamma variable's concentration. Coupled,
    the two replacements share their randomness. For Bernoulli variables, of which both values are
    tried, it is the local expectation gradient (Titsias and Lázaro-Gredilla, 2015), known as
    BitFlip too. Unbiased for any f, discontinuous or not. Cost: 2·D·L evaluations of f for each
    parameter of q, and one of f and its gradient at each sample where f depends on θ. Where f is
    known as a sum of a term for each coordinate, the two values of a term stand for two evaluations
    of f, and count as such.
    """

    coupled: bool = flag(True, "whether positive and negative part share their randomness")

    purpose: ClassVar[str] = "any f, coupled pairs for each parameter"
    unbiased: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True
    source: ClassVar[str] = "Pflug, 1989; Heidergott, Vázquez-Abad and Volk-Makarewicz, 2008"

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        q = problem.distribution(params)
        draw_key, part_key = jax.random.split(key)
        x = sample(q, draw_key, num_samples)
        surrogate = problem.objectives(params, x).mean(0).sum()
        for part in weak_derivatives(base(q), part_key, num_samples, self.coupled):
            changes = problem.changes_by_coordinate(params, x, part.positive, part.negative)
            derivative = stop_gradient(part.constant * changes.mean(0))
            surrogate += (derivative * part.parameter).sum()
        return surrogate, state

    def refuses(self, problem: Problem) -> str | None:
        q = base(problem.abstract_distribution())
        name = type(q).__name__
        if not has_rule(weak_derivatives, q):
            return f"no weak derivative is known for {name}"
        lacking = [
            parameter
            for parameter in without_weak_derivative(q)
            if depends_on_params(problem, parameter)
        ]
        if lacking:
            return f"no weak derivative is known for {name}'s {', '.join(lacking)}"
        return None

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        coordinates = math.prod(problem.abstract_distribution().event_shape)
        parameters = sum(moving(problem))
        direct = problem.direct_gradients(num_samples)
        return Evaluations(f=2 * coordinates * num_samples * parameters + direct, grad=direct)

    def numbers_held(self, problem: Problem, num_samples: int, of_f: int) -> int:
        held = super().numbers_held(problem, num_samples, of_f)
        if problem.f_is_sum:  # of which only the changed term is made
            return held // math.prod(problem.abstract_distribution().event_shape)
        return held

    def draws(self, problem: Problem, num_samples: int) -> int:
        q = problem.abstract_distribution()
        of_parameters = zip(numbers_drawn(base(q), self.coupled), moving(problem), strict=True)
        of_coordinate = sum(numbers for numbers, moves in of_parameters if moves)
        others_stay = math.prod(q.event_shape) > 1 and not problem.f_is_sum
        if others_stay or problem.objective_uses_params:
            of_coordinate += 1  # x
        return num_samples * of_coordinate * math.prod(base(q).batch_shape)


def moving(problem: Problem) -> list[bool]:
    """Which parameters of q's coordinates depend on θ: what is fixed takes no evaluation."""

    def parameters(params: Params) -> list[Array]:
        parts = weak_derivatives(base(problem.distribution(params)), jax.random.key(0), 1, True)
        return [part.parameter for part in parts]

    return which_depend_on_params(problem, parameters)


def depends_on_params(problem: Problem, parameter: str) -> bool:
    """Whether a parameter of q's coordinates, by its name, is a function of θ."""

    def of_coordinates(params: Params) -> Array:
        return jnp.asarray(getattr(base(problem.distribution(params)), parameter))

    return any(which_depend_on_params(problem, of_coordinates))


def which_depend_on_params(problem: Problem, function: Callable[[Params], Any]) -> list[bool]:
    """For each array that a function of θ returns, whether θ enters it, by the traced program."""
    params = jax.eval_shape(problem.init_params, jax.random.key(0))
    program = jax.make_jaxpr(function)(params).jaxpr
    outputs = range(len(program.outvars))
    depends = []
    for output in outputs:
        _, used = dce_jaxpr(program, [other == output for other in outputs])
        depends.append(any(used))
    return depends
