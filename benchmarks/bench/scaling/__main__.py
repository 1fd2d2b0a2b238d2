"""`make bench-scaling`: time against the number of workers."""

from pathlib import Path

import click

from gradest.benchmarks.bench.scaling.overhead import overhead
from gradest.benchmarks.bench.scaling.page import write
from gradest.benchmarks.bench.scaling.simulation import table_of

RESULTS = Path("results/bench")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--output", type=click.Path(path_type=Path), default=RESULTS, show_default=True)
def command(output: Path) -> None:
    """Time against workers, simulated with a dask cluster's measured overhead: half a minute."""
    seconds = overhead()
    write(table_of(seconds), seconds, output)
    print(f"{output / 'scaling.md'}: {1e3 * seconds:.1f} ms an order")


if __name__ == "__main__":
    command()
