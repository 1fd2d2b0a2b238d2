"""The exact objective: against the exact gradient by finite differences, and against its draws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradest.benchmarks.measurement.exact_gradient import exact_gradient, exact_objective
from gradest.benchmarks.training.objective import estimated
from gradest.problems import PROBLEMS, problem
from tests.support.statistical import assert_z, initial

VARIANTS = (
    ("bernoulli_square", {"dim": 3, "reduce": "mean"}),
    ("bernoulli_square", {"dim": 3}),
    ("gaussian_square", {"dim": 2}),
    ("gumbel_toy", {"f": "linear"}),
    ("logistic_toy", {"f": "square", "dim": 2}),
    ("normal_normal_bound", {"num_particles": 2}),
    ("bayesian_network", {"hidden_dim": 1, "num_rows": 8}),
    ("linear_gaussian_vae", {"kl": "analytic"}),
    ("chaotic_rollout", {"horizon": 4}),
)
"""Beside the defaults."""

EVERY = (*((name, {}) for name in PROBLEMS), *VARIANTS)

STEP = 1e-4


@pytest.fixture(scope="module")
def known():
    """The problems of which the objective is known, with θ and the objective there."""
    made = [(problem(name, **arguments), f"{name} {arguments}") for name, arguments in EVERY]
    found = []
    for each, label in made:
        params = initial(each)
        value = exact_objective(each, params)
        if value is not None:
            found.append((each, params, value, label))
    return found


@pytest.mark.slow
def test_it_is_known_where_the_gradient_is(known):
    labels = {label for *_, label in known}
    for name, arguments in EVERY:
        each = problem(name, **arguments)
        has_gradient = exact_gradient(each, initial(each)) is not None
        assert has_gradient == (f"{name} {arguments}" in labels), name


@pytest.mark.slow
def test_the_exact_gradient_is_its_derivative(known):
    """Along a random direction, by central differences in double precision."""
    assert len(known) > 25
    for each, params, _, label in known:
        assert_derivative(each, params, label)


@pytest.mark.slow
def test_draws_have_it_for_their_mean(known):
    """All of them together: one test."""
    draws = 4_000
    z = []
    for each, params, exact, _ in known:
        values = estimated(each, params, jax.random.key(1), draws)
        error = values.std(ddof=1) / np.sqrt(draws)
        z.append((values.mean() - exact) / error if error > 1e-9 * abs(exact) else 0.0)
    assert_z(np.array(z))


@pytest.mark.parametrize(("name", "arguments"), VARIANTS[:4])
def test_the_exact_gradient_of_a_toy_is_its_derivative(name, arguments):
    each = problem(name, **arguments)
    assert_derivative(each, initial(each), name)


def assert_derivative(each, params, label):
    leaves, structure = jax.tree.flatten(params)
    generator = np.random.default_rng(0)
    direction = [generator.normal(size=leaf.shape) for leaf in leaves]

    def at(step):
        with jax.enable_x64(True):
            moved = [
                jnp.asarray(np.asarray(leaf, float) + step * towards)
                for leaf, towards in zip(leaves, direction, strict=True)
            ]
            return exact_objective(each, jax.tree.unflatten(structure, moved))

    slope = (at(STEP) - at(-STEP)) / (2 * STEP)
    gradient = exact_gradient(each, params)
    towards = jax.tree.unflatten(structure, direction)
    vectors = {
        group: np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(towards[group])])
        for group in params
    }
    expected = sum(float(gradient[group] @ vectors[group]) for group in params)
    size = sum(float(np.abs(gradient[group]) @ np.abs(vectors[group])) for group in params)
    assert slope == pytest.approx(expected, abs=1e-5 * size + 1e-9), label
