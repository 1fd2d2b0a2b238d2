"""The papers that presets repeat: what each is, and how many numbers it published."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from gradest.benchmarks.presets import paper_names, purpose_of
from gradest.benchmarks.published.entries import Published
from gradest.benchmarks.sweeps.schema import Sweep, load_sweep
from gradest.benchmarks.terminal import table_lines

HEADER = ("preset", "numbers", "reference", "what")


class PaperPreset(NamedTuple):
    """A preset that repeats a paper."""

    name: str
    reference: str
    """In the words of references.toml."""
    code: str
    """Where its settings were read."""
    what: str
    """Of the paper is repeated."""
    published: int
    """How many numbers of it are compared."""
    not_counted: int
    """How many of them are shown alone."""


def paper_presets() -> list[PaperPreset]:
    """All of them, by name."""
    return [paper_preset(name, load_sweep(name)) for name in paper_names()]


def paper_preset(name: str, sweep: Sweep) -> PaperPreset:
    """A preset with what its sweep says of its paper."""
    entries = sweep.published or []
    shown_alone = [entry for entry in entries if entry.not_counted]
    assert sweep.paper is not None
    return PaperPreset(
        name,
        sweep.paper.reference,
        sweep.paper.code,
        purpose_of(name),
        number_of(entries),
        number_of(shown_alone),
    )


def number_of(entries: Sequence[Published]) -> int:
    """How many numbers entries have, each value of a series one."""
    return sum(1 if entry.values is None else len(entry.values) for entry in entries)


def as_text(papers: Sequence[PaperPreset], width: int) -> str:
    """The table that `gradest list --papers` prints."""
    rows = [(each.name, str(each.published), each.reference, each.what) for each in papers]
    return "\n".join(table_lines([HEADER, *rows], width, name=3, right={1}))


def as_json(papers: Sequence[PaperPreset]) -> dict[str, Any]:
    """The same as data."""
    return {"papers": [each._asdict() for each in papers]}
