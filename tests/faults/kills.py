"""SIGKILL at a random moment of a run or an extension: no acknowledged cell is lost."""

import random
import re
import shutil
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from gradest.benchmarks.analysis.results import recorded_sweep
from gradest.benchmarks.sweeps.store import open_store, read_outcomes
from tests.faults.processes import SWEEP, Ended, run
from tests.faults.tally import HARMLESS, INTERNAL, WRONG, Tally
from tests.support.same_numbers import differences

WORKERS = 2
"""Commands at a time."""

MORE = 400
"""Replicates that an extension adds."""


class Bench:
    """A folder with a sweep, its finished run, and that run extended."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sweep = folder / "faults.toml"
        self.sweep.write_text(SWEEP)
        self.whole = folder / "whole"
        self.longer = folder / "longer"
        self.run_seconds = self.finish(["run", str(self.sweep), "-o", str(self.whole)])
        shutil.copytree(self.whole, self.longer)
        self.extend_seconds = self.finish(extend(self.longer))
        # again, with every program in the cache
        again = folder / "again"
        self.run_seconds = self.finish(["run", str(self.sweep), "-o", str(again)])
        shutil.rmtree(again)

    def finish(self, words: list[str]) -> float:
        """Runs a command that has to succeed; the seconds that it took."""
        ended = run(words, self.folder / "bench.log")
        if ended.status:
            raise RuntimeError(f"gradest {' '.join(words)}: {ended.status}\n{ended.said}")
        return ended.seconds


def extend(folder: Path) -> list[str]:
    """The command that extends a run."""
    return ["extend", str(folder), "--replicates", str(MORE)]


def killed_run(bench: Bench, number: int) -> str:
    """What comes of a run that is killed at a random moment, and then run again."""
    folder = bench.folder / f"run_{number}"
    log = folder.with_suffix(".log")
    words = ["run", str(bench.sweep), "-o", str(folder)]
    moment = random.Random(number).uniform(0, 1.1 * bench.run_seconds)
    ended = run(words, log, kill_after=moment)
    acknowledged = len(re.findall(r"^\[\d+/\d+\] .* (ok|unreliable) ", ended.said, re.M))
    if len(read_outcomes(folder)) < acknowledged:
        return WRONG
    return fate_of(run(words, log), folder, bench.whole)


def killed_extension(bench: Bench, number: int) -> str:
    """What comes of an extension that is killed at a random moment, and then called again."""
    folder = bench.folder / f"extend_{number}"
    log = folder.with_suffix(".log")
    shutil.copytree(bench.whole, folder)
    moment = random.Random(number).uniform(0, 1.1 * bench.extend_seconds)
    run(extend(folder), log, kill_after=moment)
    return fate_of(finished_extension(folder, log), folder, bench.longer)


def finished_extension(folder: Path, log: Path) -> Ended:
    """Calls an extension again, unless it had come to its end."""
    with open_store(folder) as store:
        is_pending = store.extension is not None
    if not is_pending and recorded_sweep(folder).replicates == 2 * MORE:
        return Ended(0, "", 0.0)
    return run(extend(folder), log)


def fate_of(ended: Ended, folder: Path, expected: Path) -> str:
    """What became of a folder, by how the last command ended and the numbers in it."""
    if ended.status or "internal error" in ended.said:
        return INTERNAL
    fate = WRONG if differences(expected, folder) else HARMLESS
    if fate == HARMLESS:
        shutil.rmtree(folder)
    return fate


def tally(kind: str, trial: Callable[[Bench, int], str], bench: Bench, trials: int) -> Tally:
    """So many trials, two at a time."""
    with ThreadPoolExecutor(WORKERS) as pool:
        fates = Counter(pool.map(lambda number: trial(bench, number), range(trials)))
    return Tally(kind, fates, "acknowledged cells there, and the same numbers after another call")
