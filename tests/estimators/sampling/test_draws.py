"""Draws, by distribution functions, and their derivatives, by differences of those."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from gradest.benchmarks.checks.trials import small_problem
from gradest.estimators.sampling.draws import gumbel_latent, logistic_latent, rsample, sample
from gradest.problems import problem
from gradest.problems.distributions.discrete import Bernoulli, OneHotCategoricalLogits
from gradest.problems.distributions.enumeration import all_log_probs, all_states
from tests.support.distributions import DISCRETE, LOGITS, PARAMETERS, SCIPY, around
from tests.support.statistical import assert_likely, assert_z, initial

DRAWS = 25_000

ON_A_LINE = [name for name in SCIPY if name not in ("poisson_toy", "von_mises_toy")]

BY_DISTRIBUTION_FUNCTION = [name for name in ON_A_LINE if name not in ("student_t_toy", "beta_toy")]
"""Families whose draws move so that F(x; θ) stays; of the others numpyro's are not made so."""


def drawn(name: str) -> np.ndarray:
    """Draws of one coordinate."""
    toy = problem(name, **PARAMETERS[name])
    return np.asarray(sample(toy.distribution(initial(toy)), jax.random.key(2), DRAWS), float)[:, 0]


@pytest.mark.parametrize("name", ON_A_LINE)
def test_draws_are_scipys(name):
    assert_likely(stats.kstest(drawn(name), SCIPY[name](**PARAMETERS[name]).cdf).pvalue)


def test_angles_are_scipys():
    x = drawn("von_mises_toy")
    parameters = PARAMETERS["von_mises_toy"]
    assert (np.abs(x) <= np.pi + 1e-6).all()
    unwrapped = around(x, parameters["loc"])
    assert_likely(stats.kstest(unwrapped, stats.vonmises(1.6, loc=0.4).cdf).pvalue)


def test_counts_are_scipys():
    counts = np.bincount(drawn("poisson_toy").astype(int), minlength=9)
    observed = [*counts[:8], counts[8:].sum()]
    theirs = SCIPY["poisson_toy"](**PARAMETERS["poisson_toy"])
    expected = np.array([*theirs.pmf(np.arange(8)), theirs.sf(7)])
    assert_likely(stats.chisquare(observed, DRAWS * expected).pvalue)


def test_normal_draws():
    toy = problem("gaussian_square", mean=2.0, scale=0.5, dim=2)
    x = np.asarray(sample(toy.distribution(initial(toy)), jax.random.key(0), DRAWS))
    assert x.shape == (DRAWS, 2)
    for coordinate in range(2):
        assert_likely(stats.kstest(x[:, coordinate], stats.norm(2, 0.5).cdf).pvalue)


def test_bernoulli_draws():
    toy = problem("bernoulli_square", logit=0.5)
    x = np.asarray(sample(toy.distribution(initial(toy)), jax.random.key(0), DRAWS))
    p = 1 / (1 + np.exp(-0.5))
    assert_z((x.mean() - p) / np.sqrt(p * (1 - p) / DRAWS))


def test_multivariate_normal_draws():
    toy = problem("linear_quadratic_control", horizon=3)
    q = toy.distribution(initial(toy))
    x = np.asarray(rsample(q, jax.random.key(0), 40_000), float)
    covariance = np.asarray(q.covariance_matrix, float)
    variances = np.diag(covariance)
    error = np.sqrt((covariance**2 + np.outer(variances, variances)) / len(x))
    assert_z((np.cov(x.T) - covariance) / error)
    assert_z((x.mean(0) - q.loc) / np.sqrt(variances / len(x)))


@pytest.mark.parametrize("name", DISCRETE)
@pytest.mark.parametrize("draw", ["ours", "numpyro's"])
def test_discrete_draws(name, draw):
    q = DISCRETE[name](jnp.asarray(LOGITS if name == "one-hot" else LOGITS[0]))
    key = jax.random.key(2)
    x = sample(q, key, DRAWS) if draw == "ours" else q.sample(key, (DRAWS,))
    states = all_states(q)
    same = (np.asarray(x, float)[:, None] == states).reshape(DRAWS, len(states), -1).all(-1)
    assert (same.sum(1) == 1).all()
    expected = np.exp(np.asarray(all_log_probs(q), float))
    assert_likely(stats.chisquare(same.sum(0), expected / expected.sum() * DRAWS).pvalue)


@pytest.mark.parametrize("name", ["gaussian_square", "vae_gaussian"])
def test_same_key_same_draws(name):
    """With and without a gradient."""
    q = small_problem(name).distribution(initial(small_problem(name)))
    key = jax.random.key(1)
    np.testing.assert_array_equal(sample(q, key, 5), rsample(q, key, 5))


def draws_and_derivatives(name: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """20 draws in float64, and how each moves with each parameter."""
    with jax.enable_x64(True):
        toy = problem(name, **PARAMETERS[name])
        params = initial(toy)
        key = jax.random.key(1)
        jacobian = jax.jacrev(lambda params: rsample(toy.distribution(params), key, 20)[:, 0])
        derivatives = {group: d[:, 0] for group, d in jacobian(params).items()}
        return np.asarray(sample(toy.distribution(params), key, 20))[:, 0], derivatives


def assert_probability_stays(name: str, x: np.ndarray, derivatives: dict[str, np.ndarray]) -> None:
    """∂x/∂θ = −∂F/∂θ / p at each draw, which for one number is all there is to say."""
    parameters = PARAMETERS[name]
    density = SCIPY[name](**parameters).pdf(x)
    for group, value in parameters.items():
        step = 1e-4 * value
        up = SCIPY[name](**parameters | {group: value + step}).cdf(x)
        down = SCIPY[name](**parameters | {group: value - step}).cdf(x)
        expected = -(up - down) / (2 * step) / density
        np.testing.assert_allclose(derivatives[group], expected, rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("name", BY_DISTRIBUTION_FUNCTION)
def test_derivatives_of_draws(name):
    x, derivatives = draws_and_derivatives(name)
    assert_probability_stays(name, x, derivatives)


def test_derivatives_of_angles():
    x, derivatives = draws_and_derivatives("von_mises_toy")
    x = around(x, PARAMETERS["von_mises_toy"]["loc"])
    assert_probability_stays("von_mises_toy", x, derivatives)


ENDS = {
    "bit": (logistic_latent, Bernoulli(jnp.zeros(1))),
    "category": (gumbel_latent, OneHotCategoricalLogits(jnp.zeros(1))),
}


@pytest.mark.parametrize("kind", ENDS)
def test_latents_of_discrete_draws_end_where_all_their_bits_do(kind):
    """In 2²⁶ draws; of 23 bits each they would end at 15.9, and a bit's on one side at 87."""
    latent, q = ENDS[kind]

    @jax.jit
    def ends(key):
        z = latent(q, key, 2**21)
        return z.min(), z.max()

    low, high = jax.lax.map(ends, jax.random.split(jax.random.key(0), 32))
    assert 16.7 < high.max() < 22.9
    assert -22.9 < low.min() < (-16.7 if kind == "bit" else -2.5)
