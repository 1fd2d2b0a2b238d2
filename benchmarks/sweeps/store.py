"""Where finished cells are kept: one SQLite file, a row a cell, committed as each cell ends.

Every row has a SHA-256 checksum of everything in it, which is compared when it is read: a row that
does not fit it is as if it were not there, and is said. The summaries that a longer run goes on
from have one of their own, which is part of the row's: where they alone are damaged, the cell
stands.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from gradest.benchmarks.database import (
    Schema,
    checksum,
    create,
    insert,
    open_to_read,
    open_to_write,
    told,
    transaction,
)
from gradest.benchmarks.errors import StoreInUse
from gradest.benchmarks.outcomes import (
    Extension,
    Kept,
    Origin,
    Outcome,
    Summaries,
    Timing,
    older_outcomes,
)
from gradest.benchmarks.runtime.environment import digest_of
from gradest.benchmarks.runtime.files import make_folder
from gradest.benchmarks.statistics.moments import pack, unpack
from gradest.benchmarks.training.kept import TABLE as TRAININGS
from gradest.benchmarks.training.kept import KeptTrainings

VERSION = 4
FILE = "store.sqlite"

TABLES = {
    # what is looked for comes first: SQLite reads a row from its start
    "cells": """
    id integer primary key,
    cell text not null,
    series text not null,
    replicates integer not null,
    code text not null,
    environment text not null,
    "commit" text,
    dirty integer,
    status text not null,
    theta text not null,
    summaries_checksum text,
    checksum text not null,
    reason text not null,
    rows text not null,
    summaries blob
""",
    # in a table of their own, so that a cell that is measured again keeps them
    "timings": """
    id integer primary key,
    cell text not null,
    process integer not null,
    seconds real not null,
    environment text not null,
    code text not null,
    checksum text not null
""",
    "codes": """
    code text not null,
    modules text not null
""",
    "extensions": """
    id integer primary key,
    more integer not null,
    base text not null,
    target text not null,
    checksum text not null
""",
    "trainings": TRAININGS,
}
"""No table has an index: what is in an index besides could be damaged, and is seen by nobody."""

CELL = (
    "cell, status, reason, rows, environment, theta"
    ', code, "commit", dirty, series, replicates, summaries_checksum'
)
"""The columns that a cell's checksum is of."""

TIMING = "cell, process, seconds, environment, code"

LOST_SUMMARIES = "what a longer run goes on from is damaged: it is measured from nothing"

WITH_CODE = 3
"""The first version whose cells are as they are now."""


class Store:
    """An open store. Use `open_store`, which locks it."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self.damaged: dict[int, str] = {}
        """The cells whose rows do not fit their checksums, by row, of those that were read."""
        self.lost: list[str] = []
        """What else does not, of what was read, in words."""
        self.trainings = KeptTrainings(connection, path, self.lost, [])

    def outcomes(self) -> dict[str, Outcome]:
        """What became of every cell, by id, but for those whose rows are damaged."""
        return {row[1]: Outcome.of(row[2:10]) for row in self._cells()}

    def _cells(self, condition: str = "", *values: Any) -> list[tuple]:
        """The rows of cells that fit their checksums: their numbers, then the columns of CELL."""
        with told(self._path):
            query = f"select id, {CELL}, checksum from cells {condition}"
            found = self._connection.execute(query, values).fetchall()
        sound = []
        for number, *columns, expected in found:
            if checksum(tuple(columns)) == expected:
                sound.append((number, *columns))
            else:
                self.damaged[number] = str(columns[0])
        return sound

    def discard_damaged(self) -> None:
        """Deletes the rows that were found damaged: their cells are to be measured again."""
        with self._transaction() as connection:
            connection.executemany("delete from cells where id = ?", [(n,) for n in self.damaged])

    def keep(self, cell: str, outcome: Outcome, summaries: Summaries | None = None) -> None:
        """Commits one cell, in place of what was there.

        Args:
            cell: its id.
            outcome: what became of it.
            summaries: what a longer run goes on from, where there is something.
        """
        series, replicates, moments = summaries or ("", 0, None)
        packed = pack(moments) if moments else None
        digest = packed and hashlib.sha256(packed).hexdigest()
        columns = (cell, *outcome.columns, series, replicates, digest)
        with self._transaction() as connection:
            connection.execute("delete from cells where cell = ?", (cell,))
            insert(connection, "cells", f"{CELL}, checksum, summaries", columns, packed)

    def keep_code(self, code: Mapping[str, str]) -> None:
        """Commits the digests of the modules that some code is made of, under its own digest."""
        digest = digest_of(code)
        if self.code(digest) != code:
            with self._transaction() as connection:
                connection.execute("delete from codes where code = ?", (digest,))
                row = (digest, json.dumps(code))
                connection.execute("insert into codes values (?, ?)", row)

    def code(self, digest: str) -> dict[str, str]:
        """The digests of the modules that some code is made of; empty where that is not known."""
        query = "select modules from codes where code = ?"
        with told(self._path):
            found = self._connection.execute(query, (digest,)).fetchone()
        if found is None:
            return {}
        try:
            modules = json.loads(found[0])
        except ValueError:
            return {}
        return modules if digest_of(modules) == digest else {}

    def codes(self, outcomes: Mapping[str, Outcome]) -> dict[str, dict[str, str]]:
        """The same for all the code that some outcomes came through."""
        digests = {outcome.code for outcome in outcomes.values()}
        return {digest: self.code(digest) for digest in sorted(digests)}

    def timings(self, origin: Origin) -> dict[str, list[Timing]]:
        """The times that were taken in an environment with some code, by cell."""
        with told(self._path):
            query = f"select {TIMING}, checksum from timings order by cell, process"
            rows = self._connection.execute(query).fetchall()
        wanted = [json.dumps(origin.environment), origin.code]
        timings: dict[str, list[Timing]] = {}
        for *columns, expected in rows:
            cell, process, seconds, *where = columns
            if checksum(tuple(columns)) != expected:
                self.lost.append(f"cell {cell!a}: a time of it is damaged: it does not count")
            elif where == wanted:
                timings.setdefault(cell, []).append(Timing(process, seconds))
        return timings

    def keep_timings(self, process: int, seconds: dict[str, float], origin: Origin) -> None:
        """Commits the times of some cells in one process, all or none.

        Args:
            process: its number.
            seconds: by cell.
            origin: that they were taken with.
        """
        where = (json.dumps(origin.environment), origin.code)
        place = "cell = ? and process = ? and environment = ? and code = ?"
        with self._transaction() as connection:
            for cell, value in seconds.items():
                connection.execute(f"delete from timings where {place}", (cell, process, *where))
                columns = (cell, process, value, *where)
                insert(connection, "timings", f"{TIMING}, checksum", columns)

    @property
    def extension(self) -> Extension | None:
        """What was to be added to the run and is not finished; None where nothing is."""
        with told(self._path):
            query = "select more, base, target, checksum from extensions order by id desc"
            found = self._connection.execute(query).fetchone()
        if found is None:
            return None
        if checksum(found[:3]) == found[3]:
            return Extension(*found[:3])
        self.lost.append("what was being added to the run is damaged: it is forgotten")
        return None

    def keep_extension(self, extension: Extension | None) -> None:
        """Commits what is to be added to the run, or that nothing is any more."""
        with self._transaction() as connection:
            connection.execute("delete from extensions")
            if extension:
                insert(connection, "extensions", "more, base, target, checksum", tuple(extension))

    def shorter(self, series: str, origin: Origin) -> Iterator[Summaries]:
        """The runs of a series that were measured so, the longest first.

        Each is read when it is asked for: it may be large. Those that do not fit their checksums
        are left out.
        """
        rows = self._cells(
            "where series = ? and environment = ? and code = ? order by replicates desc",
            *(series, json.dumps(origin.environment), origin.code),
        )
        for number, cell, *_, replicates, expected in rows:
            if expected is None:
                continue
            query = "select summaries from cells where id = ?"
            with told(self._path):
                (packed,) = self._connection.execute(query, (number,)).fetchone()
            if isinstance(packed, bytes) and hashlib.sha256(packed).hexdigest() == expected:
                yield Summaries(series, replicates, unpack(packed))
            else:
                self.lost.append(f"cell {cell}: {LOST_SUMMARIES}")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with told(self._path), transaction(self._connection):
            yield self._connection


def upgrade(connection: sqlite3.Connection, version: int) -> None:
    """Makes a store of this version of an older one.

    Version 3 had no trainings. What became of the cells of version 1 or 2 is kept and can be read.
    With which code they were measured is not known, so that they are measured again; what served to
    go on from them is dropped.
    """
    if version == WITH_CODE:
        connection.execute(SCHEMA.statements["trainings"])
        return
    outcomes = older_outcomes(connection)
    connection.execute("drop table cells")
    connection.execute("drop table if exists timings")
    create(connection, SCHEMA)
    for cell, outcome in outcomes.items():
        columns = (cell, *outcome.columns, "", 0, None)
        insert(connection, "cells", f"{CELL}, checksum", columns)


SCHEMA = Schema(VERSION, TABLES, upgrade)


@contextmanager
def open_store(folder: Path) -> Iterator[Store]:
    """The store of a results folder, made where there is none and held by this process alone.

    Raises:
        BadInput: the folder, or the store in it, cannot be written.
        StoreInUse: another process holds it.
        StoreDamaged: the file is there but is no store of this version. Nothing in it is touched.
    """
    make_folder(folder)
    path = folder / FILE
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise StoreInUse(
            f"store {path}: in use by another run; wait for it or choose another --output"
        ) from error
    try:
        with closing(open_to_write(path, SCHEMA)) as connection:
            yield Store(connection, path)
    finally:
        lock.release()


def read_store(folder: Path) -> Kept:
    """What is in a folder's store, nothing where there is none.

    It is read without the lock: a run may be going on. An older store is read as it is.

    Raises:
        StoreDamaged: the file is there but is no store.
    """
    path = folder / FILE
    if not path.exists():
        return Kept({}, [], {}, {}, [])
    connection, version = open_to_read(path, SCHEMA)
    with closing(connection):
        if version < WITH_CODE:
            with told(path):
                return Kept(older_outcomes(connection) if version else {}, [], {}, {}, [])
        store = Store(connection, path)
        outcomes, trained = store.outcomes(), store.trainings.outcomes()
        codes = store.codes(outcomes | trained)
        damaged = list(store.damaged.values())
        return Kept(outcomes, damaged, codes, trained, store.trainings.damaged)


@contextmanager
def reading(folder: Path) -> Iterator[Store | None]:
    """The store of a results folder, to be read only; None where there is none, or an old one.

    Raises:
        StoreDamaged: the file is there but is no store.
    """
    path = folder / FILE
    if not path.exists():
        yield None
        return
    connection, version = open_to_read(path, SCHEMA)
    with closing(connection):
        yield Store(connection, path) if version >= WITH_CODE else None


def read_outcomes(folder: Path) -> dict[str, Outcome]:
    """What became of the cells in a folder's store: see `read_store`."""
    return read_store(folder).outcomes
