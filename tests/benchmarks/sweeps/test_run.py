"""A run from end to end: what it writes, that it resumes, that nothing finished is ever lost."""

import hashlib
import json
import shutil

import jax
import numpy as np
import pandas as pd
import pytest

from gradest.benchmarks.analysis.results import read_run, recorded_sweep
from gradest.benchmarks.cells import measuring as cells
from gradest.benchmarks.comparisons.ratios import compare_runs
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.folders.columns import COLUMNS
from gradest.benchmarks.measurement import replicates as measuring
from gradest.benchmarks.plans.staleness import stale_in
from gradest.benchmarks.report.report import write_report
from gradest.benchmarks.runtime.source_code import git_state
from gradest.benchmarks.statistics.intervals import (
    LINEAR,
    Jackknifed,
    interval,
    standard_error,
    t_quantile,
)
from gradest.benchmarks.statistics.tails import HEAVY_TAIL
from gradest.benchmarks.sweeps import executors
from gradest.benchmarks.sweeps import run as running
from gradest.benchmarks.sweeps.plan import Plan, resolve
from gradest.benchmarks.sweeps.run import codes_by_digest, run_sweep
from gradest.benchmarks.sweeps.schema import override, parse_sweep
from gradest.benchmarks.sweeps.selection import lengthened
from gradest.benchmarks.sweeps.store import open_store, read_outcomes
from tests.support.folders import read_measurements
from tests.support.short_of_memory import short_of_memory
from tests.support.sweeps import GOOD_SWEEP, Quiet

TIMED = [column for column in COLUMNS if "seconds" in column or "work" in column]


def untimed(folder):
    return read_measurements(folder).drop(columns=TIMED)


def test_a_row_for_each_cell_and_group(finished, plan):
    folder, summary = finished
    table = read_measurements(folder)
    assert list(table.columns) == list(COLUMNS)
    measured = summary.counts["ok"] + summary.counts["unreliable"]
    assert (measured, summary.counts["skipped"]) == (len(plan.measurable), len(plan.reasons))
    assert summary.counts["failed"] == summary.counts["pending"] == 0
    ok = table[table.status != "skipped"]
    assert len(ok) == sum(
        2 if cell.problem.name.startswith("gauss") else 1 for cell in plan.measurable
    )
    assert (ok.variance_low < ok.variance).all()
    assert (ok.variance < ok.variance_high).all()
    assert (ok.unbiased & ok.exact).all()
    assert table[table.status == "skipped"].reason.notna().all()
    assert table[table.status == "skipped"].variance.isna().all()
    np.testing.assert_allclose(ok.work_normalised_variance, ok.variance * ok.seconds)
    signal = np.maximum(ok.mean_norm**2 - ok.variance / ok.replicates, 0)
    np.testing.assert_allclose(ok.snr, np.sqrt(signal / ok.variance))
    assert json.loads(table.problem_args.iloc[0])  # every argument, defaults too


def test_the_manifest_tells_how_it_came_about(finished):
    folder, _ = finished
    manifest = json.loads((folder / "manifest.json").read_text())
    data = (folder / "measurements.csv").read_bytes()
    assert manifest["files"]["measurements.csv"] == hashlib.sha256(data).hexdigest()
    assert manifest["sweep"]["seed"] == 0
    assert manifest["environments"][0]["jax"] == jax.__version__
    assert manifest["environments"][0]["prng"] == "threefry2x32"


@pytest.mark.slow
def test_another_generator_measures_the_same_things_by_other_numbers(finished, plan, tmp_path):
    other = resolve(override(plan.sweep, generator="philox"))
    run_sweep(other, tmp_path, Quiet())
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["sweep"]["generator"] == "philox"
    assert manifest["environments"][0]["prng"] == "philox4x32"
    assert recorded_sweep(tmp_path) == other.sweep
    ours, theirs = (
        untimed(folder).query("status != 'skipped'") for folder in (tmp_path, finished[0])
    )
    assert (ours.variance.to_numpy() != theirs.variance.to_numpy()).all()
    np.testing.assert_array_equal(ours.theta, theirs.theta)
    # intervals of 95 %: all overlap but for a few
    apart = (ours.variance_low.to_numpy() > theirs.variance_high) | (
        ours.variance_high.to_numpy() < theirs.variance_low
    )
    assert apart.mean() < 0.05
    found = compare_runs(read_run(finished[0]), read_run(tmp_path), ["variance"])
    assert any(
        line.startswith("different random number generators: prng") for line in found.warnings
    )
    assert found.rows
    assert not any(row.paired for row in found.rows)


def test_a_second_run_measures_nothing(finished, plan):
    folder, _ = finished
    before = (folder / "measurements.csv").read_bytes()
    progress = Quiet()
    summary = run_sweep(plan, folder, progress)
    assert progress.missing == 0
    assert summary.reused == len(plan.measurable)
    assert (folder / "measurements.csv").read_bytes() == before


def test_an_interrupted_run_goes_on_to_the_same_numbers(finished, plan, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run_sweep(plan, tmp_path, Quiet(interrupt_after=4))
    assert len(read_outcomes(tmp_path)) == 4
    progress = Quiet()
    run_sweep(plan, tmp_path, progress)
    assert progress.missing == len(plan.measurable) - 4
    pd.testing.assert_frame_equal(untimed(tmp_path), untimed(finished[0]))


def test_a_failed_cell_is_a_row_and_is_tried_again(plan, tmp_path, monkeypatch):
    def explode(*args, **kwargs):
        raise FloatingPointError("not finite")

    with monkeypatch.context() as patch:
        patch.setattr(cells, "measure", explode)
        assert run_sweep(plan, tmp_path, Quiet()).counts["failed"] == len(plan.measurable)
    table = read_measurements(tmp_path)
    assert (table[table.status == "failed"].reason == "not finite").all()
    assert run_sweep(plan, tmp_path, Quiet()).counts["failed"] == 0


def test_the_manifest_has_for_each_environment_the_code_that_its_cells_were_measured_with(
    finished, plan, monkeypatch, tmp_path
):
    """Not that of the last run: four cells are of another commit, one of which has other code."""
    folder = shutil.copytree(finished[0], tmp_path / "copy")
    with open_store(folder) as store:
        for number, (cell, outcome) in enumerate(list(store.outcomes().items())[:4]):
            code = outcome.code if number else "other"
            store.keep(cell, outcome._replace(commit="then", dirty=False, code=code))
    run_sweep(plan, folder, Quiet())
    first, then = json.loads((folder / "manifest.json").read_text())["environments"]
    if first["commit"] == "then":
        first, then = then, first
    assert (then["commit"], then["dirty"], then["cells"]) == ("then", False, 3)
    assert first["commit"] == git_state()["commit"]
    assert first["cells"] == len(plan.measurable) - 3
    for entry in (first, then):
        assert sum(entry["code"].values()) == entry["cells"]
        assert entry["jax"] == jax.__version__
    assert set(first["code"]) | set(then["code"]) <= set(codes_by_digest(plan))


def test_other_code_is_measured_again_and_no_other_cell(finished, plan, monkeypatch, tmp_path):
    folder = shutil.copytree(finished[0], tmp_path / "copy")
    before = read_outcomes(folder)
    code_of = running.code_of

    def edited(through, *things):
        names = {type(thing).__name__ for thing in things}
        more = {"gradest.estimators.pathwise.pathwise": "edited"} if "Pathwise" in names else {}
        return code_of(through, *things) | more

    monkeypatch.setattr(running, "code_of", edited)
    stale = [cell for cell in plan.measurable if cell.estimator.name == "pathwise"]
    why = "measured with other code (gradest.estimators.pathwise.pathwise)"
    assert stale_in(plan, folder) == [(why, len(stale), "cell")]
    progress = Quiet()
    assert run_sweep(plan, folder, progress).reused == len(plan.measurable) - len(stale)
    assert progress.missing == len(stale) == 4
    after = read_outcomes(folder)
    assert {cell.id for cell in stale} == {
        name for name in after if after[name].code != before[name].code
    }
    assert stale_in(plan, folder) == []


def test_other_versions_are_measured_again(finished, plan, monkeypatch, tmp_path):
    folder = shutil.copytree(finished[0], tmp_path / "copy")
    other = executors.environment() | {"jax": "0"}
    monkeypatch.setattr(executors, "environment", lambda generator: other)
    progress = Quiet(interrupt_after=1)
    with pytest.raises(KeyboardInterrupt):
        run_sweep(plan, folder, progress)
    assert progress.missing == len(plan.measurable)


@pytest.mark.slow
def test_memory_that_does_not_suffice_is_said_and_changes_no_number(
    finished, plan, tmp_path, monkeypatch
):
    short_of_memory(monkeypatch, 800)
    run_sweep(plan, tmp_path, Quiet())
    ours, theirs = untimed(tmp_path), untimed(finished[0])
    # the size of rounding is that of some replicates of the first call, which has others here
    tested = [
        name for name in ours if name.startswith(("bias_", "equivalence_", "mse", "relative_"))
    ]
    exactly, nearly = [*tested, "reason"], ["reason"]
    pd.testing.assert_frame_equal(
        ours.drop(columns=exactly), theirs.drop(columns=exactly), check_exact=True
    )
    pd.testing.assert_frame_equal(ours.drop(columns=nearly), theirs.drop(columns=nearly), rtol=1e-4)
    # 32 batches of 125 and of 25: a call of 32 × 25 fits
    said = "out of memory: calls of 4 × 125 replicates instead of 32 × 125"
    measured = ours.status == "ok"
    assert (
        ours.reason[measured].fillna("").str.endswith(said) == (ours.replicates[measured] == 4_000)
    ).all()


@pytest.mark.slow
def test_a_cell_that_memory_never_suffices_for_fails_and_the_run_goes_on(
    plan, tmp_path, monkeypatch
):
    short_of_memory(monkeypatch, 0, "Pathwise")
    counts = run_sweep(plan, tmp_path, Quiet()).counts
    table = read_measurements(tmp_path)
    failed = table[table.status == "failed"]
    assert (failed.estimator == "pathwise").all()
    assert (failed.reason == "out of memory: it does not suffice for one replicate at a time").all()
    assert counts["failed"] == failed.cell.nunique() > 0
    assert counts["ok"] > 0


def test_an_extended_run_has_the_numbers_of_one_run_of_the_total(
    finished, plan, tmp_path, monkeypatch
):
    """Stopped half way and gone on with, too; and no replicate is measured twice."""
    shutil.copytree(finished[0], tmp_path / "extended")
    gone_on = []

    def spy(*args, earlier=None, **given):
        gone_on.append(earlier is not None)
        return measuring.measure(*args, earlier=earlier, **given)

    total = resolve(lengthened(recorded_sweep(tmp_path / "extended"), 4_000))
    assert {cell.replicates for cell in total.cells} == {8_000, 1_600}
    with monkeypatch.context() as patch:
        patch.setattr(cells, "measure", spy)
        with pytest.raises(KeyboardInterrupt):
            run_sweep(total, tmp_path / "extended", Quiet(interrupt_after=5))
        run_sweep(total, tmp_path / "extended", Quiet())
    assert gone_on == [True] * len(plan.measurable)
    run_sweep(total, tmp_path / "at_once", Quiet())
    pd.testing.assert_frame_equal(
        untimed(tmp_path / "extended"), untimed(tmp_path / "at_once"), check_exact=True
    )
    ours, theirs = (
        (tmp_path / name / "leave_one_out.csv").read_bytes() for name in ("extended", "at_once")
    )
    assert ours == theirs


def test_what_was_left_out_jackknifes_to_the_interval(finished):
    folder, _ = finished
    rows = read_measurements(folder).query("status != 'skipped'").set_index(["cell", "group"])
    parts = pd.read_csv(folder / "leave_one_out.csv").groupby(["cell", "group"])
    assert set(parts.groups) == set(rows.index)
    for place, part in parts:
        row = rows.loc[place]
        assert len(part) == row.batches
        if row["kurtosis"] <= HEAVY_TAIL:
            again = interval(Jackknifed(row.variance, part.variance.to_numpy()))
            np.testing.assert_allclose(
                again, row[["variance", "variance_low", "variance_high"]].astype(float), rtol=1e-6
            )
        # a squared distance has a score interval: its middle is t²c/2 above the value, c by the
        # jackknife
        error = standard_error(Jackknifed(row.bias_squared, part.squared_bias.to_numpy()), LINEAR)
        length = row.bias_squared + row.variance / row.replicates
        middle = row.bias_squared + (t_quantile(row.batches - 1) * error) ** 2 / length / 2
        assert (row.bias_squared_low + row.bias_squared_high) / 2 == pytest.approx(middle, rel=1e-4)


def precisely(precision: float, **given) -> Plan:
    sweep = parse_sweep(
        GOOD_SWEEP.replace("samples = [1, 4]", "samples = [4]").replace("[-3.0, 3.0]", "3.0"),
        "here",
    )
    return resolve(override(sweep, precision=precision, **given))


@pytest.mark.slow
def test_a_precision_is_reached(tmp_path):
    """By the t quantile in place of 1.96, give or take what pilot and batches do not know."""
    run_sweep(precisely(0.04), tmp_path, Quiet())
    table = read_measurements(tmp_path).query("status == 'ok'")
    assert (table.replicates % 800 == 0).all()
    assert table.replicates.nunique() > 2
    widest = np.log(table.variance_high / table.variance_low).groupby(table.cell).max() / 2
    assert (widest < 0.07).all()
    assert (widest[table.groupby("cell").replicates.first() > 800] > 0.02).all()
    needed = (1.96 / 0.04) ** 2 * (table.groupby("cell").kurtosis.max() - 1)
    np.testing.assert_allclose(
        table.groupby("cell").replicates.first(), np.maximum(needed, 800), rtol=0.6
    )


@pytest.mark.parametrize(
    ("limit", "value"),
    [pytest.param("max_replicates", 1_600, marks=pytest.mark.slow), ("cell_timeout", 1e-9)],
)
def test_a_precision_that_is_not_reached_says_why(limit, value, tmp_path):
    run_sweep(precisely(0.001, **{limit: value}), tmp_path, Quiet())
    table = read_measurements(tmp_path).query("status != 'skipped'")
    assert (table.replicates == (1_600 if limit == "max_replicates" else 800)).all()
    assert table.reason.str.contains(
        rf"R = \d+ by {limit}: ±[\d.]+ of the variance to be expected, not ±0.001"
    ).all()


def test_the_pilot_is_not_part_of_what_is_measured(tmp_path):
    """The same R, asked for as a number, gives the same numbers."""
    run_sweep(precisely(0.5, max_replicates=800), tmp_path / "precision", Quiet())
    fixed = GOOD_SWEEP.replace("samples = [1, 4]", "samples = [4]").replace("[-3.0, 3.0]", "3.0")
    run_sweep(
        resolve(override(parse_sweep(fixed, "here"), replicates=800)), tmp_path / "number", Quiet()
    )
    names = ["variance", "variance_low", "bias_p", "kurtosis"]
    ours, theirs = (read_measurements(tmp_path / name)[names] for name in ("precision", "number"))
    pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


HEAVY = """
schema = 1
name = "heavy"
replicates = 20_000
samples = [1, 8]

[[problem]]
name = "gaussian_exponential"
k = [-0.15, 0.5]

[[estimator]]
name = "score_function"
"""


def test_intervals_without_a_fourth_moment_are_refused_where_the_tail_hides_too(tmp_path):
    """exp(0.15 x²) has a finite variance, and no fourth moment.

    At L = 8 the sample's own kurtosis does not show it.
    """
    run_sweep(resolve(parse_sweep(HEAVY, "here")), tmp_path, Quiet())
    table = read_measurements(tmp_path).assign(
        k=lambda t: t.problem_args.map(lambda text: json.loads(text)["k"])
    )
    heavy, light = table[table.k < 0], table[table.k > 0]
    assert (heavy.status == "unreliable").all()
    assert (
        heavy[heavy.num_samples == 1]
        .reason.str.match(r"tail index 1\.\d: the fourth moment may be infinite")
        .all()
    )
    hidden = heavy[heavy.num_samples == 8]
    assert hidden.reason.str.match(r"tail index 1\.\d at L = 1: so at every L").all()
    assert (
        (hidden.exact_variance > hidden.variance_high)
        | (hidden.exact_variance < hidden.variance_low)
    ).all()
    assert (light.status == "ok").all()
    assert json.loads((tmp_path / "manifest.json").read_text())["cells"]["unreliable"] == 2


def test_a_folder_that_cannot_be_made_is_refused(plan, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written"):
        run_sweep(plan, tmp_path / "file" / "below", Quiet())


@pytest.mark.slow
def test_a_report_is_the_same_bytes_twice_and_needs_no_store(finished, tmp_path):
    (tmp_path / "measurements.csv").write_bytes((finished[0] / "measurements.csv").read_bytes())
    first = {path: path.read_bytes() for path in write_report(tmp_path).files}
    second = {path: path.read_bytes() for path in write_report(tmp_path).files}
    assert first == second
    texts = {".md", ".tex", ".bib", ".csv", ".html", ".py"}
    assert {path.suffix for path in first} == {".pdf", ".svg", ".png"} | texts


def test_a_report_without_its_table_says_what_is_missing(tmp_path):
    with pytest.raises(BadInput, match="is not there"):
        write_report(tmp_path)
    (tmp_path / "measurements.csv").write_text("a,b\n1,2\n")
    with pytest.raises(BadInput, match="missing: cell, problem"):
        write_report(tmp_path)
