"""What commands print: data to stdout, and everything else to stderr."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import click

from gradest.benchmarks.runtime.processes import as_data


def emit(result: Mapping[str, Any] | str) -> None:
    """Prints to stdout: text as it is, an object as JSON."""
    with as_data():
        if isinstance(result, str):
            click.echo(result)
        else:
            click.echo(json.dumps(result, indent=2, ensure_ascii=False))


def tell(lines: Iterable[str]) -> None:
    """Prints lines to stderr."""
    for line in lines:
        click.echo(line, err=True)


def counted(counts: Mapping[str, int]) -> str:
    """The counts that are not zero, in words.

    >>> counted({"ok": 3, "failed": 0, "skipped": 1})
    '3 ok, 1 skipped'
    """
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing"
