r"""Score-function gradients of the K-sample bound, with a control variate for each particle.

With $\hat Z = \frac1K \sum_k w_k$ and $\tilde w_k = w_k / \sum_j w_j$ the gradient of
$E[\log \hat Z]$ is estimated by

$\sum_k (\log \hat Z - \tilde w_k - c_k) \nabla \log q_\theta(z_k)
+ \tilde w_k \nabla \log p_\theta(z_k)$:

$\log \hat Z$ on the score of all particles, and its own gradient,
$\sum_k \tilde w_k \nabla \log w_k$ with
$\nabla \log w_k = \nabla \log p_\theta(z_k) - \nabla \log q_\theta(z_k)$.
There is no bias where $c_k$ does not depend on $z_k$; it is made from the other particles.
"""

from abc import abstractmethod
from typing import ClassVar

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Bool, Float

from gradest.estimators.base import Evaluations, State, SurrogateEstimator
from gradest.estimators.sampling.draws import sample
from gradest.problems.arguments import Number, choice, integer, number
from gradest.problems.base import Params, Problem
from gradest.problems.bounds import ImportanceWeightedBound, log_density, log_mean_exp

LogWeights = Float[Array, "L *batch particles"]
"""log w of all particles of all draws, for all data points."""

LogScale = Float[Array, "L *batch 1"]
"""A number for each draw and data point, which all its particles share."""

MOST_PAIRED = 256
"""Particles of which each sums over all others; of more, sums from both ends are cheaper."""


def log_weights(
    problem: ImportanceWeightedBound, params: Params, x: Float[Array, "L ..."]
) -> LogWeights:
    r"""$\log w_k$ of each draw, as a function of θ in $\log p_\theta$ alone."""
    q = stop_gradient(problem.distribution(params))
    return jax.vmap(problem.log_weights, in_axes=(None, None, 0))(params, q, x)


def same_particle(log_w: LogWeights) -> Bool[Array, "particles particles"]:
    """True on the diagonal: where the particle of a row is that of the column."""
    return jnp.eye(log_w.shape[-1], dtype=bool)


class ParticleScore(SurrogateEstimator):
    """A score-function gradient of the K-sample bound; a subclass writes the control variate."""

    unbiased: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True

    @abstractmethod
    def control(
        self,
        problem: ImportanceWeightedBound,
        params: Params,
        log_w: LogWeights,
        log_scale: LogScale,
        key: Array,
    ) -> LogWeights:
        r"""$c_k$ of each particle.

        Args:
            problem: the bound.
            params: θ, constant.
            log_w: $\log w_k$ of all particles, constant, less the logarithm of their draw's scale.
            log_scale: what was taken off, and is to be taken off other weights.
            key: for what is drawn.
        """

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        assert isinstance(problem, ImportanceWeightedBound)
        q = problem.distribution(params)
        x = sample(q, key, num_samples)
        log_w = log_weights(problem, params, x)
        # the differences that are wanted are small beside log Z: all weights are divided by the
        # scale of their draw, the sum of its weights
        log_scale = stop_gradient(jax.nn.logsumexp(log_w, axis=-1, keepdims=True))
        scaled = stop_gradient(log_w) - log_scale
        control_key = jax.random.fold_in(key, 1)
        control = self.control(problem, stop_gradient(params), scaled, log_scale, control_key)
        signal = log_mean_exp(scaled)[..., None] - jnp.exp(scaled) - control
        surrogate = (stop_gradient(signal) * log_density(q, x)).sum(-1) + log_mean_exp(log_w)
        return -problem.factor * surrogate.mean(0).sum(), state

    def refuses(self, problem: Problem) -> str | None:
        if not isinstance(problem, ImportanceWeightedBound):
            return "f is no bound of K particles with weights"
        if problem.num_particles == 1:
            return "num_particles = 1: a particle needs others beside it"
        return None

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        return Evaluations(f=num_samples, grad=num_samples)


def rest(log_w: LogWeights) -> LogWeights:
    r"""$\log \sum_{j \ne k} w_j$ for each k."""
    if log_w.shape[-1] > MOST_PAIRED:
        return rest_from_both_ends(log_w)
    others = jnp.where(same_particle(log_w), -jnp.inf, log_w[..., None, :])
    return jax.nn.logsumexp(others, axis=-1)


def rest_from_both_ends(log_w: LogWeights) -> LogWeights:
    """The same, those before k and those after it apart: nothing is taken off a sum."""
    axis = log_w.ndim - 1
    sums = [jax.lax.cumlogsumexp(log_w, axis=axis, reverse=reverse) for reverse in (False, True)]
    nothing = jnp.full_like(log_w[..., :1], -jnp.inf)
    before = jnp.concatenate([nothing, sums[0][..., :-1]], axis=-1)
    after = jnp.concatenate([sums[1][..., 1:], nothing], axis=-1)
    return jnp.logaddexp(before, after)


def arithmetic(log_w: LogWeights) -> LogWeights:
    r"""The logarithm of the arithmetic mean of the others, $\frac1{K-1} \sum_{j \ne k} w_j$."""
    return rest(log_w) - jnp.log(jnp.asarray(log_w.shape[-1] - 1, log_w.dtype))


def geometric(log_w: LogWeights) -> LogWeights:
    r"""The logarithm of their geometric mean, $\frac1{K-1} \sum_{j \ne k} \log w_j$."""
    return (log_w.sum(-1, keepdims=True) - log_w) / (log_w.shape[-1] - 1)


MEANS = {"arithmetic": arithmetic, "geometric": geometric}


class VIMCO(ParticleScore):
    r"""Leave-one-out, particle by particle, with a mean of the other weights in the place of $w_k$.

    $\frac{-c}L \sum_{lk} (\log \hat Z - \log \hat Z_{-k}) \nabla \log q_\theta(z_k)
    + \tilde w_k \nabla \log w_k$

    $\hat Z_{-k}$ is $\hat Z$ with that mean: no second draw of x is needed. Unbiased with either
    mean. For the K-sample bound, K ≥ 2, and any q. Cost: L evaluations of f and L of its gradient.
    """

    mean: str = choice(
        {name: name for name in MEANS},
        "geometric",
        "of the other weights, in the place of one's own",
    )

    purpose: ClassVar[str] = "multi-sample bounds, leave-one-out"
    source: ClassVar[str] = "Mnih and Rezende, 2016"

    def control(
        self,
        problem: ImportanceWeightedBound,
        params: Params,
        log_w: LogWeights,
        log_scale: LogScale,
        key: Array,
    ) -> LogWeights:
        mean = MEANS[self.mean](log_w)
        if log_w.shape[-1] > MOST_PAIRED:
            num_particles = jnp.asarray(log_w.shape[-1], log_w.dtype)
            return jnp.logaddexp(rest(log_w), mean) - jnp.log(num_particles)
        replaced = jnp.where(same_particle(log_w), mean[..., None], log_w[..., None, :])
        return log_mean_exp(replaced)  # log Ẑ₋ₖ; the signal's − w̃_k is that of ∇ log w_k


class OVIS(ParticleScore):
    r"""The control variate of least variance for each particle, or nearly.

    $\frac{-c}L \sum_{lk} (\log \hat Z - \tilde w_k - c_k) \nabla \log q_\theta(z_k)
    + \tilde w_k \nabla \log p$

    With such a $c_k$ the signal-to-noise ratio grows with K, where VIMCO's does not.
    `monte_carlo` (OVIS_MC): $c_k$ is the mean of $d_k = \log \hat Z - \tilde w_k$ over auxiliary
    particles in the place of $z_k$. `asymptotic` (OVIS~), with $\hat Z_{-k}$ the arithmetic mean of
    the other weights, is
    $c_k = \log \hat Z_{-k} - \gamma \tilde w_k + (1 - \gamma) \log(1 - 1/K)$; at γ = 0, for few
    effective particles, what is left is $d_k - c_k = -\log(1 - \tilde w_k) - \tilde w_k$.

    Unbiased, but for γ other than 0, which is meant for many effective particles: there $c_k$
    depends on $z_k$, and $\gamma \sum_k \tilde w_k \nabla \log q_\theta(z_k)$ goes missing. For the
    K-sample bound, K ≥ 2, and any q. Cost: L evaluations of f and L of its gradient; `monte_carlo`
    takes `auxiliary` times L more of f.
    """

    control_variate: str = choice(
        {name: name for name in ("asymptotic", "monte_carlo")}, "asymptotic", "how c_k comes about"
    )
    gamma: Number = number(
        0.0, "γ of the asymptotic c_k: 0 for few effective particles, 1 (biased) for many"
    )
    auxiliary: int = integer(
        1, "draws of K auxiliary particles for each draw, where it is monte_carlo"
    )

    purpose: ClassVar[str] = "multi-sample bounds, optimal baselines"
    biased_by: ClassVar[str] = "with γ other than 0 a term goes missing"
    source: ClassVar[str] = "Liévin, Dittadi, Christensen and Winther, 2020"

    def control(
        self,
        problem: ImportanceWeightedBound,
        params: Params,
        log_w: LogWeights,
        log_scale: LogScale,
        key: Array,
    ) -> LogWeights:
        if self.control_variate == "asymptotic":
            return self.asymptotic(log_w)
        z = sample(problem.distribution(params), key, self.auxiliary * len(log_w))
        log_auxiliary = log_weights(problem, params, z).reshape(self.auxiliary, *log_w.shape)
        # d_k with an auxiliary particle in the place of z_k; the axes are draw, data point,
        # auxiliary particle, k, auxiliary draw
        auxiliary = jnp.moveaxis((log_auxiliary - log_scale)[..., None], 0, -1)
        total = jnp.logaddexp(rest(log_w)[..., None, :, None], auxiliary)
        log_num_particles = jnp.log(jnp.asarray(log_w.shape[-1], log_w.dtype))
        d = total - log_num_particles - jnp.exp(auxiliary - total)
        return d.mean((-3, -1))

    def asymptotic(self, log_w: LogWeights) -> LogWeights:
        r"""$\log \hat Z_{-k} - \gamma \tilde w_k + (1 - \gamma) \log(1 - 1/K)$."""
        share = 1 - jnp.ones((), log_w.dtype) / log_w.shape[-1]
        few = (1 - self.gamma) * jnp.log(share)
        return arithmetic(log_w) - self.gamma * jnp.exp(log_w) + few

    def claims_unbiased(self, problem: Problem) -> bool:
        exact = self.control_variate == "monte_carlo" or bool(jnp.all(self.gamma == 0))
        return super().claims_unbiased(problem) and exact

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        f = num_samples
        if self.control_variate == "monte_carlo":
            f += self.auxiliary * num_samples
        return Evaluations(f=f, grad=num_samples)

    def draws(self, problem: Problem, num_samples: int) -> int:
        once = super().draws(problem, num_samples)
        if self.control_variate == "monte_carlo":
            return once + self.auxiliary * once
        return once
