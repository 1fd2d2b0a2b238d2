"""Double control variates: by enumeration, by their formula, and where nothing is left to vary."""

import jax.numpy as jnp
import numpy as np
import pytest

from gradest.benchmarks.checks.comparisons import Failed
from gradest.benchmarks.measurement.exact_variances import exact_variance
from gradest.estimators import estimator
from gradest.estimators.discrete.double_control_variate import RODEO, DoubleControlVariate
from gradest.estimators.sampling.draws import sample
from gradest.problems import problem
from gradest.problems.distributions.enumeration import binary_vectors
from tests.support.bits import (
    LOGIT,
    PROBS,
    TRUTH,
    Interacting,
    P,
    T,
    all_draws,
    f_and_gradient,
    interacting,
    interacting_truth,
    mean_and_variance,
)
from tests.support.estimates import KEY, one_estimate
from tests.support.half_trained import check_training
from tests.support.rodeo import Controls, Draws, rodeo, stein
from tests.support.statistical import (
    assert_mean,
    assert_variance,
    initial,
    moments_of,
    truth_of,
    variance_of,
)

SLOW = pytest.mark.slow  # they compile for long

LEAVE_ONE_OUT = estimator("score_function", baseline="leave_one_out")


def written_out(x, alpha):
    """The estimate from draws (…, L, D), one after the other."""
    n = x.shape[-2]
    f, gradient = f_and_gradient(x)
    total = 0
    for k in range(n):
        others = [j for j in range(n) if j != k]

        def with_h(j):
            rest = [i for i in range(n) if i != j]
            along = (x[..., j, :] - PROBS) * gradient[..., rest, :].mean(-2)
            return f[..., j] + alpha * along.sum(-1)

        baseline = sum(with_h(j) for j in others) / (n - 1)
        advantage = (with_h(k) - baseline)[..., None]
        total = total + advantage * (x[..., k, :] - PROBS)
        total = total - alpha * gradient[..., k, :] * PROBS * (1 - PROBS)
    return total / n


@pytest.mark.parametrize(("n", "alpha"), [(2, -1.0), (3, -0.6)])
def test_by_enumeration(n, alpha):
    x, probability = all_draws(n)
    mean, variance = mean_and_variance(probability, written_out(x, alpha))
    np.testing.assert_allclose(mean, interacting_truth())
    toy, params = interacting()
    fixed = estimator("double_control_variate", coefficient=alpha, learned=False)
    moments = moments_of(toy, fixed, n, f"{alpha}", params=params)["logits"]
    assert_mean(moments, mean)
    assert_variance(moments, variance)


@pytest.mark.parametrize(
    ("name", "given"), [("double_control_variate", {"coefficient": 0.0}), ("rodeo", {})]
)
def test_with_coefficients_of_zero(name, given):
    """It is leave-one-out; RODEO begins there."""
    toy, params = interacting()
    ours = estimator(name, **given)
    state = ours.init(toy, params, KEY)
    estimate = one_estimate(toy, ours, params, 5, state=state)
    leave_one_out = one_estimate(toy, LEAVE_ONE_OUT, params, 5)
    np.testing.assert_allclose(estimate["logits"], leave_one_out["logits"], rtol=1e-4, atol=1e-6)


def test_a_linear_f_leaves_no_variance():
    """f + h is constant there, so that the baseline leaves nothing at all."""

    class Linear(Interacting):
        def objective(self, params, x):
            return 3 * x[..., 0] - 2 * x[..., 1]

    fixed = estimator("double_control_variate", coefficient=-1.0, learned=False)
    moments = moments_of(Linear(dim=2, logit=LOGIT), fixed, 3, "linear")["logits"]
    assert variance_of(moments).value < 1e-10
    np.testing.assert_allclose(moments.mean.mean(0), np.array([3, -2]) * P * (1 - P), rtol=1e-4)


def numpy_network(layers):
    """A learned network, as a function of two numbers."""
    weights = np.asarray(layers.hidden.weight, float)
    biases = np.asarray(layers.hidden.bias, float)
    out = np.ravel(np.asarray(layers.out.weight, float))
    constant = float(layers.out.bias[0])
    return lambda along, value: (
        out @ np.tanh(weights @ np.array([along, value]) + biases) + constant
    )


def test_rodeo_written_out():
    toy, params = interacting()
    subject = estimator("rodeo", hidden_dim=3)
    state = subject.init(toy, params, KEY)
    _, _, first, second = state.learned
    alpha, beta, n = 0.8, -1.3, 4
    learned = state.learned._replace(alpha=jnp.float32(alpha), beta=jnp.float32(beta))
    estimate = one_estimate(toy, subject, params, n, state=state._replace(learned=learned))
    x = np.asarray(sample(toy.distribution(params), KEY, n), float)
    controls = Controls(alpha, beta, numpy_network(first), numpy_network(second))
    expected = rodeo(Draws(PROBS, x, *f_and_gradient(x)), controls)
    np.testing.assert_allclose(estimate["logits"], expected, rtol=1e-4)


def rodeo_over_all_draws(n, controls):
    """The reference's mean and variance, enumerated."""
    x, probability = all_draws(n)
    estimates = [rodeo(Draws(PROBS, each, *f_and_gradient(each)), controls) for each in x]
    return mean_and_variance(probability, np.array(estimates))


CONTROLS = Controls(0.8, -1.3, lambda a, v: np.tanh(a - 0.3 * v), lambda a, v: a * v + np.sin(a))


@pytest.mark.parametrize("n", [2, 3])
def test_the_reference_is_unbiased(n):
    """Whatever its coefficients and functions are; and they matter."""
    mean, variance = rodeo_over_all_draws(n, CONTROLS)
    np.testing.assert_allclose(mean, interacting_truth())
    _, without = rodeo_over_all_draws(n, CONTROLS._replace(alpha=0.0, beta=0.0))
    assert abs(variance - without) > 0.01 * without


def test_the_reference_without_controls():
    """It is leave-one-out."""
    x, _ = all_draws(3)
    for each in x:
        f, gradient = f_and_gradient(each)
        without = CONTROLS._replace(alpha=0.0, beta=0.0)
        advantage = f - (f.sum() - f) / 2
        expected = (advantage[:, None] * (each - PROBS)).mean(0)
        estimate = rodeo(Draws(PROBS, each, f, gradient), without)
        np.testing.assert_allclose(estimate, expected, atol=1e-15)


def test_the_references_stein_operator():
    """Its mean under q is zero."""
    x, probability = all_draws(1)
    each = [stein(lambda y: np.exp(y @ [0.5, -2.0]) + y, bits, PROBS) for bits in x[:, 0]]
    np.testing.assert_allclose(probability @ np.array(each), 0, atol=1e-12)


class Begun(RODEO):
    """With coefficients other than zero to begin with, and the same networks whatever the key."""

    def init_learned(self, problem, params, key):
        learned = super().init_learned(problem, params, KEY)
        return learned._replace(alpha=jnp.float32(3.0), beta=jnp.float32(-2.0))


def quadratic(x):
    """Titsias and Shi's quadratic in as many bits, and its gradient with respect to x."""
    return ((x - 0.499) ** 2).mean(-1), 2 * (x - 0.499) / x.shape[-1]


def rodeo_on_the_quadratic(dim, controls):
    """The reference's mean and variance at p = ½, over all pairs of draws."""
    p = np.full(dim, 0.5)
    pairs = binary_vectors(2 * dim).reshape(-1, 2, dim)
    estimates = [rodeo(Draws(p, each, *quadratic(each)), controls) for each in pairs]
    return mean_and_variance(np.full(len(pairs), 1 / len(pairs)), np.array(estimates))


QUADRATIC = {"t": 0.499, "logit": 0.0, "reduce": "mean"}


@pytest.mark.parametrize("cls", [pytest.param(RODEO, marks=SLOW), Begun])
def test_rodeo_before_it_has_learned(cls):
    """On the quadratic in three bits, with two draws, by enumeration of both."""
    toy = problem("bernoulli_square", dim=3, **QUADRATIC)
    subject = cls(hidden_dim=3)
    alpha, beta, *networks = subject.init(toy, initial(toy), KEY).learned
    controls = Controls(float(alpha), float(beta), *map(numpy_network, networks))
    mean, variance = rodeo_on_the_quadratic(3, controls)
    np.testing.assert_allclose(mean, truth_of(toy)["logits"], rtol=1e-4)  # t is of float32
    moments = moments_of(toy, subject, 2, cls.__name__, adapt_steps=0)["logits"]
    assert_mean(moments, mean)
    assert_variance(moments, variance)


def test_rodeo_in_two_hundred_bits():
    """The toy of Titsias and Shi at its first step: it runs, and is leave-one-out still."""
    toy = problem("bernoulli_square", dim=200, **QUADRATIC)
    start = exact_variance(toy, LEAVE_ONE_OUT, initial(toy), 2)["logits"]
    moments = moments_of(toy, RODEO(), 2, "two hundred", replicates=2_000, adapt_steps=0)["logits"]
    assert_mean(moments, truth_of(toy)["logits"])
    assert_variance(moments, start)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("double_control_variate", {"coefficient": 0.0}),
        pytest.param("rodeo", {}, marks=SLOW),
    ],
)
def test_learning_lowers_the_variance(name, given):
    """Below that of where it starts, leave-one-out, by more than chance."""
    toy = problem("bernoulli_square", t=T, logit=LOGIT, dim=3)
    start = exact_variance(toy, LEAVE_ONE_OUT, initial(toy), 2)["logits"]
    learning = estimator(name, learning_rate=0.02, **given)
    moments = moments_of(toy, learning, 2, f"learned{name}")["logits"]
    assert variance_of(moments).high < start
    assert_mean(moments, [TRUTH] * 3)


@pytest.mark.slow
@pytest.mark.parametrize("cls", [DoubleControlVariate, pytest.param(RODEO, marks=SLOW)])
def test_half_trained_is_caught(cls):
    with pytest.raises(Failed, match="expected the gradient that trains the state"):
        check_training(cls)
