"""Products of independent estimates, against the arithmetic of their half-widths."""

import numpy as np

from gradest.benchmarks.statistics.intervals import Interval, t_quantile
from gradest.benchmarks.statistics.products import product, widened


def test_a_product_has_the_half_widths_added_in_squares():
    found = product(Interval(2, 2 / 1.3, 2 * 1.5), Interval(10, 10 / 1.4, 10 * 1.2))
    down, up = (
        np.exp(np.hypot(np.log(1.3), np.log(1.4))),
        np.exp(np.hypot(np.log(1.5), np.log(1.2))),
    )
    np.testing.assert_allclose(found, (20, 20 / down, 20 * up))


def test_a_product_with_nothing_is_nothing():
    assert product(Interval(0, 0, 0), Interval(2, 1, 3)) == Interval(0, 0, 0)


def test_another_error_adds_in_squares():
    found = widened(Interval(2, 2 / np.exp(0.3), 2 * np.exp(0.4)), 0.1)
    other = 0.1 * t_quantile(10**9)
    down, up = np.exp(np.hypot(0.3, other)), np.exp(np.hypot(0.4, other))
    np.testing.assert_allclose(found, (2, 2 / down, 2 * up))


def test_no_other_error_changes_nothing():
    known = Interval(2.0, 1.5, 3.0)
    np.testing.assert_allclose(widened(known, 0.0), known)
