r"""Pathwise gradients of variational bounds without the score: the path's derivative alone.

$\log q_\theta$ in f depends on θ through the draw and through its density. For one particle the
expectation of the second, the score, is zero, and it is left out; for several it is not, and is
rewritten as a path's derivative.

Both take log q under q held fixed. Published curves of both (the Gaussian toy of vlievin/ovis,
commit d119252) are of a q rebuilt without its scale, which is then 1, whatever the scale of the
draws: `density = "unit_scale"` is that.
"""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.base import Estimator, Evaluations, State, SurrogateEstimator
from gradest.estimators.sampling.draws import rsample
from gradest.estimators.sampling.refusals import refuse_unless_rsample
from gradest.problems.arguments import choice
from gradest.problems.base import Params, Problem
from gradest.problems.bounds import ImportanceWeightedBound, VariationalBound
from gradest.problems.distributions.coordinates import base


def own(q: dist.Distribution) -> dist.Distribution:
    """q itself."""
    return q


def unit_scale(q: dist.Independent) -> dist.Distribution:
    """A Gaussian with q's mean and standard deviation 1."""
    normal = dist.Normal(base(q).loc, jnp.ones_like(base(q).scale))
    return normal.to_event(len(q.event_shape))


DENSITIES = {"own": own, "unit_scale": unit_scale}
"""What is held fixed as the density of the draws."""


def density_argument() -> Any:
    """The argument that says which of them."""
    return choice(
        {name: name for name in DENSITIES},
        "own",
        "of which the logarithm is taken: q's own, or with scale 1, biased, as in published curves",
        later=True,
    )


def refuse_unless_gaussian(q: dist.Distribution, density: str) -> str | None:
    """The reason why such a density is not to be had."""
    if density == "own" or isinstance(base(q), dist.Normal):
        return None
    return f"density = unit_scale: {type(base(q)).__name__} is no Gaussian"


class StickingTheLanding(SurrogateEstimator):
    r"""The pathwise gradient with θ held fixed in $\log q_\theta$.

    $\frac1L \sum_l \nabla_\theta f(\theta, g(\varepsilon_l, \theta))$,
    f with $\log q_{\theta'}$ at θ' = θ, constant

    For an f that holds $\log q_\theta(x)$ at the draw. Unbiased for one particle, because the score
    that is left out has mean zero; its variance is zero where q is the exact posterior, and above
    that of `pathwise` where q is narrower than the posterior by more than half in variance. Biased
    for the bound of several particles, where `dreg` is the remedy. Cost: L evaluations of f and L
    of its gradient.
    """

    density: str = density_argument()

    purpose: ClassVar[str] = "ELBOs: no noise where q is the posterior"
    unbiased: ClassVar[bool] = True
    biased_by: ClassVar[str] = "with several particles, what is left out has a mean"
    differentiates_f: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True
    source: ClassVar[str] = "Roeder, Wu and Duvenaud, 2017"

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        assert isinstance(problem, VariationalBound)
        q = problem.distribution(params)
        x = rsample(q, key, num_samples)
        objectives_under = jax.vmap(problem.objective_under, in_axes=(None, None, 0))
        held = DENSITIES[self.density](stop_gradient(q))
        f = objectives_under(params, held, x)
        return f.mean(0).sum(), state

    def claims_unbiased(self, problem: Problem) -> bool:
        several = isinstance(problem, ImportanceWeightedBound) and problem.num_particles > 1
        return super().claims_unbiased(problem) and not several and self.density == "own"

    def refuses(self, problem: Problem) -> str | None:
        if not isinstance(problem, VariationalBound):
            return "f holds no log q(x): it is no bound on the evidence"
        if not problem.holds_density:
            return "the divergence is in closed form: there is no log q(x) in f to hold"
        q = problem.abstract_distribution()
        return refuse_unless_rsample(q) or refuse_unless_gaussian(q, self.density)

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        return Evaluations(f=num_samples, grad=num_samples)


class DReG(Estimator):
    r"""The doubly reparameterized gradient of the K-sample bound.

    $\frac{-c}L \sum_{lk} \tilde w_k^2\, \partial_{z_k} \log w_k\, \nabla z_k
    + \tilde w_k\, \partial_\theta \log p$
    with $\tilde w_k = w_k / \sum_j w_j$, and θ held fixed in $\log q_\theta$

    The score's share of the gradient of IWAE (which is `pathwise` here) is reparameterized once
    more. Unbiased; at K = 1 it is `sticking_the_landing`. Cost: L evaluations of f and L of its
    gradient.
    """

    density: str = density_argument()

    purpose: ClassVar[str] = "importance-weighted bounds with large K"
    unbiased: ClassVar[bool] = True
    biased_by: ClassVar[str] = "with density = unit_scale the weights are another q's"
    differentiates_f: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True
    source: ClassVar[str] = "Tucker, Lawson, Gu and Maddison, 2019"

    def estimate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Params, State]:
        assert isinstance(problem, ImportanceWeightedBound)
        fixed_q = DENSITIES[self.density](stop_gradient(problem.distribution(params)))

        def draw(params: Params) -> Float[Array, "L ..."]:
            return rsample(problem.distribution(params), key, num_samples)

        def log_weights(params: Params, z: Float[Array, "L ..."]) -> Float[Array, "L ..."]:
            return jax.vmap(problem.log_weights, in_axes=(None, None, 0))(params, fixed_q, z)

        # w̃_k ∂θ log p and w̃_k ∂z log w_k, the weights held fixed; the second times w̃_k ∇z_k
        z, pull_back_draw = jax.vjp(draw, params)
        log_w, pull_back_weights = jax.vjp(log_weights, params, z)
        w = jax.nn.softmax(log_w)
        of_model, of_particles = pull_back_weights(w)
        (of_path,) = pull_back_draw(w[..., None] * of_particles)
        scale = -problem.factor / num_samples
        return jax.tree.map(lambda model, path: scale * (model + path), of_model, of_path), state

    def refuses(self, problem: Problem) -> str | None:
        if not isinstance(problem, ImportanceWeightedBound):
            return "f is no bound of K particles with weights"
        q = problem.abstract_distribution()
        return refuse_unless_rsample(q) or refuse_unless_gaussian(q, self.density)

    def claims_unbiased(self, problem: Problem) -> bool:
        return super().claims_unbiased(problem) and self.density == "own"

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        return Evaluations(f=num_samples, grad=num_samples)
