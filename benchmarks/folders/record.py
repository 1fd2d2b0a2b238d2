"""Writing a run's files so that its manifest is never wrong about them.

Before a file is written the manifest names it without a checksum, and gives it one when all is
there. So a process may be killed at any point: what it left is known to be ours and not to be
finished, and the next run or report mends it.
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.folders.lock import held
from gradest.benchmarks.folders.manifest import (
    FILE,
    FILES,
    Manifest,
    checksum_of,
    is_whole,
    listed_checksums,
    parse_manifest,
    read_file,
    write_manifest,
)
from gradest.benchmarks.folders.training_columns import TRAINING_TABLES
from gradest.benchmarks.runtime.files import remove_parts, write_atomically

TABLES = ("measurements.csv", "leave_one_out.csv")
"""What a run writes, and everything else is drawn from."""

FOLDERS = ("figures", "tables")
"""Where what is drawn goes, beside a few files of fixed names."""

PAGE = "report.html"
"""The page of a run, one file."""


def write_run(folder: Path, manifest: Manifest, tables: Mapping[str, str]) -> None:
    """Writes a run's tables and its manifest.

    What was drawn before stays listed: with its checksum where the tables are what it was drawn
    from, else without.

    Args:
        folder: must be there.
        manifest: how the run came about.
        tables: the texts of TABLES and of the other tables of the run, by name.
    """
    with held(folder):
        before = whole_manifest(folder)
        files = listed_checksums(before)
        for name in set(TRAINING_TABLES) & files.keys() - tables.keys():  # it trained, and does not
            (folder / name).unlink(missing_ok=True)
            del files[name]
        drawn = {name: value for name, value in files.items() if name not in tables}
        written = {name: checksum_of(text.encode("utf-8")) for name, text in tables.items()}
        if any(files.get(name) != checksum for name, checksum in written.items()):
            drawn = dict.fromkeys(drawn)
        write_manifest(folder, manifest | {FILES: dict.fromkeys(tables) | drawn})
        for name, text in tables.items():
            write_atomically(folder / name, text)
        write_manifest(folder, manifest | {FILES: written | drawn})


def whole_manifest(folder: Path) -> Manifest | None:
    """The folder's manifest, where it is what was written there and knows its files."""
    with suppress(BadInput):
        content = read_file(folder / FILE)
        manifest = None if content is None else parse_manifest(folder / FILE, content)
        if manifest is not None and is_whole(manifest):
            return manifest
    return None


class Drawing:
    """Files that are drawn from a run's tables, as its manifest is told of them.

    A manifest that was changed, or that an earlier version wrote, is left as it is: it is not for
    a report to vouch for it. Files are drawn then without being listed.
    """

    def __init__(self, folder: Path, *, vouched: bool) -> None:
        """Takes up what the folder's manifest says.

        Args:
            folder: of the run, held by this process.
            vouched: whether the tables are those that the run wrote; else what is drawn from them
                gets no checksum.
        """
        self._folder = folder
        self._manifest = whole_manifest(folder)
        self._vouched = vouched
        self._begun: list[str] = []
        for place in (folder, *(folder / name for name in FOLDERS)):
            if place.is_dir():
                remove_parts(place)

    def begin(self, *names: str) -> None:
        """Says that files are about to be written."""
        self._begun += names
        if self._manifest is not None:
            files = listed_checksums(self._manifest) | dict.fromkeys(names)
            self._manifest = self._manifest | {FILES: files}
            write_manifest(self._folder, self._manifest)

    def finish(self, *, all_renewed: bool = True) -> None:
        """Says that all are there.

        Args:
            all_renewed: whether what is listed and was not drawn again is outdated, and removed.
        """
        if self._manifest is None:
            return
        files = listed_checksums(self._manifest)
        stale = [name for name in files if is_stale(name, self._begun)]
        for name in stale if all_renewed else []:
            (self._folder / name).unlink(missing_ok=True)
            del files[name]
        if self._vouched:
            files |= {name: file_checksum(self._folder / name) for name in self._begun}
        write_manifest(self._folder, self._manifest | {FILES: files})


def is_stale(name: str, drawn: Iterable[str]) -> bool:
    """Whether a listed file is of an earlier drawing and to be removed.

    Only files in FOLDERS are: whatever a list says, nothing else is removed.
    """
    folder, _, file = name.partition("/")
    is_ours = folder in FOLDERS and re.fullmatch(r"[^./\\][^/\\]*", file) is not None
    return is_ours and name not in drawn


def file_checksum(path: Path) -> str:
    """The SHA-256 of a file that is there."""
    return checksum_of(path.read_bytes())
