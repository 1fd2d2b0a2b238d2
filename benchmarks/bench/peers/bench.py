"""`make bench-peers`: how many times as fast as other people's estimators ours are, where both find
the same variance.

Each peer runs in a process of its own, in an environment of its own (benchmarks/peers/). In a cell,
one problem, estimator, D and L, its variance and mean must first agree with ours and with the exact
ones; then ours and every peer are called in turn. What is timed is gradients, of a peer in calls of
the size at which it is fastest, of ours in those of a measurement; the sums from which variance,
intervals and tests are made no peer has (`make bench` has them in).
"""

import json
import math
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import click
import jax
import numpy as np
import pandas as pd

from gradest.benchmarks.bench.peers.agreement import (
    agreement,
    disagreement,
    our_moments,
    peer_moments,
)
from gradest.benchmarks.bench.peers.figure import draw
from gradest.benchmarks.bench.peers.process import (
    PEERS,
    Peer,
    PeerFailed,
    PeerProcess,
    make_environment,
)
from gradest.benchmarks.bench.peers.scripts.protocol import Cell, DoesNotHave
from gradest.benchmarks.bench.speed.rounds import (
    CALL_SECONDS,
    ROUNDS,
    Contender,
    contender,
    interleaved,
    our_call,
    warm,
)
from gradest.benchmarks.cli.main import complain
from gradest.benchmarks.cli.options import one_of, positive_integers
from gradest.benchmarks.errors import BadInput, ExitStatus, GradestError
from gradest.benchmarks.measurement.replicates import forget_programs
from gradest.benchmarks.runtime.environment import environment, git_state, hardware
from gradest.benchmarks.statistics.intervals import median
from gradest.benchmarks.sweeps.run import use_compilation_cache, write_atomically
from gradest.benchmarks.sweeps.store import make_folder
from gradest.estimators import estimator
from gradest.problems import problem

ESTIMATORS = {
    "score_function": estimator("score_function"),
    "score_function[leave_one_out]": estimator("score_function", baseline="leave_one_out"),
    "pathwise": estimator("pathwise"),
    "measure_valued": estimator("measure_valued"),
    "gumbel_softmax": estimator("gumbel_softmax"),
}
PROBLEMS = {
    "gaussian_square": (
        "score_function",
        "score_function[leave_one_out]",
        "pathwise",
        "measure_valued",
    ),
    "bernoulli_square": ("score_function", "score_function[leave_one_out]", "gumbel_softmax"),
}
CONSTANTS = ("k", "t", "temperature")
"""Numbers of a problem or an estimator that a peer is told, beside θ."""

DIMS, SAMPLES = (1, 10, 100), (1, 16, 256, 4096)

SIZES = tuple(2**power for power in (12, 14, 16, 18, 20))
"""Numbers drawn in one call of a peer whose replicates run at once: the fastest size is timed."""

LONG_CALL = 0.5
"""Seconds of a call after which no larger one is tried."""

OURS = "ours"
TIMED, DISAGREES, LACKS, FAILED, SKIPPED = (
    "timed",
    "disagrees",
    "does not have it",
    "failed",
    "skipped",
)

Runner = PeerProcess | PeerFailed
"""A peer's process, or why there is none."""


class Row(NamedTuple):
    """A line of peers.csv."""

    problem: str
    dim: int
    num_samples: int
    estimator: str
    peer: str
    peer_version: str = ""
    peer_replicates: float = math.nan
    """Of one call, where it is fastest."""
    peer_samples_per_second: float = math.nan
    ours_samples_per_second: float = math.nan
    times_faster: float = math.nan
    times_faster_low: float = math.nan
    times_faster_high: float = math.nan
    variance_z: float = math.nan
    mean_z: float = math.nan
    variance_z_exact: float = math.nan
    mean_z_exact: float = math.nan
    status: str = ""
    reason: str = ""


def fastest(process: PeerProcess, cell: Cell) -> Contender:
    """The peer in calls of the size at which it is fastest, prepared and warm."""
    _, batched = process.hello()
    drawn = cell.num_samples * len(next(iter(cell.params.values())))
    best: tuple[float, Contender] | None = None
    for replicates in sorted({max(1, size // drawn) for size in SIZES}) if batched else [1]:
        process.prepare(cell, replicates)
        candidate = warm(process.run, replicates)
        seconds = min(candidate.seconds() for _ in range(3))
        if best is None or seconds < best[0]:
            best = seconds, candidate
        elif seconds > 1.25 * best[0]:
            break
        if seconds * replicates > LONG_CALL:
            break
    assert best is not None
    process.prepare(cell, best[1].units)
    process.run(1)
    return best[1]


def bench_cell(
    name: str, label: str, dim: int, num_samples: int, peers: dict[str, Runner], cells: int
) -> list[Row]:
    """A row for each peer; `cells` is of how many rows the whole table is."""
    toy, ours = problem(name, dim=dim), ESTIMATORS[label]
    params = toy.init_params(jax.random.key(0))
    constants = {
        key: float(getattr(thing, key))
        for thing in (toy, ours)
        for key in CONSTANTS
        if hasattr(thing, key)
    }
    cell = Cell(
        name,
        label,
        num_samples,
        {group: np.ravel(leaf).tolist() for group, leaf in params.items()},
        constants,
    )
    contenders = {OURS: contender(*our_call(toy, ours, params, num_samples, summed=False))}
    mine = our_moments(toy, ours, params, num_samples, contenders[OURS].seconds())
    coordinates = sum(leaf.size for leaf in params.values())
    said: dict[str, dict[str, Any]] = {peer: {} for peer in peers}
    for peer, runner in peers.items():
        if isinstance(runner, PeerFailed):
            said[peer] |= {"status": SKIPPED, "reason": str(runner)}
            continue
        try:
            said[peer]["peer_version"], _ = runner.hello()
            its_calls = fastest(runner, cell)
            its = peer_moments(runner, params, its_calls.units, its_calls.seconds())
            found = agreement(toy, ours, params, num_samples, mine, its)
            said[peer] |= {"peer_replicates": its_calls.units} | found._asdict()
            if apart := disagreement(found, coordinates, cells):
                said[peer] |= {"status": DISAGREES, "reason": apart}
            else:
                contenders[peer] = its_calls
        except DoesNotHave as lacking:
            said[peer] |= {"status": LACKS, "reason": str(lacking)}
        except PeerFailed as error:
            said[peer] |= {"status": FAILED, "reason": str(error)}
    seconds, failed = interleaved(contenders, PeerFailed)
    for peer in contenders.keys() - {OURS}:
        if peer in failed:
            said[peer] |= {"status": FAILED, "reason": failed[peer]}
        else:
            said[peer] |= {"status": TIMED} | ratios(seconds[OURS], seconds[peer], num_samples)
    return [Row(name, dim, num_samples, label, peer, **said[peer]) for peer in peers]


def ratios(ours: list[float], peers: list[float], num_samples: int) -> dict[str, float]:
    """Throughputs, and the median of the rounds' ratios with its interval."""
    times = median(np.array(peers) / np.array(ours))
    return {
        "peer_samples_per_second": num_samples / float(np.median(peers)),
        "ours_samples_per_second": num_samples / float(np.median(ours)),
        "times_faster": times.value,
        "times_faster_low": times.low,
        "times_faster_high": times.high,
    }


@contextmanager
def running(peers: dict[str, Peer], environments: Path) -> Iterator[dict[str, Runner]]:
    """The peers' processes, or why one cannot be; an environment that is not there is made."""
    with ExitStack() as stack:
        runners: dict[str, Runner] = {}
        for name, peer in peers.items():
            try:
                process = PeerProcess(
                    make_environment(peer.pins, environments / peer.pins.stem), peer.script
                )
                stack.callback(process.close)
                runners[name] = process
            except PeerFailed as error:
                runners[name] = error
                print(f"{name} is skipped: {error}")
        yield runners


def bench(
    cells: list[tuple[str, str, int, int]], peers: dict[str, Peer], environments: Path, folder: Path
) -> None:
    """Every cell against every peer: peers.csv, which grows with each cell, peers.json, and the figure."""
    make_folder(folder)
    rows: list[Row] = []
    with running(peers, environments) as runners:
        for name, label, dim, num_samples in cells:
            found = bench_cell(name, label, dim, num_samples, runners, len(cells) * len(peers))
            print(
                f"{name} {label} D = {dim} L = {num_samples}: {', '.join(map(text_of, found))}",
                flush=True,
            )
            rows += found
            write_atomically(
                folder / "peers.csv", pd.DataFrame(rows).to_csv(index=False, float_format="%.6g")
            )
            forget_programs()
    table = pd.DataFrame(rows)
    conditions = {
        "environment": environment(),
        "hardware": hardware(),
        "git": git_state(),
        "peers": {row.peer: row.peer_version for row in rows if row.peer_version},
        "settings": {"rounds": ROUNDS, "call_seconds": CALL_SECONDS},
    }
    write_atomically(folder / "peers.json", json.dumps(conditions, indent=2) + "\n")
    draw(table, folder)
    print_table(table)


def text_of(row: Row) -> str:
    """How a peer did in a cell."""
    return (
        f"{row.peer} {row.times_faster:.3g}×" if row.status == TIMED else f"{row.peer} {row.status}"
    )


def print_table(table: pd.DataFrame) -> None:
    """How many times as fast ours are, a line a cell and a column a peer; the extremes; why others were not timed."""
    shown = table.times_faster.map("{:.3g}".format).where(table.status == TIMED, table.status)
    wide = table.assign(shown=shown).pivot_table(
        index=["problem", "estimator", "dim", "num_samples"],
        columns="peer",
        values="shown",
        aggfunc="first",
    )
    print(f"\nsamples a second, ours over the peer's: medians of {ROUNDS} rounds")
    print(wide.to_string())
    for peer, rows in table[table.status == TIMED].groupby("peer"):
        ratio = rows.times_faster
        print(
            f"{peer}: {ratio.min():.3g} to {ratio.max():.3g} times, median {ratio.median():.3g}, {len(rows)} cells"
        )
    untimed = table[table.status.isin([DISAGREES, FAILED, SKIPPED])]
    for (peer, status, reason), rows in untimed.groupby(["peer", "status", "reason"]):
        print(f"{peer} {status} in {len(rows)} cells: {reason}")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", multiple=True, metavar="PROBLEM", help=f"One of {', '.join(PROBLEMS)}.")
@click.option("--estimator", "labels", multiple=True, help=f"One of {', '.join(ESTIMATORS)}.")
@click.option("--dim", "dims", multiple=True, type=int, help="D.")
@click.option("--num-samples", "samples", multiple=True, type=int, help="L.")
@click.option("--peer", "names", multiple=True, help=f"One of {', '.join(PEERS)}.")
@click.option(
    "--output", type=click.Path(path_type=Path), default=Path("results/bench"), show_default=True
)
def command(
    only: tuple[str, ...],
    labels: tuple[str, ...],
    dims: tuple[int, ...],
    samples: tuple[int, ...],
    names: tuple[str, ...],
    output: Path,
) -> None:
    """How many times as fast as other people's estimators ours are. Each option may be given several times."""
    toys = one_of("--only", only, PROBLEMS)
    wanted = one_of("--estimator", labels, ESTIMATORS)
    cells = [
        (name, label, dim, num_samples)
        for name in toys
        for label in PROBLEMS[name]
        if label in wanted
        for dim in positive_integers("--dim", dims, DIMS)
        for num_samples in positive_integers("--num-samples", samples, SAMPLES)
        if not ESTIMATORS[label].refuses_samples(num_samples)
    ]
    if not cells:
        raise BadInput(
            f"--estimator {', '.join(wanted)}: not for {', '.join(toys)} at so few or so many samples"
        )
    peers = {name: PEERS[name] for name in one_of("--peer", names, PEERS)}
    use_compilation_cache()
    bench(cells, peers, Path(".venv/peers"), output)


def main(args: list[str] | None = None) -> NoReturn:
    """Exits with a status; bad input is one clear line."""
    try:
        command.main(args, prog_name="bench_peers", standalone_mode=False)
    except (click.ClickException, GradestError) as error:
        sys.exit(complain(error))
    except (KeyboardInterrupt, click.Abort):
        click.echo("gradest: interrupted; peers.csv has every finished cell", err=True)
        sys.exit(ExitStatus.INTERRUPTED)
    sys.exit(0)


if __name__ == "__main__":
    main()
