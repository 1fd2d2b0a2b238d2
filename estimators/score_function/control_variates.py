r"""Control variates: functions h of x whose expectation under q_θ is known as a function of θ.

The closer h is to f, the less is left for the score: the estimate is that of f − h, and the
gradient of the expectation of h is added to it.
"""

import math
from abc import abstractmethod
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.base import Evaluations
from gradest.estimators.families.angles import is_angle
from gradest.problems.base import Params, Problem
from gradest.problems.distributions.coordinates import base


class ControlVariate(eqx.Module):
    """A control variate h, and its expectation."""

    @abstractmethod
    def __call__(
        self, problem: Problem, params: Params, q: dist.Distribution, x: Float[Array, "L ..."]
    ) -> tuple[Float[Array, "L *batch"] | float, Float[Array, ""] | float]:
        r"""h at the samples, and its expectation.

        Args:
            problem: one that is not refused.
            params: θ.
            q: the distribution at θ.
            x: L draws from it.

        Returns:
            $h(x_l)$ for each sample and data point, and $E_{q_\theta}[h]$ summed over data points,
            as a function of θ.
        """

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
    r"""MuProp: the first-order Taylor expansion of f about the mean m of q.

    $h(x) = f(m) + \nabla f(m)^\top (x - m)$, with m and ∇f held fixed, so that
    $E_{q_\theta}[h] = f(m) + \nabla f(m)^\top (\mu_\theta - m)$. Exact, hence without variance,
    where f is linear (Gu, Levine, Sutskever and Mnih, 2016).

    For any q with a mean, at which f can be evaluated. Cost: one evaluation of f and one of its
    gradient.
    """

    def __call__(
        self, problem: Problem, params: Params, q: dist.Distribution, x: Float[Array, "L ..."]
    ) -> tuple[Float[Array, "L *batch"], Float[Array, ""]]:
        frozen = stop_gradient(params)
        m = stop_gradient(q.mean)
        value = problem.objective(frozen, m)
        gradient = jax.grad(lambda x: problem.objective(frozen, x).sum())(m)
        event = tuple(range(-len(q.event_shape), 0))

        def h(difference: Float[Array, "..."]) -> Float[Array, "..."]:
            return value + (gradient * difference).sum(event)

        return h(x - m), h(q.mean - m).sum()

    def refuses(self, problem: Problem) -> str | None:
        q = problem.abstract_distribution()
        if has_mean(q):
            return None
        return f"first_order needs an x with a known mean, unlike that of {type(base(q)).__name__}"

    def evaluations(self, problem: Problem) -> Evaluations:
        return Evaluations(f=1, grad=1)


def has_mean(q: dist.Distribution) -> bool:
    """Whether numpyro knows E[x]; what it calls the mean of an angle is not E[x]."""
    if is_angle(q):
        return False
    try:
        jax.eval_shape(lambda q: q.mean, q)
    except NotImplementedError:
        return False
    return True


class Delta(ControlVariate):
    r"""The delta method: the second-order Taylor expansion of f about the mean m of q.

    $h(x) = f(m) + \nabla f(m)^\top (x - m) + \frac12 (x - m)^\top H (x - m)$, with m, ∇f and H held
    fixed, so that, with the mean $\mu$ and the variances $\sigma^2$ of $q_\theta$,
    $E_{q_\theta}[h] = f(m) + \nabla f(m)^\top (\mu - m)$
    $+ \frac12 (\mu - m)^\top H (\mu - m) + \frac12 \sum_i H_{ii} \sigma_i^2$.
    Exact, hence without variance, where f is quadratic (Paisley, Blei and Jordan, 2012).

    For a q of independent Gaussian coordinates. Cost: one evaluation of f, one of its gradient, and
    D more for H.
    """

    def __call__(
        self, problem: Problem, params: Params, q: dist.Distribution, x: Float[Array, "L ..."]
    ) -> tuple[Float[Array, "L *batch"], Float[Array, ""]]:
        frozen = stop_gradient(params)

        def vector(x: Float[Array, "..."]) -> Float[Array, "... dim"]:
            return x.reshape(*x.shape[: x.ndim - q.event_dim], -1)

        def f(x: Float[Array, "*batch dim"]) -> Float[Array, "*batch"]:
            return problem.objective(frozen, x.reshape(q.mean.shape))

        mean = vector(q.mean)
        m = stop_gradient(mean)
        gradient_of_f = jax.grad(lambda x: f(x).sum())
        value = f(m)
        gradient = gradient_of_f(m)
        hessian = hessian_by_rows(gradient_of_f, m)

        def h(difference: Float[Array, "*extra dim"]) -> Float[Array, "*extra"]:
            linear = (gradient * difference).sum(-1)
            quadratic = jnp.einsum("...i,...ij,...j->...", difference, hessian, difference)
            return value + linear + 0.5 * quadratic

        curvature = jnp.diagonal(hessian, axis1=-2, axis2=-1)
        expectation = h(mean - m) + 0.5 * (curvature * vector(q.variance)).sum(-1)
        return h(vector(x) - m), expectation.sum()

    def refuses(self, problem: Problem) -> str | None:
        q = base(problem.abstract_distribution())
        if isinstance(q, dist.Normal):
            return None
        return f"delta needs Gaussian coordinates, not {type(q).__name__}"

    def evaluations(self, problem: Problem) -> Evaluations:
        return Evaluations(f=1, grad=1 + math.prod(problem.abstract_distribution().event_shape))


def hessian_by_rows(
    gradient_of_f: Callable[[Array], Array], x: Float[Array, "*batch dim"]
) -> Float[Array, "*batch dim dim"]:
    """The Hessian for each data point, by the derivative of the gradient along each coordinate."""

    def row(direction: Float[Array, " dim"]) -> Float[Array, "*batch dim"]:
        _, along = jax.jvp(gradient_of_f, (x,), (jnp.broadcast_to(direction, x.shape),))
        return along

    return jax.vmap(row, out_axes=-2)(jnp.eye(x.shape[-1], dtype=x.dtype))


CONTROL_VARIATES: dict[str, ControlVariate] = {
    "none": NoControlVariate(),
    "first_order": FirstOrder(),
    "delta": Delta(),
}
