"""Numbers as they are printed."""

import math

from gradest.benchmarks.statistics.intervals import Interval


def show(interval: Interval) -> str:
    """A value and its interval with two digits of its half-width.

    >>> show(Interval(86.913, 84.2, 89.7))
    '86.9 [84.2, 89.7]'
    >>> show(Interval(1.5e-7, 1.42e-7, 1.58e-7))
    '1.500e-07 [1.420e-07, 1.580e-07]'
    """
    half = (interval.high - interval.low) / 2
    if not (half > 0 and math.isfinite(half)):
        return f"{interval.value:.4g}"
    decimals = 1 - math.floor(math.log10(half))
    size = max(abs(interval.low), abs(interval.high))
    if decimals > 6 or size >= 1e6:
        digits = max(1, math.floor(math.log10(size)) + decimals)
        value, low, high = (f"{number:.{digits}e}" if number else "0" for number in interval)
    else:
        value, low, high = (
            f"{round(number, decimals):.{max(decimals, 0)}f}" for number in interval
        )
    return f"{value} [{low}, {high}]"


def percent(fraction: float) -> str:
    """A fraction in percent, to two digits.

    >>> percent(0.0512)
    '5.1 %'
    >>> percent(12.34)
    '1200 %'
    """
    size = 100 * fraction
    decimals = max(0, 1 - math.floor(math.log10(abs(size)))) if size else 0
    rounded = float(f"{size:.2g}")
    return (
        f"{rounded:.{decimals}f}".rstrip("0").rstrip(".") + " %" if decimals else f"{rounded:.0f} %"
    )
