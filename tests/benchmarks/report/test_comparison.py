"""What `gradest compare` prints, in as many columns as there are."""

from pathlib import Path

import numpy as np
import pytest

from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.comparisons.metrics import METRICS
from gradest.benchmarks.comparisons.ratios import Ratio, compare_estimators
from gradest.benchmarks.report.comparison import as_text, ratio_text
from gradest.benchmarks.statistics.intervals import Interval
from tests.support.made_runs import (
    BATCHES,
    LEAVE_ONE_OUT,
    PATHWISE,
    PLAIN,
    cell,
    errors,
    jackknifed,
    write,
)

REFERENCE = Path(__file__).parents[3] / "results" / "reference"


@pytest.fixture(scope="module")
def reference():
    """The estimators of the committed run of `default` over pathwise."""
    return compare_estimators(read_run(REFERENCE), "pathwise", [*METRICS])


@pytest.mark.parametrize("width", [60, 80, 140])
def test_the_reference_run_fits(reference, width):
    text = as_text(reference, [*METRICS], width=width)
    assert max(map(len, text.splitlines())) <= width
    names = [line for line in text.splitlines() if line.startswith("score function, delta")]
    places = text.count("\n\n") + 1
    assert len(names) >= 3 * places / 2  # whatever was broken, rows are there


@pytest.fixture
def comparison(tmp_path):
    """Two estimators over a third, of which one is biased and one was measured apart."""
    rng = np.random.default_rng(0)
    still = np.zeros(BATCHES)
    biased = {"bias": jackknifed(0.25, still), "bias_relative": -0.5}
    rows = [
        cell(jackknifed(2.0, errors(rng, 0.02)), PLAIN),
        cell(jackknifed(1.0, errors(rng, 0.02)), LEAVE_ONE_OUT, **biased),
        cell(jackknifed(0.5, errors(rng, 0.02)), PATHWISE),
    ]
    return compare_estimators(read_run(write(tmp_path, rows)), "score_function", [*METRICS])


def test_metrics_are_beside_each_other_where_they_fit_and_below_where_not(comparison):
    wide = as_text(comparison, [*METRICS], width=200).splitlines()
    assert [line.split()[0] for line in wide] == [
        "Gaussian",
        "estimator",
        "pathwise",
        "score",
        "biased:",
    ]
    assert all(METRICS[name].title in wide[1] for name in METRICS)
    narrow = as_text(comparison, [*METRICS], width=80).splitlines()
    heads = [line for line in narrow if line.startswith("estimator")]
    # no ratio of biases, which takes two of them, nor of errors
    titles = [METRICS[name].title for name in ("variance", "work")]
    assert [title in line for title, line in zip(titles, heads, strict=True)] == [True, True]
    assert sum(line.startswith("pathwise") for line in narrow) == 2


def test_a_note_that_holds_of_some_cells_names_them(comparison):
    assert as_text(comparison, ["variance"]).splitlines()[-1] == (
        "biased: this by −50 %: score function, leave-one-out, L = 16"
    )


def test_a_ratio_of_rounding_has_no_interval():
    assert ratio_text(Ratio(Interval(1.0, 1 - 1e-10, 1 + 1e-10), 1.0)) == "1"
    assert "[" in ratio_text(Ratio(Interval(1.0, 1 - 1e-5, 1 + 1e-5), 1.0))
