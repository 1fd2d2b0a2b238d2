"""The rounding of f, which is no bias."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import gradest
from gradest.benchmarks.cells.rounding import (
    nudged,
    rounding_of_objective,
    with_moved_objective,
)
from gradest.benchmarks.measurement.exact_gradient import exact_gradient
from gradest.benchmarks.measurement.replicates import cell_key, measure
from gradest.benchmarks.statistics.bias import biases, exactly
from gradest.estimators import estimator
from gradest.problems import problem
from gradest.problems.base import Problem

EPSILON = float(np.finfo(np.float32).eps)
TARGET = 0.499
DIM = 200


class Constants(Problem):
    """Titsias and Shi's (2022) quadratic with its numbers in the code, where nothing moves them:
    f is near ¼, its differences ε times 84,000 of that.
    """

    def init_params(self, key):
        return {"logits": jnp.full(DIM, 0.5)}

    def distribution(self, params):
        return dist.Bernoulli(logits=params["logits"]).to_event(1)

    def objective(self, params, x):
        return jnp.mean((x - TARGET) ** 2)

    def exact_gradient(self, params):
        p = jax.nn.sigmoid(params["logits"])
        return {"logits": (1 - 2 * TARGET) * p * (1 - p) / DIM}


class Shifted(Constants):
    """Its truth is off by 5 %: what estimates it is biased."""

    def exact_gradient(self, params):
        return {"logits": 1.05 * Constants.exact_gradient(self, params)["logits"]}


@pytest.mark.parametrize(("made", "biased"), [(Constants(), False), (Shifted(), True)])
def test_a_bias_that_the_rounding_of_f_explains_is_none(made, biased):
    run = gradest.measure(made, "measure_valued", samples=[2, 8], replicates=2000)
    assert (run.frame.bias_finding == ("biased" if biased else "equivalent")).all()
    assert ((run.frame.bias_p < 1e-3) == biased).all()
    across = (run.frame.bias_relative_low < 0) & (run.frame.bias_relative_high > 0)
    assert (across != biased).all()


def test_without_a_look_at_f_it_would_look_like_one():
    """The numbers of θ alone do not show it."""
    made, measure_valued = Constants(), estimator("measure_valued")
    params, key = made.init_params(jax.random.key(0)), cell_key(0, "t", "init", 8)
    found = measure(made, measure_valued, params, num_samples=8, replicates=2000, key=key)
    truths = {group: exactly(each) for group, each in exact_gradient(made, params).items()}
    assert biases(found.moments, truths, EPSILON, rounded=found.rounding)["logits"].p < 1e-10
    rounded = rounding_of_objective(made, measure_valued, params, (), key, 8)
    assert biases(found.moments, truths, EPSILON, rounded=rounded)["logits"].p > 0.5


@pytest.mark.parametrize("num_samples", [1, 16])
def test_the_size_of_rounding_is_that_of_f(num_samples):
    """A weak derivative is p(1 − p)(f(x₁) − f(x₀)), each f off by up to ε of it, three at most, and
    their mean over draws by less, but not by less than a hundredth.
    """
    made = Constants()
    params, key = made.init_params(jax.random.key(0)), cell_key(0, "t", "init", 2)
    candidate = estimator("measure_valued")
    rounded = rounding_of_objective(made, candidate, params, (), key, num_samples)["logits"]
    p = 1 / (1 + np.exp(-0.5))
    most = p * (1 - p) * 2 * 3.5 * EPSILON * 0.25
    assert (rounded < most).all()
    assert (rounded > most / 100).all()


@pytest.mark.parametrize(
    ("name", "candidate", "groups"),
    [
        ("bernoulli_square", "relax", {"logits"}),
        ("gaussian_cosine", "score_function[baseline=mean]", {"mean", "scale"}),
        ("linear_gaussian_vae", "sticking_the_landing", {"encoder", "decoder"}),
        ("bayesian_network", "flipout", {"mean", "log_scale"}),
    ],
)
def test_every_kind_of_estimator_can_be_looked_at(name, candidate, groups):
    """With a state of each batch, or without; where f is taken apart, and depends on θ."""
    made, chosen = problem(name), gradest.estimator(candidate)
    params, key = made.init_params(jax.random.key(0)), cell_key(0, "t", "init", 4)
    states = jax.vmap(lambda key: chosen.init(made, params, key))(jax.random.split(key, 20))
    rounded = rounding_of_objective(made, chosen, params, states, key, 4)
    assert set(rounded) == groups
    for group, each in rounded.items():
        assert each.shape == (sum(leaf.size for leaf in jax.tree.leaves(params[group])),)
        assert np.isfinite(each).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_are_moved_at_random_by_so_many_of_their_last_digits(dtype):
    with jax.enable_x64(dtype == "float64"):
        values = jnp.asarray(np.random.default_rng(0).normal(0, 5, 4000), dtype)
        size = np.finfo(dtype).eps * np.abs(values)
        np.testing.assert_array_equal(nudged(values, np.uint32(0)), values)
        for move in (1, 3):
            moved = nudged(values, np.uint32(move))
            assert moved.dtype == dtype
            share = np.asarray((moved - values) / size)
            assert np.abs(share).max() <= move + 0.5
            # uniform to ± move, and rounded: at most an ε apart
            assert abs(share.mean()) < 4 * (move / 3**0.5 + 0.3) / 4000**0.5
            assert abs(share.std() - move / 3**0.5) < 0.2
            again = nudged(values[::-1], np.uint32(move))
            np.testing.assert_array_equal(again[::-1], moved)


def test_derivatives_are_not_moved():
    square = jax.grad(lambda x: nudged(x**2, np.uint32(3)).sum())
    values = jnp.linspace(-2.0, 2.0, 9)
    np.testing.assert_array_equal(square(values), 2 * values)


def test_a_problem_whose_f_is_moved_is_of_its_type_and_has_its_gradient():
    toy = problem("bernoulli_square", dim=3)
    moved = with_moved_objective(toy, np.uint32(2))
    assert isinstance(moved, type(toy))
    params, x = toy.init_params(jax.random.key(0)), jnp.array([1.0, 0.0, 1.0])
    for method in (type(toy).objective, type(toy).terms):
        here, there = np.asarray(method(toy, params, x)), getattr(moved, method.__name__)(params, x)
        np.testing.assert_allclose(there, here, rtol=3 * EPSILON)
    assert not np.array_equal(moved.terms(params, x), toy.terms(params, x))
    both = jnp.stack([x, x])
    np.testing.assert_array_equal(moved.objectives(params, both)[0], moved.objective(params, x))
