"""manifest.json: how a run came about, and a checksum of every file that it wrote.

`files` has the SHA-256 of each file, by its name within the folder; None for one that a run of ours
was about to write, or drew from tables that were changed afterwards. `checksum` is that of the
manifest's own content. The store is not among them: its cells have checksums of their own. Versions
up to 0.3 wrote the checksums of the two tables alone, under `checksums`, and none of the manifest.
"""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.runtime.files import cause_of, write_atomically

FILE = "manifest.json"
FILES = "files"
CHECKSUM = "checksum"
EARLIER = "checksums"
"""What versions up to 0.3 had in place of `files`."""

Manifest = dict[str, Any]


def read_manifest(folder: Path) -> Manifest | None:
    """The folder's manifest.json; None where there is none.

    Raises:
        BadInput: it cannot be read, or is no JSON object.
    """
    content = read_file(folder / FILE)
    return None if content is None else parse_manifest(folder / FILE, content)


def parse_manifest(path: Path, content: bytes) -> Manifest:
    """The manifest in a file's bytes.

    Raises:
        BadInput: they are no JSON object.
    """
    try:
        manifest = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: expected JSON as a run writes it: {error}") from error
    if not isinstance(manifest, dict):
        raise BadInput(f"{path}: expected a JSON object, as a run writes it")
    return manifest


def read_file(path: Path) -> bytes | None:
    """A file's bytes; None where it is not there.

    Raises:
        BadInput: it cannot be read; it is a folder, say.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadInput(f"{cause_of(error)}: expected a file of a run") from error


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes a manifest with the checksum of its content."""
    whole = {key: value for key, value in manifest.items() if key != CHECKSUM}
    whole[CHECKSUM] = own_checksum(whole)
    text = json.dumps(whole, indent=2, ensure_ascii=False)
    write_atomically(folder / FILE, text + "\n")


def own_checksum(manifest: Manifest) -> str:
    """The SHA-256 of a manifest's content, however it is laid out."""
    content = {key: value for key, value in manifest.items() if key != CHECKSUM}
    return checksum_of(json.dumps(content, sort_keys=True).encode())


def checksum_of(content: bytes) -> str:
    """The SHA-256 of a file's bytes."""
    return sha256(content).hexdigest()


def is_whole(manifest: Manifest) -> bool:
    """Whether a manifest says what was written: its checksum is that of its content."""
    return manifest.get(CHECKSUM) == own_checksum(manifest)


def is_earlier(manifest: Manifest) -> bool:
    """Whether a version up to 0.3 wrote it, which gave it no checksum."""
    return CHECKSUM not in manifest and FILES not in manifest


def listed_checksums(manifest: Manifest | None) -> dict[str, str | None]:
    """The checksum of each file that the manifest vouches for, or that is to be written.

    Args:
        manifest: a folder's; None where it has none.
    """
    if manifest is None:
        return {}
    files = manifest.get(EARLIER if is_earlier(manifest) else FILES)
    if not isinstance(files, dict):
        return {}
    return {name: value for name, value in files.items() if isinstance(value, (str, type(None)))}
