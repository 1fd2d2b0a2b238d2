"""The loop: against optax by hand on the exact gradient, and its random numbers."""

import itertools

import jax
import numpy as np
import optax
import pytest

from gradest.benchmarks.training.loop import Loop
from gradest.benchmarks.training.optimizers import Recipe
from gradest.estimators import estimator
from gradest.problems import problem

STEPS = 1_000


def end_of(loop, params, seed, steps):
    *_, last = loop.followed(params, jax.random.key(seed), steps)
    return last.carried


def by_hand(of, params, rule, steps):
    """optax's run on the exact gradient."""
    memory = rule.init(params)

    @jax.jit
    def step(params, memory):
        updates, memory = rule.update(of.exact_gradient(params), memory, params)
        return optax.apply_updates(params, updates), memory

    for _ in range(steps):
        params, memory = step(params, memory)
    return params


@pytest.mark.parametrize(
    ("name", "arguments", "recipe", "rule"),
    [
        (
            "bernoulli_square",
            {"dim": 3, "t": 0.3},
            Recipe("adam", 0.01),
            optax.adam(0.01),
        ),
        (
            "categorical_square",
            {"dim": 2},
            Recipe("momentum", 0.05, (), STEPS, 0.5),
            optax.sgd(optax.cosine_decay_schedule(0.05, STEPS, exponent=0.5), momentum=0.9),
        ),
    ],
)
def test_enumeration_follows_optax_on_the_exact_gradient(name, arguments, recipe, rule):
    """For a thousand steps, in intervals, to 1e-5."""
    of = problem(name, **arguments)
    params = of.init_params(jax.random.key(0))
    found = end_of(Loop(of, estimator("enumeration"), recipe, 1), params, 0, [0, 1, 400, STEPS])
    expected = by_hand(of, params, rule, STEPS)["logits"]
    np.testing.assert_allclose(found.params["logits"], expected, rtol=1e-5, atol=1e-5)
    assert np.abs(expected - params["logits"]).max() > 0.1


@pytest.fixture(scope="module")
def noisy():
    """The score function with a baseline that it learns, and θ."""
    of = problem("bernoulli_square", dim=2)
    loop = Loop(of, estimator("score_function", baseline="moving_average"), Recipe("sgd", 0.1), 2)
    return loop, of.init_params(jax.random.key(0))


def bits(carried):
    return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(carried)]


def test_a_seed_is_the_same_bits_whatever_it_stops_at(noisy):
    loop, params = noisy
    at_once = end_of(loop, params, 3, [60])
    for stops in ([0, 1, 17, 60], [0, *range(60), 60]):
        assert bits(end_of(loop, params, 3, stops)) == bits(at_once)
    assert bits(end_of(loop, params, 4, [60])) != bits(at_once)


def test_the_state_goes_one_estimate_a_step(noisy):
    """The baseline's mean is another after each step, as θ is."""
    loop, params = noisy
    moments = list(loop.followed(params, jax.random.key(0), [0, 1, 2]))
    states = [bits(moment.carried.state) for moment in moments]
    assert all(one != other for one, other in itertools.pairwise(states))
    seconds = [moment.seconds for moment in moments]
    assert seconds == sorted(seconds)
    assert seconds[0] == 0


def test_all_estimators_have_the_same_random_numbers():
    """Pathwise gradients of one function from one key are the same, by whatever name."""
    of = problem("gaussian_square")
    params = of.init_params(jax.random.key(0))
    ends = [
        end_of(Loop(of, estimator("pathwise"), rule, 1), params, 5, [20]).params["mean"]
        for rule in (Recipe("sgd", 0.1), optax.sgd(0.1))
    ]
    np.testing.assert_allclose(ends[0], ends[1], rtol=1e-6)


def test_it_ends_where_theta_does():
    of = problem("gaussian_square")
    params = of.init_params(jax.random.key(0))
    loop = Loop(of, estimator("pathwise"), Recipe("sgd", 1e30), 1)
    moments = list(loop.followed(params, jax.random.key(0), [0, 10, 20, 30]))
    assert [moment.step for moment in moments] == [0, 10]
    assert not moments[-1].carried.is_finite
