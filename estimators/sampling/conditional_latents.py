r"""A discrete x as the hard reading of a continuous latent z, and z given x, looked up by q's type.

x = hard(z) with z ~ p_θ(z). REBAR, RELAX and Gumbel-Rao need z given x:
$\tilde z \sim p_\theta(z \mid x)$, a function of θ and noise with x held fixed, so that x and
$\tilde z$ together are distributed as x and z are. Each function takes the distribution of the
coordinates, `base(q)`.
"""

from functools import singledispatch

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.sampling.draws import (
    gumbel_latent,
    logistic_latent,
    noise,
)
from gradest.problems.distributions.bits import sigmoid
from gradest.problems.distributions.categories import softmax
from gradest.problems.distributions.discrete import (
    OneHotCategoricalLogits,
    PlackettLuce,
    log_remaining,
    one_hot_of_largest,
    ranking,
)
from gradest.problems.distributions.fine_noise import gumbel, logistic


def no_latent(q: dist.Distribution) -> NotImplementedError:
    """The error for a distribution that has no latent here."""
    return NotImplementedError(
        f"{type(q).__name__} is not known as the hard reading of a continuous latent"
    )


@singledispatch
def latent(q: dist.Distribution, key: Array, num_samples: int) -> Float[Array, "L ..."]:
    """L draws of z, differentiable in θ; their hard readings are what `sample` makes of the key."""
    raise no_latent(q)


@singledispatch
def hard(q: dist.Distribution, z: Float[Array, "L ..."]) -> Float[Array, "L ..."]:
    """x, through which no gradient flows."""
    raise no_latent(q)


@singledispatch
def conditional_latent(
    q: dist.Distribution, x: Float[Array, "L ..."], key: Array
) -> Float[Array, "L ..."]:
    """A draw of z given each x, differentiable in θ with x fixed."""
    raise no_latent(q)


@singledispatch
def coupled_latent(
    q: dist.Distribution, x: Float[Array, "L ..."], z: Float[Array, "L ..."]
) -> Float[Array, "L ..."]:
    """z once more, as the draw given its hard reading x that it is, with the noise that gives it.

    The numbers are those of z; they move with θ as those of `conditional_latent` do, at fixed x.
    """
    raise no_latent(q)


@singledispatch
def relax(
    q: dist.Distribution, z: Float[Array, "L ..."], temperature: Float[Array, ""]
) -> Float[Array, "L ..."]:
    """A continuous reading of z, which tends to the hard one as the temperature falls to 0."""
    raise no_latent(q)


@latent.register
def _latent_bernoulli(
    q: dist.BernoulliLogits, key: Array, num_samples: int
) -> Float[Array, "L ..."]:
    """Logistic(logits, 1)."""
    return logistic_latent(q, key, num_samples)


@hard.register
def _hard_bernoulli(q: dist.BernoulliLogits, z: Float[Array, "L ..."]) -> Float[Array, "L ..."]:
    return (stop_gradient(z) > 0).astype(z.dtype)


@conditional_latent.register
def _conditional_latent_bernoulli(
    q: dist.BernoulliLogits, x: Float[Array, "L ..."], key: Array
) -> Float[Array, "L ..."]:
    r"""$\tilde z = s\, \mathrm{softplus}(\lambda + \mathrm{softplus}(s \phi))$, λ ~ Logistic(0, 1).

    s = 2x − 1. It is the inverse distribution function of a logistic variable truncated at 0: with
    s = 1, $P(\tilde z > t) = P(\lambda > \log(e^t - 1) - \log(1 + e^\phi))$
    $= (1 + e^\phi) / (e^t + e^\phi) = P(z > t) / P(z > 0)$.
    """
    drawn = noise(logistic, key, len(x), q.batch_shape, q.logits.dtype)
    return truncated_logistic(q, 2 * x - 1, drawn)


@coupled_latent.register
def _coupled_latent_bernoulli(
    q: dist.BernoulliLogits, x: Float[Array, "L ..."], z: Float[Array, "L ..."]
) -> Float[Array, "L ..."]:
    """With the λ that gives z held fixed: λ = log(e^{sz} − 1) − softplus(sφ)."""
    sign = 2 * x - 1
    size = sign * z
    noise_then = size + jnp.log(-jnp.expm1(-size)) - jax.nn.softplus(sign * q.logits)
    return truncated_logistic(q, sign, stop_gradient(noise_then))


def truncated_logistic(
    q: dist.BernoulliLogits, sign: Float[Array, "L ..."], drawn: Float[Array, "L ..."]
) -> Float[Array, "L ..."]:
    """The latent on one side of 0, from λ."""
    return sign * jax.nn.softplus(drawn + jax.nn.softplus(sign * q.logits))


@relax.register
def _relax_bernoulli(
    q: dist.BernoulliLogits, z: Float[Array, "L ..."], temperature: Float[Array, ""]
) -> Float[Array, "L ..."]:
    """The binary concrete variable (Maddison, Mnih and Teh, 2017)."""
    return sigmoid(z / temperature)


@latent.register(OneHotCategoricalLogits)
@latent.register(PlackettLuce)
def _latent_one_hot_or_permutation(
    q: dist.Distribution, key: Array, num_samples: int
) -> Float[Array, "L ..."]:
    """Gumbel(logits, 1)."""
    return gumbel_latent(q, key, num_samples)


@hard.register
def _hard_one_hot(q: OneHotCategoricalLogits, z: Float[Array, "L ..."]) -> Float[Array, "L ..."]:
    return one_hot_of_largest(stop_gradient(z))


@hard.register
def _hard_permutation(q: PlackettLuce, z: Float[Array, "L ..."]) -> Float[Array, "L ..."]:
    return ranking(stop_gradient(z))


@conditional_latent.register(OneHotCategoricalLogits)
@conditional_latent.register(PlackettLuce)
def _conditional_latent_one_hot_or_permutation(
    q: dist.Distribution, x: Float[Array, "L ..."], key: Array
) -> Float[Array, "L ..."]:
    """From exponential noise, as minus the logarithm of arrival times with rates e^φ."""
    log_exponential = -noise(gumbel, key, len(x), q.logits.shape, q.logits.dtype)
    return from_exponentials(q, x, log_exponential)


@singledispatch
def from_exponentials(
    q: dist.Distribution, x: Float[Array, "L ..."], log_exponential: Float[Array, "L ..."]
) -> Float[Array, "L ..."]:
    """z given x, from the logarithms of independent exponential variables E."""
    raise no_latent(q)


@from_exponentials.register
def _from_exponentials_one_hot(
    q: OneHotCategoricalLogits, x: Float[Array, "L ..."], log_exponential: Float[Array, "L ..."]
) -> Float[Array, "L ..."]:
    r"""$\tilde z_k = -\log(E_k / Z)$ where x has its 1; elsewhere as below.

    $\tilde z_i = -\log(E_i / e^{\phi_i} + E_k / Z)$.

    $e^{-z_i}$ are arrival times of rates $e^{\phi_i}$. The first of all is $E_k / Z$ with
    $Z = \sum_i e^{\phi_i}$, whoever comes first; the others are memoryless from there on.
    """
    log_total = jax.nn.logsumexp(q.logits, axis=-1, keepdims=True)
    first = (x * log_exponential).sum(-1, keepdims=True) - log_total
    return -jnp.where(x > 0, first, jnp.logaddexp(log_exponential - q.logits, first))


@from_exponentials.register
def _from_exponentials_permutation(
    q: PlackettLuce, x: Float[Array, "L ..."], log_exponential: Float[Array, "L ..."]
) -> Float[Array, "L ..."]:
    r"""$\tilde z = -\log \sum_{t \le r} E_t / Z_t$ for the item ranked r-th.

    $Z_t$ is the sum of $e^\phi$ over the items from the t-th on: the t-th comes $E_t / Z_t$ after
    the one before (Gadetsky et al., 2020).
    """
    log_gaps = log_exponential - log_remaining((x * q.logits[..., None, :]).sum(-1))
    ranked = -jax.lax.cumlogsumexp(log_gaps, axis=log_gaps.ndim - 1)
    return (x * ranked[..., :, None]).sum(-2)


@coupled_latent.register
def _coupled_latent_one_hot(
    q: OneHotCategoricalLogits, x: Float[Array, "L ..."], z: Float[Array, "L ..."]
) -> Float[Array, "L ..."]:
    """With the E that give z held fixed: E_k = Z e^{−z_k}, E_i = e^{φ_i} (e^{−z_i} − e^{−z_k})."""
    largest = (x * z).sum(-1, keepdims=True)
    behind = jnp.where(x > 0, -1, z - largest)
    of_first = jax.nn.logsumexp(q.logits, axis=-1, keepdims=True) - largest
    log_exponential = jnp.where(x > 0, of_first, q.logits - z + jnp.log(-jnp.expm1(behind)))
    return from_exponentials(q, x, stop_gradient(log_exponential))


@coupled_latent.register
def _coupled_latent_permutation(
    q: PlackettLuce, x: Float[Array, "L ..."], z: Float[Array, "L ..."]
) -> Float[Array, "L ..."]:
    """With the E that give z held fixed: E_t = Z_t (e^{−z_t} − e^{−z_{t−1}})."""
    ranked_logits = (x * q.logits[..., None, :]).sum(-1)
    ranked_z = (x * z[..., None, :]).sum(-1)
    behind = jnp.diff(ranked_z, axis=-1, prepend=jnp.inf)
    log_exponential = log_remaining(ranked_logits) - ranked_z + jnp.log(-jnp.expm1(behind))
    return from_exponentials(q, x, stop_gradient(log_exponential))


@relax.register
def _relax_one_hot(
    q: OneHotCategoricalLogits, z: Float[Array, "L ..."], temperature: Float[Array, ""]
) -> Float[Array, "L ..."]:
    """The concrete variable (Maddison, Mnih and Teh, 2017)."""
    return softmax(z / temperature)


@relax.register
def _relax_permutation(
    q: PlackettLuce, z: Float[Array, "L ..."], temperature: Float[Array, ""]
) -> Float[Array, "L ..."]:
    """NeuralSort (Grover, Wang, Zweig and Ermon, 2019)."""
    return neural_sort(z, temperature)


def neural_sort(
    z: Float[Array, "*batch n"], temperature: Float[Array, ""]
) -> Float[Array, "*batch n n"]:
    r"""A row-stochastic matrix that tends, as τ falls to 0, to the one that sorts z, largest first.

    Row r is $\mathrm{softmax}([(n + 1 - 2r) z - A 1] / \tau)$ with $A_{ij} = |z_i - z_j|$; whatever
    τ is, its largest entries are those of the permutation.
    """
    n = z.shape[-1]
    distances = jnp.abs(z[..., :, None] - z[..., None, :]).sum(-1)  # A 1
    factors = n - 1 - 2 * jnp.arange(n, dtype=z.dtype)  # n + 1 − 2r, r from 1 on
    scores = factors[:, None] * z[..., None, :] - distances[..., None, :]
    return softmax(scores / temperature)
