"""summary.md: what it says of a run that was made up, and that it says what is left out."""

import re
from textwrap import wrap

import numpy as np
import pytest

from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.report.report import texts_of, write_report
from gradest.benchmarks.report.summary import (
    Findings,
    doubtful_lines,
    health,
    news,
    summary,
    told_tables,
)
from tests.support.house import ROOT
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
from tests.support.made_training import ten, training, trajectory

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


def found_in(folder, cells, **options):
    return Findings(read_run(write(folder, cells, **options)))


def text_of(folder, cells, **options):
    return summary(found_in(folder, cells, **options))


def test_it_says_what_matters(cells, tmp_path):
    text = text_of(tmp_path, cells)
    assert "- Cells: 11 ok, 1 unreliable." in text
    assert "of 12 rows that claim none, 0 were found biased" in text
    assert "12 unbiased within 5 % of the gradient" in text
    assert (
        "unreliable: score function on Gaussian square, initialisation, ∂/∂ mean, L = 64: "
        "tail index 1.2" in text
    )
    assert "- score function: the variance may be infinite at Gaussian square" in text
    assert re.search(
        r"does not fall as 1/L.*: score function, leave-one-out at 1 place, slope −1\.\d+ \[−1\.5",
        text,
    )
    assert not re.search("fall as 1/L.*pathwise", text)
    assert re.search(
        r"the score function \(leave-one-out\) has the lower variance above L = 3\d.* \[.*; "
        r"pathwise below",
        text,
    )


def test_times_are_a_table(cells, tmp_path):
    """Seconds are 1 µs for each sample."""
    (times,) = [made for made in told_tables(found_in(tmp_path, cells)) if made.name == "times"]
    assert "timed in 5 processes" in times.title
    (row,) = [row for row in times.rows if row[1] == "pathwise"]
    assert (row[0], row[3]) == ("Gaussian square", "1")
    assert float(row[2]) == pytest.approx(0, abs=1e-9)


def test_times_that_are_missing_are_said_to_be(cells, tmp_path):
    """As after a run in several processes."""
    assert "Times:" not in text_of(tmp_path / "timed", cells)
    none = dict.fromkeys(("seconds", "seconds_low", "seconds_high", "timing_processes"))
    untimed = [each | none if each["num_samples"] > 1 else each for each in cells]
    found = found_in(tmp_path / "untimed", untimed)
    assert (
        "- Times: missing in 9 of 12 cells, which were measured beside others: timing columns are "
        'empty until "gradest time" fills them.\n' in summary(found)
    )
    assert "nan" not in texts_of(found)["tables/gaussian_square_init_mean.md"]


def test_a_claim_that_was_found_false_is_named(cells, tmp_path):
    cells[0] |= {"bias_finding": "biased", "bias_norm": 0.3, "bias_q": 1e-4}
    cells[1] |= {"bias_finding": "none found"}
    text = text_of(tmp_path, cells)
    assert "1 were found biased" in text
    assert "in 1 none was found, which claims nothing" in text
    assert (
        "- score function, found biased though claimed unbiased: ‖bias‖ = 0.3 (7.5 % of the "
        "gradient), q = 0.0001, L = 1 at Gaussian square\n" in text
    )


def test_the_least_precise_variance_is_named(cells, tmp_path):
    cells[4] |= {
        "variance_low": 0.5 * cells[4]["variance"],
        "variance_high": 1.5 * cells[4]["variance"],
    }
    run = read_run(write(tmp_path, cells))
    (line,) = [line for line in health(run) if "least precise" in line]
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
    written = {path.name for path in write_report(tmp_path / "bare").files}
    whole = {path.name for path in write_report(write(tmp_path / "whole", cells)).files}
    assert whole - written == {"crossovers.md", "crossovers.tex"}
    assert "Slope" not in (tmp_path / "bare" / "numbers.tex").read_text()
    assert "Slope" in (tmp_path / "whole" / "numbers.tex").read_text()


def test_many_of_a_kind_are_cut_and_counted(tmp_path):
    rng = np.random.default_rng(1)
    failing = {"status": "failed", "group": None, "variance": None}
    many = [
        cell(jackknifed(1.0, errors(rng, 0.01)), PLAIN, (SQUARE[0], SQUARE[1] | {"k": float(k)}))
        | failing
        | {"reason": f"cause {'abcdefghijklmno'[k]}"}
        for k in range(15)
    ]
    text = text_of(tmp_path, [*many, cell(jackknifed(1.0, np.zeros(BATCHES)), PATHWISE)])
    assert text.count("- failed: score function") == 8
    assert "- … and 7 more, in tables/doubtful.md" in text
    assert "Cells: 1 ok, 15 failed." in text


def test_rows_that_failed_for_one_cause_are_one_line_and_all_are_in_the_table(tmp_path):
    cells = [
        cell(jackknifed(1.0, np.zeros(BATCHES)), samples=n)
        | {"status": "unreliable", "reason": f"tail index {1 + n / 100}: no interval is sure"}
        for n in (1, 4, 16)
    ]
    found = found_in(tmp_path, cells)
    (line,) = doubtful_lines(found.run.measurements)
    assert "L = 1: tail index 1.01: no interval is sure (and 2 rows more so)" in line
    (doubtful,) = [made for made in told_tables(found) if made.name == "doubtful"]
    assert [row[2] for row in doubtful.rows] == [each["reason"] for each in cells]


@pytest.fixture(scope="module")
def reference():
    """The committed run of the default sweep."""
    return summary(Findings(read_run(ROOT / "results" / "reference")))


def test_a_default_run_has_a_summary_of_one_screen(reference):
    lines = [part for line in reference.splitlines() for part in wrap(line, 100) or [""]]
    assert len(lines) <= 48


def test_it_begins_with_the_answer_and_says_what_is_wrong_and_why(reference):
    headings = re.findall("^## (.*)$", reference, flags=re.M)
    assert headings == ["Answer", "Surprises", "Health"]
    assert "- pathwise: −100 % at Gaussian step, ∂/∂ mean;" in reference
    assert "∂/∂ scale: f jumps\n" in reference
    assert reference.index("straight-through: +240 %") < reference.index("pathwise: −100 %")
    assert re.search(
        r"- measure-valued \(5 of 19\): VAE Bernoulli, initialisation, ∂/∂ encoder, "
        r"4\.\d+ \[.*\] × before score function, optimal "
        r"\(less noise but wrong by \+0\.8 %: straight-through, 2\.\d+ \[.*\] × less error\); "
        r"VAE Bernoulli, step 1000, ∂/∂ encoder, .*less noise but wrong by −91 %: Gumbel-softmax",
        reference,
    )
    _, _, answer = reference.partition("## Answer")
    answer, _, _ = answer.partition("## Surprises")
    assert not re.search("- (Gumbel-softmax|straight-through)", answer)


def test_what_training_says_has_a_section_where_there_is_any(cells, tmp_path):
    run = read_run(write(tmp_path, cells))
    assert "## Training" not in summary(Findings(run))
    made = ten()
    trained = run._replace(training=training(made), trajectory=trajectory(made))
    text = summary(Findings(trained))
    _, _, section = text.partition("## Training")
    section, _, _ = section.partition("## Health")
    assert "Gaussian square: 10 estimators, 100 steps, 5 seeds; target: objective" in section
    assert "\n- First to reach it, per " in section
    assert "\n- Best at the end: " in section
    said = news(Findings(trained))
    assert any(line.startswith("Training: Gaussian square: 10 estimators") for line in said)
    assert not any(line.startswith("Training: ") for line in news(Findings(run)))


def test_training_that_is_to_rise_is_read_so(cells, tmp_path):
    """By the sweep that the manifest records: what falls then gains nothing."""
    made = ten()
    run = read_run(write(tmp_path, cells))._replace(training=training(made))
    sweep = {"sweep": {"training": {"maximize": True}}}
    risen = run._replace(manifest=(run.manifest or {}) | sweep)
    assert "target: objective" in summary(Findings(run))
    stated = {"sweep": {"training": {"target": 500.0}}}
    there = run._replace(manifest=(run.manifest or {}) | stated)
    assert "target: objective 500 (stated)" in summary(Findings(there))
    none = "no estimator ends better than it began with every seed: no target"
    assert none in summary(Findings(risen))
