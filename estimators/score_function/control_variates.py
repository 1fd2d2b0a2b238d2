r"""Control variates: functions h of x, correlated with f, whose expectation under q_θ is known as a function of θ."""

import math
from abc import abstractmethod

import equinox as eqx
import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.base import Evaluations
from gradest.estimators.sampling.angles import is_angle
from gradest.problems.base import Params, Problem
from gradest.problems.distributions.coordinates import base


class ControlVariate(eqx.Module):
    """h, and its expectation."""

    @abstractmethod
    def __call__(
        self, problem: Problem, params: Params, q: dist.Distribution, x: Float[Array, "L ..."]
    ) -> tuple[Float[Array, "L *batch"] | float, Float[Array, ""] | float]:
        r"""h(x_l) at each sample, and $E_{q_\theta}[h]$ summed over data points, whose gradient is added back."""

    @abstractmethod
    def refuses(self, problem: Problem) -> str | None:
        """None, or the reason why h cannot be formed for this problem."""

    @abstractmethod
    def evaluations(self, problem: Problem) -> Evaluations:
        """What h costs in one estimate."""


class NoControlVariate(ControlVariate):
    """h = 0."""

    def __call__(
        self, problem: Problem, params: Params, q: dist.Distribution, x: Float[Array, "L ..."]
    ) -> tuple[float, float]:
        return 0.0, 0.0

    def refuses(self, problem: Problem) -> str | None:
        return None

    def evaluations(self, problem: Problem) -> Evaluations:
        return Evaluations(f=0, grad=0)


class FirstOrder(ControlVariate):
    r"""MuProp (Gu, Levine, Sutskever and Mnih, 2016): f's first-order Taylor expansion about the
    mean m of q,

    $h(x) = f(m) + \nabla f(m)^\top (x - m)$, with m and ∇f held fixed, so that $E_{q_\theta}[h] =
    f(m) + \nabla f(m)^\top (\mu_\theta - m)$. Exact, hence without variance, where f is linear.

    For any q with a mean, at which f can be evaluated. Cost: one evaluation of f and one of its
    gradient.
    """

    def __call__(
        self, problem: Problem, params: Params, q: dist.Distribution, x: Float[Array, "L ..."]
    ) -> tuple[Float[Array, "L *batch"], Float[Array, ""]]:
        frozen = stop_gradient(params)
        center = stop_gradient(q.mean)
        value = problem.objective(frozen, center)
        gradient = jax.grad(lambda x: problem.objective(frozen, x).sum())(center)
        event = tuple(range(-len(q.event_shape), 0))

        def taylor(apart: Float[Array, "..."]) -> Float[Array, "..."]:
            return value + (gradient * apart).sum(event)

        return taylor(x - center), taylor(q.mean - center).sum()

    def refuses(self, problem: Problem) -> str | None:
        q = problem.abstract_distribution()
        known = not is_angle(q)  # numpyro's mean of one is not E[x]
        try:
            jax.eval_shape(lambda q: q.mean, q)
        except NotImplementedError:
            known = False
        return (
            None
            if known
            else f"first_order needs an x with a known mean, unlike that of {type(base(q)).__name__}"
        )

    def evaluations(self, problem: Problem) -> Evaluations:
        return Evaluations(f=1, grad=1)


class Delta(ControlVariate):
    r"""The delta method: f's second-order Taylor expansion about the mean m of q (Paisley, Blei and
    Jordan, 2012),

    $h(x) = f(m) + \nabla f(m)^\top (x - m) + \frac12 (x - m)^\top H (x - m)$, with m, ∇f and H held
    fixed, so that $E_{q_\theta}[h] = f(m) + \nabla f(m)^\top (\mu_\theta - m) + \frac12
    [(\mu_\theta - m)^\top H (\mu_\theta - m) + \sum_i H_{ii} \sigma_{\theta,i}^2]$. Exact, hence
    without variance, where f is quadratic.

    For a q of independent Gaussian coordinates. Cost: one evaluation of f, one of its gradient, and
    D more for H.
    """

    def __call__(
        self, problem: Problem, params: Params, q: dist.Distribution, x: Float[Array, "L ..."]
    ) -> tuple[Float[Array, "L *batch"], Float[Array, ""]]:
        def vector(x: Float[Array, "..."]) -> Float[Array, "... dim"]:
            return x.reshape(*x.shape[: x.ndim - q.event_dim], -1)

        frozen, mean = stop_gradient(params), vector(q.mean)
        center = stop_gradient(mean)

        def f(center: Float[Array, "*batch dim"]) -> Float[Array, "*batch"]:
            return problem.objective(frozen, center.reshape(q.mean.shape))

        gradient_of_f = jax.grad(lambda center: f(center).sum())
        value, gradient = f(center), gradient_of_f(center)

        def hessian_row(direction: Float[Array, " dim"]) -> Float[Array, "*batch dim"]:
            return jax.jvp(gradient_of_f, (center,), (jnp.broadcast_to(direction, center.shape),))[
                1
            ]

        hessian = jax.vmap(hessian_row, out_axes=-2)(jnp.eye(center.shape[-1], dtype=center.dtype))

        def taylor(apart: Float[Array, "*extra dim"]) -> Float[Array, "*extra"]:
            linear = (gradient * apart).sum(-1)
            return value + linear + 0.5 * jnp.einsum("...i,...ij,...j->...", apart, hessian, apart)

        curvature = jnp.diagonal(hessian, axis1=-2, axis2=-1)
        expectation = taylor(mean - center) + 0.5 * (curvature * vector(q.variance)).sum(-1)
        return taylor(vector(x) - center), expectation.sum()

    def refuses(self, problem: Problem) -> str | None:
        q = problem.abstract_distribution()
        reason = f"delta needs Gaussian coordinates, not {type(base(q)).__name__}"
        return None if isinstance(base(q), dist.Normal) else reason

    def evaluations(self, problem: Problem) -> Evaluations:
        return Evaluations(f=1, grad=1 + math.prod(problem.abstract_distribution().event_shape))


CONTROL_VARIATES: dict[str, ControlVariate] = {
    "none": NoControlVariate(),
    "first_order": FirstOrder(),
    "delta": Delta(),
}
