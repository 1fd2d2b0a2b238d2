"""The measurements of all of θ, of those of its groups."""

import numpy as np
import pytest

import gradest
from gradest.benchmarks.comparisons.groups import in_group, together, whole
from gradest.benchmarks.comparisons.leaderboard import relative_error
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.published.whole import WHOLE
from tests.support.made_errors import row, table
from tests.support.made_runs import PATHWISE


@pytest.fixture(scope="module")
def rows():
    """Pathwise at L = 2, in the mean and the scale."""
    run = gradest.measure("gaussian_square", "pathwise", samples=2, replicates=400)
    return run.read.measurements


def test_errors_add_and_so_do_the_squares_of_lengths(rows):
    (one,) = whole(rows).itertuples()
    assert one.group == WHOLE
    assert one.jackknifed.value == pytest.approx(rows.variance.sum())
    assert one.exact_norm == pytest.approx(np.hypot(*rows.exact_norm))
    np.testing.assert_allclose(
        one.jackknifed.without, rows.jackknifed.iloc[0].without + rows.jackknifed.iloc[1].without
    )
    error = relative_error(one)
    assert error.value == pytest.approx(np.sqrt(rows.mse.sum()) / np.hypot(*rows.exact_norm))
    assert error.low < error.value < error.high


def test_biases_along_the_gradient_are_weighted_by_its_squared_lengths(tmp_path):
    """−½ of 4, and 0 of a gradient of 3: ⟨bias, ∇⟩ = −8 of 25."""
    shared = {"cell": "c"}
    made = table(
        tmp_path,
        row(5.0, PATHWISE, bias=4, along=-0.5, exact_norm=4.0, group="a", **shared),
        row(1.0, PATHWISE, along=0.0, exact_norm=3.0, group="b", **shared),
    )
    one = together(made)
    assert one.bias_relative == pytest.approx(-8 / 25)
    assert one.bias_finding == "biased"


def test_one_group_that_is_unreliable_makes_all_so_and_zero_is_zero_in_all(tmp_path):
    shared = {"cell": "c"}
    zero = {"reason": "variance zero"}
    bad = {"status": "unreliable", "reason": "tail index 1.5"}
    for number, (first, second, expected) in enumerate(
        [({}, bad, ("unreliable", "tail index 1.5")), (zero, {}, ("ok", "")), (zero, zero, None)]
    ):
        made = table(
            tmp_path / str(number),
            row(1.0, PATHWISE, group="a", **shared, **first),
            row(1.0, PATHWISE, group="b", **shared, **second),
        )
        one = together(made)
        assert (one.status, one.reason) == (expected or ("ok", "variance zero"))


def test_a_group_that_is_not_there_is_said(rows):
    assert in_group(rows, "mean").group.tolist() == ["mean"]
    with pytest.raises(BadInput, match="group 'scal': expected one of all of θ, mean, scale; did"):
        in_group(rows, "scal")
