"""The bench against peers: each in a process and an environment of its own, cell by cell.

In a cell, one problem, estimator, D and L, a peer's variance and mean must first agree with ours
and with the exact ones; then ours and every peer are called in turn. What is timed is gradients, of
a peer in calls of the size at which it is fastest, of ours in those of a measurement; the sums from
which variance, intervals and tests are made no peer has (`make bench` has them in).
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import pandas as pd

from gradest.benchmarks.bench.peers.agreement import (
    Ours,
    agreement,
    disagreement,
    our_moments,
    peer_moments,
)
from gradest.benchmarks.bench.peers.figure import draw
from gradest.benchmarks.bench.peers.process import Peer, PeerFailed, PeerProcess, make_environment
from gradest.benchmarks.bench.peers.scripts.protocol import DoesNotHave, PeerCell
from gradest.benchmarks.bench.peers.summary import (
    DISAGREES,
    FAILED,
    LACKS,
    SKIPPED,
    TIMED,
    print_table,
    text_of,
)
from gradest.benchmarks.bench.speed.throughput import our_call
from gradest.benchmarks.measurement import rounds
from gradest.benchmarks.measurement.replicates import forget_programs
from gradest.benchmarks.measurement.rounds import Contender, contender, interleaved, warm
from gradest.benchmarks.runtime.environment import environment, hardware
from gradest.benchmarks.runtime.files import make_folder, write_atomically
from gradest.benchmarks.runtime.source_code import git_state
from gradest.benchmarks.statistics.moments import Moments
from gradest.benchmarks.statistics.times import median
from gradest.estimators import Estimator, estimator
from gradest.problems import Problem, problem

COMPARED_ESTIMATORS = {
    "score_function": estimator("score_function"),
    "score_function[leave_one_out]": estimator("score_function", baseline="leave_one_out"),
    "pathwise": estimator("pathwise"),
    "measure_valued": estimator("measure_valued"),
    "gumbel_softmax": estimator("gumbel_softmax"),
}
LABELS = {
    "gaussian_square": (
        "score_function",
        "score_function[leave_one_out]",
        "pathwise",
        "measure_valued",
    ),
    "bernoulli_square": ("score_function", "score_function[leave_one_out]", "gumbel_softmax"),
}
"""The estimators that are compared on each problem."""

CONSTANTS = ("k", "t", "temperature")
"""Numbers of a problem or an estimator that a peer is told, beside θ."""

SIZES = tuple(2**power for power in (12, 14, 16, 18, 20))
"""Numbers drawn in one call of a peer whose replicates run at once: the fastest size is timed."""

LARGE_SIZES = tuple(2**power for power in (22, 24, 26, 28))
"""Those of a peer on a GPU too."""

LONG_CALL = 0.5
"""Seconds of a call after which no larger one is tried."""

MUCH_SLOWER = 1.25
"""Times as slow as the fastest so far: after that no larger call is tried either."""

OURS = "ours"

Runner = PeerProcess | PeerFailed
"""A peer's process, or why there is none."""


class ComparedCell(NamedTuple):
    """What is compared with every peer."""

    problem: str
    estimator: str
    """A label of COMPARED_ESTIMATORS."""
    dim: int
    num_samples: int


class PeerRow(NamedTuple):
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


def ours_in(cell: ComparedCell) -> Ours:
    """Our side of a cell."""
    toy = problem(cell.problem, dim=cell.dim)
    params = toy.init_params(jax.random.key(0))
    return Ours(toy, COMPARED_ESTIMATORS[cell.estimator], params, cell.num_samples)


def told(cell: ComparedCell, ours: Ours) -> PeerCell:
    """The cell as a peer is told of it."""
    params = {group: np.ravel(leaf).tolist() for group, leaf in ours.params.items()}
    constants = constants_of(ours.toy) | constants_of(ours.candidate)
    return PeerCell(cell.problem, cell.estimator, cell.num_samples, params, constants)


def constants_of(thing: Problem | Estimator) -> dict[str, float]:
    """Those of the constants that are its arguments."""
    return {name: float(getattr(thing, name)) for name in CONSTANTS if hasattr(thing, name)}


def bench_cell(cell: ComparedCell, peers: Mapping[str, Runner], cells: int) -> list[PeerRow]:
    """A row for each peer.

    Args:
        cell: what is compared.
        peers: by name.
        cells: how many rows the whole table has: so many tests of agreement share their level.
    """
    ours = ours_in(cell)
    call = our_call(ours.toy, ours.candidate, ours.params, ours.num_samples, summed=False)
    contenders = {OURS: contender(call.run, call.estimates)}
    moments = our_moments(ours, contenders[OURS].seconds())
    columns: dict[str, dict[str, Any]] = {}
    for peer, runner in peers.items():
        columns[peer], its_calls = prepared(runner, ours, told(cell, ours), moments, cells)
        if its_calls:
            contenders[peer] = its_calls
    seconds, failed = interleaved(
        contenders, rounds.ROUNDS, pause=rounds.PAUSE, failures=PeerFailed
    )
    for peer in contenders.keys() - {OURS}:
        if peer in failed:
            columns[peer] |= {"status": FAILED, "reason": failed[peer]}
        else:
            times = ratios(seconds[OURS], seconds[peer], cell.num_samples)
            columns[peer] |= {"status": TIMED} | times
    return [
        PeerRow(cell.problem, cell.dim, cell.num_samples, cell.estimator, peer, **columns[peer])
        for peer in peers
    ]


def prepared(
    runner: Runner, ours: Ours, cell: PeerCell, moments: dict[str, Moments], cells: int
) -> tuple[dict[str, Any], Contender | None]:
    """What is known of a peer before the rounds, and its calls, if it is to be timed.

    Args:
        runner: the peer.
        ours: our side of the cell.
        cell: the cell as a peer is told of it.
        moments: what we find.
        cells: see `bench_cell`.
    """
    columns: dict[str, Any] = {}
    if isinstance(runner, PeerFailed):
        return {"status": SKIPPED, "reason": str(runner)}, None
    try:
        columns["peer_version"] = runner.hello().version
        its_calls = fastest_calls(runner, cell)
        columns["peer_replicates"] = its_calls.units
        its_moments = peer_moments(runner, ours.params, its_calls.units, its_calls.seconds())
        distances = agreement(ours, moments, its_moments)
        columns |= distances._asdict()
    except DoesNotHave as lacking:
        return columns | {"status": LACKS, "reason": str(lacking)}, None
    except PeerFailed as error:
        return columns | {"status": FAILED, "reason": str(error)}, None
    if reason := disagreement(distances, ours.coordinates, cells):
        return columns | {"status": DISAGREES, "reason": reason}, None
    return columns, its_calls


def fastest_calls(process: PeerProcess, cell: PeerCell) -> Contender:
    """The peer in calls of the size at which it is fastest, prepared and warm."""
    peer = process.hello()
    numbers = cell.num_samples * len(next(iter(cell.params.values())))
    tried = SIZES + LARGE_SIZES * (peer.device != "cpu")
    sizes = sorted({max(1, size // numbers) for size in tried}) if peer.batched else [1]
    least = math.inf
    for replicates in sizes:
        try:
            process.prepare(cell, replicates)
            candidate = warm(process.run, replicates)
            seconds = min(candidate.seconds() for _ in range(3))
        except PeerFailed:
            if math.isinf(least):
                raise
            break  # memory does not suffice for more
        if seconds < least:
            least, best = seconds, candidate
        elif seconds > MUCH_SLOWER * least:
            break
        if seconds * replicates > LONG_CALL:
            break
    process.prepare(cell, best.units)
    process.run(1)
    return best


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
def running(
    peers: Mapping[str, Peer], environments: Path, interpreter: Path | None = None
) -> Iterator[dict[str, Runner]]:
    """The peers' processes, or why one cannot be.

    Args:
        peers: by name.
        environments: the folder of their environments; one that is not there is made.
        interpreter: a Python that has what they need, in place of environments.
    """
    with ExitStack() as stack:
        runners: dict[str, Runner] = {}
        for name, peer in peers.items():
            try:
                made = environments / peer.pins.stem
                python = interpreter or make_environment(peer.pins, made)
                process = PeerProcess(python, peer.script)
                stack.callback(process.close)
                runners[name] = process
            except PeerFailed as error:
                runners[name] = error
                print(f"{name} is skipped: {error}")
        yield runners


def bench(
    cells: Sequence[ComparedCell],
    peers: Mapping[str, Peer],
    environments: Path,
    folder: Path,
    interpreter: Path | None = None,
) -> None:
    """Compares every cell with every peer, and prints how the peers fare.

    Args:
        cells: what is compared.
        peers: with whom.
        environments: the folder of the peers' environments.
        folder: what is written into: peers.csv, which grows with each cell, peers.json, the figure.
        interpreter: a Python that has what the peers need, in place of environments.
    """
    make_folder(folder)
    rows: list[PeerRow] = []
    with running(peers, environments, interpreter) as runners:
        for cell in cells:
            new = bench_cell(cell, runners, len(cells) * len(peers))
            name = f"{cell.problem} {cell.estimator} D = {cell.dim} L = {cell.num_samples}"
            texts = [text_of(row.peer, row.status, row.times_faster) for row in new]
            print(f"{name}: {', '.join(texts)}", flush=True)
            rows += new
            table = pd.DataFrame(rows)
            write_atomically(folder / "peers.csv", table.to_csv(index=False, float_format="%.6g"))
            forget_programs()
    conditions = {
        "environment": environment(),
        "hardware": hardware(),
        "git": git_state(),
        "peers": {row.peer: row.peer_version for row in rows if row.peer_version},
        "settings": {"rounds": rounds.ROUNDS, "call_seconds": rounds.CALL_SECONDS},
    }
    write_atomically(folder / "peers.json", json.dumps(conditions, indent=2) + "\n")
    draw(table, folder)
    print_table(table)
