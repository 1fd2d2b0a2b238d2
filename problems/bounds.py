r"""Bounds on the evidence, a trait that estimators may ask for: f is made of $\log q_\theta$ and
$\log p_\theta$.

The K particles of a multi-sample bound are one x, with event (K, D): its pathwise gradient is that
of IWAE.
"""

from abc import abstractmethod
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Float

from gradest.problems.arguments import integer
from gradest.problems.base import Params, Problem


class VariationalBound(Problem):
    r"""The trait of a problem whose f holds $\log q_\theta(x)$ at the draw.

    The dependence of that term on θ, apart from x, has no effect on the mean of one draw:
    $E_{q_\theta}[\nabla_\theta \log q_\theta(x)] = 0$. So an estimator may ask for f under another
    density.
    """

    objective_uses_params: ClassVar[bool] = True
    evaluated: ClassVar[tuple[str, ...]] = ("objective", "objective_under")

    @abstractmethod
    def objective_under(
        self, params: Params, q: dist.Distribution, x: Float[Array, "..."]
    ) -> Float[Array, "*batch"]:
        r"""f for ONE sample x, with the density of q where $q_\theta$'s stands."""

    @property
    def holds_density(self) -> bool:
        r"""Whether $\log q_\theta(x)$ stands in f: not where the divergence is in closed form."""
        return True

    def objective(self, params: Params, x: Float[Array, "..."]) -> Float[Array, "*batch"]:
        return self.objective_under(params, self.distribution(params), x)


class ImportanceWeightedBound(VariationalBound):
    r"""$f = -c \log \frac1K \sum_k w_k$ with $w_k = p_\theta(\mathrm{data}, z_k) / q_\theta(z_k)$.

    The bound of Burda, Grosse and Salakhutdinov (2016): K independent particles $z_k$, each a row
    of x.
    """

    num_particles: int = integer(5, "K, the particles of the bound")

    evaluated: ClassVar[tuple[str, ...]] = ("objective", "objective_under", "log_weights")

    @property
    def factor(self) -> float:
        """The factor c of the bound, as 1/N for a mean over N data points."""
        return 1.0

    @abstractmethod
    def log_joint(
        self, params: Params, x: Float[Array, "*batch particles dim"]
    ) -> Float[Array, "*batch particles"]:
        r"""$\log p_\theta(\mathrm{data}, z_k)$ of each particle."""

    def log_weights(
        self, params: Params, q: dist.Distribution, x: Float[Array, "*batch particles dim"]
    ) -> Float[Array, "*batch particles"]:
        r"""$\log w_k$ of each particle, under the density of q."""
        return self.log_joint(params, x) - log_density(q, x)

    def objective_under(
        self, params: Params, q: dist.Distribution, x: Float[Array, "*batch particles dim"]
    ) -> Float[Array, "*batch"]:
        return -self.factor * log_mean_exp(self.log_weights(params, q, x))


def particles(q: dist.Distribution, number: int) -> dist.Distribution:
    """Independent draws from q as one event.

    Args:
        q: of independent coordinates, with event (D,).
        number: how many draws, K.

    Returns:
        A distribution with event (K, D).
    """
    family = type(q.base_dist)
    shape = (*q.batch_shape, number, *q.event_shape)
    parameters = {}
    for name in q.base_dist.arg_constraints:
        parameter = jnp.expand_dims(getattr(q.base_dist, name), -2)
        parameters[name] = jnp.broadcast_to(parameter, shape)
    # relaxed particles are outside the support, and have a density all the same
    return family(**parameters, validate_args=False).to_event(2)


def log_density(
    q: dist.Distribution, x: Float[Array, "*batch particles dim"]
) -> Float[Array, "*batch particles"]:
    """log q of each particle."""
    return q.base_dist.log_prob(x).sum(-1)


def log_mean_exp(values: Float[Array, "*batch particles"]) -> Float[Array, "*batch"]:
    """The logarithm of the mean of exponentials over the last axis."""
    log_sum = jax.nn.logsumexp(values, axis=-1)
    return log_sum - jnp.log(jnp.asarray(values.shape[-1], values.dtype))
