"""A problem that passes every check, and for each check a copy that breaks it."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

from gradest.problems import Problem
from gradest.problems.arguments import Number, number

GENERATOR = np.random.default_rng(0)


class Sound(Problem):
    """x ~ N(μ, 1) in two coordinates, f = Σ (x − k)² + λ μ².

    The gradient with respect to μ is 2 (μ − k) + 2 λ μ.
    """

    k: Number = number(2.0, "target")

    objective_uses_params: ClassVar[bool] = True
    truth: ClassVar[str] = "closed form"

    def init_params(self, key):
        return {"mean": jnp.ones(2)}

    def distribution(self, params):
        return dist.Normal(params["mean"], 1.0).to_event(1)

    def objective(self, params, x):
        return ((x - self.k) ** 2).sum(-1) + 0.1 * (params["mean"] ** 2).sum()

    def exact_gradient(self, params):
        return {"mean": 2.2 * params["mean"] - 2 * self.k}


class WrongShape(Sound):
    def objective(self, params, x):
        return super().objective(params, x)[None]


class FixedDtype(Sound):
    def objective(self, params, x):
        return super().objective(params, x).astype(jnp.float32)


class HiddenGenerator(Sound):
    def objective(self, params, x):
        return super().objective(params, x) * (1 + float(GENERATOR.normal(0, 1e-6)))


class WrongCosts(Sound):
    def objectives(self, params, x):
        return super().objectives(params, x) * 1.01


class BakedIn(Sound):
    k: float = eqx.field(default=2.0, static=True)


class Overflows(Sound):
    def objective(self, params, x):
        far = jnp.where(params["mean"].max() > 5, jnp.inf, 0.0)
        return super().objective(params, x) + far - far


class OtherDensity(Sound):
    """Its log_prob is that of another distribution than its draws."""

    def distribution(self, params):
        class Shifted(dist.Normal):
            def log_prob(self, value):
                return super().log_prob(value + 0.2)

        return Shifted(params["mean"], 1.0).to_event(1)


class WrongGradient(Sound):
    def exact_gradient(self, params):
        return {"mean": 2 * params["mean"] - 2 * self.k}


class WrongFarOut(Sound):
    """Right at its default, and not at the ends of k."""

    def exact_gradient(self, params):
        return {"mean": 2.2 * params["mean"] - 2 * jnp.clip(self.k, -5, 5)}


class Cancelling(Sound):
    def objective(self, params, x):
        f = super().objective(params, x)
        return ((f + 1e5) ** 2 - f**2 - 1e10) / 2e5


class Jumps(Sound):
    def objective(self, params, x):
        return super().objective(params, x) + (x > 1.2).sum(-1)


class WrongSlope(Sound):
    def objective(self, params, x):
        f = super().objective(params, x)
        return f + 0.1 * (jax.lax.stop_gradient(x) ** 2).sum(-1)


class SaysNothing(Sound):
    objective_uses_params: ClassVar[bool] = False


class ClaimsTooMuch(Sound):
    def objective(self, params, x):
        return ((x - self.k) ** 2).sum(-1)

    def exact_gradient(self, params):
        return {"mean": 2 * params["mean"] - 2 * self.k}


class Loops(Sound):
    """With a loop that has no reverse derivative, and no claim to be smooth."""

    smooth: ClassVar[bool] = False
    truth: ClassVar[str] = ""

    def objective(self, params, x):
        def body(state):
            return state[0] + 1, state[1] + (x[state[0]] - self.k) ** 2

        value = jax.lax.while_loop(lambda state: state[0] < 2, body, (0, jnp.zeros((), x.dtype)))[1]
        return value + 0.1 * (params["mean"] ** 2).sum()

    def exact_gradient(self, params):
        return None


BROKEN = {
    WrongShape: "shapes",
    FixedDtype: "dtypes",
    HiddenGenerator: "purity",
    WrongCosts: "jit_and_vmap",
    BakedIn: "recompilation",
    Overflows: "extreme_parameters",
    OtherDensity: "distribution",
    WrongGradient: "exact_gradient",
    WrongFarOut: "ends_of_range",
    Cancelling: "precision",
    Jumps: "smoothness",
    WrongSlope: "smoothness",
    SaysNothing: "use_of_params",
    ClaimsTooMuch: "use_of_params",
    Loops: "estimators",
}
"""The check that each of them, and none else but that of the ends, must fail."""
