"""Where finished cells are kept: one SQLite file, a row a cell, committed as each cell ends."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import zstandard
from filelock import FileLock, Timeout

from gradest.benchmarks.errors import StoreDamaged, StoreInUse
from gradest.benchmarks.runtime.files import make_folder
from gradest.benchmarks.statistics.moments import Moments

VERSION = 2
FILE = "store.sqlite"

TABLE = """
create table cells (
    cell text primary key,
    status text not null,
    reason text not null,
    rows text not null,
    environment text not null,
    theta text not null,
    series text not null default '',
    replicates integer not null default 0,
    summaries blob
)
"""

TIMINGS = """
create table if not exists timings (
    cell text not null,
    process integer not null,
    seconds real not null,
    environment text not null,
    primary key (cell, process, environment)
)
"""
"""A cell's times in several processes.

They are in a table of their own, so that a cell that is measured again keeps them.
"""

OUTCOMES = "select cell, status, reason, rows, environment, theta from cells"

UPGRADES = {
    1: (
        "alter table cells add column series text not null default ''",
        "alter table cells add column replicates integer not null default 0",
        "alter table cells add column summaries blob",
    )
}
"""What brings a store of an older version to the next."""


class Outcome(NamedTuple):
    """What became of one cell."""

    status: str
    """ok, skipped, failed or unreliable."""
    reason: str
    """Why, where it is not plainly ok."""
    rows: list[dict[str, Any]]
    """A row of measurements for each group of θ; one row without numbers where there are none."""
    environment: dict[str, str]
    """Versions and hardware that it was measured with."""
    theta: str
    """A checksum of the θ measured at."""


class Summaries(NamedTuple):
    """What a longer run of the same cell goes on from."""

    series: str
    """A name for everything that the result depends on, but for R."""
    replicates: int
    moments: dict[str, Moments]


class Timing(NamedTuple):
    """The time of a cell's estimate in one process."""

    process: int
    seconds: float


class Store:
    """An open store. Use `open_store`, which locks it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def outcomes(self) -> dict[str, Outcome]:
        """What became of every cell, by id."""
        outcomes = {}
        for name, status, reason, rows, environment, theta in self._connection.execute(OUTCOMES):
            parsed = json.loads(rows), json.loads(environment)
            outcomes[name] = Outcome(status, reason, *parsed, theta)
        return outcomes

    def keep(self, cell: str, outcome: Outcome, summaries: Summaries | None = None) -> None:
        """Commits one cell, in place of what was there.

        Args:
            cell: its id.
            outcome: what became of it.
            summaries: what a longer run goes on from, where there is something.
        """
        series, replicates, moments = summaries or ("", 0, None)
        with self._connection:
            self._connection.execute(
                "insert or replace into cells values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    cell,
                    outcome.status,
                    outcome.reason,
                    json.dumps(outcome.rows),
                    json.dumps(outcome.environment),
                    outcome.theta,
                    series,
                    replicates,
                    moments and pack(moments),
                ),
            )

    def timings(self, environment: dict[str, str]) -> dict[str, list[Timing]]:
        """The times that were taken in an environment, by cell."""
        rows = self._connection.execute(
            "select cell, process, seconds from timings"
            " where environment = ? order by cell, process",
            (json.dumps(environment),),
        )
        timings: dict[str, list[Timing]] = {}
        for cell, process, seconds in rows:
            timings.setdefault(cell, []).append(Timing(process, seconds))
        return timings

    def keep_timings(
        self, process: int, seconds: dict[str, float], environment: dict[str, str]
    ) -> None:
        """Commits the times of some cells in one process, all or none.

        Args:
            process: its number.
            seconds: by cell.
            environment: that they were taken in.
        """
        rows = [(cell, process, value, json.dumps(environment)) for cell, value in seconds.items()]
        with self._connection:
            self._connection.executemany("insert or replace into timings values (?, ?, ?, ?)", rows)

    def shorter(self, series: str, environment: dict[str, str]) -> Iterator[Summaries]:
        """The runs of a series that were measured in an environment, the longest first.

        Each is read when it is asked for: it may be large.
        """
        rows = self._connection.execute(
            "select replicates, summaries from cells"
            " where series = ? and environment = ? and summaries is not null"
            " order by replicates desc",
            (series, json.dumps(environment)),
        )
        for replicates, packed in rows:
            yield Summaries(series, replicates, unpack(packed))


def pack(moments: dict[str, Moments]) -> bytes:
    """Batch summaries as bytes: a line of JSON with the shapes, then every number, exactly.

    Bytes of the same significance lie together, because so they compress: exponents are alike.
    """
    shapes = {}
    arrays: list[np.ndarray] = []
    for group, (size, *fields) in moments.items():
        shapes[group] = [size, [np.shape(field) for field in fields]]
        arrays += map(np.ravel, fields)
    numbers = np.concatenate(arrays).astype("<f8")
    planes = np.ascontiguousarray(numbers.view(np.uint8).reshape(-1, 8).T)
    return json.dumps(shapes).encode() + b"\n" + zstandard.compress(planes.tobytes(), 3)


def unpack(packed: bytes) -> dict[str, Moments]:
    """Batch summaries from the bytes that `pack` made of them."""
    head, _, body = packed.partition(b"\n")
    planes = np.frombuffer(zstandard.decompress(body), np.uint8).reshape(8, -1)
    numbers = np.ascontiguousarray(planes.T).view("<f8").ravel()
    moments = {}
    start = 0
    for group, (size, shapes) in json.loads(head).items():
        fields = []
        for shape in shapes:
            end = start + int(np.prod(shape))
            fields.append(numbers[start:end].reshape(shape))
            start = end
        moments[group] = Moments(size, *fields)
    return moments


@contextmanager
def open_store(folder: Path) -> Iterator[Store]:
    """The store of a results folder, made where there is none and held by this process alone.

    Raises:
        BadInput: the folder cannot be written.
        StoreInUse: another process holds it.
        StoreDamaged: the file is there but is no store of this version. Nothing in it is touched.
    """
    make_folder(folder)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise StoreInUse(
            f"store {folder / FILE}: in use by another run; wait for it or choose another --output"
        ) from error
    try:
        connection = connect(folder / FILE)
        try:
            yield Store(connection)
        finally:
            connection.close()
    finally:
        lock.release()


def read_outcomes(folder: Path) -> dict[str, Outcome]:
    """What became of the cells in a folder's store, empty where there is none.

    Raises:
        StoreDamaged: the file is there but is no store of this version.
    """
    with reading(folder) as store:
        return store.outcomes() if store else {}


@contextmanager
def reading(folder: Path) -> Iterator[Store | None]:
    """The store of a results folder, to be read only; None where there is none.

    It is read without the lock: a run may be going on.

    Raises:
        StoreDamaged: the file is there but is no store of this version.
    """
    if not (folder / FILE).exists():
        yield None
        return
    connection = connect(folder / FILE)
    try:
        yield Store(connection)
    finally:
        connection.close()


def connect(path: Path) -> sqlite3.Connection:
    """Opens a store's file and brings it to this version; creates it where it is not there.

    Raises:
        StoreDamaged: the file is there but is no store.
    """
    new = not path.exists()
    connection = sqlite3.connect(path)
    try:
        if new:
            with connection:
                connection.execute(TABLE)
                connection.execute(f"pragma user_version = {VERSION}")
        version = upgraded(connection)
        (health,) = connection.execute("pragma quick_check").fetchone()
        if health != "ok":
            raise sqlite3.DatabaseError(health)
        if version != VERSION:
            raise sqlite3.DatabaseError(f"version {version}, not {VERSION}")
        connection.execute(f"{OUTCOMES} limit 1")
        with connection:
            connection.execute(TIMINGS)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise StoreDamaged(
            f"store {path}: damaged ({error}); nothing was changed: "
            "move the file away and run again to measure anew"
        ) from error
    return connection


def upgraded(connection: sqlite3.Connection) -> int:
    """Brings a store of an older version to this one, step by step; returns where that ends."""
    (version,) = connection.execute("pragma user_version").fetchone()
    while version in UPGRADES:
        with connection:
            for statement in UPGRADES[version]:
                connection.execute(statement)
            version += 1
            connection.execute(f"pragma user_version = {version}")
    return version
