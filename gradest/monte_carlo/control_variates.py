"""Functions h of known expectation: taken from f, and their expectation added back."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from gradest.estimators.score_function.baselines import WeightedMean
from gradest.monte_carlo.jacobians import Function, Jacobians, draws, typed_key
from gradest.problems.arguments import as_float

State = Any
"""What a control variate carries from one call to the next."""

ControlVariate = tuple[
    Callable[[Any, Array, State], Array],
    Callable[[Any, State], Array],
    Callable[[Any, Array, State], State],
]
"""h(params, x, state) at one sample, E[h](params, state), and the state after these samples."""

SMALLEST_VARIANCE = 1e-3
"""What is added to a control variate's variance before it divides, as in optax."""


def control_delta_method(function: Function) -> ControlVariate:
    r"""The delta method: f's second-order Taylor expansion about the mean m of a Gaussian.

    $h(x) = f(m) + \nabla f(m)^\top (x - m) + \frac12 (x - m)^\top H (x - m)$, with
    $E[h] = f(m) + \frac12 \sum_i H_{ii} \sigma_i^2$. m moves with θ, so that an estimate takes
    $\partial_\theta h$ at each draw, too. Without variance where f is quadratic.

    Args:
        function: f, from one sample to a number, twice differentiable.

    Returns:
        h, E[h] and an update that keeps no state, for `params` (mean, log scale).

    Example:
        >>> import jax.numpy as jnp
        >>> h, expected_h, _ = control_delta_method(lambda x: (x**2).sum())
        >>> theta = (jnp.array([1.0]), jnp.array([0.0]))
        >>> float(h(theta, jnp.array([3.0]), None)), float(expected_h(theta, None))
        (9.0, 2.0)
    """

    def derivatives(center: Array, direction: Array) -> tuple[Array, Array, Array]:
        """f at the centre, and its first two derivatives in a direction."""

        def along(t: Array | float) -> Array:
            return function(center + t * direction)

        return along(0.0), jax.grad(along)(0.0), jax.grad(jax.grad(along))(0.0)

    def control_variate(params: Any, x: Array, state: State = None) -> Array:
        value, first, second = derivatives(params[0], x - params[0])
        return value + first + second / 2

    def expected_value(params: Any, state: State = None) -> Array:
        mean, scale = params[0], jnp.exp(params[1])
        axes = jnp.eye(mean.size, dtype=mean.dtype).reshape(-1, *mean.shape)
        _, _, curvatures = jax.vmap(derivatives, in_axes=(None, 0))(mean, scale * axes)
        return function(mean) + curvatures.sum() / 2

    def update_state(params: Any, samples: Array, state: State = None) -> State:
        return state

    return control_variate, expected_value, update_state


def moving_avg_baseline(
    function: Function,
    decay: float = 0.99,
    zero_debias: bool = True,
    use_decay_early_training_heuristic: bool = True,
) -> ControlVariate:
    """A moving average of f as a baseline: a constant, which helps the score function alone.

    Args:
        function: f, from one sample to a number.
        decay: what is kept of the average at each call.
        zero_debias: whether the average is corrected for its start at 0. (optax divides anew at
            each call by a factor that it has divided by before; its average comes out too large.)
        use_decay_early_training_heuristic: whether the i-th call keeps no more than
            (1 + i)/(10 + i).

    Returns:
        h, E[h] and the update, with the state (average, number of calls), at first (0.0, 0).

    Example:
        >>> import jax.numpy as jnp
        >>> _, _, update = moving_avg_baseline(lambda x: x)
        >>> average, calls = update((), jnp.array([2.0, 4.0]), (0.0, 0))
        >>> round(float(average), 3), int(calls)
        (3.0, 1)
    """
    # the first call i with (1 + i)/(10 + i) ≥ decay
    last_early = math.inf if decay >= 1 else max(math.ceil((10 * decay - 1) / (1 - decay)), 0)

    def kept(call: Array) -> Array:
        """What is kept of the average at a call."""
        early = (1.0 + call) / (10.0 + call)
        return jnp.minimum(decay, early) if use_decay_early_training_heuristic else decay

    def kept_of_start(calls: Array) -> Array:
        """The product of `kept` over all calls so far: the weight that the start still has."""
        if not use_decay_early_training_heuristic:
            return decay**calls
        # ∏ (1 + i)/(10 + i) over i < n is n! 9!/(n + 9)!
        early = jnp.minimum(calls, last_early)
        product = math.prod(k / (early + k) for k in range(1, 10))
        return product * decay ** (calls - early)

    def average(params: Any, x: Array, state: State) -> Array:
        return _as_state(state)[0]

    def expected_value(params: Any, state: State) -> Array:
        return _as_state(state)[0]

    def update_state(params: Any, samples: Array, state: State) -> State:
        value, calls = _as_state(state)
        keep = kept(calls)
        before = 1 - kept_of_start(calls) if zero_debias else 1.0
        mean = jnp.mean(jax.vmap(function)(samples))
        total = keep * before * value + (1 - keep) * mean
        weight = as_float(keep * before + (1 - keep))
        return stop_gradient(WeightedMean(total, weight).mean), calls + 1

    return average, expected_value, update_state


def _as_state(state: State) -> tuple[Array, Array]:
    if state is None:
        raise ValueError(
            "control_variate_state = None: a moving average expects (average, calls): (0.0, 0)"
        )
    value, calls = state
    return as_float(value), jnp.asarray(calls)


def control_variates_jacobians(  # noqa: PLR0913  (the signature is optax's)
    function: Function,
    control_variate_from_function: Callable[[Function], ControlVariate],
    grad_estimator: Callable[..., Jacobians],
    params: Sequence[Array],
    dist_builder: Callable[..., Any],
    rng: Array,
    num_samples: int,
    control_variate_state: State = None,
    estimate_cv_coeffs: bool = False,
    estimate_cv_coeffs_num_samples: int = 20,
) -> tuple[Jacobians, State]:
    r"""The rows of an estimator with a control variate h, and h's state for the next call.

    $J_l[f - c h] - c\, \partial_\theta h(x_l) + c \nabla_\theta E[h]$, J an estimator's row. The
    state is that of the calls before: a baseline never depends on the draws that it multiplies.
    (optax updates it first, with the very draws of the estimate, which biases the gradient.)

    Args:
        function: f, from one sample to a number.
        control_variate_from_function: makes h from f, as `control_delta_method` does, or one's own.
        grad_estimator: one of the functions of this module, or one's own.
        params: the parameters of the distribution, a tuple of arrays of any shapes.
        dist_builder: makes the distribution from `params`.
        rng: a random key, typed or of the old kind.
        num_samples: L, the number of samples.
        control_variate_state: what h carries; None for one that keeps nothing.
        estimate_cv_coeffs: whether c is chosen, for each of `params`, to minimise the variance,
            from draws of its own; else it is 1.
        estimate_cv_coeffs_num_samples: how many draws.

    Returns:
        The rows, as for `score_function_jacobians`, and the state after this call.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from gradest.monte_carlo import multi_normal, score_function_jacobians
        >>> theta = (jnp.ones(1), jnp.zeros(1))
        >>> (mean, log_scale), _ = control_variates_jacobians(
        ...     lambda x: (x**2).sum(), control_delta_method, score_function_jacobians,
        ...     theta, multi_normal, jax.random.key(0), 100,
        ... )
        >>> round(float(mean.var()), 9), round(float(mean.mean()), 5)
        (0.0, 2.0)
    """
    h, expected_h, update = control_variate_from_function(function)
    rng = typed_key(rng)

    def rows(of: Function, key: Array, number: int) -> Jacobians:
        return grad_estimator(of, params, dist_builder, key, number)

    def h_of_x(x: Array) -> Array:
        return h(stop_gradient(params), x, control_variate_state)

    coefficients = jax.tree.map(lambda _: 1.0, params)
    if estimate_cv_coeffs:
        rng, key = jax.random.split(rng)
        number = estimate_cv_coeffs_num_samples
        rows_of_f = _like(params, rows(function, key, number))
        rows_of_h = _like(params, rows(h_of_x, key, number))
        coefficients = jax.tree.map(_coefficient, rows_of_f, rows_of_h)

    def corrected(c: Any, of_f: Array, of_h: Array, direct: Array, expected: Array) -> Array:
        return of_f - c * of_h - c * direct + c * expected

    samples = draws(dist_builder(*params), rng, num_samples)
    jacobians = jax.tree.map(
        corrected,
        coefficients,
        _like(params, rows(function, rng, num_samples)),
        _like(params, rows(h_of_x, rng, num_samples)),
        jax.vmap(lambda x: jax.grad(h)(params, x, control_variate_state))(samples),
        jax.grad(expected_h)(params, control_variate_state),
    )
    return jacobians, update(params, samples, control_variate_state)


def _coefficient(of_f: Float[Array, "L ..."], of_h: Float[Array, "L ..."]) -> Float[Array, ""]:
    """The c that minimises the variance of f − c h, summed over a parameter's entries."""
    covariance = ((of_f - of_f.mean(0)) * (of_h - of_h.mean(0))).mean(0)
    return stop_gradient(covariance.sum() / (of_h.var(0).sum() + SMALLEST_VARIANCE))


def _like(params: Sequence[Array], jacobians: Jacobians) -> Jacobians:
    """The same arrays, built like `params`: an estimator of one's own may return a list."""
    return jax.tree.unflatten(jax.tree.structure(params), jax.tree.leaves(jacobians))
