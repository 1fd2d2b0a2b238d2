"""Linear-quadratic control, against a rollout written out."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from gradest.problems import problem
from tests.support.derivatives import by_coordinate
from tests.support.statistical import initial, truth_of


def episode(gain, log_scale, noise, step, action_cost):
    """A rollout, step by step: its cost, its actions, and the policy's mean at each."""
    place, speed, total = 1.0, 0.0, 0.0
    actions = []
    means = []
    for epsilon in noise:
        means.append(-gain[0] * place - gain[1] * speed)
        actions.append(means[-1] + np.exp(log_scale) * epsilon)
        total += place**2 + speed**2 + action_cost * actions[-1] ** 2
        place, speed = place + step * speed, speed + step * actions[-1]
    return total + place**2 + speed**2, np.array(actions), np.array(means)


def test_gradient_by_quadrature():
    """Gauss–Hermite with three nodes an action is exact for a quadratic cost."""
    toy = problem("linear_quadratic_control", horizon=4, step=0.4, action_cost=0.2)
    theta = np.array([0.6, 0.4, -0.7], np.float32).astype(float)
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    weights = weights / weights.sum()
    outcomes = [list(index) for index in itertools.product(range(3), repeat=4)]

    def expected_cost(theta):
        costs = [episode(theta[:2], theta[2], nodes[index], 0.4, 0.2)[0] for index in outcomes]
        return np.array([weights[index].prod() for index in outcomes]) @ costs

    params = {
        "gain": jnp.asarray(theta[:2], jnp.float32),
        "log_scale": jnp.float32(theta[2]),
    }
    truth = truth_of(toy, params)
    gradient = [*truth["gain"], *truth["log_scale"]]
    np.testing.assert_allclose(gradient, by_coordinate(expected_cost, theta), rtol=1e-5)


def test_density_and_cost_of_an_episode():
    """The density is the policy's, a product over the steps."""
    toy = problem("linear_quadratic_control", horizon=6)
    params = initial(toy)
    noise = np.random.default_rng(0).normal(size=6)
    gain = np.array([0.5, 0.5])
    cost, actions, means = episode(gain, -1.0, noise, float(toy.step), float(toy.action_cost))
    x = jnp.asarray(actions, jnp.float32)
    residual = (actions - means) / np.exp(-1)
    by_steps = (-(residual**2) / 2 + 1 - np.log(2 * np.pi) / 2).sum()
    assert float(toy.distribution(params).log_prob(x)) == pytest.approx(by_steps, rel=1e-5)
    assert float(toy.objective(params, x)) == pytest.approx(cost, rel=1e-5)
