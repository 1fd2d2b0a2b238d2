"""Folders that can be written and files that are never half there. Nothing here imports JAX."""

import os
import re
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from gradest.benchmarks.errors import BadInput

PART = re.compile(r"\..+\.[0-9a-f]{16}\.part")
"""The name of a file that is being written, or that a killed process left: .NAME.RANDOM.part."""

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
"""Opens a file that must not be there yet, nor a link in its place."""


def make_folder(folder: Path) -> None:
    """Creates an output folder and shows that it can be written, before anything is measured.

    Raises:
        BadInput: it cannot be made, or nothing can be written into it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise BadInput(
            f"output folder {folder}: cannot be written ({reason_of(error)}); "
            "expected a folder that can"
        ) from error


def write_atomically(path: Path, content: str | bytes, mode: int = 0o666) -> None:
    """Writes a file so that a killed process leaves the old one or the new one, never half of one.

    Several threads and processes may write the same file: the last one to finish wins. A link in
    the file's place is replaced, and what it leads to is let alone.

    Args:
        path: where to; its folder must be there.
        content: bytes, or a text, which is written in UTF-8 with the line ends that it has.
        mode: who may read and write it, less what the process's umask takes away.

    Raises:
        OSError: it cannot be written; the error names `path`, and the old file is still there.
    """
    written = content.encode("utf-8") if isinstance(content, str) else content
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        descriptor = os.open(part, NEW, mode)
        try:
            write_through(descriptor, written)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise OSError(error.errno, reason_of(error), str(path)) from error
    sync_folder(path.parent)


def remove_parts(folder: Path) -> None:
    """Removes what killed processes left half written in a folder that nobody else writes in."""
    for path in folder.iterdir():
        if PART.fullmatch(path.name):
            path.unlink(missing_ok=True)


def write_through(descriptor: int, content: bytes) -> None:
    """Writes an open file down to the disk, and closes it."""
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Brings a folder's list of names to the disk, on the platforms that can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def cause_of(error: OSError) -> str:
    """What is wrong in one line: the file, where the error names one, and the reason."""
    file = error.filename2 or error.filename
    return reason_of(error) if file is None else f"{os.fsdecode(file)}: {reason_of(error)}"


def reason_of(error: OSError) -> str:
    """What the operating system says of an error."""
    return error.strerror or str(error) or type(error).__name__
