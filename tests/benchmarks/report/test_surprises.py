"""Surprises: a bias is one wherever it surely matters, claimed or not, and nowhere else."""

import math

import numpy as np
import pytest

from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.report.surprises import bias_lines, bias_table, biases
from tests.support.made_runs import BATCHES, PATHWISE, SQUARE, cell, jackknifed, write

STRAIGHT = ("straight_through", {"smoothed": "none"})
STEP = ("gaussian_step", {"dim": 1, "k": 0.0, "mean": 0.0, "scale": 1.0})
EXACTLY = np.zeros(BATCHES)


def biased(relative, half=0.01, estimator=STRAIGHT, problem=SQUARE, **columns):
    """A row with this bias along a gradient of size 4."""
    size = abs(4 * relative)
    made = cell(jackknifed(1.0, EXACTLY), estimator, problem, bias=jackknifed(size**2, EXACTLY))
    along = {
        "bias_relative": relative,
        "bias_relative_low": relative - half,
        "bias_relative_high": relative + half,
    }
    return made | along | columns


def table_of(folder, cells):
    return read_run(write(folder, cells)).measurements


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (biased(-1.0), ["−100 %"]),
        (biased(0.07), ["+7 %"]),
        (biased(0.055, bias_squared_low=0.03), []),  # 0.045 to 0.065, and in all from 0.043
        (biased(0.04), []),
        (biased(-1.0, bias_finding="none found"), []),
        (biased(-1.0, status="unreliable"), []),
        # across the gradient: in all 0.5 of 4
        (biased(0.0) | {"bias_squared_low": 0.2, "bias_norm": 0.5}, ["‖bias‖ = 0.5 (12 % of"]),
        (biased(math.nan, exact_norm=0.0, bias_squared_low=0.2, bias_norm=0.5), ["‖bias‖ = 0.5"]),
        (biased(0.001, unbiased=True, bias_norm=0.004, bias_q=0.01), ["‖bias‖ = 0.004 (0.1 % of"]),
    ],
)
def test_which_biases_matter(row, expected, tmp_path):
    found = biases(table_of(tmp_path, [row, cell(jackknifed(1.0, EXACTLY), PATHWISE)]))
    assert len(found) == len(expected)
    for each, text in zip(found, expected, strict=True):
        assert each.text.startswith(text)


def test_the_largest_l_stands_for_all_and_the_worst_comes_first(tmp_path):
    levels = [biased(0.2 + 0.1 / n, num_samples=n, cell=f"c{n}") for n in (1, 4, 16)]
    jump = biased(-1.0, estimator=PATHWISE, problem=STEP)
    table = table_of(tmp_path, [*levels, jump])
    assert bias_lines(table) == [
        "pathwise: −100 % at Gaussian step: f jumps",
        "straight-through: +21 % at Gaussian square: "
        "f's derivative at the draw stands for its difference",
    ]
    assert [row[2] for row in bias_table(table).rows] == ["16", "16"]


def test_a_claim_that_matters_comes_before_all_others_and_a_tiny_one_last(tmp_path):
    other = ("gaussian_cosine", {"dim": 1, "k": 1.0, "mean": 1.0, "scale": 1.0})
    wrong = biased(0.06, estimator=PATHWISE, problem=other, unbiased=True)
    tiny = biased(1e-5, half=1e-6, estimator=("arm", {}), unbiased=True, bias_norm=4e-5)
    lines = bias_lines(table_of(tmp_path, [biased(-2.0), tiny, wrong]))
    assert [line.partition(":")[0] for line in lines] == [
        "pathwise, found biased though claimed unbiased",
        "straight-through",
        "ARM, found biased though claimed unbiased",
    ]
