"""Variances that are known exactly: our quadrature against another, and estimators against that."""

import itertools
import math

import jax
import numpy as np
import pytest

from gradest.benchmarks.measurement.exact_variances import exact_variance
from gradest.estimators import Estimator, estimator
from gradest.estimators.pathwise.pathwise import Pathwise
from gradest.problems import problem
from gradest.problems.toys.gaussian import GaussianSquare
from tests.support.quadrature import INTEGRANDS, VARIANCES, exact_gradient
from tests.support.statistical import assert_mean, assert_variance, moments_of

SETTINGS = {  # k, mean, scale
    "gaussian_square": [(3.0, 1.0, 1.0), (-2.0, 0.5, 0.7), (0.0, 1.0, 1.5)],
    "gaussian_exponential": [(1.0, 1.0, 1.0), (0.1, -0.5, 1.3), (-0.1, 0.3, 0.8)],
    "gaussian_cosine": [(1.0, 1.0, 1.0), (0.5, 2.0, 1.2), (2.0, 0.3, 0.6)],
}
GROUPS = ("mean", "scale")
CASES = [
    (name, setting, kind) for name in INTEGRANDS for setting in SETTINGS[name] for kind in VARIANCES
]
SAMPLES = 8


def make(kind: tuple[str, str]) -> Estimator:
    name, baseline = kind
    return estimator(name, **({"baseline": baseline} if baseline else {}))


def label(value: object) -> str:
    return "-".join(map(str, value)) if isinstance(value, tuple) else str(value)


@pytest.mark.parametrize(("name", "setting", "kind"), CASES, ids=label)
@pytest.mark.parametrize("num_samples", [2, 16])
def test_exact_variance_is_gauss_hermites(name, setting, kind, num_samples):
    k, mean, scale = setting
    toy = problem(name, k=k, mean=mean, scale=scale)
    ours = exact_variance(toy, make(kind), toy.init_params(jax.random.key(0)), num_samples)
    for group in GROUPS:
        theirs = VARIANCES[kind](name, k, mean, scale, group, num_samples)
        # k, mean and scale are held in float32, which is worth 1e-7 relative in each
        assert ours[group] == pytest.approx(theirs, rel=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "setting", "kind"), CASES, ids=label)
def test_measured_variance_and_mean_are_the_exact_ones(name, setting, kind):
    k, mean, scale = setting
    toy = problem(name, k=k, mean=mean, scale=scale)
    moments = moments_of(toy, make(kind), SAMPLES, f"{name}{setting}")
    for group in GROUPS:
        variance = VARIANCES[kind](name, k, mean, scale, group, SAMPLES)
        assert_variance(moments[group], variance)
        assert_mean(moments[group], exact_gradient(name, k, mean, scale, group))


@pytest.mark.parametrize("kind", VARIANCES, ids=label)
def test_a_wrong_one_over_l_would_be_caught(kind):
    """The measurement resolves L − 1 from L: the tests above are sharp enough to fail."""
    toy = problem("gaussian_square")
    moments = moments_of(toy, make(kind), SAMPLES, "gaussian_square")["mean"]
    right = VARIANCES[kind]("gaussian_square", 3.0, 1.0, 1.0, "mean", SAMPLES)
    with pytest.raises(AssertionError, match="t = "):
        assert_variance(moments, right * SAMPLES / (SAMPLES - 1))


@pytest.mark.parametrize(
    ("kind", "group", "value"),
    [
        (("score_function", "none"), "mean", 87),
        (("pathwise", ""), "mean", 4),
        (("pathwise", ""), "scale", 24),
        (("measure_valued", ""), "scale", 20),
    ],
    ids=label,
)
def test_the_square_at_one_one_three(kind, group, value):
    toy = problem("gaussian_square", k=3.0, mean=1.0, scale=1.0)
    ours = exact_variance(toy, make(kind), toy.init_params(jax.random.key(0)), 1)
    assert ours[group] == pytest.approx(value, rel=1e-9)
    assert VARIANCES[kind]("gaussian_square", 3.0, 1.0, 1.0, group, 1) == pytest.approx(
        value, rel=1e-9
    )


@pytest.mark.parametrize(
    ("baseline", "num_samples", "value"), [("none", 1, 0.0135649), ("leave_one_out", 2, 6.2275e-4)]
)
def test_bernoulli_known_values(baseline, num_samples, value):
    toy = problem("bernoulli_square", t=0.45, logit=0.5)
    params = toy.init_params(jax.random.key(0))
    reinforce = estimator("score_function", baseline=baseline)
    assert exact_variance(toy, reinforce, params, num_samples)["logits"] == pytest.approx(
        value, rel=1e-5
    )
    moments = moments_of(toy, reinforce, num_samples, "bernoulli_square", replicates=40_000)
    assert_variance(moments["logits"], value)


@pytest.mark.parametrize("baseline", ["none", "leave_one_out"])
@pytest.mark.parametrize("reduce", ["sum", "mean"])
def test_bernoulli_in_three_dimensions_by_enumerating_every_draw(baseline, reduce):
    """All 2^(L·D) outcomes of L draws, the estimate of each written out."""
    dim, num_samples, t, logit = 3, 2, 0.45, 0.5
    p = 1 / (1 + math.exp(-logit))
    outcomes = np.array(list(itertools.product([0.0, 1.0], repeat=dim * num_samples))).reshape(
        -1, num_samples, dim
    )
    probability = np.where(outcomes == 1, p, 1 - p).prod((1, 2))
    f = ((outcomes - t) ** 2).sum(-1) / (dim if reduce == "mean" else 1)
    b = f[:, ::-1] if baseline == "leave_one_out" else 0 * f
    estimate = ((f - b)[..., None] * (outcomes - p)).mean(1)
    mean = probability @ estimate
    variance = float((probability @ (estimate - mean) ** 2).sum())
    toy = problem("bernoulli_square", t=t, logit=logit, dim=dim, reduce=reduce)
    params = toy.init_params(jax.random.key(0))
    reinforce = estimator("score_function", baseline=baseline)
    assert exact_variance(toy, reinforce, params, num_samples)["logits"] == pytest.approx(
        variance, rel=1e-5
    )
    np.testing.assert_allclose(mean, toy.exact_gradient(params)["logits"], rtol=1e-5)
    moments = moments_of(toy, reinforce, num_samples, f"bernoulli{reduce}", replicates=40_000)
    assert_variance(moments["logits"], variance)


@pytest.mark.parametrize("baseline", ["none", "leave_one_out"])
def test_gaussian_in_two_dimensions_by_tensor_quadrature(baseline):
    """f couples the coordinates of a score-function estimate: cross terms against a grid."""
    from tests.support.quadrature import NODES, WEIGHTS

    k, mean, scale, num_samples = 0.7, 0.4, 1.2, 3
    f = np.cos(k * (mean + scale * NODES))
    both, weights = f[:, None] + f, WEIGHTS[:, None] * WEIGHTS
    toy = problem("gaussian_cosine", k=k, mean=mean, scale=scale, dim=2)
    reinforce = estimator("score_function", baseline=baseline)
    ours = exact_variance(toy, reinforce, toy.init_params(jax.random.key(0)), num_samples)
    for group, score in (("mean", NODES / scale), ("scale", (NODES**2 - 1) / scale)):
        s = score[:, None] + 0 * both
        g, information = (weights * both * s).sum(), (weights * s**2).sum()
        centred = both - (weights * both).sum()
        if baseline == "none":
            expected = ((weights * (both * s) ** 2).sum() - g**2) / num_samples
        else:
            spread = (weights * centred**2).sum() * information / (num_samples - 1)
            square = (weights * (centred * s) ** 2).sum() - g**2 * (num_samples - 2) / (
                num_samples - 1
            )
            expected = (square + spread) / num_samples
        assert ours[group] == pytest.approx(2 * expected, rel=1e-5)


def test_the_step_by_counting_sign_changes():
    """Measure-valued on a step: c²(P − P²) for the mean.

    P = P(W > |k − μ|/σ) is the Rayleigh tail.
    """
    toy = problem("gaussian_step", k=0.3, mean=1.0, scale=0.8)
    params = toy.init_params(jax.random.key(0))
    tail = math.exp(-((0.7 / 0.8) ** 2) / 2)
    expected = tail * (1 - tail) / (2 * math.pi * 0.8**2)
    ours = exact_variance(toy, estimator("measure_valued"), params, 1)
    assert ours["mean"] == pytest.approx(expected, rel=1e-5)
    moments = moments_of(toy, estimator("measure_valued"), 4, "step", replicates=40_000)
    for group in GROUPS:
        assert_variance(moments[group], ours[group] / 4)


def test_a_subclass_that_does_something_else_has_no_exact_variance():
    """A user's own class inherits the code, and not the formula."""

    class Half(Pathwise):
        def surrogate(self, problem, params, state, key, num_samples):
            loss, state = super().surrogate(problem, params, state, key, num_samples)
            return loss / 2, state

    class Doubled(GaussianSquare):
        def objective(self, params, x):
            return 2 * super().objective(params, x)

    class Unstated(GaussianSquare):
        def integrand(self, x):
            return (x - self.k) ** 4

    class Quartic(Unstated):
        def expectation(self, mean, scale):
            return (mean - self.k) ** 4 + 6 * ((mean - self.k) * scale) ** 2 + 3 * scale**4

    square = GaussianSquare()
    params = square.init_params(jax.random.key(0))
    assert exact_variance(square, Pathwise(), params, 4)
    assert exact_variance(square, Half(), params, 4) is None
    assert exact_variance(Doubled(), Pathwise(), params, 4) is None
    assert exact_variance(Quartic(), Pathwise(), params, 4)
    # its expectation is the square's: nothing shows that the quadrature is fine enough for it
    assert exact_variance(Unstated(), Pathwise(), params, 4) is None
