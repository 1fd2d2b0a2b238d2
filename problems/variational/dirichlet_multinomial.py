"""Proportions under counts: the Dirichlet–multinomial model, whose posterior is known."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jax.scipy.special import digamma, gammaln
from jaxtyping import Array, Float

from gradest.problems.arguments import Number, as_float, flag, integer, number
from gradest.problems.base import Params, Problem


class DirichletMultinomial(Problem):
    r"""The negative ELBO of proportions z under the counts n of a multinomial variable:
    $f = -\log p(n | z) - \log p(z) - H(q_\theta)$ with $z = x / \sum_k x_k$.

    The prior is a symmetric Dirichlet distribution, and $q_\theta$ a Dirichlet distribution with
    the concentrations α: x are K gamma variables of shapes α. But for the first they start at the
    posterior's, prior + n. n is drawn once, from proportions that are drawn themselves.

    Without the entropy f is −log p(n, z) alone. The entropy's gradient has no noise, but its value
    in f is part of what a score is multiplied by.

    Shapes: x and the group `concentration` (α) are (K,). Truth: in closed form, as
    $E[\log z_k] = \psi(\alpha_k) - \psi(\sum_j \alpha_j)$.
    """

    first: Number = number(2.0, "α₁, where θ starts", above=0)
    prior: Number = number(1.0, "the concentration of the prior, of each proportion", above=0)
    categories: int = integer(100, "K, the proportions", at_least=2)
    trials: int = integer(100, "how many were counted")
    entropy: bool = flag(True, "whether −H(q), in closed form, is part of f")
    offset: Number = number(0.0, "a constant that is taken off f")
    counts: Float[Array, " categories"] = eqx.field(default=None)

    purpose: ClassVar[str] = "proportions under counts"
    truth: ClassVar[str] = "closed form"
    source: ClassVar[str] = "Naesseth, Ruiz, Linderman and Blei, 2017"

    def __post_init__(self) -> None:
        # the generator of the source, whose counts these are where K and the trials are 100
        generator = np.random.RandomState(0)
        proportions = generator.dirichlet(np.ones(self.categories))
        self.counts = as_float(generator.multinomial(self.trials, proportions))

    @property
    def objective_uses_params(self) -> bool:  # type: ignore[override]
        """Whether f has the entropy."""
        return self.entropy

    def init_params(self, key: Array) -> Params:
        posterior = self.prior + self.counts
        return {"concentration": posterior.at[0].set(self.first)}

    def distribution(self, params: Params) -> dist.Distribution:
        return dist.Gamma(params["concentration"], 1.0).to_event(1)

    def objective(self, params: Params, x: Float[Array, " categories"]) -> Float[Array, ""]:
        log_z = jnp.log(x) - jnp.log(x.sum(-1, keepdims=True))
        return self.cost(params, log_z)

    def exact_gradient(self, params: Params) -> Params:
        return jax.grad(self.exact_objective)(params)

    def exact_objective(self, params: Params) -> Float[Array, ""]:
        alpha = params["concentration"]
        return self.cost(params, digamma(alpha) - digamma(alpha.sum()))

    def cost(self, params: Params, log_z: Float[Array, " categories"]) -> Float[Array, ""]:
        """f, which is linear in the logarithms of the proportions."""
        alpha = params["concentration"]
        prior = jnp.full_like(self.counts, self.prior)
        log_joint = ((prior - 1 + self.counts) * log_z).sum(-1) - log_beta(prior)
        log_joint += gammaln(self.counts.sum() + 1) - gammaln(self.counts + 1).sum()
        entropy = dirichlet_entropy(alpha) if self.entropy else 0.0
        return -log_joint - entropy - self.offset


def log_beta(alpha: Float[Array, " categories"]) -> Float[Array, ""]:
    r"""$\sum_k \log \Gamma(\alpha_k) - \log \Gamma(\sum_k \alpha_k)$."""
    return gammaln(alpha).sum() - gammaln(alpha.sum())


def dirichlet_entropy(alpha: Float[Array, " categories"]) -> Float[Array, ""]:
    r"""$\log B(\alpha) - \sum_k (\alpha_k - 1) (\psi(\alpha_k) - \psi(\sum_j \alpha_j))$."""
    expected_logs = digamma(alpha) - digamma(alpha.sum())
    return log_beta(alpha) - ((alpha - 1) * expected_logs).sum()
