r"""The functions of `optax.monte_carlo`, on gradest's estimators.

Each estimates $\nabla_\theta E_{x \sim p(x; \theta)}[f(x)]$ and returns a row for each sample, of
which the mean is the gradient and the variance, over L, the estimate's. optax has deprecated its
own and dropped them in 0.2.7: `from gradest import monte_carlo` takes the place of `from optax
import monte_carlo`, and docs/from-optax.md goes through them name by name.

A `dist_builder` returns numpyro's distributions, `optax.multi_normal`, or any object with
`sample(shape, key=…)` and `log_prob(x)`, as optax's did. A row is one estimate from one draw, so
that rows are independent, and what gradest's estimators support is supported.
"""

from gradest.monte_carlo.control_variates import (
    control_delta_method,
    control_variates_jacobians,
    moving_avg_baseline,
)
from gradest.monte_carlo.distributions import multi_normal
from gradest.monte_carlo.jacobians import (
    measure_valued_jacobians,
    pathwise_jacobians,
    score_function_jacobians,
)

__all__ = [
    "control_delta_method",
    "control_variates_jacobians",
    "measure_valued_jacobians",
    "moving_avg_baseline",
    "multi_normal",
    "pathwise_jacobians",
    "score_function_jacobians",
]
