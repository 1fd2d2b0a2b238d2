"""`python -m gradest.benchmarks.bench.gpu.measure SWEEP FOLDER`: measures, and draws nothing."""

import sys
from pathlib import Path

from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.runtime.configure import configure
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.run import run_sweep, use_caches
from gradest.benchmarks.sweeps.schema import load_sweep


class Lines:
    """A progress that prints a line for each cell."""

    def start(self, missing: int) -> None:
        """Before the first cell."""
        print(f"{missing} cells", file=sys.stderr, flush=True)

    def __call__(self, cell: Cell, status: str, seconds: float) -> None:
        print(f"{cell.label}: {status}, {seconds:.2f} s", file=sys.stderr, flush=True)


def main(sweep: str, folder: str) -> None:
    """Measures a sweep into a folder."""
    plan = resolve(load_sweep(sweep))
    configure()
    use_caches(plan)
    run_sweep(plan, Path(folder), Lines())


if __name__ == "__main__":
    main(*sys.argv[1:])
