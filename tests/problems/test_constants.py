"""NumPy's constants are cast to the precision in force, and what is not ours stays as it is."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

from gradest.problems.base import Problem
from gradest.problems.constants import with_constants

WEIGHTS = np.array([[1.0, 0.1], [0.1, 2.0]])
SHIFT = np.float64(0.3)
COUNT = 0


def test_constants_are_cast_wherever_they_are():
    local = np.ones(2)

    def f(theta, x, weights=WEIGHTS):
        return (lambda: WEIGHTS.dtype.str + local.dtype.str + weights.dtype.str + SHIFT.dtype.str)()

    assert f(0, 0) == "<f8" * 4
    assert with_constants(f, "float32")(0, 0) == "<f4" * 4
    assert f(0, 0) == "<f8" * 4


def test_a_function_that_calls_itself_is_cast():
    def power(x, n):
        return x * power(x, n - 1) if n else WEIGHTS[0, 0]

    assert with_constants(power, "float32")(1.0, 3) == 1


def test_a_function_without_such_constants_is_itself():
    def plain(x):
        return x + COUNT

    assert with_constants(plain, "float32") is plain


def test_a_function_that_writes_a_global_is_itself():
    def counts(x):
        global COUNT
        COUNT += 1
        return x * WEIGHTS

    with_constants(counts, "float32")(1.0)
    assert COUNT == 1


class Weighted(Problem):
    """As a user writes it, with a constant in NumPy's precision."""

    def init_params(self, key):
        return {"mean": jnp.ones(2)}

    def distribution(self, params):
        return dist.Normal(params["mean"], 0.5).to_event(1)

    def objective(self, params, x):
        return x @ WEIGHTS @ x

    def exact_gradient(self, params):
        def value(mean):
            return mean @ WEIGHTS @ mean

        return {"mean": jax.grad(value)(params["mean"])}


def test_a_user_s_methods_are_traced_in_each_precision_one_after_the_other():
    problem, x = Weighted(), jnp.ones(2)
    compiled = []
    for on in (False, True, False, True):
        with jax.enable_x64(on):
            params = {"mean": jnp.ones(2, float)}
            f = jax.jit(jax.grad(problem.objective, argnums=1)).lower(params, x.astype(float))
            compiled.append(f.compile())  # which keeps what it was traced with
            assert problem.exact_gradient(params)["mean"].dtype == jnp.result_type(float)
