"""A store that is damaged, cut, killed over, or on a disk that is full: never a wrong number."""

import json
import sqlite3
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from gradest.benchmarks import database
from gradest.benchmarks.errors import BadInput, StoreDamaged, StoreInUse
from gradest.benchmarks.outcomes import Outcome
from gradest.benchmarks.plans.staleness import stale_in
from gradest.benchmarks.sweeps.store import FILE, SCHEMA, TABLES, VERSION, open_store, read_store
from tests.support.flipped_stores import CELLS, HERE, everything, fate, fill, flipped
from tests.support.house import ROOT
from tests.support.older_stores import older_store

FLIPS = 60


@pytest.fixture
def store(tmp_path):
    """The folder of a store with six cells, what was read of it, and its file's content."""
    fill(tmp_path)
    with open_store(tmp_path) as opened:
        truth = everything(opened)
    assert len(truth.outcomes) == len(truth.summaries) == len(truth.timings) == len(CELLS)
    assert len(truth.trainings) == len(CELLS)
    assert truth.extension
    return tmp_path, truth, (tmp_path / FILE).read_bytes()


def test_a_flipped_bit_is_said_or_harmless(store):
    """Of any 60: read by a run, and by an extension."""
    folder, truth, clean = store
    bits = np.random.default_rng(0).integers(0, 8 * len(clean), FLIPS)
    fates = Counter(fate(folder, truth, flipped(clean, int(bit))) for bit in bits)
    assert set(fates) <= {"harmless", "said", "refused"}
    assert fates["said"] > FLIPS / 3


def test_a_flipped_bit_of_the_header_or_the_schema_is_refused_or_harmless(store):
    folder, truth, clean = store
    start = clean.index(b"CREATE TABLE cells")
    bits = [*range(0, 800, 13), *range(8 * start, 8 * (start + 200), 61)]
    fates = Counter(fate(folder, truth, flipped(clean, bit)) for bit in bits)
    assert set(fates) <= {"harmless", "refused"}
    assert fates["refused"] > len(bits) / 3


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
def test_a_store_that_was_cut_is_refused_or_what_is_missing_said(store, share):
    folder, truth, clean = store
    assert fate(folder, truth, clean[: int(share * len(clean))]) in ("refused", "said")


def test_damaged_cells_and_summaries_are_told_apart(store):
    """A damaged cell is not there; with damaged summaries it stands, and is not gone on from."""
    folder, truth, clean = store
    text = b'"group": "scale"'
    assert clean.count(text) == len(CELLS)
    broken = clean.replace(text, b'"group": "stale"', 1)
    (folder / FILE).write_bytes(broken)
    kept = read_store(folder)
    (lost,) = truth.outcomes.keys() - kept.outcomes.keys()
    assert kept.damaged == [lost]
    with open_store(folder) as opened:
        opened.outcomes()
        opened.discard_damaged()
    assert read_store(folder).damaged == []

    (folder / FILE).write_bytes(clean)
    connection = sqlite3.connect(folder / FILE)
    with connection:
        connection.execute("update cells set summaries = x'00' where cell = ?", (CELLS[2],))
    connection.close()
    with open_store(folder) as opened:
        assert opened.outcomes() == truth.outcomes
        assert list(opened.shorter(f"series of {CELLS[2]}", HERE)) == []
        (said,) = opened.lost
        assert CELLS[2] in said


def test_damaged_cells_are_counted_and_named(store, plan):
    folder, _, clean = store
    (folder / FILE).write_bytes(clean.replace(b'"group": "scale"', b'"group": "stale"', 2))
    first, second = sorted(read_store(folder).damaged)
    assert stale_in(plan, folder) == [(f"damaged ('{first}', '{second}')", 2, "cell")]


def test_an_empty_file_is_a_new_store(tmp_path):
    """As a process leaves it that is killed before anything was committed."""
    (tmp_path / FILE).touch()
    assert read_store(tmp_path).outcomes == {}
    with open_store(tmp_path) as store:
        store.keep("a", Outcome("ok", "", [], {}, ""))
    assert list(read_store(tmp_path).outcomes) == ["a"]


class Killed(BaseException):
    """Instead of a signal: what was done so far is left as it is."""


def dies_at(monkeypatch, number):
    """The process dies before it executes the statement of this number; returns what it did."""
    done = []

    class Dying(sqlite3.Connection):
        def execute(self, *arguments):
            if len(done) == number:
                raise Killed
            done.append(arguments[0])
            return super().execute(*arguments)

    connect = sqlite3.connect
    monkeypatch.setattr(
        database.sqlite3, "connect", lambda *args, **given: connect(*args, factory=Dying, **given)
    )
    return done


@pytest.mark.parametrize("version", [0, 1, 2])
def test_a_store_is_created_and_upgraded_wholly_or_not_at_all(tmp_path, version, monkeypatch):
    """Killed before any of the statements: what is there is what was there, or all is new."""
    kept = Outcome("ok", "", [{"variance": 1.0}], {"jax": "1"}, "")
    for number in range(100):
        (tmp_path / FILE).unlink(missing_ok=True)
        if version:
            older_store(tmp_path / FILE, version, {"a": kept, "b": kept})
        with monkeypatch.context() as patch:
            done = dies_at(patch, number)
            try:
                with open_store(tmp_path):
                    break
            except Killed:
                pass
        expected = {"a": kept, "b": kept} if version else {}
        assert read_store(tmp_path).outcomes == expected
        with open_store(tmp_path) as store:
            assert store.outcomes() == expected
    assert number > 8
    assert any(f"user_version = {VERSION}" in statement for statement in done)


CREATE = """
import json, pathlib, sys
from gradest.benchmarks.database import Schema, open_to_write, transaction
schema = Schema(int(sys.argv[2]), json.loads(sys.argv[3]), None)
folder = pathlib.Path(sys.argv[1])
for number in range(100_000):
    (folder / str(number)).mkdir()
    connection = open_to_write(folder / str(number) / "store.sqlite", schema)
    for code in "ab":
        with transaction(connection):
            connection.execute("insert into codes values (?, '{}')", (code,))
    connection.close()
"""


@pytest.mark.parametrize("stores", [5, 8])
def test_a_killed_process_leaves_whole_stores_and_nobody_sees_them_half_made(tmp_path, stores):
    """They are read all the while: they are empty or whole, never damaged."""
    words = [str(tmp_path), str(VERSION), json.dumps(TABLES)]
    with subprocess.Popen([sys.executable, "-c", CREATE, *words], cwd=ROOT) as child:
        while len(list(tmp_path.iterdir())) < stores:
            assert child.poll() is None
            for newest in sorted(tmp_path.iterdir(), key=lambda made: int(made.name))[-1:]:
                assert read_store(newest).damaged == []
        child.kill()
    for folder in tmp_path.iterdir():
        with open_store(folder) as store:
            codes = [code for (code,) in store._connection.execute("select code from codes")]
            assert codes in ([], ["a"], ["a", "b"])
            store.keep("b", Outcome("ok", "", [], {}, ""))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_FULL, BadInput),
        (sqlite3.SQLITE_READONLY, BadInput),
        (sqlite3.SQLITE_IOERR_WRITE, BadInput),
        (sqlite3.SQLITE_CANTOPEN, BadInput),
        (sqlite3.SQLITE_BUSY, StoreInUse),
        (sqlite3.SQLITE_CORRUPT, StoreDamaged),
        (sqlite3.SQLITE_NOTADB, StoreDamaged),
    ],
)
def test_what_the_machine_refuses_is_no_damage(tmp_path, code, kind):
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = code
    match = r"store .*store\.sqlite.*disk is full"
    with pytest.raises(kind, match=match), database.told(tmp_path / FILE):
        raise error


def test_a_full_disk_is_said_and_what_was_kept_stays(tmp_path):
    with open_store(tmp_path) as store:
        store.keep("a", Outcome("ok", "", [], {}, ""))
        pages = store._connection.execute("pragma page_count").fetchone()[0]
        store._connection.execute(f"pragma max_page_count = {pages}")
        large = Outcome("ok", "x" * 100_000, [], {}, "")
        with pytest.raises(BadInput, match=r"store\.sqlite: cannot be .* full"):
            store.keep("b", large)
        assert list(store.outcomes()) == ["a"]
        store._connection.execute("pragma max_page_count = 100000")
        store.keep("b", large)
        assert list(store.outcomes()) == ["a", "b"]


def test_a_file_that_others_hold_is_in_use(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "WAIT", 0.05)
    fill(tmp_path)
    holder = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    holder.execute("begin exclusive")
    with pytest.raises(StoreInUse, match="another process"):
        read_store(tmp_path)
    with pytest.raises(StoreInUse, match="another process"), open_store(tmp_path):
        pass
    holder.execute("rollback")
    holder.close()
    assert len(read_store(tmp_path).outcomes) == len(CELLS)


def test_the_schema_is_what_sqlite_remembers(tmp_path):
    with open_store(tmp_path) as store:
        found = store._connection.execute("select name, sql from sqlite_master").fetchall()
        assert dict(found) == SCHEMA.statements
        assert store._connection.execute("pragma synchronous").fetchone() == (3,)
        assert store._connection.execute("pragma journal_mode").fetchone() == ("delete",)
