"""The store: what it keeps, what it does with an older one, and what it refuses."""

import sqlite3

import numpy as np
import pytest

from gradest.benchmarks.errors import StoreDamaged, StoreInUse
from gradest.benchmarks.outcomes import Origin, Outcome, Summaries
from gradest.benchmarks.plans.staleness import stale_in
from gradest.benchmarks.runtime.environment import digest_of, environment
from gradest.benchmarks.statistics.moments import Moments
from gradest.benchmarks.sweeps.run import run_sweep
from gradest.benchmarks.sweeps.store import FILE, open_store, read_outcomes
from tests.support.older_stores import older_store
from tests.support.sweeps import Quiet

HERE = Origin({"jax": "1"}, "code")


def moments():
    rng = np.random.default_rng(0)
    shapes = [(32, 5), (32, 5), (32, 5), (32,), (32, 7), (5,)]
    return {
        group: Moments(9, *(rng.normal(size=shape) for shape in shapes))
        for group in ("mean", "scale")
    }


def outcome(rows=()):
    return Outcome("ok", "", list(rows), HERE.environment, "", HERE.code, "abc", True)


def test_a_cell_is_kept_with_all_that_it_came_from(tmp_path):
    kept = outcome([{"variance": 1.5, "unbiased": None}])
    with open_store(tmp_path) as store:
        store.keep("a", kept)
        store.keep("a", kept._replace(status="unreliable"))
        store.keep("b", kept._replace(commit=None, dirty=None))
        assert store.outcomes() == {
            "a": kept._replace(status="unreliable"),
            "b": kept._replace(commit=None, dirty=None),
        }
        code = {"gradest.estimators.base": "12", "beside": "34"}
        store.keep_code(code)
        store.keep_code(code)
        assert store.code(digest_of(code)) == code
        assert store.code("another") == {}


def test_summaries_are_kept_to_the_last_bit(tmp_path):
    given = moments()
    with open_store(tmp_path) as store:
        store.keep("short", outcome(), Summaries("s", 288, given))
        store.keep("long", outcome(), Summaries("s", 576, given))
        store.keep("failed", outcome())
        found = list(store.shorter("s", HERE))
        assert [each.replicates for each in found] == [576, 288]
        for group in given:
            for ours, theirs in zip(found[0].moments[group], given[group], strict=True):
                np.testing.assert_array_equal(ours, theirs)
        assert not list(store.shorter("s", HERE._replace(environment={"jax": "2"})))
        assert not list(store.shorter("s", HERE._replace(code="other")))


def test_times_are_those_of_a_code_in_an_environment(tmp_path):
    with open_store(tmp_path) as store:
        store.keep_timings(1, {"a": 2.0}, HERE)
        store.keep_timings(0, {"a": 1.0, "b": 3.0}, HERE)
        store.keep_timings(0, {"a": 1.5}, HERE)
        assert store.timings(HERE) == {"a": [(0, 1.5), (1, 2.0)], "b": [(0, 3.0)]}
        assert store.timings(HERE._replace(code="other")) == {}


@pytest.mark.parametrize("version", [1, 2])
def test_an_older_store_is_read_as_it_is_and_its_cells_are_measured_again(version, plan, tmp_path):
    """With which code they were measured is not known."""
    cell = plan.measurable[0]
    then = Outcome("ok", "", [{"variance": 1.0}], environment(), "")
    older_store(tmp_path / FILE, version, {cell.id: then})
    before = (tmp_path / FILE).read_bytes()
    assert read_outcomes(tmp_path) == {cell.id: then}
    why = "measured by a version that did not keep with which code"
    assert stale_in(plan, tmp_path) == [(why, 1, "cell")]
    assert (tmp_path / FILE).read_bytes() == before
    with open_store(tmp_path) as store:
        assert store.outcomes() == {cell.id: then}
        assert not list(store.shorter("series", then.origin))
    assert stale_in(plan, tmp_path) == [(why, 1, "cell")]

    class Started(Quiet):
        def start(self, missing):
            assert missing == len(plan.measurable)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_sweep(plan, tmp_path, Started())


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
