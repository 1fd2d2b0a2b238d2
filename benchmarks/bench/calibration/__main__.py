"""`make calibration`: how often the intervals and tests are right."""

from pathlib import Path

import click

from gradest.benchmarks.bench.calibration.report import AIMS, MET, MISSED, verdicts, write
from gradest.benchmarks.bench.calibration.studies import STUDIES, simulate
from gradest.benchmarks.runtime.program_cache import use_compilation_cache

RESULTS = Path("results/calibration")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--output", type=click.Path(path_type=Path), default=RESULTS, show_default=True)
def command(output: Path) -> None:
    """How often the intervals and tests are right, by simulation: about five minutes."""
    use_compilation_cache()
    table = simulate(STUDIES)
    write(table, output)
    for aim in AIMS:
        found = verdicts(table, aim)
        print(f"{aim.text}: {found.count(MET)} of {len(found)}, {found.count(MISSED)} missed")


if __name__ == "__main__":
    command()
