"""How the files of a folder differ from what its manifest says of them."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.folders.manifest import (
    FILE,
    Manifest,
    checksum_of,
    is_earlier,
    is_whole,
    listed_checksums,
    read_file,
)
from gradest.benchmarks.folders.record import TABLES
from gradest.benchmarks.folders.training_columns import TRAINING_TABLES

MISSING = "is missing"
CHANGED = "was changed after it was written"
UNLISTED = "is not in the manifest: no run is known to have written it"
UNFINISHED = "was not finished: `gradest run` writes it"
OUTDATED = "was not drawn from these tables as a run wrote them: `gradest report` draws it"
OUTDATED_TOO = "was drawn from tables that were changed: `gradest run` draws it"
UNREADABLE = "is no JSON as a run writes it: it was changed or damaged"
NO_CHECKSUM = "cannot be verified: it has no checksum, an earlier version wrote it"


class Difference(NamedTuple):
    """A file that is not as its manifest says, or of which nothing can be said."""

    file: str
    """Its name within the folder."""
    what: str
    """What is wrong, as the end of a sentence that the name begins."""

    @property
    def text(self) -> str:
        """Both in words."""
        return f"{self.file} {self.what}"


def differences(folder: Path, manifest: Manifest) -> list[Difference]:
    """How the files of a folder differ from its manifest, and the manifest from itself.

    Args:
        folder: of a run.
        manifest: that it holds.
    """
    files = listed_checksums(manifest)
    names = dict.fromkeys([*TABLES[:1], *files])
    contents = {name: content_of(folder, name) for name in names}
    found = [of_manifest(manifest), *(of_file(manifest, *item) for item in contents.items())]
    known = [each for each in found if each]
    if any(each.file in (FILE, *TABLES) for each in known):  # which a report refuses
        known = [
            each._replace(what=OUTDATED_TOO) if each.what == OUTDATED else each for each in known
        ]
    return known


def content_of(folder: Path, name: str) -> bytes | None:
    """A listed file's bytes; None where there is no such file within the folder."""
    if ".." in Path(name).parts or Path(name).is_absolute():
        return None
    try:
        return read_file(folder / name)
    except BadInput:
        return None


def of_manifest(manifest: Manifest) -> Difference | None:
    """What is wrong with a manifest; None where nothing is."""
    if is_earlier(manifest):
        return Difference(FILE, NO_CHECKSUM)
    return None if is_whole(manifest) else Difference(FILE, CHANGED)


def of_file(manifest: Manifest, name: str, content: bytes | None) -> Difference | None:
    """What is wrong with a file; None where nothing is.

    Args:
        manifest: of its folder.
        name: the file's within the folder.
        content: its bytes; None where it is not there.
    """
    files = listed_checksums(manifest)
    if name not in files:
        return Difference(name, MISSING if content is None else UNLISTED)
    if files[name] is None:
        return Difference(name, UNFINISHED if name in (*TABLES, *TRAINING_TABLES) else OUTDATED)
    if content is None:
        return Difference(name, MISSING)
    return None if checksum_of(content) == files[name] else Difference(name, CHANGED)


def texts_of(found: Iterable[Difference]) -> str:
    """Differences in one line."""
    return "; ".join(each.text for each in found)
