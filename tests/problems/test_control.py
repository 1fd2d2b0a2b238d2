"""Policy-gradient problems: exact gradients and variances, against rollouts written out here."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradest.benchmarks.measurement.exact_gradient import exact_gradient
from gradest.benchmarks.measurement.replicates import cell_key, measure
from gradest.benchmarks.statistics import intervals
from gradest.estimators import estimator
from gradest.problems import problem

KEY = jax.random.key(0)


def episode(
    gain: np.ndarray, log_scale: float, noise: np.ndarray, step: float, cost: float
) -> tuple[float, list, list]:
    """A rollout, step by step: its cost, its actions, and the policy's mean at each."""
    place, speed, total = 1.0, 0.0, 0.0
    actions, means = [], []
    for epsilon in noise:
        means.append(-gain[0] * place - gain[1] * speed)
        actions.append(means[-1] + np.exp(log_scale) * epsilon)
        total += place**2 + speed**2 + cost * actions[-1] ** 2
        place, speed = place + step * speed, speed + step * actions[-1]
    return total + place**2 + speed**2, actions, means


def test_linear_quadratic_control_by_quadrature_over_all_noise():
    """Gauss–Hermite with three nodes an action is exact for a quadratic cost."""
    toy = problem("linear_quadratic_control", horizon=4, step=0.4, action_cost=0.2)
    theta = np.array([0.6, 0.4, -0.7], np.float32).astype(float)
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    weights = weights / weights.sum()

    def expected(theta: np.ndarray) -> float:
        return sum(
            weights[list(index)].prod()
            * episode(theta[:2], theta[2], nodes[list(index)], 0.4, 0.2)[0]
            for index in itertools.product(range(3), repeat=4)
        )

    truth = exact_gradient(
        toy, {"gain": jnp.asarray(theta[:2], jnp.float32), "log_scale": jnp.float32(theta[2])}
    )
    h = 1e-5
    numeric = [(expected(theta + h * e) - expected(theta - h * e)) / (2 * h) for e in np.eye(3)]
    np.testing.assert_allclose([*truth["gain"], *truth["log_scale"]], numeric, rtol=1e-5)


def test_the_density_of_an_episode_is_the_policys_product():
    toy = problem("linear_quadratic_control", horizon=6)
    params = toy.init_params(KEY)
    noise = np.random.default_rng(0).normal(size=6)
    cost, actions, means = episode(
        np.array([0.5, 0.5]), -1.0, noise, float(toy.step), float(toy.action_cost)
    )
    x = jnp.asarray(actions, jnp.float32)
    residual = (np.array(actions) - means) / np.exp(-1)
    by_steps = (-(residual**2) / 2 + 1 - np.log(2 * np.pi) / 2).sum()
    assert float(toy.distribution(params).log_prob(x)) == pytest.approx(by_steps, rel=1e-5)
    assert float(toy.objective(params, x)) == pytest.approx(cost, rel=1e-5)


def test_draws_of_a_multivariate_gaussian_have_its_covariance():
    from gradest.estimators.sampling.draws import rsample

    toy = problem("linear_quadratic_control", horizon=3)
    q = toy.distribution(toy.init_params(KEY))
    x = np.asarray(rsample(q, KEY, 40_000), float)
    covariance = np.asarray(q.covariance_matrix, float)
    error = np.sqrt((covariance**2 + np.outer(np.diag(covariance), np.diag(covariance))) / len(x))
    assert (np.abs(np.cov(x.T) - covariance) < 4.5 * error).all()
    assert (np.abs(x.mean(0) - q.loc) < 4.5 * np.sqrt(np.diag(covariance) / len(x))).all()


def wave(
    horizon: int, mean: float, scale: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The rollout at r = 4 in closed form, s_t = sin²(2ᵗ arcsin √s₀), and its slope, on a grid: ε, weights, f, f'."""
    u = np.linspace(-10, 10, 1_000_001)
    weights = np.exp(-(u**2) / 2) * (u[1] - u[0]) / np.sqrt(2 * np.pi)
    start = 1 / (1 + np.exp(-(mean + scale * u)))
    angle, slope = np.arcsin(np.sqrt(start)), np.sqrt(start * (1 - start)) / 2
    times = 2.0 ** np.arange(1, horizon + 1)
    f = np.mean([np.sin(t * angle) ** 2 for t in times], axis=0)
    return u, weights, f, np.mean([t * np.sin(2 * t * angle) * slope for t in times], axis=0)


@pytest.mark.parametrize("horizon", [1, 8, 12])
def test_the_chaotic_rollout_by_its_closed_form(horizon: int):
    """By the pathwise identity, where the problem takes the score function's."""
    toy = problem("chaotic_rollout", horizon=horizon)
    truth = exact_gradient(toy, toy.init_params(KEY))
    u, weights, _, slope = wave(horizon, float(toy.mean), float(toy.scale))
    np.testing.assert_allclose(truth["mean"], [weights @ slope], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(truth["scale"], [weights @ (slope * u)], rtol=1e-6, atol=1e-9)


def test_the_pathwise_gradient_explodes_with_the_horizon_and_the_score_functions_does_not():
    found: dict[tuple[str, int], float] = {}
    for horizon in (4, 10):
        toy = problem("chaotic_rollout", horizon=horizon)
        params = toy.init_params(KEY)
        u, weights, f, slope = wave(horizon, float(toy.mean), float(toy.scale))
        for name, term in (("pathwise", slope), ("score_function", f * u / float(toy.scale))):
            moments = measure(
                toy,
                estimator(name),
                params,
                num_samples=1,
                replicates=20_000,
                key=cell_key(0, "chaos", "init", horizon),
            ).moments
            interval = intervals.variance(moments["mean"])
            exact = weights @ term**2 - (weights @ term) ** 2
            assert abs(interval.value - exact) < 4.5 * (interval.high - interval.low) / 4
            found[name, horizon] = exact
    assert found["pathwise", 10] > 500 * found["pathwise", 4]
    assert 0.8 < found["score_function", 10] / found["score_function", 4] < 1.25
    assert found["pathwise", 4] < found["score_function", 4] * 10 < found["pathwise", 10]


def test_a_rate_above_four_and_an_unresolved_horizon_are_refused():
    with pytest.raises(ValueError, match=r"rate = 4\.5: expected at most 4"):
        problem("chaotic_rollout", rate=4.5)
    toy = problem("chaotic_rollout", horizon=13)
    assert toy.exact_gradient(toy.init_params(KEY)) is None


def test_the_bandit_by_enumeration_of_its_arms_and_finite_differences():
    toy = problem("bandit", arms=4, target=0.7, offset=2.0)
    logits = np.array([0.3, -0.5, 1.0, 0.2], np.float32).astype(float)

    def expected(logits: np.ndarray) -> float:
        p = np.exp(logits) / np.exp(logits).sum()
        return sum(p[k] * ((k / 3 - 0.7) ** 2 - 2) for k in range(4))

    truth = exact_gradient(toy, {"logits": jnp.asarray(logits[None], jnp.float32)})
    h = 1e-6
    numeric = [(expected(logits + h * e) - expected(logits - h * e)) / (2 * h) for e in np.eye(4)]
    np.testing.assert_allclose(truth["logits"], numeric, rtol=1e-5, atol=1e-8)
    arm = jax.nn.one_hot(2, 4)[None]
    assert float(toy.objective(toy.init_params(jax.random.key(0)), arm)) == np.float32(
        (2 / 3 - 0.7) ** 2 - 2
    )
