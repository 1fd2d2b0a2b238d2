"""Distributions where those of numpyro will not do."""

import jax
import numpyro.distributions as dist
from jaxtyping import Array, Float


class Bernoulli(dist.BernoulliLogits):
    r"""A Bernoulli variable whose log-probability, $x \phi - \mathrm{softplus}(\phi)$, has its derivative at φ = 0 too.

    numpyro 0.20 takes it apart into terms with a kink there, and its score at a logit of exactly 0 is x, not x − ½.
    """

    def log_prob(self, value: Float[Array, "..."]) -> Float[Array, "..."]:
        return value * self.logits - jax.nn.softplus(self.logits)
