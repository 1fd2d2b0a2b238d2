"""Folders that can be written and files that are never half there. Nothing here imports JAX."""

import os
import threading
from pathlib import Path

from gradest.benchmarks.errors import BadInput


def make_folder(folder: Path) -> None:
    """Creates an output folder and shows that it can be written, before anything is measured.

    Raises:
        BadInput: it cannot be made, or nothing can be written into it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise BadInput(
            f"output folder {folder}: cannot be written ({error.strerror}); "
            "expected a folder that can"
        ) from error


def write_atomically(path: Path, content: str | bytes) -> None:
    """Writes a file so that a killed process leaves the old one or the new one, never half of one.

    Several threads and processes may write the same file: the last one to finish wins.

    Args:
        path: where to; its folder must be there.
        content: bytes, or a text, which is written in UTF-8 with the line ends that it has.
    """
    written = content.encode("utf-8") if isinstance(content, str) else content
    part = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        part.write_bytes(written)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
