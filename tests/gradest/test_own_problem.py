"""Problems made of functions: what f, q and θ may be, and what is said where they are not."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

from gradest._own_problem import own_problem
from gradest.estimators import ESTIMATORS, estimator
from gradest.problems.base import Problem

WEIGHTS = np.array([[1.0, 0.1], [0.1, 2.0]])
SHIFT = np.float64(0.3)


def shifted(x):
    return x - SHIFT


def quadratic(theta, x):
    return shifted(x) @ WEIGHTS @ shifted(x)


def gaussian(theta):
    return dist.Normal(theta["mean"], 0.5)


@pytest.fixture
def mine() -> Problem:
    return own_problem(quadratic, gaussian, {"mean": [1.0, -1.0]})


def test_it_is_a_problem(mine):
    params = mine.init_params(jax.random.key(0))
    assert mine.abstract_distribution().event_shape == (2,)
    assert not mine.objective_uses_params
    assert mine.objective(params, jnp.ones(2)).shape == ()
    assert mine.objectives(params, jnp.ones((5, 2))).shape == (5,)


@pytest.mark.parametrize("name", ["score_function", "pathwise", "measure_valued"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_estimator_meets_the_exact_gradient_in_each_precision(name, dtype):
    """∇ = 2 A (μ − s); the scalar scale is one for each coordinate."""
    with jax.enable_x64(dtype == "float64"):
        mine = own_problem(quadratic, gaussian, {"mean": np.array([1.0, -1.0])})
        params = mine.init_params(jax.random.key(0))
        assert estimator(name).refuses(mine) is None

        @jax.jit
        def estimate(key):
            return estimator(name).estimate(mine, params, (), key, 1)[0]["mean"]

        found = jax.vmap(estimate)(jax.random.split(jax.random.key(1), 20_000))
    found = np.asarray(found)
    assert found.dtype == dtype
    exact = 2 * WEIGHTS @ (np.array([1.0, -1.0]) - 0.3)
    z = (found.mean(0) - exact) / (found.std(0) / np.sqrt(len(found)))
    assert np.all(np.abs(z) < 4.5), z


def test_theta_may_be_one_array():
    mine = own_problem(
        lambda theta, x: x**2 * theta, lambda theta: dist.Normal(theta, 1.0), jnp.array(2.0)
    )
    assert mine.init_params(jax.random.key(0)).keys() == {"theta"}
    assert mine.objective_uses_params


def test_batch_axes_are_coordinates_unless_f_has_a_number_for_each():
    def q(theta):
        return dist.Normal(theta["mean"], jnp.ones(3)).to_event(0)

    theta = {"mean": jnp.zeros(3)}
    assert (
        own_problem(lambda t, x: (x**2).sum(), q, theta).abstract_distribution().batch_shape == ()
    )
    points = own_problem(lambda t, x: x**2, q, theta)
    assert points.abstract_distribution().batch_shape == (3,)


@pytest.mark.parametrize("bits", [dist.BernoulliProbs, dist.BernoulliLogits])
def test_bits_of_numpyro_are_bits(bits):
    mine = own_problem(
        lambda theta, x: (x.sum() - 1.0) ** 2, lambda theta: bits(theta), jnp.array([0.2, 0.7])
    )
    for name in ("disarm", "rebar", "measure_valued", "enumeration"):
        assert ESTIMATORS[name]().refuses(mine) is None


@pytest.mark.parametrize(
    ("f", "q", "theta", "error", "message"),
    [
        (3, gaussian, {"mean": 1.0}, TypeError, "f = 3: expected a function"),
        (quadratic, lambda t: 3, 1.0, TypeError, "q gives int: expected a distribution of numpyro"),
        (quadratic, gaussian, {"scale": 1.0}, ValueError, "q fails at θ: KeyError: 'mean'"),
        (quadratic, gaussian, {"mean": "a"}, TypeError, "theta: 'a': expected numbers"),
        (lambda t, x: x[7, 7], gaussian, {"mean": [1.0]}, ValueError, "f fails at θ and one x: .*"),
        (
            lambda t, x: jnp.ones(7),
            gaussian,
            {"mean": [1.0]},
            ValueError,
            r"of shape \(7,\): expec",
        ),
    ],
)
def test_what_is_wrong_is_said(f, q, theta, error, message):
    with pytest.raises(error, match=message):
        own_problem(f, q, theta)
