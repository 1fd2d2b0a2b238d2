"""Single bits flipped, and ends cut off, in every kind of file that we read."""

import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gradest.benchmarks.analysis.results import recorded_sweep
from gradest.benchmarks.analysis.verification import verified_run
from gradest.benchmarks.errors import GradestError
from gradest.benchmarks.runtime.arrays import remembered
from gradest.benchmarks.runtime.program_cache import load, save
from gradest.benchmarks.statistics.bias import Truth
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.schema import load_sweep
from gradest.benchmarks.sweeps.store import FILE, open_store
from gradest.problems.cache import cache_folder
from tests.faults.tally import HARMLESS, INTERNAL, TOLD, WRONG, Tally
from tests.support import flipped_stores
from tests.support.sweeps import GOOD_SWEEP

Fate = Callable[[bytes], str]
"""What becomes of a file with such a content."""


class Target(NamedTuple):
    """A kind of file."""

    kind: str
    content: bytes
    """As we wrote it."""
    fate: Fate
    note: str = ""


def damages(content: bytes, trials: int, cuts: int) -> Iterator[bytes]:
    """The content with one bit flipped, so many times, and with its end cut off."""
    draw = random.Random(len(content))
    for _ in range(trials):
        yield flipped_stores.flipped(content, draw.randrange(8 * len(content)))
    for _ in range(cuts):
        yield content[: draw.randrange(len(content))]


def tally(target: Target, trials: int) -> Tally:
    """So many flips of one kind of file, and a tenth as many cuts."""
    fates = Counter(map(target.fate, damages(target.content, trials, trials // 10)))
    return Tally(f"flips and cuts: {target.kind}", fates, target.note)


def of_reading(read: Callable[[], Any], path: Path) -> Fate:
    """The fate of a file that is read by a function, which gives None where it is made again."""
    truth = read()
    assert truth is not None

    def fate(content: bytes) -> str:
        path.write_bytes(content)
        try:
            found = read()
        except GradestError:
            return TOLD
        except Exception:
            return INTERNAL
        if found is None:
            return TOLD
        return HARMLESS if found == truth else WRONG

    return fate


def targets(folder: Path, run: Path) -> Iterator[Target]:
    """Every kind of file.

    Args:
        folder: an empty one.
        run: a finished run's.
    """
    yield store(folder / "store")
    yield arrays("checkpoint", {"weights": jnp.arange(200.0)})
    truth = Truth(np.arange(50.0), np.arange(50.0), 1.0)
    yield arrays("reference run", {"mean": truth})
    yield compiled_program()
    for name in ("measurements.csv", "leave_one_out.csv", "manifest.json"):
        yield of_run(folder / name, run, name)
    yield sweep(folder / "flipped.toml")


def store(folder: Path) -> Target:
    """A store with cells, summaries, times and an extension."""
    flipped_stores.fill(folder)
    with open_store(folder) as opened:
        truth = flipped_stores.everything(opened)
    words = {"harmless": HARMLESS, "said": TOLD, "refused": TOLD, "missed": WRONG, "wrong": WRONG}

    def fate(content: bytes) -> str:
        try:
            return words[flipped_stores.fate(folder, truth, content)]
        except Exception:
            return INTERNAL

    return Target("store.sqlite", (folder / FILE).read_bytes(), fate)


def arrays(kind: str, tree: Any) -> Target:
    """Arrays in the cache, as checkpoints and reference runs are."""
    folder = f"faults_{kind.replace(' ', '_')}"
    shutil.rmtree(cache_folder() / folder, ignore_errors=True)
    remembered(folder, [kind], tree, lambda: tree)
    (path,) = (cache_folder() / folder).iterdir()

    def read() -> list[bytes] | None:
        made = []
        found = remembered(folder, [kind], tree, lambda: made.append(1) or tree)
        return None if made else [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(found)]

    return Target(kind, path.read_bytes(), of_reading(read, path), "made again")


def compiled_program() -> Target:
    """A compiled program in the cache; one that is loaded is run."""
    arguments = (jnp.arange(4.0),)
    run = jax.jit(lambda x: x * 3 + 1).lower(*arguments).compile()
    folder = cache_folder() / "faults_programs"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "program"
    save(path, run)

    def read() -> list[float] | None:
        program = load(path, arguments)
        return None if program is None else program(*arguments).tolist()

    return Target("compiled program", path.read_bytes(), of_reading(read, path), "made again")


def of_run(folder: Path, run: Path, name: str) -> Target:
    """One of the files of a finished run, all that is made of them read."""
    shutil.copytree(run, folder)

    def read() -> Any:
        found = verified_run(folder)
        if found.doubt or found.changed:
            return None
        return found.measurements.to_csv(), jackknifed(found.measurements), recorded_sweep(folder)

    path = folder / name
    return Target(name, path.read_bytes(), of_reading(read, path))


def jackknifed(table: Any) -> list[bytes]:
    """The statistics without each batch."""
    return [each.without.tobytes() for each in table.jackknifed if each is not None]


def sweep(path: Path) -> Target:
    """A sweep's file, which has no checksum: it is a user's."""
    path.write_text(GOOD_SWEEP, encoding="utf-8")
    truth = resolve(load_sweep(str(path)))
    known = {cell.id: cell for cell in truth.cells}

    def fate(content: bytes) -> str:
        path.write_bytes(content)
        try:
            plan = resolve(load_sweep(str(path)))
        except GradestError:
            return TOLD
        except Exception:
            return INTERNAL
        if plan.sweep == truth.sweep:
            return HARMLESS
        same = [cell for cell in plan.cells if cell.id in known]
        return TOLD if all(cell == known[cell.id] for cell in same) else WRONG

    note = "what is another sweep measures cells of other names"
    return Target("sweep.toml", GOOD_SWEEP.encode(), fate, note)
