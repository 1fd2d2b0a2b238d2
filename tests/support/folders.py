"""Changes to what a results folder holds, as others make them."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gradest.benchmarks.analysis import tables
from gradest.benchmarks.folders.columns import LeftOutRow, Row
from gradest.benchmarks.runtime import files


def read_measurements(folder: Path) -> pd.DataFrame:
    """A run's measurements.csv."""
    return read_table(folder / "measurements.csv", Row)


def read_left_out(folder: Path) -> pd.DataFrame:
    """A run's leave_one_out.csv."""
    return read_table(folder / "leave_one_out.csv", LeftOutRow)


def read_table(path: Path, row: type) -> pd.DataFrame:
    return tables.read_table(path, path.read_bytes(), row, vouched=False)


def edited(path: Path, old: str, new: str) -> None:
    """Puts a text in the place of another, the first time that it is there."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def without_a_line(text: str, number: int) -> str:
    """A text without one of its lines, counted from 0."""
    lines = text.splitlines(keepends=True)
    return "".join(lines[:number] + lines[number + 1 :])


def as_of_an_earlier_version(folder: Path) -> None:
    """Leaves of a manifest what version 0.3 wrote: checksums of the tables, none of its own."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    del manifest["checksum"]
    files = manifest.pop("files")
    manifest["checksums"] = {name: files[name] for name in files if name.endswith(".csv")}
    path.write_text(json.dumps(manifest), encoding="utf-8")


class Killed(BaseException):
    """Ends what a process does as a signal would, without anything that an except clause mends."""


@contextmanager
def killed_at(write: int) -> Iterator[list[str]]:
    """Ends the body, which raises Killed, before a file is put in its place for the n-th time.

    Args:
        write: n, from 0 on. Where there are not so many, the body goes on to its end.

    Returns:
        The names of the files that were put in their places.
    """
    put: list[str] = []
    replace = os.replace

    def replace_or_end(part: Path, path: Path) -> None:
        if len(put) == write:
            raise Killed
        put.append(Path(path).name)
        replace(part, path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files.os, "replace", replace_or_end)
        yield put


def damages(content: bytes, count: int, seed: int = 0) -> Iterator[bytes]:
    """Damaged copies of a file, by turns: a bit flipped, cut short, a line lost, a line twice.

    Args:
        content: the file's bytes.
        count: how many copies.
        seed: of where the damage is.
    """
    rng = np.random.default_rng(seed)
    lines = content.splitlines(keepends=True)
    for number in range(count):
        place = int(rng.integers(len(content)))
        line = int(rng.integers(len(lines)))
        kind = number % 4
        if kind == 0:
            flipped = bytes([content[place] ^ 1 << int(rng.integers(8))])
            yield content[:place] + flipped + content[place + 1 :]
        elif kind == 1:
            yield content[:place]
        else:
            yield b"".join(
                lines[:line] + lines[line : line + 1] * (2 * kind - 4) + lines[line + 1 :]
            )
