"""What is known of a cell once it was measured: how it ended, and what it was measured with."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

from gradest.benchmarks.statistics.moments import Moments


class Origin(NamedTuple):
    """What a number depends on besides its cell: it is measured again where this is other."""

    environment: dict[str, str]
    """Versions and hardware."""
    code: str
    """A digest of the code that it came through; "" where that is not known."""


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
    code: str = ""
    """A digest of the code that it was measured with; "" where that is not known."""
    commit: str | None = None
    """Of our code, where it was under version control."""
    dirty: bool | None = None
    """Whether our code had been changed since."""

    @classmethod
    def of(cls, columns: Sequence[Any]) -> "Outcome":
        """An outcome from the `columns` of one; the last three may be missing."""
        status, reason, rows, environment, theta, *measured = columns
        code, commit, dirty = measured or ("", None, None)
        parsed = json.loads(rows), json.loads(environment)
        is_dirty = None if dirty is None else bool(dirty)
        return cls(status, reason, *parsed, theta, code, commit, is_dirty)

    @property
    def columns(self) -> tuple[str | int | None, ...]:
        """Its fields as a database takes them."""
        texts = json.dumps(self.rows), json.dumps(self.environment)
        dirty = None if self.dirty is None else int(self.dirty)
        return (self.status, self.reason, *texts, self.theta, self.code, self.commit, dirty)

    @property
    def origin(self) -> Origin:
        """What it depends on besides its cell."""
        return Origin(self.environment, self.code)


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


class Extension(NamedTuple):
    """What `gradest extend` is about: kept before anything is measured, until all is drawn."""

    more: int
    """Replicates that were asked for besides those that were there."""
    base: str
    """The sweep before, as JSON."""
    target: str
    """The sweep with all of them."""


class Kept(NamedTuple):
    """What is in a store, as somebody sees it who does not hold it."""

    outcomes: dict[str, Outcome]
    damaged: list[str]
    """The cells whose rows do not fit their checksums."""
    codes: dict[str, dict[str, str]]
    """For each digest of code that is known, the digests of its modules."""
    trainings: dict[str, Outcome]
    """What became of trainings, by id."""
    damaged_trainings: list[str]
    """The trainings whose rows do not fit their checksums."""


BEFORE = "cell, status, reason, rows, environment, theta"
"""The columns of versions 1 and 2."""


def older_outcomes(connection: sqlite3.Connection) -> dict[str, Outcome]:
    """What became of every cell in a store of version 1 or 2.

    Raises:
        sqlite3.DatabaseError: there is something else in it.
    """
    rows = connection.execute(f"select {BEFORE} from cells").fetchall()
    try:
        return {row[0]: Outcome.of(row[1:]) for row in rows}
    except (ValueError, TypeError) as error:
        raise sqlite3.DatabaseError(f"a cell cannot be read: {error}") from error
