r"""Whether a published number agrees with ours: a test at 95 % with three errors in it.

Theirs was read off something (`relative_error`, within which a reading is with 95 %) and estimated
from so many draws; ours has an interval. All are brought to a scale on which they add up: for what
is positive the logarithm, for what is a logarithm itself, and else the number as it is. A variance
of n draws is taken as log-normal, $\ln s^2$ having the mean $\ln \sigma^2 - \frac12 \ln(1 + v)$ and
the variance $\ln(1 + v)$. Over a paper the p-values are Benjamini and Hochberg's.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from gradest.benchmarks.paper_metrics.measured import Measured
from gradest.benchmarks.paper_metrics.metrics import METRICS, Scale
from gradest.benchmarks.statistics.intervals import CONFIDENCE, Interval

TWO_SIDED = 1.959963984540054
"""Standard errors that a normal interval at CONFIDENCE reaches to either side."""

LEAST_ERROR = 1e-6
"""Of a comparison, on its scale: what is closer agrees, though nothing has an error."""


class Agreement(NamedTuple):
    """How a published number compares with ours."""

    published: Interval
    """With its own two errors."""
    ours: Interval
    ratio: float
    """Ours over theirs: of logarithms, that of what they are of."""
    p: float
    """Of as large a difference, were both right; not a number where nothing can be said."""


class Line(NamedTuple):
    """A scale, and the way back."""

    to: Callable[[float], float]
    back: Callable[[float], float]


def _log(value: float) -> float:
    return math.log(value) if value > 0 else math.nan


def _exp(value: float) -> float:
    return math.exp(min(value, 700.0))


def _same(value: float) -> float:
    return value


LINES: dict[Scale, Line] = {
    "positive": Line(_log, _exp),
    "logarithm": Line(_same, _same),
    "linear": Line(_same, _same),
}


class Reading(NamedTuple):
    """Within what a reading is with 95 %; one of the two."""

    relative: float = 0.0
    """To the number; of a logarithm, to what it is one of."""
    absolute: float = 0.0
    """In the unit of the number."""

    def error(self, scale: Scale, value: float) -> float:
        """Its standard error where errors add up.

        >>> round(Reading(absolute=0.2).error("positive", 4.0) * TWO_SIDED, 9)
        0.05
        """
        if scale == "positive":
            return (self.relative + self.absolute / value) / TWO_SIDED
        size = abs(value) if scale == "linear" else 1.0
        return (self.relative * size + self.absolute) / TWO_SIDED


def agreement(metric: str, value: float, reading: Reading, measured: Measured) -> Agreement:
    """A published number beside ours.

    Args:
        metric: a name in METRICS.
        value: what was published.
        reading: how well it was read.
        measured: what a run has of the cell.
    """
    about = METRICS[metric]
    line = LINES[about.scale]
    ours = about.ours(measured)
    theirs = line.to(value) + about.skewed * math.log1p(measured.relative_variance)
    scatter = math.hypot(reading.error(about.scale, value), about.scatter(measured))
    reach = TWO_SIDED * scatter
    published = Interval(value, line.back(theirs - reach), line.back(theirs + reach))
    here, low, high = map(line.to, ours)
    side = (high - here) if theirs > here else (here - low)
    error = max(math.hypot(scatter, side / TWO_SIDED), least_error(about.scale, value))
    p = 2 * float(ndtr(-abs(theirs - here) / error))
    return Agreement(published, ours, ratio_of(about.scale, ours.value, value), p)


def least_error(scale: Scale, value: float) -> float:
    """Of a comparison: see LEAST_ERROR."""
    return LEAST_ERROR * (abs(value) if scale == "linear" else 1.0)


def ratio_of(scale: Scale, ours: float, theirs: float) -> float:
    """Ours over theirs.

    >>> ratio_of("positive", 3.0, 2.0), ratio_of("logarithm", 1.0, 1.0)
    (1.5, 1.0)
    """
    if scale == "logarithm":
        return _exp(ours - theirs)
    return ours / theirs if theirs else math.nan


def agreeing(p: Sequence[float]) -> list[bool | None]:
    """Which of a paper's numbers agree: those that are not called different.

    Args:
        p: of each; not a number where nothing can be said.

    Returns:
        For each whether it agrees, at CONFIDENCE over all; None where nothing can be said.
    """
    from scipy.stats import false_discovery_control  # imports for half a second

    values = np.asarray(p, float)
    known = np.isfinite(values)
    found: list[bool | None] = [None] * len(values)
    if known.any():
        q = false_discovery_control(values[known])
        for place, each in zip(np.flatnonzero(known), q, strict=True):
            found[place] = bool(each >= 1 - CONFIDENCE)
    return found
