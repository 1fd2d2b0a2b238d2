"""A gradient from each sample: the score function's, the pathwise and the measure-valued one."""

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Float, PyTree

from gradest.estimators.base import Estimator
from gradest.estimators.differences.measure_valued import MeasureValued
from gradest.estimators.pathwise.pathwise import Pathwise
from gradest.estimators.sampling.draws import sample
from gradest.estimators.score_function.score_function import ScoreFunction
from gradest.monte_carlo.distributions import as_numpyro
from gradest.problems.base import Params, Problem

Function = Callable[[Array], Any]
"""f, from one sample to a number."""

Jacobians = Sequence[Float[Array, "L ..."]]
"""For each of `params` its shape, with the samples in front."""


def score_function_jacobians(
    function: Function,
    params: Sequence[Array],
    dist_builder: Callable[..., Any],
    rng: Array,
    num_samples: int,
) -> Jacobians:
    r"""$f(x_l) \nabla_\theta \log p(x_l; \theta)$ at each sample: REINFORCE, for any f and any p.

    Args:
        function: f, from one sample to a number. It need not depend smoothly on it.
        params: the parameters of the distribution, a tuple of arrays of any shapes.
        dist_builder: makes the distribution from `params`, as `dist_builder(*params)`.
        rng: a random key, typed or of the old kind.
        num_samples: L, the number of samples.

    Returns:
        Built like `params`: for each its shape with an axis of L samples in front. The mean over
        that axis is the gradient.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from gradest.monte_carlo import multi_normal
        >>> theta = (jnp.ones(2), jnp.zeros(2))
        >>> mean, log_scale = score_function_jacobians(
        ...     lambda x: (x**2).sum(), theta, multi_normal, jax.random.key(0), 1000
        ... )
        >>> mean.shape
        (1000, 2)
    """
    return jacobians(ScoreFunction(), function, params, dist_builder, rng, num_samples)


def pathwise_jacobians(
    function: Function,
    params: Sequence[Array],
    dist_builder: Callable[..., Any],
    rng: Array,
    num_samples: int,
) -> Jacobians:
    r"""$\nabla_\theta f(g(\varepsilon_l, \theta))$ at each sample $x_l = g(\varepsilon_l, \theta)$.

    Args:
        function: f, from one sample to a number, continuous and differentiable almost everywhere:
            what a jump contributes is missed.
        params: the parameters of the distribution, a tuple of arrays of any shapes.
        dist_builder: makes the distribution from `params`. Its draw must be differentiable; that
            of an object of one's own is taken to be.
        rng: a random key, typed or of the old kind.
        num_samples: L, the number of samples.

    Returns:
        As for `score_function_jacobians`.

    Raises:
        ValueError: the distribution has no differentiable draw.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from gradest.monte_carlo import multi_normal
        >>> theta = (jnp.ones(2), jnp.zeros(2))
        >>> mean, _ = pathwise_jacobians(
        ...     lambda x: 3 * x.sum(), theta, multi_normal, jax.random.key(0), 2
        ... )
        >>> mean.tolist()
        [[3.0, 3.0], [3.0, 3.0]]
    """
    return jacobians(Pathwise(), function, params, dist_builder, rng, num_samples)


def measure_valued_jacobians(
    function: Function,
    params: Sequence[Array],
    dist_builder: Callable[..., Any],
    rng: Array,
    num_samples: int,
    coupling: bool = True,
) -> Jacobians:
    r"""$\sum_i c_i [f(x_l; x_i = x^+_{il}) - f(x_l; x_i = x^-_{il})] \nabla_\theta \psi_i$ at each.

    Args:
        function: f, from one sample to a number. It need not depend smoothly on it.
        params: the parameters of the distribution, a tuple of arrays of any shapes.
        dist_builder: makes a distribution with a known weak derivative: normal (`multi_normal`
            too), Bernoulli, exponential, gamma in its rate, Poisson.
        rng: a random key, typed or of the old kind.
        num_samples: L, the number of samples. Each takes 2 evaluations of f for every coordinate of
            x and parameter of the distribution.
        coupling: whether $x^+$ and $x^-$ share their randomness, which reduces the variance.

    Returns:
        As for `score_function_jacobians`.

    Raises:
        ValueError: no weak derivative of the distribution is known.

    Example:
        >>> import jax, jax.numpy as jnp, numpyro.distributions as dist
        >>> (logits,) = measure_valued_jacobians(
        ...     lambda x: x.sum(), (jnp.zeros(2),), dist.BernoulliLogits, jax.random.key(0), 10
        ... )
        >>> logits.mean(0).tolist()
        [0.25, 0.25]
    """
    estimator = MeasureValued(coupled=coupling)
    return jacobians(estimator, function, params, dist_builder, rng, num_samples)


class Expectation(Problem):
    """E[f(x)] under a distribution that is built from `params`: one group of θ."""

    params: PyTree
    function: Function = eqx.field(static=True)
    dist_builder: Callable[..., Any] = eqx.field(static=True)

    def init_params(self, key: Array | None = None) -> Params:
        return {"params": self.params}

    def distribution(self, params: Params) -> dist.Distribution:
        return as_numpyro(self.dist_builder(*params["params"]))

    def objective(self, params: Params, x: Array) -> Array:
        return self.function(x)

    def abstract_distribution(self) -> Any:
        # not the cached one, which would keep every lambda that it was ever given
        return self.distribution(self.init_params())


def jacobians(
    estimator: Estimator,
    function: Function,
    params: Sequence[Array],
    dist_builder: Callable[..., Any],
    rng: Array,
    num_samples: int,
) -> Jacobians:
    """An estimate from one draw for each of `num_samples` keys."""
    problem = Expectation(jax.tree.map(jnp.asarray, params), function, dist_builder)
    if reason := estimator.refuses(problem):
        raise ValueError(reason)
    theta = problem.init_params()

    def row(key: Array) -> PyTree:
        grads, _ = estimator.estimate(problem, theta, (), key, num_samples=1)
        return grads["params"]

    return jax.vmap(row)(jax.random.split(typed_key(rng), num_samples))


def draws(q: Any, rng: Array, num_samples: int) -> Array:
    """The draws behind `jacobians`, where the estimator's first draw is x from its own key."""
    keys = jax.random.split(typed_key(rng), num_samples)
    return jax.vmap(lambda key: sample(as_numpyro(q), key, 1)[0])(keys)


def typed_key(rng: Array) -> Array:
    """A key of the new kind, where it is one of the old."""
    is_typed = jnp.issubdtype(rng.dtype, jax.dtypes.prng_key)
    return rng if is_typed else jax.random.wrap_key_data(rng)
