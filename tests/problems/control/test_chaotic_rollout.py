"""The chaotic rollout, by its closed form."""

import numpy as np
import pytest

from gradest.estimators import estimator
from gradest.problems import problem
from tests.support.statistical import assert_variance, initial, moments_of, truth_of


def closed_form(toy):
    """At r = 4 on a grid of ε: ε, weights, f, and f's derivative by the logit of the start.

    s_t = sin²(2ᵗ arcsin √s₀).
    """
    u = np.linspace(-10, 10, 1_000_001)
    weights = np.exp(-(u**2) / 2) * (u[1] - u[0]) / np.sqrt(2 * np.pi)
    start = 1 / (1 + np.exp(-(float(toy.mean) + float(toy.scale) * u)))
    angle = np.arcsin(np.sqrt(start))
    angle_slope = np.sqrt(start * (1 - start)) / 2
    times = 2.0 ** np.arange(1, toy.horizon + 1)
    f = np.mean([np.sin(t * angle) ** 2 for t in times], axis=0)
    slope = np.mean([t * np.sin(2 * t * angle) * angle_slope for t in times], axis=0)
    return u, weights, f, slope


@pytest.mark.parametrize("horizon", [1, 8, 12])
def test_gradient(horizon):
    """By the pathwise identity, where the problem takes the score function's."""
    toy = problem("chaotic_rollout", horizon=horizon)
    truth = truth_of(toy)
    u, weights, _, slope = closed_form(toy)
    np.testing.assert_allclose(truth["mean"], [weights @ slope], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(truth["scale"], [weights @ (slope * u)], rtol=1e-6, atol=1e-9)


def exact_variances(horizon):
    """Of one estimate of the mean's gradient, by estimator."""
    toy = problem("chaotic_rollout", horizon=horizon)
    u, weights, f, slope = closed_form(toy)
    terms = {"pathwise": slope, "score_function": f * u / float(toy.scale)}
    return {name: float(weights @ term**2 - (weights @ term) ** 2) for name, term in terms.items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pathwise", "score_function"])
@pytest.mark.parametrize("horizon", [4, 10])
def test_variance(name, horizon):
    toy = problem("chaotic_rollout", horizon=horizon)
    moments = moments_of(toy, estimator(name), 1, f"chaos {horizon}")["mean"]
    assert_variance(moments, exact_variances(horizon)[name])


def test_pathwise_explodes():
    """As the horizon grows."""
    short = exact_variances(4)
    long = exact_variances(10)
    assert long["pathwise"] > 500 * short["pathwise"]
    assert 0.8 < long["score_function"] / short["score_function"] < 1.25
    assert short["pathwise"] < short["score_function"] * 10 < long["pathwise"]


def test_a_rate_above_four_is_refused():
    with pytest.raises(ValueError, match=r"rate = 4\.5: expected at most 4"):
        problem("chaotic_rollout", rate=4.5)


def test_an_unresolved_horizon():
    """It has no exact gradient."""
    toy = problem("chaotic_rollout", horizon=13)
    assert toy.exact_gradient(initial(toy)) is None
