"""SQLite files that are never half made: opened, checked, created and upgraded.

A file is created, and brought to another version, in one transaction: a process that is killed at
any point leaves the old one or the new one. The journal is SQLite's rollback journal, deleted and
synchronised to disk at every commit (`synchronous = extra`). Write-ahead logging would let others
read while a run writes without waiting for some milliseconds; but it keeps finished cells in a
second file beside the first, which whoever copies the store alone leaves behind, and it does not
work on network file systems, on which clusters keep their results.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from gradest.benchmarks.errors import BadInput, GradestError, StoreDamaged, StoreInUse

WAIT = 60.0
"""Seconds to wait for another process that writes, or reads what is to be written."""

IN_USE = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}

NO_DAMAGE = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_TOOBIG,
    sqlite3.SQLITE_NOLFS,
    sqlite3.SQLITE_AUTH,
}
"""SQLite's codes of what is wrong with the machine, and not with the file."""

WRITE_FORMAT = 18
"""Where the header says how the file may be written: 1, by a rollback journal."""


class Schema(NamedTuple):
    """What is in a file of ours."""

    version: int
    tables: dict[str, str]
    """The columns of each table."""
    upgrade: Callable[[sqlite3.Connection, int], None]
    """Makes this version of an older one, given which."""
    oldest: int = 1
    """The oldest version that can be upgraded."""

    @property
    def statements(self) -> dict[str, str]:
        """What creates each table, as SQLite remembers it."""
        return {name: f"CREATE TABLE {name} ({body})" for name, body in self.tables.items()}


@contextmanager
def told(path: Path) -> Iterator[None]:
    """What SQLite complains of inside, in our words.

    Raises:
        StoreDamaged: the file is no database, or none of ours.
        StoreInUse: another process held it for too long.
        BadInput: the machine refused: a full disk, a file that cannot be written, and the like.
    """
    try:
        yield
    except sqlite3.ProgrammingError:
        raise  # our own fault
    except sqlite3.Error as error:
        raise translated(path, error) from error
    except UnicodeDecodeError as error:  # SQLite names something damaged in its error
        raise damaged(path, "it is malformed") from error


def translated(path: Path, error: sqlite3.Error) -> GradestError:
    """An error of SQLite's as one of ours, which names the file and the cause."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    if code in IN_USE:
        return StoreInUse(f"store {path}: another process has held it for {WAIT:.0f} s ({error})")
    if code in NO_DAMAGE:
        return BadInput(
            f"store {path}: cannot be read or written ({error}); what was kept is there still: "
            "the same command goes on once that is mended"
        )
    return damaged(path, error)


def damaged(path: Path, cause: object) -> StoreDamaged:
    """The error of a file that is not ours, or not whole."""
    return StoreDamaged(
        f"store {path}: damaged ({cause}); nothing was changed: "
        "move the file away and run again to measure anew"
    )


def open_to_write(path: Path, schema: Schema) -> sqlite3.Connection:
    """Opens a file, made where it is not there, upgraded where it is older, and checked.

    Nobody else may have it open to write.

    Raises:
        StoreDamaged: it is not one of ours, or not whole. Nothing in it is touched.
    """
    if path.is_file():
        with path.open("rb") as file:
            header = file.read(WRITE_FORMAT + 1)
        if len(header) > WRITE_FORMAT and header[WRITE_FORMAT] > 2:
            # SQLite would take it for a file that may only be read
            raise damaged(path, f"SQLite's format {header[WRITE_FORMAT]}: expected 1")
    connection = connected(path, "rwc")
    try:
        with told(path):
            connection.execute("pragma synchronous = extra")
            with transaction(connection, "exclusive"):
                version = version_of(connection, schema)
                if version == 0:
                    create(connection, schema)
                elif version < schema.version:
                    schema.upgrade(connection, version)
                    connection.execute(f"pragma user_version = {schema.version}")
    except BaseException:
        connection.close()
        raise
    return connection


def open_to_read(path: Path, schema: Schema) -> tuple[sqlite3.Connection, int]:
    """Opens a file that is there, and checks it, in a transaction that ends when it is closed.

    Another process may be creating it, upgrading it, or writing: what is seen is what was there
    before, or after. A journal that a killed process left is rolled back.

    Returns:
        The connection, and the file's version; 0 where nothing is in it yet.

    Raises:
        StoreDamaged: it is not one of ours, or not whole.
    """
    connection = connected(path, "rw")
    try:
        with told(path):
            connection.execute("pragma query_only = on")
            connection.execute("begin")
            return connection, version_of(connection, schema)
    except BaseException:
        connection.close()
        raise


def connected(path: Path, mode: str) -> sqlite3.Connection:
    """A connection that begins no transaction by itself, and reads any text."""
    with told(path):
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}", WAIT, isolation_level=None, uri=True
        )
    connection.text_factory = lambda text: text.decode(errors="replace")
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection, kind: str = "immediate") -> Iterator[None]:
    """All that is done inside is there afterwards, or nothing of it."""
    connection.execute(f"begin {kind}")
    try:
        yield
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise


def create(connection: sqlite3.Connection, schema: Schema) -> None:
    """Makes the tables, inside a transaction."""
    for statement in schema.statements.values():
        connection.execute(statement)
    connection.execute(f"pragma user_version = {schema.version}")


def version_of(connection: sqlite3.Connection, schema: Schema) -> int:
    """The version of a file, 0 where it is empty, after looking at all of its pages.

    Raises:
        sqlite3.DatabaseError: it is not one of ours, or not whole.
    """
    (version,) = connection.execute("pragma user_version").fetchone()
    tables = dict(connection.execute("select name, sql from sqlite_master").fetchall())
    if version == 0 and not tables:
        return 0
    (health,) = connection.execute("pragma quick_check(1)").fetchone()
    if health != "ok":
        raise sqlite3.DatabaseError(" ".join(health.split()))
    if not schema.oldest <= version <= schema.version:
        raise sqlite3.DatabaseError(f"version {version}, not {schema.version}")
    if version == schema.version and tables != schema.statements:
        raise sqlite3.DatabaseError("its tables are not those of a store")
    return version


def checksum(values: tuple) -> str:
    """The SHA-256 digest of the values of some columns."""
    return sha256(json.dumps(values, default=repr).encode()).hexdigest()


def insert(
    connection: sqlite3.Connection, table: str, names: str, columns: tuple, *others: Any
) -> None:
    """Adds a row to a table.

    Args:
        connection: to the store.
        table: its name.
        names: of all columns of the row.
        columns: the values that the checksum, which comes next, is of.
        others: values that come after it.
    """
    values = (*columns, checksum(columns), *others)
    places = ", ".join("?" * len(values))
    connection.execute(f"insert into {table} ({names}) values ({places})", values)
