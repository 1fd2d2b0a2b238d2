"""Whether what a folder holds is what was measured: its files, its manifest and its store.

A run's manifest has a checksum of each file, and one of its own content. They tell damage and
edits by hand; who changes a file and its checksum alike is told by the store alone, where it is
there. A folder of version 0.3 has checksums of its two tables, and none of its manifest: it is used
with a word, but `verify` does not call it verified. Nothing but a run vouches for tables: a report
gives checksums to what it draws, and only where the tables are those that the manifest knows.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from gradest.benchmarks.analysis.numerals import several
from gradest.benchmarks.analysis.results import (
    LEFT_OUT,
    MEASUREMENTS,
    Run,
    find_run,
    recorded_sweep,
    refuse_no_run,
    run_of,
    tables_of,
)
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.folders.differences import (
    UNREADABLE,
    Difference,
    content_of,
    differences,
    of_file,
    of_manifest,
    texts_of,
)
from gradest.benchmarks.folders.manifest import (
    FILE,
    Manifest,
    is_earlier,
    listed_checksums,
    parse_manifest,
    read_file,
)
from gradest.benchmarks.folders.record import TABLES
from gradest.benchmarks.sweeps.output import (
    measurements,
    timings_of,
    training_tables,
    training_texts,
)
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.store import FILE as STORE
from gradest.benchmarks.sweeps.store import reading

NO_MANIFEST = Difference(FILE, "is missing: nothing vouches for the other files")

NOT_COMPARED = f"cannot be compared with {MEASUREMENTS}"

MOST_NAMED = 10
"""How many cells that differ from the store are named."""


class Read(NamedTuple):
    """The files that a run's numbers come from, read once and held against each other."""

    folder: Path
    tables: dict[str, bytes | None]
    """The run's tables by name; None for one that is not there."""
    manifest: Manifest | None
    changed: list[Difference]
    """Those of them that are not as the run wrote them."""

    @property
    def vouched(self) -> list[str]:
        """The tables that are as the manifest says."""
        if self.manifest is None:
            return []
        return [n for n, content in self.tables.items() if not of_file(self.manifest, n, content)]

    @property
    def doubt(self) -> str:
        """Why nothing can be said of whether they were changed; empty where something can."""
        if self.changed:
            return ""
        if self.manifest is None:
            return f"run {self.folder}: {NO_MANIFEST.text}"
        difference = of_manifest(self.manifest)
        if difference is None:
            return ""
        agreeing = f"; {' and '.join(self.vouched)} agree with it" if self.vouched else ""
        return f"run {self.folder}: {difference.text}{agreeing}"


def read_files(folder: Path) -> Read:
    """The tables and the manifest of a folder.

    Raises:
        BadInput: it holds no run.
    """
    refuse_no_run(folder)
    tables = {name: read_file(folder / name) for name in TABLES}
    content = read_file(folder / FILE)
    if content is None:
        # a run leaves both: without the store, tables are all that there is
        removed = [NO_MANIFEST] if (folder / STORE).exists() else []
        return Read(folder, tables, None, removed)
    try:
        manifest = parse_manifest(folder / FILE, content)
    except BadInput:
        return Read(folder, tables, None, [Difference(FILE, UNREADABLE)])
    tables |= {name: read_file(folder / name) for name in tables_of(manifest) if name not in tables}
    return Read(folder, tables, manifest, changed_since(manifest, tables))


def verified_run(folder: Path, *, unverified: bool = False) -> Run:
    """A run whose tables and manifest are as they were written.

    Args:
        folder: of the run.
        unverified: takes files that were changed as they are; the run says which, in `changed`.

    Returns:
        The run. `doubt` says why, where nothing can be said of its files.

    Raises:
        BadInput: the folder holds no run, or a file was changed after it was written.
    """
    read = read_files(folder)
    if read.changed and not unverified:
        raise BadInput(
            f"run {folder}: {texts_of(read.changed)}; `gradest run` writes it anew, and "
            "--unverified (from Python, unverified=True) takes it as it is"
        )
    run = run_of(folder, read.tables, read.manifest, read.vouched)
    return run._replace(changed=tuple(read.changed), doubt=read.doubt)


def changed_since(manifest: Manifest, contents: Mapping[str, bytes | None]) -> list[Difference]:
    """Which of a run's manifest and tables are not as they were written.

    That leave_one_out.csv is missing changes no number: what needs it is left out.

    Args:
        manifest: of the run.
        contents: the bytes of its tables by name, None for one that is not there.
    """
    if is_earlier(manifest):
        contents = {name: contents[name] for name in TABLES if name in listed_checksums(manifest)}
    found = [] if is_earlier(manifest) else [of_manifest(manifest)]
    for name, content in contents.items():
        if name != LEFT_OUT or content is not None:
            found.append(of_file(manifest, name, content))
    return [each for each in found if each]


class Verification(NamedTuple):
    """What `gradest verify` found."""

    folder: Path
    files: int
    """How many the manifest names."""
    cells: int | None
    """How many were compared with the store; None where there is none."""
    differences: list[Difference]


def verify(name: str | Path) -> Verification:
    """Compares a folder with its manifest, and its measurements with its store.

    Args:
        name: a folder, or the name of one in results/.

    Raises:
        BadInput: there is no such run.
        StoreDamaged: the store cannot be read.
    """
    folder = folder_of(name)
    content = read_file(folder / FILE)
    if content is None:
        return Verification(folder, 0, None, [NO_MANIFEST])
    try:
        manifest = parse_manifest(folder / FILE, content)
    except BadInput:
        return Verification(folder, 0, None, [Difference(FILE, UNREADABLE)])
    found = differences(folder, manifest)
    cells = None
    if (folder / STORE).exists():
        cells, others = from_store(folder)
        found += others
    return Verification(folder, len(listed_checksums(manifest)), cells, found)


def folder_of(name: str | Path) -> Path:
    """The folder of a run, even where its table is missing.

    Raises:
        BadInput: there is none.
    """
    for folder in (Path(name), Path("results") / name):
        if (folder / FILE).exists() or (folder / STORE).exists():
            return folder
    return find_run(str(name))


def from_store(folder: Path) -> tuple[int, list[Difference]]:
    """How many cells of measurements.csv were compared with the store, and those that differ.

    Args:
        folder: of the run.
    """
    content = content_of(folder, MEASUREMENTS)
    if content is None:
        return 0, []  # it is named as missing already
    try:
        plan = resolve(recorded_sweep(folder))
        written = rows_by_cell(content.decode("utf-8"))
    except (BadInput, UnicodeDecodeError, csv.Error, KeyError) as error:
        why = " ".join(str(error).split())
        return 0, [Difference(STORE, f"{NOT_COMPARED}: {why}")]
    with reading(folder) as store:
        if store is None:
            return 0, [Difference(STORE, f"{NOT_COMPARED}: an earlier version wrote it")]
        outcomes, trained = store.outcomes(), store.trainings.outcomes()
        timings = timings_of(store, outcomes)
        lost = [f"cell {cell} does not fit its checksum" for cell in store.damaged.values()]
        damaged = [Difference(STORE, f"is damaged: {what}") for what in [*lost, *store.lost]]
    stored = rows_by_cell(measurements(plan, outcomes, timings).to_csv(index=False))
    found = [
        Difference(MEASUREMENTS, text)
        for cell in dict.fromkeys([*stored, *written])
        if (text := difference_of(cell, written.get(cell), stored.get(cell)))
    ]
    if plan.sweep.training:
        found += trainings_that_differ(folder, training_texts(training_tables(plan, trained)))
    more = len(found) - MOST_NAMED
    if more > 0:
        found = [*found[:MOST_NAMED], Difference(MEASUREMENTS, f"differs in {more} more cells")]
    return len(stored), damaged + found


def trainings_that_differ(folder: Path, stored: Mapping[str, str]) -> Iterator[Difference]:
    """Which tables of trainings are not as the store has them.

    Args:
        folder: of the run.
        stored: their texts by the store.
    """
    for name, text in stored.items():
        content = content_of(folder, name)
        if content is not None and content != text.encode():
            lines = zip_longest(content.decode(errors="replace").splitlines(), text.splitlines())
            first = next((n for n, (one, other) in enumerate(lines, 1) if one != other), 1)
            yield Difference(name, f"differs from the store, first in line {first}")


def rows_by_cell(text: str) -> dict[str, list[dict[str, str]]]:
    """The rows of measurements.csv by the ids of their cells."""
    rows: dict[str, list[dict[str, str]]] = {}
    for row in csv.DictReader(io.StringIO(text, newline="")):
        rows.setdefault(row["cell"], []).append(row)
    return rows


def difference_of(
    cell: str, written: list[dict[str, str]] | None, stored: list[dict[str, str]] | None
) -> str:
    """How a cell's rows differ from the store's, as the end of a sentence; empty if they do not.

    Args:
        cell: its id.
        written: its rows in measurements.csv.
        stored: its rows by the store.
    """
    if written == stored:
        return ""
    if written is None:
        return f"lacks cell {cell}, which the store has"
    if stored is None:
        return f"has cell {cell}, which the store lacks"
    if len(written) != len(stored):
        return f"has {several(len(written), 'row')} of cell {cell}, the store {len(stored)}"
    for here, there in zip(written, stored, strict=True):
        columns = [name for name in there if here.get(name) != there[name]]
        if columns:
            name = columns[0]
            return (
                f"differs from the store in cell {cell}, column {name}: "
                f"{here.get(name)!r}, in the store {there[name]!r}"
            )
    return f"has columns in cell {cell} that the store lacks"
