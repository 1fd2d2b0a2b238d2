"""A run from end to end: what it writes, that it resumes, and that nothing finished is ever lost."""

import hashlib
import json
import shutil
import sqlite3

import jax
import numpy as np
import pandas as pd
import pytest

from gradest.benchmarks.analysis.ratios import compare_runs
from gradest.benchmarks.analysis.results import read_measurements, read_run, recorded_sweep
from gradest.benchmarks.errors import BadInput, StoreDamaged, StoreInUse
from gradest.benchmarks.measurement import replicates as measuring
from gradest.benchmarks.measurement.checkpoints import checksum, params_at
from gradest.benchmarks.measurement.reference import reference_gradient
from gradest.benchmarks.report.report import write_report
from gradest.benchmarks.statistics.bias import biases, exactly
from gradest.benchmarks.statistics.intervals import (
    LINEAR,
    Interval,
    Jackknifed,
    interval,
    standard_error,
    t_quantile,
)
from gradest.benchmarks.statistics.moments import Moments
from gradest.benchmarks.statistics.tails import HEAVY_TAIL, Tail
from gradest.benchmarks.sweeps import run as running
from gradest.benchmarks.sweeps.run import COLUMNS, run_sweep
from gradest.benchmarks.sweeps.store import FILE, Outcome, Summaries, open_store, read_outcomes
from gradest.benchmarks.sweeps.sweep import Plan, lengthened, override, parse_sweep, resolve
from gradest.estimators import estimator
from gradest.problems import problem
from tests.support.short_of_memory import short_of_memory
from tests.support.sweeps import GOOD_SWEEP, Quiet

TIMED = [column for column in COLUMNS if "seconds" in column or "work" in column]


@pytest.fixture(scope="module")
def plan():
    return resolve(parse_sweep(GOOD_SWEEP, "here"))


@pytest.fixture(scope="module")
def finished(plan, tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    return folder, run_sweep(plan, folder, Quiet())


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
    assert manifest["checksums"]["measurements.csv"] == hashlib.sha256(data).hexdigest()
    assert manifest["sweep"]["seed"] == 0
    assert manifest["environments"][0]["jax"] == jax.__version__
    assert manifest["environments"][0]["prng"] == "threefry2x32"


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
        patch.setattr(running, "measure", explode)
        assert run_sweep(plan, tmp_path, Quiet()).counts["failed"] == len(plan.measurable)
    table = read_measurements(tmp_path)
    assert (table[table.status == "failed"].reason == "not finite").all()
    assert run_sweep(plan, tmp_path, Quiet()).counts["failed"] == 0


def test_other_versions_are_measured_again(finished, plan, monkeypatch, tmp_path):
    folder = shutil.copytree(finished[0], tmp_path / "copy")
    other = running.environment() | {"jax": "0"}
    monkeypatch.setattr(running, "environment", lambda generator: other)
    progress = Quiet(interrupt_after=1)
    with pytest.raises(KeyboardInterrupt):
        run_sweep(plan, folder, progress)
    assert progress.missing == len(plan.measurable)


def test_memory_that_does_not_suffice_is_said_and_changes_no_number(
    finished, plan, tmp_path, monkeypatch
):
    short_of_memory(monkeypatch, 800)
    run_sweep(plan, tmp_path, Quiet())
    ours, theirs = untimed(tmp_path), untimed(finished[0])
    pd.testing.assert_frame_equal(
        ours.drop(columns="reason"), theirs.drop(columns="reason"), check_exact=True
    )
    # 32 batches of 125 and of 25: a call of 32 × 25 fits
    said = "out of memory: calls of 4 × 125 replicates instead of 32 × 125"
    measured = ours.status == "ok"
    assert (
        ours.reason[measured].fillna("").str.endswith(said) == (ours.replicates[measured] == 4_000)
    ).all()


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
        patch.setattr(running, "measure", spy)
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


def test_a_precision_is_reached(tmp_path):
    """By the t quantile in place of 1.96, and give or take what a pilot of 2,000 and 32 batches do not know."""
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


@pytest.mark.parametrize(("limit", "value"), [("max_replicates", 1_600), ("cell_timeout", 1e-9)])
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


def test_summaries_are_kept_to_the_last_bit(tmp_path):
    rng = np.random.default_rng(0)
    shapes = [(32, 5), (32, 5), (32, 5), (32,), (32, 7), (5,)]
    moments = {
        group: Moments(9, *(rng.normal(size=shape) for shape in shapes))
        for group in ("mean", "scale")
    }
    outcome = Outcome("ok", "", [], {"jax": "1"}, "")
    with open_store(tmp_path) as store:
        store.keep("short", outcome, Summaries("s", 288, moments))
        store.keep("long", outcome, Summaries("s", 576, moments))
        store.keep("failed", outcome)
        found = list(store.shorter("s", {"jax": "1"}))
        assert [each.replicates for each in found] == [576, 288]
        for group in moments:
            for ours, theirs in zip(found[0].moments[group], moments[group], strict=True):
                np.testing.assert_array_equal(ours, theirs)
        assert not list(store.shorter("s", {"jax": "2"}))


def test_a_store_of_the_first_version_is_brought_up_to_date(finished, plan, tmp_path):
    """Its cells stay readable; having no summaries, they are not gone on from."""
    cell = plan.measurable[0]
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute(
            "create table cells"
            " (cell text primary key, status text, reason text, rows text, environment text, theta text)"
        )
        kept = (cell.id, "ok", "", "[]", json.dumps(running.environment()), "")
        connection.execute("insert into cells values (?, ?, ?, ?, ?, ?)", kept)
        connection.execute("pragma user_version = 1")
    connection.close()
    assert read_outcomes(tmp_path)[cell.id].status == "ok"
    with open_store(tmp_path) as store:
        assert not list(store.shorter(cell.series, running.environment()))
    progress = Quiet()
    run_sweep(plan, tmp_path, progress)
    assert progress.missing == len(plan.measurable) - 1


def test_findings_are_of_the_whole_sweep():
    """Benjamini and Hochberg's by hand: of 4 p-values the k-th smallest is held against k/4 · 5 %."""
    table = pd.DataFrame(
        {
            "bias_p": [0.03, 0.001, 0.9, 0.04, np.nan],
            "equivalence_p": [1.0, 0.01, 0.01, 0.2, np.nan],
        }
    )
    table = table.reindex(columns=[*COLUMNS]).assign(unbiased=True)
    found = running.judged(table)
    np.testing.assert_allclose(found.bias_q, [0.04 * 4 / 3, 0.004, 0.9, 0.04 * 4 / 3, np.nan])
    assert list(found.bias_finding[:4]) == ["none found", "biased", "equivalent", "none found"]
    assert found.bias_finding.isna().iloc[4]


def test_those_that_say_they_are_biased_do_not_lower_the_bar_for_the_others():
    """One p-value of 0.04 among nine that claim no bias, beside 90 that are biased and say so."""
    p = [0.04, *np.linspace(0.2, 0.9, 8), *[1e-9] * 90]
    table = pd.DataFrame({"bias_p": p, "equivalence_p": 1.0, "unbiased": [True] * 9 + [False] * 90})
    found = running.judged(table.reindex(columns=[*COLUMNS])).bias_finding
    assert list(found) == ["none found"] * 9 + ["biased"] * 90


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


def test_a_variance_that_is_one_batchs_is_refused():
    variance, light = Interval(2.0, 1.0, 3.0), Tail(float("inf"), 0.0, 0.0)
    status, reason = running.reliability(20_000, variance, 15.0, light, 0.0, 0.3)
    assert (status, reason.partition(",")[0]) == (
        "unreliable",
        "one batch of replicates carries 30% of the variance",
    )
    assert running.reliability(20_000, variance, 15.0, light, 0.0, 0.2)[0] == "ok"


def test_intervals_without_a_fourth_moment_are_refused_where_the_tail_hides_too(tmp_path):
    """exp(0.15 x²) has a finite variance, and no fourth moment: at L = 8 the sample's own kurtosis does not show it."""
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


def test_a_reference_run_stands_for_a_gradient_that_is_not_known_and_its_error_is_counted():
    vae = problem("vae_gaussian", latent_dim=3, num_images=4, hidden_dim=8)
    params = vae.init_params(jax.random.key(0))
    first, second, longer = (
        reference_gradient(vae, params, jax.random.key(i), replicates)
        for i, replicates in ((1, 1_000), (2, 1_000), (3, 16_000))
    )
    for group, truth in first.items():
        apart = np.abs(truth.gradient - second[group].gradient)
        error = np.hypot(truth.error, second[group].error)
        assert np.max(apart[error > 0] / error[error > 0]) < 5.5
        assert np.median(longer[group].error / np.maximum(truth.error, 1e-12)) == pytest.approx(
            0.25, rel=0.1
        )
    again = reference_gradient(vae, params, jax.random.key(1), 1_000)
    np.testing.assert_array_equal(again["encoder"].gradient, first["encoder"].gradient)
    # a long run against a short reference: biased only if the reference is taken for exact
    run = measuring.measure(
        vae, estimator("pathwise"), params, num_samples=64, replicates=16_000, key=jax.random.key(9)
    ).moments
    careless = {group: exactly(truth.gradient) for group, truth in first.items()}
    assert min(found.p for found in biases(run, careless, 1e-7).values()) < 0.01
    assert min(found.p for found in biases(run, first, 1e-7).values()) > 0.05


@pytest.mark.parametrize("damage", ["text", "version", "table"])
def test_a_damaged_store_is_said_and_left_as_it_is(damage, plan, tmp_path):
    path = tmp_path / FILE
    if damage == "text":
        path.write_bytes(b"this is no database" * 100)
    else:
        with sqlite3.connect(path) as connection:
            connection.execute(
                "create table other (x)" if damage == "table" else "pragma user_version = 9"
            )
            connection.execute(
                "pragma user_version = 1" if damage == "table" else "create table cells (x)"
            )
        connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreDamaged, match=r"damaged .*nothing was changed"):
        run_sweep(plan, tmp_path, Quiet())
    assert path.read_bytes() == before


def test_a_store_in_use_is_refused(plan, tmp_path):
    with open_store(tmp_path), pytest.raises(StoreInUse, match="in use"):
        run_sweep(plan, tmp_path, Quiet())


def test_a_folder_that_cannot_be_made_is_refused(plan, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written"):
        run_sweep(plan, tmp_path / "file" / "below", Quiet())


def test_a_report_is_the_same_bytes_twice_and_needs_no_store(finished, tmp_path):
    (tmp_path / "measurements.csv").write_bytes((finished[0] / "measurements.csv").read_bytes())
    first = {path: path.read_bytes() for path in write_report(tmp_path)}
    second = {path: path.read_bytes() for path in write_report(tmp_path)}
    assert first == second
    assert {path.suffix for path in first} == {".pdf", ".svg", ".png", ".md", ".tex"}


def test_a_report_without_its_table_says_what_is_missing(tmp_path):
    with pytest.raises(BadInput, match="is not there"):
        write_report(tmp_path)
    (tmp_path / "measurements.csv").write_text("a,b\n1,2\n")
    with pytest.raises(BadInput, match="missing: cell, problem"):
        write_report(tmp_path)


def test_training_lowers_the_loss_and_is_deterministic_with_and_without_its_checkpoint():
    for name in ("vae_gaussian", "vae_bernoulli"):
        trained = problem(name, latent_dim=4, hidden_dim=16, train_steps=200)
        start = params_at(problem(name, latent_dim=4, hidden_dim=16), "start", 0)
        first = params_at(trained, name, 0)
        again = params_at(trained, name, 0)  # from the checkpoint
        anew = params_at(trained, name + "elsewhere", 0)  # trained again
        assert checksum(first) == checksum(again) == checksum(anew) != checksum(start)

        def loss(params, vae=trained):
            x = vae.distribution(params).sample(jax.random.key(0), (50,)).astype(float)
            return float(vae.objectives(params, x).mean(0).sum())

        assert loss(first) < loss(start) - 5  # nats per image
