"""`make bench-peers`: how many times as fast as other people's estimators ours are, where both find
the same variance."""

from pathlib import Path
from typing import NoReturn

import click

from gradest.benchmarks.bench.peers.bench import COMPARED_ESTIMATORS, LABELS, ComparedCell, bench
from gradest.benchmarks.bench.peers.process import PEERS
from gradest.benchmarks.cli.main import run_and_exit
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.options import one_of, positive_integers
from gradest.benchmarks.runtime.configure import configure
from gradest.benchmarks.runtime.program_cache import use_compilation_cache

DIMS, SAMPLES = (1, 10, 100), (1, 16, 256, 4096)

RESULTS = Path("results/bench")
ENVIRONMENTS = Path(".venv/peers")


def cells_of(
    problems: tuple[str, ...],
    labels: tuple[str, ...],
    dims: tuple[int, ...],
    samples: tuple[int, ...],
) -> list[ComparedCell]:
    """The cells of these problems and estimators, at these D and L or at the usual ones.

    Raises:
        BadInput: there are none.
    """
    cells = [
        ComparedCell(name, label, dim, num_samples)
        for name in problems
        for label in LABELS[name]
        if label in labels
        for dim in positive_integers("--dim", dims, DIMS)
        for num_samples in positive_integers("--num-samples", samples, SAMPLES)
        if not COMPARED_ESTIMATORS[label].refuses_samples(num_samples)
    ]
    if not cells:
        raise BadInput(
            f"--estimator {', '.join(labels)}: not for {', '.join(problems)} at so few or so many "
            "samples"
        )
    return cells


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", multiple=True, metavar="PROBLEM", help=f"One of {', '.join(LABELS)}.")
@click.option(
    "--estimator", "labels", multiple=True, help=f"One of {', '.join(COMPARED_ESTIMATORS)}."
)
@click.option("--dim", "dims", multiple=True, type=int, help="D.")
@click.option("--num-samples", "samples", multiple=True, type=int, help="L.")
@click.option("--peer", "names", multiple=True, help=f"One of {', '.join(PEERS)}.")
@click.option(
    "--python",
    "interpreter",
    type=click.Path(path_type=Path),
    help="A Python that has what the peers need, in place of environments that are made.",
)
@click.option("--output", type=click.Path(path_type=Path), default=RESULTS, show_default=True)
def command(
    only: tuple[str, ...],
    labels: tuple[str, ...],
    dims: tuple[int, ...],
    samples: tuple[int, ...],
    names: tuple[str, ...],
    interpreter: Path | None,
    output: Path,
) -> None:
    """How many times as fast as other people's estimators ours are.

    Each option may be given several times.
    """
    problems = one_of("--only", only, LABELS)
    cells = cells_of(problems, one_of("--estimator", labels, COMPARED_ESTIMATORS), dims, samples)
    peers = {name: PEERS[name] for name in one_of("--peer", names, PEERS)}
    configure()
    use_compilation_cache()
    bench(cells, peers, ENVIRONMENTS, output, interpreter)


def main(words: list[str] | None = None) -> NoReturn:
    """Exits with a status; bad input is one clear line."""
    run_and_exit(command, words, "bench_peers", "peers.csv has every finished cell")


if __name__ == "__main__":
    main()
