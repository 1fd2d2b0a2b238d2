"""A number of one seed beside a mean over ours: as often right as said, and caught where not."""

import math

import numpy as np
import pytest

from gradest.benchmarks.paper_metrics.measured import Measured
from gradest.benchmarks.published.agreement import TWO_SIDED, Reading
from gradest.benchmarks.published.seeds import agreement_along, over_seeds
from tests.support.statistical import assert_z

EXACT = Reading()

SPREAD = 0.3
"""Of the objective over seeds."""


def objectives(values, half=0.0):
    rows = [{"objective": v, "objective_low": v - half, "objective_high": v + half} for v in values]
    return [Measured(row) for row in rows]


def studies(ours, theirs, reading=0.0, count=1_000):
    """p-values: the mean of `theirs` seeds, read off, beside `ours` seeds, all from one law."""
    rng = np.random.default_rng(8)
    for _ in range(count):
        mean = rng.normal(10, SPREAD, theirs).mean() + rng.normal() * reading / TWO_SIDED
        measured = objectives(rng.normal(10, SPREAD, ours))
        yield agreement_along("objective", mean, Reading(absolute=reading), theirs, measured).p


@pytest.mark.parametrize(("ours", "theirs", "reading"), [(5, 1, 0.0), (3, 4, 0.0), (5, 1, 0.6)])
def test_what_is_off_by_chance_alone_agrees_in_95_percent(ours, theirs, reading):
    """Compared with the error of our mean alone, a seed of theirs would agree in 62 %."""
    p = np.array(list(studies(ours, theirs, reading)))
    share = (p >= 0.05).mean()
    # Welch's degrees of freedom are right to a hundredth where two errors meet
    assert_z((share - 0.95) / math.hypot(math.sqrt(0.95 * 0.05 / len(p)), 0.01 * bool(reading)))


def test_the_interval_of_ours_is_students():
    found = over_seeds("objective", objectives([1.0, 2.0, 3.0]))
    half = 4.302653 / math.sqrt(3)  # Student's t with 2 degrees of freedom
    assert found == pytest.approx([2.0, 2.0 - half, 2.0 + half])
    alone = over_seeds("objective", objectives([2.0]))
    assert alone.value == 2.0
    assert math.isnan(alone.low)


def test_a_published_number_has_the_spread_of_one_seed_in_it():
    measured = objectives([1.0, 2.0, 3.0])
    one = agreement_along("objective", 2.5, EXACT, 1, measured).published
    four = agreement_along("objective", 2.5, EXACT, 4, measured).published
    assert (one.low, one.high) == pytest.approx((2.5 - 4.302653, 2.5 + 4.302653))
    assert (four.low, four.high) == pytest.approx((2.5 - 2.1513265, 2.5 + 2.1513265))


def test_of_seeds_that_do_not_part_the_digits_count():
    """An exact gradient has the same θ at every seed."""
    same = objectives([2.0, 2.0, 2.0])
    assert agreement_along("objective", 2.0 + 1e-7, EXACT, 1, same).p > 0.9
    assert agreement_along("objective", 2.001, EXACT, 1, same).p < 1e-6
    assert agreement_along("objective", 2.001, Reading(absolute=0.002), 1, same).p > 0.05


def test_draws_that_all_seeds_share_are_an_error_of_ours():
    near = objectives([2.0, 2.0, 2.0], half=0.1)
    assert agreement_along("objective", 2.08, EXACT, 1, near).p > 0.05
    assert agreement_along("objective", 2.15, EXACT, 1, near).p < 0.01
    assert over_seeds("objective", near) == pytest.approx([2.0, 1.9, 2.1])


def variances(values, kurtosis=3.0, draws=None):
    names = ("variance", "variance_low", "variance_high")
    rows = [dict.fromkeys(names, value) | {"kurtosis": kurtosis} for value in values]
    return [Measured(row, None, draws) for row in rows]


def test_of_what_is_positive_the_logarithm_counts():
    found = agreement_along("variance", 4.0, EXACT, 1, variances([1.0, 4.0, 16.0]))
    assert found.ours.value == pytest.approx(4.0)
    assert found.p == pytest.approx(1.0)
    assert found.published.high == pytest.approx(4.0 * 4.0**4.302653)
    logged = agreement_along("ln_variance", math.log(4), EXACT, 1, variances([1.0, 4.0, 16.0]))
    assert logged.ours.value == pytest.approx(math.log(4))
    assert logged.published.high == pytest.approx(math.log(found.published.high))


def test_their_draws_count():
    """s² of 9 normal draws: ln s² scatters by √ln(1 + 2/8), and lies half of that square low."""
    same = variances([1.0, 1.0], draws=9)
    scatter = math.sqrt(math.log1p(0.25))
    low = math.exp(-(scatter**2) / 2)
    assert agreement_along("variance", low, EXACT, 1, same).p == pytest.approx(1.0)
    edge = agreement_along("variance", low * math.exp(TWO_SIDED * scatter), EXACT, 1, same)
    assert edge.p == pytest.approx(0.05, rel=1e-4)


def test_one_seed_of_ours_says_nothing():
    found = agreement_along("objective", 2.0, EXACT, 1, objectives([2.0]))
    assert math.isnan(found.p)


def test_a_zero_says_nothing():
    found = agreement_along("variance", 2.0, EXACT, 1, variances([0.0, 1.0]))
    assert math.isnan(found.p)
    assert math.isnan(found.ours.value)
