"""Whether numbers agree: as often as said where all is right, and not where they are off."""

import math

import numpy as np
import pytest

from gradest.benchmarks.paper_metrics.measured import Measured
from gradest.benchmarks.published.agreement import TWO_SIDED, Reading, agreeing, agreement
from gradest.benchmarks.statistics import intervals, tails
from gradest.benchmarks.statistics.moments import summarise
from tests.support.statistical import assert_z

DRAWS, READING = 200, 0.1

LAWS = {
    "normal": lambda rng, size: rng.normal(size=size),
    "exponential": lambda rng, size: rng.exponential(size=size) - 1,
}


def ours(raw, draws=DRAWS):
    moments = summarise(raw, 32)
    variance = intervals.variance(moments)
    names = ("variance", "variance_low", "variance_high")
    row = {"dim": raw.shape[1], "kurtosis": tails.kurtosis(moments)}
    return Measured(row | dict(zip(names, variance, strict=True)), moments, draws)


def studies(law, metric, times=1.0, count=1000):
    """p-values of published numbers, each read off and made of DRAWS, `times` what they were."""
    rng = np.random.default_rng(5)
    values = {"variance": lambda s: s, "std": np.sqrt, "ln_variance": np.log}
    for _ in range(count):
        measured = ours(LAWS[law](rng, (1600, 1)))
        theirs = LAWS[law](rng, DRAWS).var(ddof=1) * times
        read = theirs * math.exp(
            rng.normal() * READING / TWO_SIDED / (0.5 if metric == "std" else 1)
        )
        yield agreement(metric, float(values[metric](read)), Reading(READING), measured).p


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("metric", ["variance", "std", "ln_variance"])
def test_what_is_off_by_its_errors_alone_agrees_in_95_percent(law, metric):
    p = np.array(list(studies(law, metric)))
    share = (p >= 0.05).mean()
    assert_z((share - 0.95) / math.sqrt(0.95 * 0.05 / len(p) + 0.01**2))


@pytest.mark.parametrize(("law", "away"), [("normal", 1.45), ("exponential", 2.0)])
def test_what_is_off_by_more_does_not(law, away):
    """By about three of all errors together, it is found in most studies."""
    p = np.array(list(studies(law, "variance", times=away, count=300)))
    assert (p < 0.05).mean() > 0.75


def test_each_error_counts():
    measured = ours(np.random.default_rng(6).normal(size=(1_600, 1)))
    exact = measured.row["variance"]
    alone = agreement("variance", exact * 1.25, Reading(), measured._replace(draws=None))
    of_reading = agreement("variance", exact * 1.25, Reading(0.3), measured._replace(draws=None))
    of_draws = agreement("variance", exact * 1.25, Reading(), measured._replace(draws=50))
    assert alone.p < 0.001
    assert min(of_reading.p, of_draws.p) > 0.05
    blurred = Measured(
        {**measured.row, "variance_low": exact / 2, "variance_high": exact * 2}, None, None
    )
    assert agreement("variance", exact * 1.25, Reading(), blurred).p > 0.05
    assert alone.published == pytest.approx([exact * 1.25] * 3)
    low, high = of_reading.published.low, of_reading.published.high
    assert (low, high) == pytest.approx(
        (exact * 1.25 * math.exp(-0.3), exact * 1.25 * math.exp(0.3))
    )


def test_ratios():
    """Ours over theirs; of logarithms that of what they are of."""
    measured = ours(np.random.default_rng(7).normal(size=(1_600, 1)))
    exact = measured.row["variance"]
    assert agreement("variance", exact / 2, Reading(), measured).ratio == pytest.approx(2)
    logged = agreement("ln_variance", math.log(exact / 2), Reading(), measured)
    assert logged.ratio == pytest.approx(2)
    assert logged.ours.value == pytest.approx(math.log(exact))


def test_over_a_paper_one_of_many_small_p_values_is_no_disagreement():
    """By Benjamini and Hochberg: the least of 40 must be below 0.05 / 40."""
    others = list(np.linspace(0.1, 1, 39))
    assert agreeing([0.002, *others]) == [True] * 40
    assert agreeing([0.001, *others]) == [False, *[True] * 39]
    assert agreeing([0.001, math.nan]) == [False, None]
    assert agreeing([]) == []
