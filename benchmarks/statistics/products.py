"""Products and quotients of independent positive estimates: NumPy in float64, no JAX."""

import numpy as np

from gradest.benchmarks.statistics.intervals import Interval, t_quantile


def product(first: Interval, second: Interval) -> Interval:
    """The product of two independent positive estimates.

    The half-widths of their logarithms add in squares.
    """
    value = first.value * second.value
    if not (first.low > 0 and second.low > 0):
        bound = value if value == 0 else float("nan")
        return Interval(value, bound, bound)
    down = np.hypot(np.log(first.value / first.low), np.log(second.value / second.low))
    up = np.hypot(np.log(first.high / first.value), np.log(second.high / second.value))
    return Interval(value, float(value * np.exp(-down)), float(value * np.exp(up)))


def quotient(first: Interval, second: Interval) -> Interval:
    """The quotient of two independent positive estimates.

    The errors add as in a product (MOVER: Zou and Donner, 2008).
    """
    if not (second.low > 0 and np.isfinite(second.high)):
        value = first.value / second.value if second.value else float("nan")
        return Interval(value, float("nan"), float("nan"))
    return product(first, Interval(1 / second.value, 1 / second.high, 1 / second.low))


def widened(known: Interval, relative_error: float) -> Interval:
    """An interval of something positive, with another relative standard error added to it.

    The half-widths of their logarithms add in squares, as in a product.
    """
    factor = float(np.exp(t_quantile(10**9) * relative_error))
    return product(known, Interval(1.0, 1 / factor, factor))
