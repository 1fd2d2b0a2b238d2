"""Reading a run's CSV files. One that nothing vouches for is looked through value by value."""

import csv
import dataclasses
import io
import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.folders.columns import (
    ADDED,
    SORTED_BY,
    LeftOutRow,
    Row,
    columns_of,
    dtypes_of,
)
from gradest.benchmarks.folders.training_columns import TrainingRow
from gradest.benchmarks.training.seeds import DIVERGED

UNIQUE = {Row: (("cell", "group"), SORTED_BY), LeftOutRow: (("cell", "group", "batch"),)}
"""Columns that no two rows of a table have alike."""

NUMBER = re.compile(r"-?([0-9]+\.?[0-9]*(e[+-]?[0-9]+)?|inf)")
WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")


class Kind(NamedTuple):
    """What the values of a column must be."""

    fits: Callable[[str], object]
    words: str


def one_of(*texts: str) -> Kind:
    """One of these texts."""
    return Kind(lambda text: text in texts, f"one of {', '.join(texts)}")


def at_least(least: int) -> Kind:
    """A whole number from `least` on."""
    return Kind(
        lambda text: WHOLE_NUMBER.fullmatch(text) and int(text) >= least,
        f"a whole number of at least {least}",
    )


def is_arguments(text: str) -> bool:
    """Whether a text is a JSON object of texts, flags and numbers, by their names."""
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(read, dict) and all(isinstance(v, str | float | int) for v in read.values())


A_TEXT = Kind(lambda text: text, "a text")
ANYTHING = Kind(lambda _: True, "anything")
A_NUMBER = Kind(NUMBER.fullmatch, "a number")
NOT_NEGATIVE = Kind(
    lambda text: NUMBER.fullmatch(text) and float(text) >= 0, "a number not below 0"
)
POSITIVE = Kind(lambda text: NUMBER.fullmatch(text) and float(text) > 0, "a number above 0")
WHOLE = Kind(WHOLE_NUMBER.fullmatch, "a whole number")
ARGUMENTS = Kind(is_arguments, "arguments as a JSON object")

KINDS: dict[Any, Kind] = {
    str: A_TEXT,
    str | None: ANYTHING,
    int: WHOLE,
    int | None: WHOLE,
    float: A_NUMBER,
    bool | None: one_of("True", "False"),
}
"""What the type of a field asks of its column."""

OWN_KINDS = {
    "group": ANYTHING,
    "problem_args": ARGUMENTS,
    "estimator_args": ARGUMENTS,
    "status": one_of("ok", "unreliable", "skipped", "failed", DIVERGED),
    "objective_kind": one_of("exact", "estimated"),
    "dtype": one_of("float32", "float64"),
    "bias_finding": one_of("biased", "equivalent", "none found"),
    "num_samples": at_least(1),
    "replicates": at_least(1),
    "batches": at_least(1),
    "batch": at_least(0),
    **dict.fromkeys(("variance", "variance_low", "variance_high", "exact_variance"), NOT_NEGATIVE),
    **dict.fromkeys(("exact_norm", "bias_norm", "mse", "relative_rmse"), NOT_NEGATIVE),
    **dict.fromkeys(("seconds_low", "seconds_high"), POSITIVE),
    **dict.fromkeys(("seconds_alone", "seconds_alone_low", "seconds_alone_high"), POSITIVE),
    "minibatch_size": at_least(1),
    "minibatch_variance": NOT_NEGATIVE,
}
"""Columns of which more is asked than by their type."""


def read_table(path: Path, content: bytes, row: type, *, vouched: bool) -> pd.DataFrame:
    """A CSV file of a run.

    Args:
        path: its name, for errors.
        content: its bytes.
        row: Row or LeftOutRow, whose columns it must have.
        vouched: whether it is known to be what a run wrote; if not, every value is looked at.

    Raises:
        BadInput: it is not what a run writes; the message names line, column and value.
    """
    if not vouched:
        refuse_damaged(path, content, row)
    try:
        table = pd.read_csv(
            io.BytesIO(content), dtype=dtypes_of(row), keep_default_na=False, na_values=[""]
        )
    except ValueError as error:  # pandas' own are ValueErrors, and those of the encoding
        raise BadInput(f"{path} cannot be read: {error}") from error
    refuse_missing(path, table.columns, row)
    empty = {name: math.nan for name in columns_of(row) if name not in table}
    if "group" not in columns_of(row):
        return table.assign(**empty)
    return table.assign(group=named_groups(table), **empty)


def named_groups(table: pd.DataFrame) -> pd.Series:
    """The groups of a table's rows: one may have an empty name; what was not measured has none."""
    if "status" not in table:
        return table.group.fillna("")
    measured = table.status.isin(["ok", "unreliable"])
    return table.group.mask(measured & table.group.isna(), "")


def refuse_missing(path: Path, names: Sequence[str], row: type) -> None:
    """Refuses a table that lacks a column, but for those that came later.

    Raises:
        BadInput: with those that are missing.
    """
    missing = [name for name in columns_of(row) if name not in names and name not in ADDED]
    if missing:
        raise BadInput(f"{path}: expected the columns of a run; missing: {', '.join(missing)}")


def refuse_damaged(path: Path, content: bytes, row: type) -> None:
    """Refuses a CSV file that no run could have written.

    Raises:
        BadInput: with the first line at fault, and what was expected there.
    """
    rows = lines_of(path, content)
    _, names = next(rows, (1, []))
    refuse_missing(path, names, row)
    kinds = kinds_of(row)
    seen: set[tuple[str, ...]] = set()
    for line, values in rows:
        if len(values) != len(names):
            raise BadInput(f"{path}: line {line}: expected {len(names)} values; got {len(values)}")
        named = dict(zip(names, values, strict=True))
        refuse_values(f"{path}: line {line}", named, kinds)
        for columns in UNIQUE.get(row, ()):
            key = tuple(named[name] for name in columns)
            if key in seen:
                what = ", ".join(f"{name} {named[name]}" for name in columns)
                raise BadInput(f"{path}: line {line}: {what}: is there twice; expected it once")
            seen.add(key)
    if not content.endswith(b"\n"):
        raise BadInput(f"{path}: expected an end of line behind the last value: it was cut short")


def lines_of(path: Path, content: bytes) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV file, the header first, each with the number of its last line.

    Raises:
        BadInput: it is no text in UTF-8, or not CSV.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadInput(f"{path}: line {line}: expected text in UTF-8: {error.reason}") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BadInput(f"{path}: line {reader.line_num}: expected CSV: {error}") from error
        yield reader.line_num, values


OF_ONE_TABLE: dict[type, dict[str, Kind]] = {
    Row: {"seconds": POSITIVE},
    TrainingRow: {"seconds": NOT_NEGATIVE, "seed": at_least(0), "step": at_least(0)},
}
"""The same of one table alone."""


def kinds_of(row: type) -> dict[str, tuple[Kind, bool]]:
    """What each column must be, and whether it may be empty."""
    kinds = {}
    for field in dataclasses.fields(row):
        own = OWN_KINDS | OF_ONE_TABLE.get(row, {})
        kind = own.get(field.name) or KINDS[field.type]
        may_be_empty = (
            ANYTHING is kind or field.type is float or field.default is not dataclasses.MISSING
        )
        kinds[field.name] = kind, may_be_empty
    return kinds


def refuse_values(where: str, values: dict[str, str], kinds: dict[str, tuple[Kind, bool]]) -> None:
    """Refuses a row with a value that its column cannot have.

    Args:
        where: the file and line, for errors.
        values: by column.
        kinds: what each must be, and whether it may be empty.

    Raises:
        BadInput: with the column, the value and what was expected.
    """
    for name, (kind, may_be_empty) in kinds.items():
        value = values.get(name, "")
        if not (value or may_be_empty) or (value and not kind.fits(value)):
            raise BadInput(f"{where}, column {name}: {value!r}: expected {kind.words}")
