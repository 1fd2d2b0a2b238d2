"""`python -m tests.faults`: every kind of fault, and results/faults/faults.md with what came of it.

Under a quarter of an hour on two cores. The status is 1 where something did not survive.
"""

import os
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from gradest.benchmarks.measurement.batching import sizes_of
from gradest.benchmarks.runtime.configure import configure
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.run import measure_plan
from gradest.benchmarks.sweeps.schema import override
from tests.faults import flips, kills, writes
from tests.faults.fuzzing import Fuzzed, strange_sweep, tried, watched
from tests.faults.tally import HARMLESS, INTERNAL, TOLD, Tally, page
from tests.support.house import ROOT
from tests.support.sweeps import Quiet

PAGE = ROOT / "results" / "faults" / "faults.md"

FATES = {"planned": HARMLESS, "refused": TOLD, "internal": INTERNAL, "hung": INTERNAL}

LEAST_REPLICATES = 40
"""R of a strange sweep that is run, too."""

MOST_CELLS = 15
"""Of such a sweep."""

MOST_NUMBERS = 10_000
"""In one estimate of such a sweep, and steps of its warm-up."""


def fuzzed(trials: int, runs: int, folder: Path) -> Iterator[Tally]:
    """So many strange sweeps planned, and some of those that can be measured in a moment run."""
    outcomes = [tried(strange_sweep(number), folder) for number in range(trials)]
    for each in outcomes:
        if FATES[each.outcome] == INTERNAL:
            print(f"{each.detail}\n{each.text[:1000]}", file=sys.stderr)
    yield Tally("strange sweeps planned", Counter(FATES[each.outcome] for each in outcomes))
    small = [each for each in outcomes if is_small(each)][:runs]
    yield Tally("strange sweeps run", Counter(map(measured, small)))


def is_small(each: Fuzzed) -> bool:
    """Whether a sweep that was planned can be measured in a moment."""
    if each.plan is None or len(each.plan.cells) > MOST_CELLS:
        return False
    sweep = each.plan.sweep
    sizes = [max(sizes_of(problem)) for problem in each.plan.problems.values()]
    most = max(cell.num_samples for cell in each.plan.cells) * max(sizes)
    return max(most, sweep.adapt_steps, sweep.reference_replicates) <= MOST_NUMBERS


def measured(each: Fuzzed) -> str:
    """What comes of measuring a strange sweep."""
    assert each.plan is not None
    try:
        with watched(60):
            sweep = override(each.plan.sweep, replicates=LEAST_REPLICATES)
            measure_plan(resolve(sweep), Quiet())
    except BaseException as error:
        print(f"{type(error).__name__}: {error}\n{each.text}", file=sys.stderr)
        return INTERNAL
    return HARMLESS


def tallies(folder: Path, scale: float) -> Iterator[Tally]:
    """All kinds, one after the other."""

    def times(trials: int) -> int:
        return max(2, round(scale * trials))

    bench = kills.Bench(folder)
    yield kills.tally("SIGKILL in a run", kills.killed_run, bench, times(100))
    yield kills.tally("SIGKILL in an extension", kills.killed_extension, bench, times(20))
    yield writes.tally(bench, times(40))
    configure()
    for target in flips.targets(folder, bench.whole):
        yield flips.tally(target, times(1000))
    yield from fuzzed(times(500), times(20), folder)


@click.command()
@click.option("--scale", type=float, default=1.0, help="A share of the trials; nothing is written.")
def main(scale: float) -> None:
    """Runs the fault suite."""
    warnings.simplefilter("ignore")
    started = time.monotonic()
    found = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GRADEST_CACHE"] = f"{folder}/cache"
        for tally in tallies(Path(folder), scale):
            found.append(tally)
            print(tally.kind, dict(tally.fates), f"{time.monotonic() - started:.0f} s", flush=True)
    if scale == 1:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(page(found, (time.monotonic() - started) / 60), encoding="utf-8")
    sys.exit(0 if all(tally.is_sound for tally in found) else 1)


if __name__ == "__main__":
    main()
