r"""A number along training beside ours, of which there is one for each seed.

Seeds part as they train: θ is a random walk of each. On the scale of the metric let ours have the
mean $\bar m$ and the standard deviation s over S seeds. A number of theirs that is the mean over n
seeds, mostly of one, differs from $\bar m$ by chance with the variance
$s^2 (\frac1S + \frac1n)$ and those of the reading and of their draws. The first is known to S − 1
degrees of freedom, so that the difference is compared with Student's t with Welch's.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from gradest.benchmarks.paper_metrics.measured import Measured
from gradest.benchmarks.paper_metrics.metrics import METRICS
from gradest.benchmarks.published.agreement import (
    LINES,
    TWO_SIDED,
    Agreement,
    Reading,
    least_error,
    ratio_of,
)
from gradest.benchmarks.statistics.intervals import CONFIDENCE, UNKNOWN, Interval


class Error(NamedTuple):
    """A standard error: a part that is known, and one that the spread over seeds says."""

    known: float
    of_seeds: float
    freedom: int
    """Degrees of freedom of the latter."""

    @property
    def total(self) -> float:
        """Both together."""
        return math.hypot(self.known, self.of_seeds)

    @property
    def welch(self) -> float:
        """Degrees of freedom of the total; infinite where seeds do not part."""
        if not self.of_seeds:
            return math.inf
        return self.freedom * (self.total / self.of_seeds) ** 4

    @property
    def reach(self) -> float:
        """To either side of an interval at CONFIDENCE."""
        upper = (1 + CONFIDENCE) / 2
        quantile = ndtri(upper) if math.isinf(self.welch) else stdtrit(self.welch, upper)
        return float(quantile) * self.total

    def p(self, difference: float) -> float:
        """Of as large a difference, were there none."""
        ratio = -abs(difference) / self.total
        tail = ndtr(ratio) if math.isinf(self.welch) else stdtr(self.welch, ratio)
        return 2 * float(tail)


class Seeds(NamedTuple):
    """What the seeds of ours have, on the scale of a metric."""

    mean: float
    spread: float
    """Their standard deviation; not a number where there is one seed alone."""
    number: int
    """Of seeds."""
    shared: float
    """The standard error that all of them have in common."""

    def error(self, known: float, parts: float) -> Error:
        """Of something that scatters with the spread over the root of so many.

        Args:
            known: a standard error besides.
            parts: 1 over how many seeds.
        """
        return Error(known, self.spread * math.sqrt(parts), self.number - 1)


def seeds_of(metric: str, measured: Sequence[Measured]) -> Seeds:
    """The metric over our seeds.

    Args:
        metric: a name in METRICS.
        measured: what each seed has.
    """
    about = METRICS[metric]
    ours = [about.ours(each) for each in measured]
    values = np.array([LINES[about.scale].to(each.value) for each in ours])
    spread = float(values.std(ddof=1)) if len(values) > 1 else math.nan
    widths = [each.high - each.low for each in ours] if about.shared else [0.0]
    return Seeds(float(values.mean()), spread, len(values), np.mean(widths) / (2 * TWO_SIDED))


def over_seeds(metric: str, measured: Sequence[Measured]) -> Interval:
    """The mean over our seeds, on the metric's scale, with an interval that has their spread in it.

    Of one seed there is no interval.
    """
    seeds = seeds_of(metric, measured)
    back = LINES[METRICS[metric].scale].back
    if not math.isfinite(seeds.mean):
        return UNKNOWN
    reach = seeds.error(seeds.shared, 1 / seeds.number).reach
    return Interval(back(seeds.mean), back(seeds.mean - reach), back(seeds.mean + reach))


def agreement_along(
    metric: str, value: float, reading: Reading, number: int, measured: Sequence[Measured]
) -> Agreement:
    """A published number along training beside ours.

    Args:
        metric: a name in METRICS.
        value: what was published.
        reading: how well it was read.
        number: over how many seeds of theirs it is the mean.
        measured: what each seed of ours has.

    Returns:
        How they compare. `published` has their seeds in it: of one seed, how far one of ours may
        lie from the mean. Of one seed of ours nothing is known.
    """
    about = METRICS[metric]
    line = LINES[about.scale]
    seeds = seeds_of(metric, measured)
    too_low = np.mean([math.log1p(each.relative_variance) for each in measured])
    theirs = line.to(value) + about.skewed * float(too_low)
    scatter = float(np.sqrt(np.mean([about.scatter(each) ** 2 for each in measured])))
    known = math.hypot(reading.error(about.scale, value), scatter)
    reach = seeds.error(known, 1 / number).reach
    published = Interval(value, line.back(theirs - reach), line.back(theirs + reach))
    least = least_error(about.scale, value)
    error = seeds.error(math.hypot(known, seeds.shared, least), 1 / seeds.number + 1 / number)
    ours = over_seeds(metric, measured)
    p = error.p(theirs - seeds.mean)
    return Agreement(published, ours, ratio_of(about.scale, ours.value, value), p)
