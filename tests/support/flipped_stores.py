"""What is read of a store in which one bit was flipped, against what was in it."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from gradest.benchmarks.errors import StoreDamaged
from gradest.benchmarks.outcomes import Extension, Origin, Outcome, Summaries
from gradest.benchmarks.statistics.moments import Moments
from gradest.benchmarks.sweeps.store import FILE, Store, open_store, read_store

HERE = Origin({"gradest": "1", "jax": "2"}, "code")
CELLS = [f"cell{number}" for number in range(6)]


class Read(NamedTuple):
    """Everything that a run or an extension takes from a store."""

    outcomes: dict[str, Outcome]
    summaries: dict[tuple[str, int], list[bytes]]
    timings: dict[str, list]
    trainings: dict[str, Outcome]
    extension: Extension | None
    said: list[str]
    """The cells that are said to be damaged, and what else is."""


def fill(folder: Path) -> None:
    """Makes a store with some cells, their summaries, times and trainings, and an extension."""
    rng = np.random.default_rng(1)
    shapes = [(32, 8), (32, 8), (32, 8), (32,), (32, 4), (8,)]
    with open_store(folder) as store:
        for cell in CELLS:
            rows = [
                {"group": group, "variance": rng.normal(), "without": rng.normal(size=32).tolist()}
                for group in ("mean", "scale")
            ]
            moments = {"mean": Moments(9, *(rng.normal(size=shape) for shape in shapes))}
            outcome = Outcome("ok", "", rows, HERE.environment, "θ", HERE.code, "abc", False)
            store.keep(cell, outcome, Summaries(f"series of {cell}", 288, moments))
            store.keep_timings(0, {cell: rng.random()}, HERE)
            curve = [{"step": step, "objective": rng.normal()} for step in range(9)]
            store.trainings.keep(f"training of {cell}", outcome._replace(rows=curve))
        store.keep_extension(Extension(400, "{}", '{"replicates": 800}'))


def everything(store: Store) -> Read:
    """What is read of an open store."""
    outcomes = store.outcomes()
    summaries = {}
    for cell in CELLS:
        for found in store.shorter(f"series of {cell}", HERE):
            arrays = [np.asarray(field).tobytes() for field in found.moments["mean"]]
            summaries[found.series, found.replicates] = arrays
    timings, extension = store.timings(HERE), store.extension
    trainings = store.trainings.outcomes()
    said = [*store.damaged.values(), *store.lost]
    return Read(outcomes, summaries, timings, trainings, extension, said)


def flipped(content: bytes, bit: int) -> bytes:
    """The content of a file with one bit turned over."""
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def fate(folder: Path, truth: Read, damaged: bytes) -> str:
    """What becomes of a store whose file is damaged.

    Args:
        folder: of the store.
        truth: what was read of it before.
        damaged: the content of its file now.

    Returns:
        "harmless", "said", "refused" where the whole store is, "missed" where something is not
        found and nobody says so, "wrong" where something is not as it was.
    """
    path = folder / FILE
    path.write_bytes(damaged)
    try:
        kept = read_store(folder)
        with open_store(folder) as store:
            found = everything(store)
    except StoreDamaged:
        return "refused" if path.read_bytes() == damaged else "touched"
    kept_alike = (kept.outcomes, kept.trainings) == (found.outcomes, found.trainings)
    pairs = zip(found[:4], truth[:4], strict=True)
    known = [here.get(key, there[key]) == there[key] for here, there in pairs for key in there]
    extra = [here.keys() - there.keys() for here, there in zip(found[:4], truth[:4], strict=True)]
    is_other = found.extension not in (None, truth.extension)
    if not all(known) or any(extra) or is_other or not kept_alike:
        return "wrong"
    if found.said:
        return "said"
    return "harmless" if found == truth else "missed"
