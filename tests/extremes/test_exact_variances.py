"""Exact variances over every argument's range: right to a hundred-millionth, or not claimed.

To a millionth where θ itself is rounded to less.
"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradest.benchmarks.measurement import exact_variances
from gradest.benchmarks.measurement.exact_variances import exact_variance
from gradest.estimators import estimator
from gradest.problems import problem
from gradest.problems.toys import quadrature
from tests.extremes import variance_truths as truths

SMALLEST = 1e-290
"""What is below it may be 0 in float64."""

KS = {
    "gaussian_square": (-2.0, 3.0),
    "gaussian_cosine": (1.0, 12.0),
    "gaussian_exponential": (0.1, 100.0),
    "gaussian_step": (0.0, 3.0),
}
MEANS = (-50.0, 0.0, 0.3, 50.0)
SCALES = (1e-8, 0.01, 1.0, 20.0, 1e3)
NORMALS = [(toy, *setting) for toy in KS for setting in itertools.product(KS[toy], MEANS, SCALES)]

ESTIMATORS = {
    "none": ("score_function", {}, 3),
    "leave_one_out": ("score_function", {"baseline": "leave_one_out"}, 5),
    "pathwise": ("pathwise", {}, 1),
    "coupled": ("measure_valued", {"coupled": True}, 1),
    "independent": ("measure_valued", {"coupled": False}, 1),
}

LOGITS = [
    *([x] for x in (-700.0, -50.0, -37.0, -12.0, -1e-9, 0.0, 1e-9, 3.0, 12.0, 37.0, 50.0, 700.0)),
    [50.0, 0.0],
    [-50.0, 0.3, 50.0],
    [20.0, 20.0, -3.0],
]
TARGETS = (0.0, 0.45, 0.5, 1.0, -1e4)


def found_at(toy, k, means, scales, name):
    """Ours, at coordinates that may differ."""
    kind, arguments, num_samples = ESTIMATORS[name]
    with jax.enable_x64(True):
        made = problem(toy, k=k, mean=means[0], scale=scales[0], dim=len(means))
        params = {"mean": jnp.asarray(means), "scale": jnp.asarray(scales)}
        return exact_variance(made, estimator(kind, **arguments), params, num_samples)


def truth(coordinates, name, group):
    num_samples = ESTIMATORS[name][2]
    if name in ("none", "leave_one_out"):
        return truths.score_function(coordinates, group, num_samples, name == "leave_one_out")
    if name == "pathwise":
        return sum(truths.pathwise(each, group) for each in coordinates)
    return sum(truths.measure_valued(each, group, name == "coupled") for each in coordinates)


def assert_right(found, true, allowed=1e-8, smallest=SMALLEST):
    """To so much of it, or both below the smallest."""
    assert found >= 0, found
    error = abs(found - true)
    assert error <= allowed * true or (true < smallest and found < smallest), (found, float(true))


def assert_normals(toy, k, mean, scale):
    coordinate = truths.Normal.of(toy, k, mean, scale)
    # rounding of x is 1e-16 of the mean, and x − mean is all that h sees
    rounded = scale < 1e-6 * max(1.0, abs(mean))
    allowed = 1e-6 if rounded else 1e-8
    unknown = []
    for name in ESTIMATORS:
        found = found_at(toy, k, [mean], [scale], name)
        if found is None:
            unknown.append(name)
            continue
        for group, variance in found.items():
            with truths.mp.workdps(700 if toy == "gaussian_step" else 60):  # 1 − 1e-200 is not 1
                assert_right(variance, truth([coordinate], name, group), allowed)
    panels_of_many_turns = toy == "gaussian_cosine" and k * scale > 1e3
    hard = rounded or panels_of_many_turns or toy == "gaussian_exponential"
    assert hard or not unknown, unknown


@pytest.mark.parametrize(("toy", "k", "mean", "scale"), NORMALS[::23])
def test_normals(toy, k, mean, scale):
    assert_normals(toy, k, mean, scale)


@pytest.mark.slow
@pytest.mark.parametrize(("toy", "k", "mean", "scale"), NORMALS)
def test_normals_everywhere(toy, k, mean, scale):
    assert_normals(toy, k, mean, scale)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_normals_that_differ(name):
    means, scales = [1.0, -50.0, 1.0, 0.3, 1.0], [1.0, 0.01, 1.0, 20.0, 3.0]
    coordinates = [
        truths.Normal.of("gaussian_square", 3.0, *pair) for pair in zip(means, scales, strict=True)
    ]
    for group, variance in found_at("gaussian_square", 3.0, means, scales, name).items():
        assert_right(variance, truth(coordinates, name, group))


@pytest.mark.parametrize("t", TARGETS)
@pytest.mark.parametrize("logits", LOGITS, ids=str)
def test_bits(logits, t):
    smallest = 1e-110 if t == 0.5 else SMALLEST  # f is constant there, and the truths round
    for reduce in ("sum", "mean"):
        divisor = len(logits) if reduce == "mean" else 1
        with jax.enable_x64(True):
            made = problem("bernoulli_square", t=t, dim=len(logits), reduce=reduce)
            params = {"logits": jnp.asarray(logits)}
            for kind in ("arm", "disarm"):
                found = exact_variance(made, estimator(kind), params, 2)["logits"]
                assert_right(found, truths.pairs(kind, logits, t, divisor), 1e-12, smallest)
            for name in ("none", "leave_one_out"):
                kind, arguments, num_samples = ESTIMATORS[name]
                found = exact_variance(made, estimator(kind, **arguments), params, num_samples)
                loo = name == "leave_one_out"
                true = truths.bit_scores(logits, t, divisor, num_samples, loo)
                assert_right(found["logits"], true, 1e-12, smallest)


@pytest.mark.slow
@pytest.mark.parametrize("name", ESTIMATORS)
def test_alike_coordinates_are_integrated_once(name, monkeypatch):
    """27 seconds at D = 10⁴ once, and 282 at 10⁵, for the same two rules."""
    made = []

    def counted(*given):
        made.append(given)
        return quadrature.half_line(*given)

    monkeypatch.setattr(exact_variances, "half_line", counted)
    many = found_at("gaussian_square", 3.0, [1.0] * 10**5, [1.0] * 10**5, name)
    assert len(made) == 2
    assert all(np.isfinite(variance) and variance > 0 for variance in many.values())


def test_what_the_quadrature_does_not_resolve_is_not_claimed():
    assert found_at("gaussian_cosine", 1e5, [1.0], [3.0], "coupled") is None
    assert found_at("gaussian_exponential", -0.2499, [0.0], [1.0], "none") is None


@pytest.mark.slow
def test_a_mean_that_is_not_the_stated_one_claims_nothing(monkeypatch):
    """As where the panels are too wide to see that h is anything but 0."""
    monkeypatch.setattr(quadrature, "narrow_panels", lambda *given: np.zeros(1))
    assert found_at("gaussian_exponential", 1e8, [0.3], [1e3], "pathwise") is None
