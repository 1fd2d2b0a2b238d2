"""The counter of evaluations, on estimates whose evaluations can be counted by hand; and the replay in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradest.benchmarks.checks.evaluations import Uncountable, count_evaluations
from gradest.benchmarks.checks.float64 import in_float64
from gradest.estimators.pathwise.pathwise import Pathwise
from gradest.problems import problem
from gradest.problems.toys.bernoulli import BernoulliSquare
from gradest.problems.toys.gaussian import GaussianSquare

SQUARE = problem("gaussian_square", dim=3)
X = jnp.arange(3.0)


def count(body, num_samples: int = 4):
    """The evaluations of an estimate that returns `body(f, params, x)` in the place of each entry of θ."""

    class Made(Pathwise):
        def estimate(self, problem, params, state, key, num_samples):
            value = body(lambda x: problem.objective(params, x), X, num_samples)
            return jax.tree.map(lambda leaf: leaf + value, params), state

    return count_evaluations(Made(), SQUARE, SQUARE.init_params(jax.random.key(0)), (), num_samples)


def used_in_a_loop(f, x, n):
    return jax.lax.scan(
        lambda total, shift: (total + f(x + shift), None), jnp.zeros(()), jnp.arange(float(n))
    )[0]


def unused_in_a_loop(f, x, n):
    return jax.lax.fori_loop(0, n, lambda i, total: total + f(x * i), jnp.zeros(()))


def nested(f, x, n):
    each = jax.vmap(lambda a: jax.vmap(lambda b: f(x * a + b))(jnp.arange(5.0)))(
        jnp.arange(float(n))
    )
    return each.sum()


def sum_of_four(f, x):
    return jax.vmap(f)(x * jnp.ones((4, 1))).sum()


def hessian_rows(f, x, n):
    return jax.vmap(lambda v: jax.jvp(jax.grad(f), (x,), (v,))[1])(jnp.eye(3)).sum()


BY_HAND = {
    "none": (lambda f, x, n: jnp.zeros(()), (0, 0)),
    "one": (lambda f, x, n: f(x), (1, 0)),
    "twice the same": (lambda f, x, n: f(x) + f(x), (1, 0)),
    "the same in two jitted calls": (
        lambda f, x, n: jax.jit(f)(x) + jax.jit(lambda y: f(y))(x),
        (1, 0),
    ),
    "twice the same, once held fixed": (lambda f, x, n: f(x) + f(jax.lax.stop_gradient(x)), (1, 0)),
    "two": (lambda f, x, n: f(x) + f(x + 1), (2, 0)),
    "not used": (lambda f, x, n: (f(x + 1), f(x))[1], (1, 0)),
    "vmap in vmap": (nested, (20, 0)),
    "scan": (used_in_a_loop, (4, 0)),
    "fori_loop": (unused_in_a_loop, (4, 0)),
    "cond": (
        lambda f, x, n: jax.lax.cond(x[0] > 0, lambda: f(x) + f(x + 1), lambda: f(x + 2)),
        (2, 0),
    ),
    "gradient": (lambda f, x, n: jax.grad(f)(x).sum(), (1, 1)),
    "value and gradient": (lambda f, x, n: f(x) + jax.grad(f)(x).sum(), (1, 1)),
    "gradients under vmap": (
        lambda f, x, n: jax.vmap(jax.grad(f))(x + jnp.arange(4.0)[:, None]).sum(),
        (4, 4),
    ),
    "gradient of a sum over vmap": (
        lambda f, x, n: jax.grad(lambda y: sum_of_four(f, y))(x).sum(),
        (4, 4),
    ),
    "forward mode": (lambda f, x, n: jax.jvp(f, (x,), (x,))[1], (1, 1)),
    "products with the Hessian": (hessian_rows, (1, 4)),
    "gradient through a loop": (
        lambda f, x, n: jax.grad(lambda y: used_in_a_loop(f, y, n))(x).sum(),
        (4, 4),
    ),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_evaluations_are_those_counted_by_hand(name: str):
    body, expected = BY_HAND[name]
    assert count(body) == expected


def test_a_while_loop_cannot_be_counted():
    def body(f, x, n):
        return jax.lax.while_loop(
            lambda total: total < 9, lambda total: total + f(x), jnp.zeros(())
        )

    with pytest.raises(Uncountable, match="while"):
        count(body)


def test_an_f_that_is_flat_or_linear_counts_as_any_other():
    for toy in (problem("gaussian_step"), problem("gaussian_cosine", k=0.0)):
        assert count_evaluations(Pathwise(), toy, toy.init_params(jax.random.key(0)), (), 4) == (
            4,
            4,
        )


def test_the_type_of_the_problem_is_still_found():
    class Looks(Pathwise):
        def estimate(self, problem, params, state, key, num_samples):
            assert isinstance(problem, GaussianSquare)
            assert not isinstance(problem, BernoulliSquare)
            assert float(problem.k) == 3
            return super().estimate(problem, params, state, key, num_samples)

    assert count_evaluations(Looks(), SQUARE, SQUARE.init_params(jax.random.key(0)), (), 4) == (
        4,
        4,
    )


def test_the_replay_takes_the_same_bits_and_float64s_arithmetic():
    def draw(key, scale):
        total, _ = jax.lax.scan(
            lambda c, e: (c + e, None), jnp.zeros(()), jax.random.normal(key, (1000,))
        )
        total = jax.lax.fori_loop(0, 10, lambda i, c: c + 0.1, total)
        total = jax.lax.while_loop(lambda c: c < 100, lambda c: c * 1.1 + 1, total)
        return jax.lax.cond(total > 0, lambda: total * scale, lambda: -total)

    key, scale = jax.random.key(0), jnp.float32(0.1)
    wide, narrow = in_float64(draw)(key, scale), draw(key, scale)
    assert (wide.dtype, narrow.dtype) == (jnp.float64, jnp.float32)
    assert float(wide) != float(narrow)
    np.testing.assert_allclose(wide, narrow, rtol=1e-4)


def test_the_replay_resolves_what_float32_cannot():
    def lost(x):
        return jnp.sqrt((x + 1e4) ** 2) - 1e4

    x = jnp.float32(1e-4)
    assert float(jax.jit(lost)(x)) == 0
    assert float(in_float64(lost)(x)) == pytest.approx(1e-4, rel=1e-3)
