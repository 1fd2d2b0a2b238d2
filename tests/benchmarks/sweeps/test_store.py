"""The store: what it keeps, what it does with an older one, and what it refuses."""

import json
import sqlite3

import numpy as np
import pytest

from gradest.benchmarks.errors import StoreDamaged, StoreInUse
from gradest.benchmarks.runtime.environment import environment
from gradest.benchmarks.statistics.moments import Moments
from gradest.benchmarks.sweeps.run import run_sweep
from gradest.benchmarks.sweeps.store import FILE, Outcome, Summaries, open_store, read_outcomes
from tests.support.sweeps import Quiet


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
            " (cell text primary key, status text, reason text, rows text, environment text,"
            " theta text)"
        )
        kept = (cell.id, "ok", "", "[]", json.dumps(environment()), "")
        connection.execute("insert into cells values (?, ?, ?, ?, ?, ?)", kept)
        connection.execute("pragma user_version = 1")
    connection.close()
    assert read_outcomes(tmp_path)[cell.id].status == "ok"
    with open_store(tmp_path) as store:
        assert not list(store.shorter(cell.series, environment()))
    progress = Quiet()
    run_sweep(plan, tmp_path, progress)
    assert progress.missing == len(plan.measurable) - 1


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
