"""summary.md: what it says of a run that was made up, and that it says what is left out."""

import re

import numpy as np
import pytest

from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.comparisons.crossovers import find_crossovers
from gradest.benchmarks.report.report import write_report
from gradest.benchmarks.report.summary import headlines, summary
from tests.support.made_runs import (
    BATCHES,
    LEAVE_ONE_OUT,
    PATHWISE,
    PLAIN,
    SQUARE,
    cell,
    errors,
    jackknifed,
    write,
)

LEVELS = (1, 4, 16, 64)


@pytest.fixture
def cells():
    """Pathwise falls as 1/L, leave-one-out faster and crosses it; the plain one is unreliable at L
    = 64.
    """
    rng = np.random.default_rng(0)
    found = []
    for samples in LEVELS:
        for kind, variance in (
            (PLAIN, 9 / samples),
            (LEAVE_ONE_OUT, 6 / samples**1.5),
            (PATHWISE, 1 / samples),
        ):
            found.append(cell(jackknifed(variance, errors(rng, 0.01)), kind, samples=samples))
    found[9] |= {"status": "unreliable", "reason": "tail index 1.2: the variance may be infinite"}
    return found


def text_of(folder, cells, **options):
    run = read_run(write(folder, cells, **options))
    return summary(run, find_crossovers(run.measurements))


def test_it_says_what_matters(cells, tmp_path):
    text = text_of(tmp_path, cells)
    assert "- Cells: 11 ok, 1 unreliable." in text
    assert "of 12 rows that claim none, 0 were found biased" in text
    assert "12 unbiased within 5 % of the gradient" in text
    assert (
        "unreliable: score function on Gaussian square, initialisation, ∂/∂ mean, L = 64: "
        "tail index 1.2" in text
    )
    assert re.search(r"leave-one-out on Gaussian square.*: slope -1\.\d+ \[-1\.5", text)
    assert "pathwise on Gaussian square, initialisation, ∂/∂ mean: slope" not in text
    assert re.search(
        r"the score function \(leave-one-out\) has the lower variance above L = 3\d.* \[.*; "
        r"pathwise below",
        text,
    )
    # seconds are 1 µs for each sample
    assert "| Gaussian square | pathwise | 0 | 1 |" in re.sub(r"\d\.\d+e-\d+", "0", text)
    assert "timed in 5 processes" in text


def test_a_claim_that_was_found_false_is_named(cells, tmp_path):
    cells[0] |= {"bias_finding": "biased", "bias_norm": 0.3, "exact_norm": 6.0, "bias_q": 1e-4}
    cells[1] |= {"bias_finding": "none found"}
    text = text_of(tmp_path, cells)
    assert "1 were found biased" in text
    assert "in 1 none was found, which claims nothing" in text
    assert (
        "- score function on Gaussian square, initialisation, ∂/∂ mean, L = 1: "
        "‖bias‖ = 0.3 (5 % of the" in text
    )
    assert "gradient), q = 0.0001" in text


def test_the_least_precise_variance_is_named(cells, tmp_path):
    cells[4] |= {
        "variance_low": 0.5 * cells[4]["variance"],
        "variance_high": 1.5 * cells[4]["variance"],
    }
    (line,) = [
        line for line in headlines(read_run(write(tmp_path, cells))) if "least precise" in line
    ]
    assert (
        "to ± 50 %: score function, leave-one-out on Gaussian square, initialisation, ∂/∂ mean, "
        "L = 4" in line
    )


def test_without_batches_slopes_and_crossovers_are_left_out_and_that_is_said(cells, tmp_path):
    text = text_of(tmp_path / "bare", cells, left_out=False)
    left_out = "slopes, crossovers, the check of exact variances"
    assert f"- Left out, because leave_one_out.csv is not there: {left_out}." in text
    assert "slope -" not in text
    assert "overtakes" not in text
    written = {path.name for path in write_report(tmp_path / "bare")}
    whole = {path.name for path in write_report(write(tmp_path / "whole", cells))}
    assert whole - written == {"crossovers.md", "crossovers.tex"}
    assert "Slope" not in (tmp_path / "bare" / "numbers.tex").read_text()
    assert "Slope" in (tmp_path / "whole" / "numbers.tex").read_text()


def test_many_of_a_kind_are_cut_and_counted(tmp_path):
    rng = np.random.default_rng(1)
    failing = {"status": "failed", "reason": "not finite", "group": None, "variance": None}
    many = [
        cell(jackknifed(1.0, errors(rng, 0.01)), PLAIN, (SQUARE[0], SQUARE[1] | {"k": float(k)}))
        | failing
        for k in range(15)
    ]
    text = text_of(tmp_path, [*many, cell(jackknifed(1.0, np.zeros(BATCHES)), PATHWISE)])
    assert text.count("- failed: score function") == 10
    assert "- … and 5 more" in text
    assert "Cells: 1 ok, 15 failed." in text
