"""When an interval is not to be trusted."""

from gradest.benchmarks.statistics.intervals import (
    Interval,
)
from gradest.benchmarks.statistics.reliability import reliability
from gradest.benchmarks.statistics.tails import Tail


def test_a_variance_that_is_one_batchs_is_refused():
    variance, light = Interval(2.0, 1.0, 3.0), Tail(float("inf"), 0.0, 0.0)
    status, reason = reliability(20_000, variance, 15.0, light, 0.0, 0.3)
    assert (status, reason.partition(",")[0]) == (
        "unreliable",
        "one batch of replicates carries 30% of the variance",
    )
    assert reliability(20_000, variance, 15.0, light, 0.0, 0.2)[0] == "ok"
