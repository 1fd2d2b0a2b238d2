"""Problems whose distribution has a parameter that is one number, and the same written out."""

import equinox as eqx
import jax.numpy as jnp
import numpyro.distributions as dist

from gradest.problems.base import Problem

DIM = 4
FAMILIES = {
    "normal": lambda w, number: dist.Normal(w, number),
    "normal_of_loc": lambda w, number: dist.Normal(number, jnp.exp(w)),
    "laplace": lambda w, number: dist.Laplace(w, number),
    "logistic": lambda w, number: dist.Logistic(w, number),
    "gumbel": lambda w, number: dist.Gumbel(w, number),
    "student_t": lambda w, number: dist.StudentT(5.0, w, number),
    "gamma": lambda w, number: dist.Gamma(number, jnp.exp(w)),
    "gamma_of_shape": lambda w, number: dist.Gamma(jnp.exp(w), number),
    "beta": lambda w, number: dist.Beta(jnp.exp(w), number),
    "weibull": lambda w, number: dist.Weibull(jnp.exp(w), number),
    "von_mises": lambda w, number: dist.VonMises(w, number),
}


class Written(Problem):
    """A family in every coordinate, with a constant for its other parameter."""

    family: str = eqx.field(static=True, default="normal")
    is_scalar: bool = eqx.field(static=True, default=True)

    def init_params(self, key):
        return {"w": jnp.linspace(0.1, 0.6, DIM)}

    def distribution(self, params):
        number = 2.0 if self.is_scalar else jnp.full(DIM, 2.0)
        return FAMILIES[self.family](params["w"], number).to_event(1)

    def objective(self, params, x):
        return jnp.sum(jnp.tanh(x) ** 2) + x[0]
