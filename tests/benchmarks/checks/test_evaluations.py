"""The counter of evaluations, on estimates whose evaluations can be counted by hand."""

import jax
import jax.numpy as jnp
import pytest

from gradest.benchmarks.checks.evaluations import (
    RANDOM_BITS,
    REJECTING,
    REMOVED,
    SCAN,
    WHILE,
    Uncountable,
    count_evaluations,
)
from gradest.estimators.pathwise.pathwise import Pathwise
from gradest.problems import problem
from gradest.problems.toys.bernoulli import BernoulliSquare
from gradest.problems.toys.gaussian import GaussianSquare
from tests.support.programs import primitives_of

SQUARE = problem("gaussian_square", dim=3)
X = jnp.arange(3.0)


def count(body, num_samples: int = 4):
    """The evaluations of an estimate to each entry of which `body(f, x, num_samples)` is added."""

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


BY_PRIMITIVE = {
    "stop_gradient": jax.lax.stop_gradient,
    "scan": lambda x: jax.lax.scan(lambda c, _: (c + 1, None), x, length=3)[0],
    "while": lambda x: jax.lax.while_loop(lambda c: c.sum() < 9, lambda c: c + 1, x),
    "random_bits": lambda x: x + jax.random.normal(jax.random.key(0)),
    "random_gamma": lambda x: x + jax.random.gamma(jax.random.key(0), 2.0),
}


@pytest.mark.parametrize("name", [*REMOVED, SCAN, WHILE, RANDOM_BITS, *REJECTING])
def test_primitives_with_a_rule_are_those_that_this_jax_traces(name):
    """A primitive that a new JAX calls otherwise would be counted as any other."""
    assert name in primitives_of(BY_PRIMITIVE[name], X)
