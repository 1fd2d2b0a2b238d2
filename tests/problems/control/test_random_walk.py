"""The random walk: its law, its exact gradient, and the variances of the score function on it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradest.estimators import estimator
from gradest.estimators.sampling.draws import sample
from gradest.problems import problem
from gradest.problems.distributions.enumeration import all_log_probs, all_states
from tests.support.statistical import (
    assert_mean,
    assert_variance,
    assert_z,
    initial,
    moments_of,
    truth_of,
)
from tests.support.walks import gradient_by_matrix, slope_of_up, up, ways


def walk(steps, decay=2.0):
    """The problem, and p."""
    return problem("random_walk", steps=steps, decay=decay), steps * decay


@pytest.mark.parametrize(("steps", "decay"), [(1, 2.0), (2, 2.0), (5, 0.3), (6, 2.0), (12, 1.0)])
def test_gradient_and_expectation_by_all_ways(steps, decay):
    toy, p = walk(steps, decay)
    all_ways = ways(steps, p)
    assert min(way.last for way in all_ways) >= 0
    expected = sum(way.probability * way.last**2 for way in all_ways)
    gradient = sum(way.probability * way.last**2 * way.score for way in all_ways)
    assert float(toy.exact_objective(initial(toy))) == pytest.approx(expected, rel=1e-6)
    assert truth_of(toy)["decay"] == pytest.approx(gradient, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("steps", [30, 100, 1_000])
def test_gradient_by_the_matrix_of_moves(steps):
    """In float64, for as many steps as there may be."""
    toy, p = walk(steps)
    assert truth_of(toy)["decay"] == pytest.approx(gradient_by_matrix(steps, p), rel=1e-6)


def test_all_values_of_x():
    """Each way has the probability of all x that go it: more than one where it is at 0."""
    toy, p = walk(6)
    q = toy.distribution(initial(toy))
    states = all_states(q)
    probability = np.exp(np.asarray(all_log_probs(q), float))
    assert probability.sum() == pytest.approx(1, rel=1e-5)
    assert probability.min() > 0
    last = np.sqrt(np.asarray(toy.objectives(initial(toy), jnp.asarray(states, jnp.float32))))
    for place in range(7):
        expected = sum(way.probability for way in ways(6, p) if way.last == place)
        assert probability[last == place].sum() == pytest.approx(expected, rel=1e-5, abs=1e-12)


def test_draws_go_as_they_should():
    """From each place up as often as its probability says, and never below 0."""
    toy, p = walk(20)
    x = sample(toy.distribution(initial(toy)), jax.random.key(0), 4_000)
    position, tried, gone = np.zeros(4_000, int), np.zeros(21), np.zeros(21)
    for bits in np.asarray(x).T:
        np.add.at(tried, position, 1)
        np.add.at(gone, position, bits)
        position = np.where(position == 0, 1, position + np.where(bits == 1, 1, -1))
    np.testing.assert_array_equal(toy.objectives(initial(toy), x), position**2)
    often = tried > 50
    chance = np.array([0.5, *(up(place, p) for place in range(1, 21))])
    expected = (tried * chance)[often]
    assert_z((gone[often] - expected) / np.sqrt(expected * (1 - chance[often])))


def scores(steps, p, baseline):
    """The variance of (X² − b) s, from the moments of the score s at each place, step by step."""
    moments = np.zeros((3, steps + 2))  # of 1, s and s², where X is
    moments[0, 0] = 1
    for _ in range(steps):
        after = np.zeros_like(moments)
        for place in range(steps + 1):
            rise, slope = up(place, p), slope_of_up(place, p)
            for chance, change, to in ((rise, slope, place + 1), (1 - rise, -slope, place - 1)):
                if chance == 0 or not moments[0, place]:
                    continue
                s = change / chance
                one, first, second = moments[:, place]
                more = (one, first + s * one, second + 2 * s * first + s**2 * one)
                after[:, to] += chance * np.array(more)
        moments = after
    f = np.arange(steps + 2) ** 2
    b = moments[0] @ f if baseline else 0.0
    return moments[2] @ (f - b) ** 2 - (moments[1] @ (f - b)) ** 2


@pytest.mark.parametrize("steps", [3, 20])
def test_score_function(steps):
    """Without a baseline; with the mean over other walks, the paper's control variate."""
    toy, p = walk(steps)
    reinforce = estimator("score_function")
    moments = moments_of(toy, reinforce, 2, f"{steps}", replicates=40_000)["decay"]
    assert_mean(moments, truth_of(toy)["decay"])
    assert_variance(moments, scores(steps, p, baseline=False) / 2)
    baseline = estimator("score_function", baseline="mean")
    moments = moments_of(toy, baseline, 2, f"{steps}", replicates=40_000, adapt_steps=2_000)[
        "decay"
    ]
    assert_mean(moments, truth_of(toy)["decay"])
    assert_variance(moments, scores(steps, p, baseline=True) / 2)


def test_the_moments_of_the_score():
    """The recursion against all ways."""
    for baseline in (False, True):
        all_ways = ways(5, 4.0)
        b = sum(way.probability * way.last**2 for way in all_ways) if baseline else 0.0
        chance = np.array([way.probability for way in all_ways])
        estimates = np.array([(way.last**2 - b) * way.score for way in all_ways])
        variance = chance @ (estimates - chance @ estimates) ** 2
        assert scores(5, 4.0, baseline) == pytest.approx(variance)


def test_enumeration_is_the_truth():
    toy, _ = walk(6)
    estimate, _ = estimator("enumeration").estimate(toy, initial(toy), (), jax.random.key(0), 1)
    assert float(estimate["decay"]) == pytest.approx(float(truth_of(toy)["decay"][0]), rel=1e-5)


@pytest.mark.parametrize(
    "name", ["disarm", "measure_valued", "rebar", "straight_through", "pathwise"]
)
def test_what_does_not_fit_is_refused(name):
    """Bits that depend on one another are no row of Bernoulli variables."""
    assert estimator(name).refuses(walk(5)[0])
    assert "joint values" in estimator("enumeration").refuses(walk(20)[0])
