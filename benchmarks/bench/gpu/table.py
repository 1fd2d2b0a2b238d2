"""The table of the bench on a GPU, from what its steps wrote: a line for each thing asked."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from gradest.benchmarks.analysis.labels import estimator_label
from gradest.benchmarks.bench.gpu.steps import Ended
from gradest.benchmarks.bench.peers.summary import TIMED
from gradest.benchmarks.bench.speed.targets import geometric_mean


class Line(NamedTuple):
    """One thing that is asked, and what was found."""

    asked: str
    found: str


def table(folder: Path, ended: list[Ended]) -> list[Line]:
    """What was found by the steps that went well, and what became of the others.

    Args:
        folder: what the steps wrote into.
        ended: how they went.
    """
    lines = []
    for step in ended:
        if step.status:
            lines.append(Line(step.name, step.status))
        elif step.name in FOUND:
            lines += FOUND[step.name](folder, step)
    return lines


def network(folder: Path, step: Ended) -> Iterator[Line]:
    """Whether an unbiased gradient of a network looks biased, and the time of an estimate."""
    rows = pd.read_csv(folder / step.name / "measurements.csv")
    for (label, level), cell in by_estimator(rows):
        micro = f"{cell.seconds.iloc[0] * 1e6:.3g} µs an estimate"
        if bool(cell.unbiased.iloc[0]):
            findings = ", ".join(sorted(set(cell.bias_finding.fillna("none found"))))
            micro = f"p = {cell.bias_p.min():.2g} ({findings}), {micro}"
        yield Line(f"network, {label}, L = {level}, R = {cell.replicates.iloc[0]}", micro)


def by_estimator(rows: pd.DataFrame) -> Iterator[tuple[tuple[str, int], pd.DataFrame]]:
    """The rows of each estimator and L that was measured, with the estimator's label."""
    measured = rows[rows.status.isin(["ok", "unreliable"])]
    for key, cell in measured.groupby(["estimator", "estimator_args", "num_samples"]):
        name, args, level = key
        yield (estimator_label(name, args), int(level)), cell


def whole_run(folder: Path, step: Ended) -> Iterator[Line]:
    """The seconds of a preset."""
    manifest = json.loads((folder / step.name / "manifest.json").read_text())
    yield Line(f"{manifest['sweep']['name']}, {step.name} cache", f"{step.seconds:.1f} s")


def throughput(folder: Path, step: Ended) -> Iterator[Line]:
    """What is made a second, and of the floor: the generator alone."""
    rows = pd.read_csv(folder / "throughput.csv")
    for level, cells in rows.groupby("num_samples"):
        shares = cells.of_floor
        yield Line(
            f"share of the generator's floor, D = 10, L = {level}",
            f"{geometric_mean(shares):.2f} in the mean, {shares.min():.2f} to {shares.max():.2f}",
        )
    for row in rows.itertuples():
        numbers = row.samples_per_second * row.dim / 1e9
        yield Line(f"{row.estimator}, D = 10, L = {row.num_samples}", f"{numbers:.3g} billion x/s")


def peers(folder: Path, step: Ended) -> Iterator[Line]:
    """How many times as fast as other libraries."""
    for row in pd.read_csv(folder / "peers.csv").itertuples():
        found = row.status if row.status == TIMED else f"{row.status}: {row.reason}"
        if row.status == TIMED:
            bounds = f"[{row.times_faster_low:.3g}, {row.times_faster_high:.3g}]"
            found = f"{row.times_faster:.3g} times as fast {bounds}"
        yield Line(f"{row.estimator} beside {row.peer}, D = 10, L = {row.num_samples}", found)


def agreement(folder: Path, step: Ended) -> Iterator[Line]:
    """Whether a processor finds the same numbers, cell by cell."""
    compared = json.loads((folder / "agreement.out").read_text())
    pairs = [row["paired"] for row in compared["rows"]]
    yield Line("cells as on a processor", f"{sum(pairs)} of {len(pairs)} rows paired")
    for warning in compared["warnings"]:
        if warning.startswith("numbers"):
            yield Line("", warning)


FOUND: dict[str, Callable[[Path, Ended], Iterator[Line]]] = {
    "network": network,
    "agreement": agreement,
    "cold": whole_run,
    "warm": whole_run,
    "throughput": throughput,
    "peers": peers,
}
"""What is read of each step; of the others nothing is."""


def as_markdown(lines: list[Line], about: str) -> str:
    """The table, under what it was measured on."""
    rows = [f"| {line.asked} | {line.found} |" for line in lines]
    return "\n".join(["# On a GPU", "", about, "", "| asked | found |", "| --- | --- |", *rows, ""])
