"""All groups of θ together: traces that add, and numbers that papers have of them."""

import math

import numpy as np
import pandas as pd
import pytest

from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.cells.rows import bounds
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.published.whole import WHOLE, in_group, together
from gradest.benchmarks.reproductions.curves import paper_figures
from gradest.benchmarks.reproductions.numbers import headlines, published_lines
from gradest.benchmarks.statistics import intervals, tails
from gradest.benchmarks.statistics.moments import summarise
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.run import run_sweep
from gradest.benchmarks.sweeps.schema import parse_sweep
from tests.support.sweeps import Quiet

PAPER = """
schema = 1
name = "whole1900"
replicates = 4000
samples = [1]

[paper]
reference = "Kool, van Hoof and Welling, 2020"

[[problem]]
name = "gaussian_square"
mean = 1.0
scale = 2.0
k = 1.0

[[estimator]]
name = "pathwise"

[[published]]
figure = "Right"
cell = { problem = "gaussian_square[mean=1,scale=2,k=1]", estimator = "pathwise" }
group = "all of θ"
metric = "ln_variance"
value = RIGHT
how = "printed"
source = "nowhere"

[[published]]
figure = "The part of one group"
cell = { problem = "gaussian_square[mean=1,scale=2,k=1]", estimator = "pathwise" }
group = "all of θ"
metric = "variance"
value = 16.0
how = "printed"
source = "nowhere"

[[published]]
figure = "Elsewhere"
group = "all of θ"
metric = "ln_variance"
value = 3.5
how = "printed"
source = "nowhere"
not_counted = "no data"
note = "not measured: nobody has them"

[[paper_figure]]
figure = "All weights"
metric = "ln_variance"
group = "all of θ"
lines = { "pathwise" = "pathwise" }
"""

# with x = μ + σε and k = μ the gradients are 2σε and 2σε², of variance 4σ² and 8σ²
TEXT = PAPER.replace("RIGHT", f"{math.log(16.0 + 32.0):.6f}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    run_sweep(resolve(parse_sweep(TEXT, "here")), folder, Quiet())
    return folder


def test_a_run(folder):
    run = read_run(folder)
    right, part, elsewhere = run.published.itertuples()
    assert right.agrees
    assert right.ours == pytest.approx(math.log(run.measurements.variance.sum()))
    assert right.ours_low < math.log(48.0) < right.ours_high
    assert part.agrees is False
    assert (elsewhere.not_counted, elsewhere.published) == ("no data", 3.5)
    assert math.isnan(elsewhere.ours)
    assert headlines(run)[0] == ("1 of 2 published numbers agree; 1 more is shown and not counted.")
    _, header, rows = published_lines(run)
    last = dict(zip(header, rows[2], strict=True))
    assert last["where"] == "Elsewhere"
    assert (last["L"], last["published"], last["ours"]) == ("", "3.5", "–")
    assert last["agrees"] == "not counted: no data"


def test_its_figure(folder):
    (figure,) = paper_figures(read_run(folder))
    (panel,) = figure.panels
    (ours,) = panel.series
    (theirs,) = panel.published
    assert ours.value == (pytest.approx(math.log(48.0), abs=0.2),)
    assert theirs.value == (pytest.approx(math.log(48.0), abs=1e-5),)


FAULTS = {
    'metric = "variance"': (
        'metric = "std_mean"',
        "metric std_mean: expected one of variance",
    ),
    'not_counted = "no data"': ('not_counted = "ties"', r"published\[2\].*cell: expected one, or"),
    "value = 16.0": ('value = 16.0\nnot_counted = "no data"\nnote = "x"', "cell: expected one, or"),
    "value = 3.5": ('over = "step"\nvalues = { 3 = 3.5 }', "over: expected none with not_counted"),
}


@pytest.mark.parametrize("piece", FAULTS)
def test_what_cannot_be_is_one_error(piece):
    changed, message = FAULTS[piece]
    assert piece in TEXT
    with pytest.raises(BadInput, match=message):
        parse_sweep(TEXT.replace(piece, changed), "here")


def row_of(raw):
    moments = summarise(raw, 32)
    return {
        "status": "ok",
        "dim": raw.shape[1],
        "exact_variance": math.nan,
        "kurtosis": tails.kurtosis(moments),
        **bounds("variance", intervals.variance(moments)),
    }


@pytest.mark.parametrize("shared", [0.0, 1.0])
def test_sums_are_those_of_the_joint_draws(shared):
    """The trace exactly; the interval and the kurtosis from above, whatever groups share."""
    rng = np.random.default_rng(0)
    noise = rng.standard_t(9, size=(3200, 5))
    raw = noise * (1 + shared * rng.exponential(size=(3200, 1)))
    whole = together([row_of(raw[:, :2]), row_of(raw[:, 2:])])
    joint = row_of(raw)
    assert whole["variance"] == pytest.approx(raw.var(0, ddof=1).sum())
    assert whole["dim"] == 5
    assert whole["variance_low"] <= joint["variance_low"]
    assert joint["variance_high"] <= whole["variance_high"]
    assert joint["kurtosis"] <= whole["kurtosis"]


def test_a_group_that_is_unreliable_makes_the_whole_so():
    rows = [row_of(np.eye(64)), row_of(np.eye(64)) | {"status": "unreliable", "reason": "tail"}]
    whole = together(rows)
    assert (whole["status"], whole["reason"]) == ("unreliable", "tail")


def test_places_stay_apart():
    table = pd.DataFrame(
        [
            {**row_of(np.eye(64) * size), "cell": cell, "seed": seed, "group": group}
            for cell, seed, size in [("a", 0, 1.0), ("a", 1, 2.0), ("b", 0, 3.0)]
            for group in ("first", "second")
        ]
    )
    whole = in_group(table, WHOLE, by=("cell", "seed"))
    assert whole.cell.tolist() == ["a", "a", "b"]
    assert (whole.variance / whole.variance[0]).tolist() == pytest.approx([1.0, 4.0, 9.0])
    assert in_group(table, "second").equals(table[table.group == "second"])
