"""Stores as versions 1 and 2 of gradest's own left them."""

import json
import sqlite3
from pathlib import Path

from gradest.benchmarks.outcomes import Outcome

CELLS = {
    1: """create table cells (
    cell text primary key,
    status text not null,
    reason text not null,
    rows text not null,
    environment text not null,
    theta text not null
)""",
    2: """create table cells (
    cell text primary key,
    status text not null,
    reason text not null,
    rows text not null,
    environment text not null,
    theta text not null,
    series text not null default '',
    replicates integer not null default 0,
    summaries blob
)""",
}

TIMINGS = """create table if not exists timings (
    cell text not null,
    process integer not null,
    seconds real not null,
    environment text not null,
    primary key (cell, process, environment)
)"""


def older_store(path: Path, version: int, outcomes: dict[str, Outcome]) -> None:
    """Writes the store of an older version, in place of what is there.

    Args:
        path: of the file.
        version: 1 or 2.
        outcomes: by the ids of their cells.
    """
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(CELLS[version])
        connection.execute(TIMINGS)
        for cell, outcome in outcomes.items():
            texts = json.dumps(outcome.rows), json.dumps(outcome.environment)
            row = [cell, outcome.status, outcome.reason, *texts, outcome.theta]
            row += ["series", 288, b"summaries"][: 3 * (version - 1)]
            connection.execute(f"insert into cells values ({', '.join('?' * len(row))})", row)
        connection.execute(f"pragma user_version = {version}")
    connection.close()
