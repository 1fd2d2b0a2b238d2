"""What optax.monte_carlo 0.2.5 and gradest.monte_carlo are both asked, to compare their answers.

`PYTHON tests/support/optax_cases.py FILE` writes optax's answers, run by the Python of an
environment with optax 0.2.5; nothing here may import what that environment lacks.
"""

import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

NUM_SAMPLES = 20
REPLICATES = 5_000
THETA = (jnp.array([1.0, -0.5, 0.3]), jnp.array([0.2, -0.4, 0.0]))
AVERAGE = (jnp.array(4.0), 2000)
"""The state of a moving average that has long been running."""


def quadratic(x):
    return ((x - 3.0) ** 2).sum()


def wave(x):
    return jnp.cos(x).sum() + x[0] * x[1] / 2 + x[2] ** 3 / 6


def jump(x):
    return (x > 0.5).sum() * 1.0


class Bernoulli:
    """What optax asks of a distribution; it comes with none for bits."""

    def __init__(self, logits):
        self.logits = logits

    def sample(self, shape, key):
        probs = jax.nn.sigmoid(self.logits)
        return jax.random.bernoulli(key, probs, shape + self.logits.shape).astype(float)

    def log_prob(self, x):
        return (x * self.logits - jax.nn.softplus(self.logits)).sum(-1)


Case = Callable[[jax.Array], Any]


def cases(monte_carlo: Any, multi_normal: Callable[..., Any]) -> dict[str, Case]:
    """From a key to the rows, for each case by its name."""
    score = monte_carlo.score_function_jacobians
    pathwise = monte_carlo.pathwise_jacobians
    measure_valued = monte_carlo.measure_valued_jacobians
    delta = monte_carlo.control_delta_method
    average = monte_carlo.moving_avg_baseline

    def plain(jacobians, f, **given) -> Case:
        return lambda key: jacobians(f, THETA, multi_normal, key, NUM_SAMPLES, **given)

    def bits(jacobians, f) -> Case:
        return lambda key: jacobians(f, THETA[:1], Bernoulli, key, NUM_SAMPLES)

    def controlled(jacobians, control_variate, f, **given) -> Case:
        return lambda key: monte_carlo.control_variates_jacobians(
            f, control_variate, jacobians, THETA, multi_normal, key, NUM_SAMPLES, **given
        )[0]

    return {
        "score function, quadratic": plain(score, quadratic),
        "score function, wave": plain(score, wave),
        "score function, jump": plain(score, jump),
        "score function, bits": bits(score, lambda x: (x * jnp.arange(3)).sum() ** 2),
        "pathwise, quadratic": plain(pathwise, quadratic),
        "pathwise, wave": plain(pathwise, wave),
        "measure-valued, wave": plain(measure_valued, wave),
        "measure-valued, jump": plain(measure_valued, jump),
        "measure-valued, not coupled": plain(measure_valued, wave, coupling=False),
        "delta, score function": controlled(score, delta, wave),
        "delta, pathwise": controlled(pathwise, delta, wave),
        "delta, with coefficients": controlled(score, delta, wave, estimate_cv_coeffs=True),
        "moving average, score function": controlled(
            score, average, quadratic, control_variate_state=AVERAGE
        ),
        "moving average, pathwise": controlled(
            pathwise, average, wave, control_variate_state=AVERAGE
        ),
    }


def answers(monte_carlo: Any, multi_normal: Callable[..., Any], seed: int) -> dict[str, Any]:
    """For each case and parameter: replicates of the estimate, and shape and dtype of its rows."""
    keys = jax.random.split(jax.random.PRNGKey(seed), REPLICATES)
    found = {}
    for name, case in cases(monte_carlo, multi_normal).items():

        def estimate(key, case=case):
            return [rows.mean(0) for rows in case(key)]

        rows = jax.eval_shape(case, keys[0])
        for place, replicates in enumerate(jax.jit(jax.vmap(estimate))(keys)):
            found[f"{name}, parameter {place}"] = np.asarray(replicates)
            shape = f"{rows[place].shape} {rows[place].dtype}"
            found[f"{name}, parameter {place}, rows"] = np.array(shape)
    return found


if __name__ == "__main__":
    from optax import monte_carlo
    from optax._src.utils import multi_normal

    np.savez(sys.argv[1], **answers(monte_carlo, multi_normal, seed=1))
