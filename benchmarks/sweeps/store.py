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

from gradest.benchmarks.errors import BadInput, StoreDamaged, StoreInUse
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
"""A cell's times in several processes: apart from the cells, so that a cell measured again keeps them."""

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
        """All cells, by id."""
        rows = self._connection.execute(
            "select cell, status, reason, rows, environment, theta from cells"
        )
        return {
            cell: Outcome(status, reason, json.loads(rows), json.loads(environment), theta)
            for cell, status, reason, rows, environment, theta in rows
        }

    def keep(self, cell: str, outcome: Outcome, summaries: Summaries | None = None) -> None:
        """Commits one cell, replacing what was there."""
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
        """The times in this environment, by cell."""
        rows = self._connection.execute(
            "select cell, process, seconds from timings where environment = ? order by cell, process",
            (json.dumps(environment),),
        )
        found: dict[str, list[Timing]] = {}
        for cell, *timing in rows:
            found.setdefault(cell, []).append(Timing(*timing))
        return found

    def keep_timings(
        self, process: int, seconds: dict[str, float], environment: dict[str, str]
    ) -> None:
        """Commits the times of some cells in one process, all or none."""
        rows = [(cell, process, value, json.dumps(environment)) for cell, value in seconds.items()]
        with self._connection:
            self._connection.executemany("insert or replace into timings values (?, ?, ?, ?)", rows)

    def shorter(self, series: str, environment: dict[str, str]) -> Iterator[Summaries]:
        """The runs of a series that were measured in this environment, the longest first."""
        found = self._connection.execute(
            "select replicates, summaries from cells"
            " where series = ? and environment = ? and summaries is not null order by replicates desc",
            (series, json.dumps(environment)),
        )
        for replicates, packed in found:
            yield Summaries(series, replicates, unpack(packed))


def pack(moments: dict[str, Moments]) -> bytes:
    """Batch summaries as bytes: a line of JSON with the shapes, then every number, exactly.

    Bytes of the same significance lie together, because so they compress: exponents are alike.
    """
    shapes = {
        group: [cell.size, [np.shape(field) for field in cell[1:]]]
        for group, cell in moments.items()
    }
    numbers = np.concatenate([np.ravel(field) for cell in moments.values() for field in cell[1:]])
    planes = np.ascontiguousarray(numbers.astype("<f8").view(np.uint8).reshape(-1, 8).T)
    return json.dumps(shapes).encode() + b"\n" + zstandard.compress(planes.tobytes(), 3)


def unpack(packed: bytes) -> dict[str, Moments]:
    """What was packed."""
    head, _, body = packed.partition(b"\n")
    planes = np.frombuffer(zstandard.decompress(body), np.uint8).reshape(8, -1)
    numbers = np.ascontiguousarray(planes.T).view("<f8").ravel()
    moments, start = {}, 0
    for group, (size, shapes) in json.loads(head).items():
        fields = []
        for shape in shapes:
            end = start + int(np.prod(shape))
            fields.append(numbers[start:end].reshape(shape))
            start = end
        moments[group] = Moments(size, *fields)
    return moments


def make_folder(folder: Path) -> None:
    """Creates the output folder and shows that it can be written, before anything is measured."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise BadInput(
            f"output folder {folder}: cannot be written ({error.strerror}); expected a folder that can"
        ) from error


@contextmanager
def open_store(folder: Path) -> Iterator[Store]:
    """The store of a results folder, made where there is none, held by this process alone.

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
    """What a store holds, without the lock: a run may be going on. Empty where there is no store."""
    if not (folder / FILE).exists():
        return {}
    connection = connect(folder / FILE)
    try:
        return Store(connection).outcomes()
    finally:
        connection.close()


def connect(path: Path) -> sqlite3.Connection:
    """Opens and checks the file; creates the table where the file is new."""
    new = not path.exists()
    connection = sqlite3.connect(path)
    try:
        if new:
            with connection:
                connection.execute(TABLE)
                connection.execute(f"pragma user_version = {VERSION}")
        (version,) = connection.execute("pragma user_version").fetchone()
        while version in UPGRADES:
            with connection:
                for statement in UPGRADES[version]:
                    connection.execute(statement)
                version += 1
                connection.execute(f"pragma user_version = {version}")
        (health,) = connection.execute("pragma quick_check").fetchone()
        if version != VERSION or health != "ok":
            found = f"version {version}, not {VERSION}" if health == "ok" else health
            raise sqlite3.DatabaseError(found)
        connection.execute(
            "select cell, status, reason, rows, environment, theta from cells limit 1"
        )
        with connection:
            connection.execute(TIMINGS)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise StoreDamaged(
            f"store {path}: damaged ({error}); nothing was changed: move the file away and run again to measure anew"
        ) from error
    return connection
