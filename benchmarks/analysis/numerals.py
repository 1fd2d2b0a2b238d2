"""Numbers as they are printed: with as many digits as their intervals warrant."""

import math

from gradest.benchmarks.minus import print_minus
from gradest.benchmarks.statistics.intervals import Interval


def show(estimate: Interval) -> str:
    """A value and its interval with two digits of its half-width.

    >>> show(Interval(86.913, 84.2, 89.7))
    '86.9 [84.2, 89.7]'
    >>> show(Interval(1.5e-7, 1.42e-7, 1.58e-7))
    '1.500e−07 [1.420e−07, 1.580e−07]'
    """
    half = (estimate.high - estimate.low) / 2
    if not (half > 0 and math.isfinite(half)):
        return print_minus(f"{estimate.value:.4g}")
    decimals = 1 - math.floor(math.log10(half))
    size = max(abs(estimate.low), abs(estimate.high))
    if decimals > 6 or size >= 1e6:
        digits = max(1, math.floor(math.log10(size)) + decimals)
        texts = [f"{number:.{digits}e}" if number else "0" for number in estimate]
    else:
        digits = max(decimals, 0)
        texts = [f"{round(number, decimals):.{digits}f}" for number in estimate]
    value, low, high = texts
    return print_minus(f"{value} [{low}, {high}]")


def concise(estimate: Interval) -> str:
    """A value, and the longer side of its interval in brackets: one digit, in units of the last.

    >>> concise(Interval(0.2451, 0.237, 0.253)), concise(Interval(86.9, 85.7, 88.1))
    ('0.245(8)', '87(1)')
    >>> concise(Interval(1234.0, 1200.0, 1290.0)), concise(Interval(2.5e-7, 2.1e-7, 2.9e-7))
    ('1230(60)', '2.5(4)e−07')
    """
    side = max(estimate.high - estimate.value, estimate.value - estimate.low)
    if not (side > 0 and math.isfinite(side)):
        return print_minus(f"{estimate.value:.4g}")
    decimals = -int(f"{side:.0e}".partition("e")[2])
    size = max(abs(estimate.value), side)
    if decimals <= 6 and size < 1e6:
        return print_minus(with_uncertainty(estimate.value, side, decimals))
    power = math.floor(math.log10(size))
    scale = 10.0**-power
    mantissa = with_uncertainty(estimate.value * scale, side * scale, decimals + power)
    return print_minus(f"{mantissa}e{power:+03d}")


def with_uncertainty(value: float, side: float, decimals: int) -> str:
    """A value to so many decimals, and an uncertainty in units of the last of them."""
    units = round(side * 10.0**decimals) if decimals > 0 else round(side, decimals)
    return f"{round(value, decimals):.{max(decimals, 0)}f}({units:.0f})"


def percent(fraction: float) -> str:
    """A fraction in percent, to two digits.

    >>> percent(0.0512), percent(-1.17)
    ('5.1 %', '−120 %')
    >>> percent(12.34)
    '1200 %'
    >>> percent(math.inf)
    '∞ %'
    """
    size = 100 * fraction
    if math.isinf(size):
        return "∞ %" if size > 0 else "−∞ %"
    rounded = float(f"{size:.2g}")
    decimals = max(0, 1 - math.floor(math.log10(abs(size)))) if size else 0
    text = f"{rounded:.{decimals}f}"
    if decimals:
        text = text.rstrip("0").rstrip(".")
    return print_minus(f"{text} %")


def several(number: int, noun: str) -> str:
    """A number of things in words.

    >>> several(1, "cell"), several(2, "cell")
    ('1 cell', '2 cells')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
