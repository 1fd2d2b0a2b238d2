"""A linear layer with random weights and a quadratic cost: variances in closed form."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

from gradest.problems.linear_layers import LinearLayers

FEATURES = np.array([[1.0, -0.5, 2.0], [0.3, 1.5, 1.0], [-1.2, 0.4, 1.0], [0.8, 0.9, -0.7]])


class OneLayer(LinearLayers):
    r"""$f = \frac12 \sum_n (x_n^\top w)^2$, w ~ N(μ, diag(σ²)) of three weights."""

    num_rows: int = eqx.field(default=len(FEATURES), static=True)

    def init_params(self, key):
        mean = jnp.array([0.4, -0.7, 0.2])
        return {"mean": mean, "log_scale": jnp.array([-0.3, 0.1, -0.6])}

    def distribution(self, params):
        return dist.Normal(params["mean"], jnp.exp(params["log_scale"])).to_event(1)

    def matrices(self, x):
        return [x[:, None]]

    def objective_through(self, params, layers):
        (layer,) = layers
        return (layer(jnp.asarray(FEATURES, jnp.float32)) ** 2).sum() / 2


def exact_variances(toy, params):
    r"""Of the gradients by μ and by log σ, summed over the weights, under each way to draw.

    With $y_n = m_n + \sum_j x_{nj} \sigma_j \varepsilon_j$ and $s_n^2 = \sum_j x_{nj}^2 \sigma_j^2$
    they are $\sum_n y_n x_{ni}$ and $\sum_n y_n x_{ni} \sigma_i \varepsilon_i$; where the outputs
    are drawn, $y_n = m_n + s_n \varepsilon$, the second is
    $\sum_n y_n \varepsilon\, x_{ni}^2 \sigma_i^2 / s_n$.
    """
    x = FEATURES
    variance = np.exp(2 * np.asarray(params["log_scale"], float))
    m = x @ np.asarray(params["mean"], float)
    squares = x**2 * variance
    s2 = squares.sum(1)
    gram = x.T @ x
    of_rows = (x**2 * s2[:, None]).sum()
    # Var[(m + a ε_i + r) ε_i] = m² + 2 a² + Var[r], r independent of ε_i, with a² = x_i² σ_i²
    separate = (squares * (m[:, None] ** 2 + s2[:, None] + squares)).sum()
    outputs = ((squares**2).sum(1) / s2 * (m**2 + 2 * s2)).sum()
    # one draw: of Σ_n x_ni (x_nᵀ μ + Σ_j x_nj σ_j ε_j) σ_i ε_i the rows add up before
    through_mean = (gram @ np.asarray(params["mean"], float)) ** 2
    quadratic = gram**2 * variance
    one = (variance * (through_mean + quadratic.sum(1) + np.diag(quadratic))).sum()
    return {
        "outputs": {"mean": of_rows, "log_scale": outputs},
        "separate weights": {"mean": of_rows, "log_scale": separate},
        "one draw": {"mean": (gram**2 @ variance).sum(), "log_scale": one},
    }
