"""recommended.toml: a sweep of the three best, to be measured as exactly as a paper needs."""

import hashlib
from pathlib import Path

from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.page.recipes import assignments, table_text
from gradest.benchmarks.recommending.ranking import FREE
from gradest.benchmarks.recommending.rendering import Recommendation
from gradest.benchmarks.runtime.files import make_folder, reason_of, write_atomically

FILE = "recommended.toml"

MARK = "# Written by `gradest recommend`, which may write over it as it is:"
"""How the first line begins; the checksum of all that follows it ends it. What begins otherwise, or
was changed since, is somebody else's."""

MOST = 3
"""Estimators of each place."""

PRECISION = 0.05
"""The half-width of a variance's interval, relative to it."""


def refuse_others(path: Path) -> None:
    """Refuses to write over a file that no recommendation wrote, or where nothing can be written.

    Raises:
        BadInput: with what to do.
    """
    make_folder(path.parent)
    if not path.exists():
        return
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {reason_of(error)}") from error
    if not is_ours(content):
        raise BadInput(
            f"{path} is there, and is not as a recommendation wrote it: move it away or choose "
            "another --output"
        )


def is_ours(content: bytes) -> bool:
    """Whether a file is one that a recommendation wrote, and nobody has changed."""
    first, _, rest = content.partition(b"\n")
    return first.decode("utf-8", "replace") == first_line(rest)


def first_line(rest: bytes) -> str:
    """The first line of a file of ours, of which the rest is this."""
    return f"{MARK} {hashlib.sha256(rest).hexdigest()[:16]}"


def write_sweep(found: Recommendation, path: Path) -> None:
    """Writes the sweep of a recommendation.

    Raises:
        BadInput: the file is somebody else's.
        OSError: it cannot be written.
    """
    refuse_others(path)
    write_atomically(path, sweep_text(found))


def sweep_text(found: Recommendation) -> str:
    """The sweep's file: the problem at each place, and the three best of each, at their L."""
    chosen = [answer.frame[answer.frame.barred == FREE].head(MOST) for answer in found.answers]
    problems = {answer.place[:2]: answer.problem_args for answer in found.answers}
    levels = sorted({int(level) for rows in chosen for level in rows.num_samples})
    estimators = {text: None for rows in chosen for text in rows.estimator_text}
    keys = {
        "schema": 1,
        "name": "recommended",
        "precision": PRECISION,
        "samples": levels,
    }
    parts = [f"# The best for {found.budget.text}.\n" + "\n".join(assignments(keys))]
    parts += [table_text("problem", name, args) for (name, _), args in problems.items()]
    parts += [table_text("estimator", text, {}) for text in estimators]
    rest = "\n\n".join(parts) + "\n"
    return f"{first_line(rest.encode())}\n{rest}"
