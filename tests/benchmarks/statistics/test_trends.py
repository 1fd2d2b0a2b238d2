"""Slopes, crossovers and times along an axis."""

import numpy as np
import pytest

from gradest.benchmarks.statistics import intervals
from gradest.benchmarks.statistics.intervals import LINEAR, LOG, Jackknifed
from gradest.benchmarks.statistics.times import fit_time
from gradest.benchmarks.statistics.trends import crossovers, log_log_slope

BATCHES = 32
LEVELS = np.array([1.0, 4.0, 16.0, 64.0])


def measured(value: float, error: float, rng: np.random.Generator) -> Jackknifed:
    """A variance whose logarithm, normal with that error, is the mean of as many batches."""
    logs = np.log(value) + error * np.sqrt(BATCHES) * rng.standard_normal(BATCHES)
    return Jackknifed(np.exp(logs.mean()), np.exp((logs.sum() - logs) / (BATCHES - 1)))


@pytest.mark.parametrize("slope", [-1.0, -2.0])
def test_a_slope_is_the_weighted_least_squares_and_its_interval_covers(slope):
    """1,000 studies: coverage within three standard errors, 0.7 % each, of 95 %; errors that differ
    fourfold.
    """
    rng, errors, covered = np.random.default_rng(0), np.array([0.01, 0.04, 0.02, 0.03]), 0
    for _ in range(1000):
        cells = [
            measured(7 * level**slope, e, rng) for level, e in zip(LEVELS, errors, strict=True)
        ]
        found = log_log_slope(LEVELS, cells)
        low, high = intervals.interval(found, LINEAR)[1:]
        covered += low < slope < high
    assert abs(covered / 1000 - 0.95) < 3 * np.sqrt(0.95 * 0.05 / 1000)
    weights = [1 / intervals.standard_error(cell) for cell in cells]
    fitted = np.polyfit(
        np.log(LEVELS), np.log([float(cell.value) for cell in cells]), 1, w=weights
    )[0]
    assert found.value == pytest.approx(fitted, rel=1e-9)


def test_no_slope_from_one_level_nor_from_what_does_not_vary():
    cell = measured(1.0, 0.1, np.random.default_rng(1))
    still = Jackknifed(np.asarray(0.0), np.zeros(BATCHES))
    assert log_log_slope(np.array([4.0]), [cell]) is None
    assert log_log_slope(np.array([4.0, 4.0]), [cell, cell]) is None
    with np.errstate(divide="ignore"):
        assert log_log_slope(np.array([1.0, 4.0]), [cell, still]) is None


def two(
    crossing: float, error: float, rng: np.random.Generator
) -> tuple[list[Jackknifed], list[Jackknifed]]:
    """Variances 1/(c L) and 1/L², which cross at L = c, and lie on straight lines in logarithms."""
    return [measured(1 / (crossing * level), error, rng) for level in LEVELS], [
        measured(1 / level**2, error, rng) for level in LEVELS
    ]


@pytest.mark.parametrize("crossing", [6.0, 4.1], ids=["between two levels", "at a level"])
def test_a_crossover_is_found_where_it_is(crossing):
    """1,000 studies: Fieller's interval holds the place in 95 %, to three errors, or more."""
    rng, covered = np.random.default_rng(2), 0
    for _ in range(1000):
        first, second = two(crossing, 0.05, rng)
        (found,) = crossovers(LEVELS, first, second, LOG)
        covered += found.at.low <= crossing <= found.at.high
        assert not found.first_is_lower_above  # 1/L² falls faster
    assert 0.95 - 3 * np.sqrt(0.95 * 0.05 / 1000) < covered / 1000 < 0.99


def test_the_other_way_round_the_other_is_lower_and_the_place_the_same():
    first, second = two(6.0, 0.02, np.random.default_rng(3))
    (one,), (other,) = (
        crossovers(LEVELS, first, second, LOG),
        crossovers(LEVELS, second, first, LOG),
    )
    assert one.first_is_lower_above != other.first_is_lower_above
    np.testing.assert_allclose(one.at, other.at, rtol=1e-9)


def test_the_order_of_the_axis_does_not_matter():
    first, second = two(6.0, 0.02, np.random.default_rng(4))
    assert crossovers(LEVELS, first, second, LOG) == crossovers(
        LEVELS[::-1], first[::-1], second[::-1], LOG
    )


def test_what_may_be_noise_is_no_crossover():
    """Equal variances: over 500 studies few have both signs beyond doubt (each level errs to one
    side in 2.5 %).
    """
    rng, found = np.random.default_rng(5), 0
    for _ in range(500):
        cells = [[measured(1.0, 0.05, rng) for _ in LEVELS] for _ in range(2)]
        found += bool(crossovers(LEVELS, *cells, LOG))
    assert found / 500 < 0.02


def test_two_crossings_are_two():
    rng = np.random.default_rng(6)
    first = [measured(v, 0.01, rng) for v in (1.0, 3.0, 1.0)]
    second = [measured(v, 0.01, rng) for v in (2.0, 2.0, 2.0)]
    one, other = crossovers(np.array([0.0, 1.0, 2.0]), first, second)
    np.testing.assert_allclose(
        [one.at.value, other.at.value],
        [np.log(2) / np.log(3), 2 - np.log(2) / np.log(3)],
        atol=0.02,
    )
    assert (one.first_is_lower_above, other.first_is_lower_above) == (False, True)


def test_a_time_is_a_start_and_a_step():
    found = fit_time(LEVELS, 2e-6 + 3e-7 * LEVELS)
    np.testing.assert_allclose(found, (2e-6, 3e-7))


def test_neither_part_of_a_time_is_negative():
    """Falling times: all of it is the start; and the error that is least is the relative one."""
    seconds = np.array([4e-6, 3e-6, 2e-6, 1e-6])
    found = fit_time(LEVELS, seconds)
    assert found.per_sample == 0
    assert found.fixed == pytest.approx((1 / seconds).sum() / (1 / seconds**2).sum())


def test_one_level_gives_no_line():
    assert fit_time(np.array([4.0, 4.0]), np.array([1.0, 1.1])) is None
