"""Trainings in a run's store: a row for each seed, committed as it ends, with a checksum."""

import sqlite3
from pathlib import Path
from typing import NamedTuple

from gradest.benchmarks.database import checksum, insert, told, transaction
from gradest.benchmarks.outcomes import Outcome

TABLE = """
    id integer primary key,
    training text not null,
    code text not null,
    environment text not null,
    "commit" text,
    dirty integer,
    status text not null,
    theta text not null,
    checksum text not null,
    reason text not null,
    rows text not null
"""
"""Its columns in the store."""

COLUMNS = 'training, status, reason, rows, environment, theta, code, "commit", dirty'
"""Those that the checksum is of."""


class KeptTrainings(NamedTuple):
    """The trainings of an open store."""

    connection: sqlite3.Connection
    path: Path
    lost: list[str]
    """What was found damaged is added to it, in words."""
    damaged: list[str]
    """And by its id."""

    def outcomes(self) -> dict[str, Outcome]:
        """What became of every training, by id, but for those whose rows are damaged."""
        with told(self.path):
            query = "select name from sqlite_master where name = 'trainings'"
            if not self.connection.execute(query).fetchall():  # as an earlier version wrote it
                return {}
            query = f"select {COLUMNS}, checksum from trainings"
            found = self.connection.execute(query).fetchall()
        sound = {}
        for *columns, expected in found:
            if checksum(tuple(columns)) == expected:
                sound[columns[0]] = Outcome.of(columns[1:])
            else:
                self.damaged.append(str(columns[0]))
                self.lost.append(f"training {columns[0]!a} is damaged: it is made again")
        return sound

    def keep(self, training: str, outcome: Outcome) -> None:
        """Commits one training, in place of what was there.

        Args:
            training: its id.
            outcome: what became of it.
        """
        with told(self.path), transaction(self.connection):
            self.connection.execute("delete from trainings where training = ?", (training,))
            columns = (training, *outcome.columns)
            insert(self.connection, "trainings", f"{COLUMNS}, checksum", columns)
