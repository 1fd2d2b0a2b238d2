"""A run from end to end: what it writes, that it resumes, and that nothing finished is ever lost."""

import hashlib
import json
import sqlite3

import jax
import numpy as np
import pandas as pd
import pytest

from benchmarks import run as running
from benchmarks.errors import BadInput, StoreDamaged, StoreInUse
from benchmarks.report import read_measurements, write_report
from benchmarks.run import COLUMNS, run_sweep
from benchmarks.store import FILE, open_store, read_outcomes
from benchmarks.sweep import parse_sweep, resolve
from benchmarks.training import checksum, params_at
from problems import problem
from tests.test_sweep import GOOD

TIMED = [column for column in COLUMNS if "seconds" in column or "work" in column]


class Quiet:
    """A progress that says nothing, and may interrupt after so many cells."""

    def __init__(self, interrupt_after: int = 10**9):
        self.left = interrupt_after
        self.missing = None

    def start(self, missing):
        self.missing = missing

    def __call__(self, cell, status, seconds):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def plan():
    return resolve(parse_sweep(GOOD, "here"))


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
    counts = {"ok": len(plan.measurable), "unreliable": 0, "skipped": len(plan.reasons), "failed": 0, "pending": 0}
    assert summary.counts == counts
    ok = table[table.status == "ok"]
    assert len(ok) == sum(2 if cell.problem.name.startswith("gauss") else 1 for cell in plan.measurable)
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


def test_other_versions_are_measured_again(finished, plan, monkeypatch):
    folder, _ = finished
    other = running.environment() | {"jax": "0"}
    monkeypatch.setattr(running, "environment", lambda: other)
    progress = Quiet(interrupt_after=1)
    with pytest.raises(KeyboardInterrupt):
        run_sweep(plan, folder, progress)
    assert progress.missing == len(plan.measurable)


@pytest.mark.parametrize("damage", ["text", "version", "table"])
def test_a_damaged_store_is_said_and_left_as_it_is(damage, plan, tmp_path):
    path = tmp_path / FILE
    if damage == "text":
        path.write_bytes(b"this is no database" * 100)
    else:
        with sqlite3.connect(path) as connection:
            connection.execute("create table other (x)" if damage == "table" else "pragma user_version = 9")
            connection.execute("pragma user_version = 1" if damage == "table" else "create table cells (x)")
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
            return float(vae.costs(params, x).mean(0).sum())

        assert loss(first) < loss(start) - 5  # nats per image
