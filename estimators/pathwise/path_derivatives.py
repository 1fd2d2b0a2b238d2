r"""Pathwise gradients of variational bounds without the score: the path's derivative alone.

$\log q_\theta$ in f depends on θ through the draw and through its density. For one particle the
second has expectation zero and is left out; for several it is not, and is rewritten as a path's
derivative.
"""

from typing import Any, ClassVar

import jax
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.base import Estimator, Evaluations, State, SurrogateEstimator
from gradest.estimators.sampling.draws import has_rsample, rsample
from gradest.problems.base import Params, Problem
from gradest.problems.bounds import ImportanceWeightedBound, VariationalBound
from gradest.problems.distributions.coordinates import base


def refusal(problem: Problem, trait: type[Any], reason: str) -> str | None:
    """Why there is no path's derivative, or None: f must be of a trait, and the draw differentiable."""
    if not isinstance(problem, trait):
        return reason
    q = problem.abstract_distribution()
    return (
        None if has_rsample(q) else f"{type(base(q)).__name__} has no differentiable draw (rsample)"
    )


class StickingTheLanding(SurrogateEstimator):
    r"""$\frac1L \sum_l \nabla_\theta f(\theta, g(\varepsilon_l, \theta))$ with θ held fixed in
    $\log q_\theta$.

    For an f that holds $\log q_\theta(x)$ at the draw. Unbiased for one particle, because the score
    that is left out has mean zero; its variance is zero where q is the exact posterior, and above
    that of `pathwise` where q is narrower than the posterior by more than half in variance. Biased
    for the bound of several particles, where `dreg` is the remedy. Cost: L evaluations of f and L
    of its gradient.
    """

    unbiased: ClassVar[bool] = True
    differentiates_f: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True
    source: ClassVar[str] = "Roeder, Wu and Duvenaud, 2017"

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        assert isinstance(problem, VariationalBound)
        q = problem.distribution(params)
        x = rsample(q, key, num_samples)
        costs = jax.vmap(problem.objective_under, in_axes=(None, None, 0))(
            params, stop_gradient(q), x
        )
        return costs.mean(0).sum(), state

    def claims_unbiased(self, problem: Problem) -> bool:
        several = isinstance(problem, ImportanceWeightedBound) and problem.num_particles > 1
        return super().claims_unbiased(problem) and not several

    def refuses(self, problem: Problem) -> str | None:
        if isinstance(problem, VariationalBound) and not problem.holds_density:
            return "the divergence is in closed form: there is no log q(x) in f to hold"
        return refusal(
            problem, VariationalBound, "f holds no log q(x): it is no bound on the evidence"
        )

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        return Evaluations(f=num_samples, grad=num_samples)


class DReG(Estimator):
    r"""$\frac{-c}L \sum_{lk} \tilde w_k^2 \partial_{z_k} \log w_k \nabla z_k + \tilde w_k
    \partial_\theta \log p$.

    The doubly reparameterized gradient of the K-sample bound: $\tilde w_k = w_k / \sum_j w_j$, and
    θ is held fixed in $\log q_\theta$; the score's share of the gradient of IWAE (which is
    `pathwise` here) is reparameterized once more. Unbiased; at K = 1 it is `sticking_the_landing`.
    Cost: L evaluations of f and L of its gradient.
    """

    unbiased: ClassVar[bool] = True
    differentiates_f: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True
    source: ClassVar[str] = "Tucker, Lawson, Gu and Maddison, 2019"

    def estimate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Params, State]:
        assert isinstance(problem, ImportanceWeightedBound)
        frozen = stop_gradient(problem.distribution(params))
        x, through_draw = jax.vjp(
            lambda params: rsample(problem.distribution(params), key, num_samples), params
        )
        each = jax.vmap(problem.log_weights, in_axes=(None, None, 0))
        log_w, through_weights = jax.vjp(lambda params, x: each(params, frozen, x), params, x)
        w = jax.nn.softmax(log_w)
        of_model, of_particles = through_weights(w)
        (of_path,) = through_draw(w[..., None] * of_particles)
        scale = -problem.factor / num_samples
        return jax.tree.map(lambda model, path: scale * (model + path), of_model, of_path), state

    def refuses(self, problem: Problem) -> str | None:
        return refusal(
            problem, ImportanceWeightedBound, "f is no bound of K particles with weights"
        )

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        return Evaluations(f=num_samples, grad=num_samples)
