"""Tests for bias: formulas written out here again, and false alarms and power by simulation."""

import numpy as np
import pytest
from scipy import stats

from gradest.benchmarks.statistics.bias import (
    Deviation,
    Truth,
    bias,
    biases,
    deviation,
    equivalence_p,
    exactly,
    holm,
    missable,
)
from gradest.benchmarks.statistics.moments import pool, summarise

BATCHES, EPSILON = 20, 1e-16


def skewed(rng: np.random.Generator, replicates: int, dim: int) -> np.ndarray:
    """Mean 1, variance 1, skewness 2."""
    return rng.standard_exponential((replicates, dim))


def test_halls_transformation_is_the_cubic_whose_inverse_removes_the_skewness():
    """Hall (1992), eq. (2.1) in his notation: g(T) = T + γ̂ T²/(3√n) + γ̂² T³/(27 n) + γ̂/(6√n),
    from raw replicates.
    """
    data = np.random.default_rng(0).gamma(0.5, size=(60, 2))
    mean, sigma, n = data.mean(0), data.std(0, ddof=1), len(data)
    gamma = ((data - mean) ** 3).mean(0) / sigma**3
    for truth in (0.2, 0.5, 1.5):
        t = (mean - truth) / (sigma / np.sqrt(n))
        expected = (
            t
            + gamma * t**2 / (3 * np.sqrt(n))
            + gamma**2 * t**3 / (27 * n)
            + gamma / (6 * np.sqrt(n))
        )
        found = deviation(summarise(data, BATCHES), exactly(np.full(2, truth)), 0.0)
        np.testing.assert_allclose(found.z(), expected)
        np.testing.assert_allclose(found.p(), 2 * stats.t.sf(abs(expected), n - 1))


def test_the_corrected_z_rises_with_the_distance():
    """Else a bias could hide by being larger; T itself and the cubic agree where there is no
    skewness.
    """
    distance = np.linspace(-8, 8, 2001)
    ones = np.ones_like(distance)
    for a in (-0.5, -0.1, 0.0, 0.2, 0.5):
        z = Deviation(distance, ones, 0 * ones, a * ones, 1000).z()
        assert (np.diff(z) > -1e-12).all()
        assert a or (z == distance).all()


def test_either_tail_is_as_likely_where_the_data_are_skewed():
    """4,000 of them at R = 200: with the correction both tails have 2.5 %, without it they are
    apart by many errors.
    """
    rng, corrected, plain = np.random.default_rng(1), [], []
    for _ in range(200):
        found = deviation(summarise(skewed(rng, 200, 20), BATCHES), exactly(np.ones(20)), EPSILON)
        corrected.extend(found.z())
        plain.extend(found._replace(skewness=np.zeros(20)).z())
    error = np.sqrt(0.025 * 0.975 / 4000)
    for z, balanced in ((np.array(corrected), True), (np.array(plain), False)):
        low, high = (z < -1.96).mean(), (z > 1.96).mean()
        assert (abs(low - 0.025) < 4 * error and abs(high - 0.025) < 4 * error) == balanced


def test_holm_on_an_example_worked_by_hand():
    """0.01 × 4, 0.02 × 3, 0.03 × 2 and 0.5 × 1 in rising order, none below the one before."""
    np.testing.assert_allclose(holm(np.array([0.03, 0.01, 0.5, 0.02])), [0.06, 0.04, 0.5, 0.06])
    np.testing.assert_allclose(holm(np.array([0.4, 0.6, 0.9])), [1, 1, 1])
    np.testing.assert_allclose(holm(np.array([0.2])), [0.2])


def family_wise_rate(studies: int, adjust) -> float:
    """Of 100 skewed coordinates without bias at R = 1,000."""
    rng, alarms = np.random.default_rng(2), 0
    for _ in range(studies):
        found = deviation(
            summarise(skewed(rng, 1000, 100), BATCHES), exactly(np.ones(100)), EPSILON
        )
        alarms += adjust(found) < 0.05
    return alarms / studies


def test_the_family_wise_rate_of_a_hundred_skewed_coordinates():
    """800 studies: below 5 % by no less than the correction's remainder, above by no more than
    three errors.
    """
    error = np.sqrt(0.05 * 0.95 / 800)
    assert 0.01 < family_wise_rate(800, lambda found: holm(found.p()).min()) < 0.05 + 3 * error
    assert family_wise_rate(50, lambda found: found.p().min()) > 0.9


@pytest.mark.parametrize("ignored", [False, True], ids=["counted", "ignored"])
def test_a_truths_own_error_counts(ignored):
    """400 cells of five coordinates against reference runs as long: 5 %, far more where the error
    is left out.
    """
    rng, alarms, replicates = np.random.default_rng(3), 0, 1000
    error = np.full(5, 1 / np.sqrt(replicates))
    for _ in range(400):
        truth = 1 + error * rng.standard_normal(5)
        moments = summarise(skewed(rng, replicates, 5), BATCHES)
        alarms += (
            biases({"": moments}, {"": Truth(truth, (not ignored) * error, 0.0)}, EPSILON)[""].p
            < 0.05
        )
    limit = 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)
    assert (alarms / 400 > limit) == ignored


@pytest.mark.slow
@pytest.mark.parametrize("factor", [0.5, 1.0, 1.5])
def test_a_planted_bias_is_found_at_the_predicted_rate(factor):
    """800 studies, ten skewed coordinates, the first biased by so many times what is said to be
    detectable.

    Within three Monte Carlo errors, and a point for the normal law's being a limit.
    """
    rng, found, replicates, dim = np.random.default_rng(4), 0, 2000, 10
    step, power = stats.norm.ppf(1 - 0.025 / dim), stats.norm.ppf(0.8)
    size = (step + power) / np.sqrt(replicates)  # a replicate's variance is 1
    predicted = stats.norm.cdf(factor * (step + power) - step)
    said = []
    for i in range(800):
        moments = summarise(skewed(rng, replicates, dim), BATCHES)
        truth = np.ones(dim)
        said.append(bias(moments, truth, EPSILON).detectable)
        truth[0] += (-1) ** i * factor * size
        found += holm(deviation(moments, exactly(truth), EPSILON).p())[0] < 0.05
    assert abs(found / 800 - predicted) < 3 * np.sqrt(predicted * (1 - predicted) / 800) + 0.01
    # said of the noisiest of the ten
    assert 1 <= np.median(said) / size < 1.1


@pytest.mark.parametrize(("size", "most"), [(1.0, 0.05), (-1.0, 0.05), (0.0, 1.0)])
def test_no_bias_is_claimed_only_where_there_is_none(size, most):
    """At the margin a claim in at most 5 % of 600 studies, three errors allowed; well within,
    nearly always.
    """
    rng, claims = np.random.default_rng(5), 0
    exact = np.array([1.0, 0.0])
    for _ in range(600):
        data = 0.1 * (skewed(rng, 400, 2) - 1) + (1 + 0.05 * size) * exact
        claims += bias(summarise(data, BATCHES), exact, EPSILON).equivalence_p < 0.05
    if size:
        assert 0.02 < claims / 600 < most + 3 * np.sqrt(most * (1 - most) / 600)
    else:
        assert claims / 600 > 0.99


def test_equivalence_is_two_one_sided_tests_in_every_coordinate():
    """Schuirmann's (1987), written out for data without skewness, of which the worst coordinate
    decides.
    """
    found = Deviation(np.array([0.2, -0.5]), np.array([0.1, 0.3]), np.zeros(2), np.zeros(2), 999)
    each = [
        max(stats.t.sf((d + 1) / e, 999), stats.t.sf((1 - d) / e, 999))
        for d, e in ((0.2, 0.1), (-0.5, 0.3))
    ]
    assert equivalence_p(found, 1.0) == pytest.approx(max(each))
    assert equivalence_p(found, 0.0) == 1.0


def test_no_evidence_of_a_bias_is_no_evidence_of_none():
    """A few noisy replicates: neither a bias is claimed nor its absence."""
    found = bias(
        summarise(np.random.default_rng(6).normal(1, 10, (40, 2)), BATCHES), np.ones(2), EPSILON
    )
    assert found.p > 0.05
    assert found.equivalence_p > 0.05


@pytest.mark.parametrize("size", [0.0, 0.05])
def test_the_squared_bias_is_right_in_the_mean(size):
    """Over 1,000 studies, within four errors of ‖bias‖², where the plain square is off by the
    noise, ten and more.
    """
    rng, found, replicates = np.random.default_rng(7), [], 400
    exact = np.array([1.0, 1 - size, 1.0])
    noise = 3 / replicates
    for _ in range(1000):
        found.append(
            bias(summarise(skewed(rng, replicates, 3), BATCHES), exact, EPSILON).squared.value
        )
    error = np.std(found) / np.sqrt(1000)
    assert abs(np.mean(found) - size**2) < 4 * error
    assert noise > 10 * error


def test_a_planted_bias_is_measured():
    rng = np.random.default_rng(8)
    exact = np.array([1.0, 2.0, 3.0])
    found = bias(summarise(rng.normal([1.1, 2.0, 3.0], 1, (20_000, 3)), BATCHES), exact, 1e-7)
    assert found.p < 1e-10
    assert found.squared.low < 0.01 < found.squared.high
    assert found.norm == pytest.approx(np.sqrt(found.squared.value))
    assert found.relative.low < 0.1 / 14 < found.relative.high
    assert found.cosine.low < 14.1 / np.sqrt(14.21 * 14) < found.cosine.high
    np.testing.assert_allclose(found.squared_without.mean(), found.squared.value, rtol=0.05)


def test_all_groups_of_a_cell_are_tested_together():
    """A coordinate with p alone has p × 6 among six; the noisiest decides what is detectable in its
    group.
    """
    rng = np.random.default_rng(9)
    moments = {
        "a": summarise(rng.standard_normal((400, 2)), BATCHES),
        "b": summarise(5 * rng.standard_normal((400, 4)), BATCHES),
    }
    truths = {"a": exactly(np.array([0.2, 0.0])), "b": exactly(np.zeros(4))}
    found = biases(moments, truths, EPSILON)
    alone = deviation(moments["a"], truths["a"], EPSILON)
    assert found["a"].p == pytest.approx(6 * alone.p()[0])
    assert found["a"].p < 0.05 < found["b"].p
    assert found["b"].detectable == pytest.approx(5 * found["a"].detectable, rel=0.15)


def test_rounding_is_no_bias():
    """An estimate without variance that differs from the truth in its last digit."""
    moments = summarise(np.full((40, 1), np.float64(np.float32(0.1))), BATCHES)
    assert bias(moments, np.array([0.1]), np.finfo(np.float32).eps).p > 0.1
    assert bias(moments, np.array([0.1001]), np.finfo(np.float32).eps).p < 1e-10


def test_the_rounding_of_terms_that_cancel_is_in_every_interval():
    """Two coordinates that hardly vary, both off by a thousandth: within what was measured of
    rounding, or far beyond it.
    """
    noise = 1e-9 * np.random.default_rng(12).standard_normal((400, 2))
    moments = {"": summarise(np.array([1.001, 2.002]) + noise, BATCHES)}
    truths = {"": exactly(np.array([1.0, 2.0]))}
    for rounded, biased in ((1e-3, False), (1e-6, True)):
        found = biases(moments, truths, EPSILON, rounded={"": np.full(2, rounded)})[""]
        assert (found.p < 1e-3) == biased
        assert (found.relative.low > 0) == biased
        # both along the gradient: 2 × 10⁻³ × (1 + 2) / (1 + 4)
        assert found.relative.high - 1e-3 == pytest.approx(1.2 * rounded, rel=1e-2)
        assert (found.squared.low > 0) == biased
    turned = {"": summarise(np.array([1.001, 1.999]) + noise, BATCHES)}
    for rounded, aslant in ((1e-3, False), (1e-6, True)):
        found = biases(turned, truths, EPSILON, rounded={"": np.full(2, rounded)})[""]
        assert (found.cosine.high < 1) == aslant


def test_nothing_against_nothing():
    """Estimates of zero, all of them zero: no bias, no direction, nothing to be relative to."""
    found = bias(summarise(np.zeros((40, 2)), BATCHES), np.zeros(2), EPSILON)
    assert found.p == 1.0
    assert tuple(found.squared) == (0, 0, 0)
    assert all(np.isnan(bound) for bound in (*found.relative, *found.cosine))
    assert found.equivalence_p == 1.0


def test_in_one_coordinate_a_direction_is_a_sign():
    rng = np.random.default_rng(10)
    up = summarise(rng.normal(3, 1, (400, 1)), BATCHES)
    assert bias(up, np.array([2.0]), EPSILON).cosine == (1, 1, 1)
    assert bias(up, np.array([-2.0]), EPSILON).cosine.value == -1


def test_a_reference_runs_error_widens_what_is_measured_against_it():
    """400 studies, the reference as noisy as the run, a bias of ten errors: 95 %, where it would
    else be 83 %.
    """
    rng, replicates, studies = np.random.default_rng(11), 400, 400
    error, exact = np.full(3, 1 / np.sqrt(replicates)), np.array([1.0, 1.5, 0.5])
    mean, covered = np.full(3, 1.25), np.zeros(3)
    truths = (
        ((mean - exact) ** 2).sum(),
        (mean - exact) @ exact / (exact @ exact),
        mean @ exact / np.linalg.norm(mean) / np.linalg.norm(exact),
    )
    for _ in range(studies):
        truth = Truth(exact + error * rng.standard_normal(3), error, float(error[0]))
        moments = summarise(skewed(rng, replicates, 3) + 0.25, BATCHES)
        found = biases({"": moments}, {"": truth}, EPSILON)[""]
        each = (found.squared, found.relative, found.cosine)
        covered += [
            bounds.low <= value <= bounds.high for bounds, value in zip(each, truths, strict=True)
        ]
    assert (covered / studies > 0.95 - 3 * np.sqrt(0.95 * 0.05 / studies)).all(), covered / studies


@pytest.mark.parametrize(("missing", "biased"), [(6e-6, False), (1.4e-3, False), (0.01, True)])
def test_an_event_that_one_coordinate_shows_may_be_missing_in_another(missing, biased):
    """In R = 2,000 replicates: of size 1 and a probability of 0.3 % in the first coordinate.

    In the second, which hardly varies, an event as large may be missing if it has a probability of
    at most 3/R = 0.0015.
    """
    rng = np.random.default_rng(4)
    shown = (rng.random(2_000) < 0.003).astype(float)
    still = 1e-9 * rng.normal(size=2_000)
    moments = {"": summarise(np.stack([shown, still], 1), BATCHES)}
    truth = {"": exactly(np.array([0.003, missing]))}
    found = biases(moments, truth, EPSILON)[""]
    assert (found.p < 1e-3) == biased


def test_coordinates_that_vary_alike_are_tested_as_ever():
    drawn = skewed(np.random.default_rng(5), 2_000, 3)
    whole = pool(summarise(drawn, BATCHES))
    assert (missable(whole) == 0).all()
