"""What someone should read first of a run: its headlines, crossovers and times, in words with numbers."""

import json

import pandas as pd

from gradest.benchmarks.analysis.crossovers import Overtaking, most_certain, sentence
from gradest.benchmarks.analysis.labels import (
    POINT_ARGUMENT,
    estimator_label,
    place_label,
    problem_label,
    without,
)
from gradest.benchmarks.analysis.numerals import percent, show
from gradest.benchmarks.analysis.results import (
    ESTIMATOR,
    LEFT_OUT,
    PLACE,
    Run,
    called_zero,
    slope_of,
)
from gradest.benchmarks.statistics.trends import fit_time

FILE = "summary.md"

MOST_LISTED = 10
"""How many of a kind are written out; how many more there are is said."""


def summary(run: Run, crossovers: list[Overtaking]) -> str:
    """summary.md: headlines first, then crossovers, slopes and times."""
    table = run.measurements
    parts = [f"# {title(table)}", "\n".join(f"- {line}" for line in headlines(run))]
    for heading, lines in (
        ("Found biased though claimed unbiased", biased_lines(table)),
        ("Unreliable or failed", doubtful_lines(table)),
        ("Where one estimator overtakes another", crossover_lines(crossovers)),
        ("Where variance does not fall as 1/L", slope_lines(table)),
    ):
        if lines:
            parts.append(f"## {heading}\n\n" + "\n".join(f"- {line}" for line in lines))
    if times := time_table(table):
        parts.append(
            f"## Time of an estimate\n\nτ(L) = a + b L, fitted; {how_timed(table)}.\n\n{times}"
        )
    return "\n\n".join(parts) + "\n"


def title(table: pd.DataFrame) -> str:
    """How much was measured and how."""
    replicates = table[table.status != "skipped"].replicates
    low, high = (f"{number:,}" for number in (replicates.min(), replicates.max()))
    span = low if low == high else f"{low} to {high}"
    seeds, dtypes = (", ".join(map(str, table[name].unique())) for name in ("seed", "dtype"))
    return f"{table.problem.nunique()} problems, R = {span}, seed {seeds}, {dtypes}"


def headlines(run: Run) -> list[str]:
    """The few lines that matter most."""
    table = run.measurements
    counts = table.groupby("cell").status.agg(worst).value_counts()
    lines = [
        "Cells: "
        + ", ".join(f"{counts[status]} {status}" for status in STATUSES if status in counts)
        + "."
    ]
    lines += [line for line in (bias_line(table), precision_line(table)) if line]
    if not run.jackknifed:
        lines.append(f"Left out, because {LEFT_OUT} is not there: slopes, crossovers.")
    return lines


STATUSES = ("ok", "unreliable", "failed", "skipped")
"""From best to worst, as far as a cell's groups can differ."""


def worst(statuses: pd.Series) -> str:
    """A cell's status from those of its groups."""
    return max(statuses, key=STATUSES.index)


def claimed(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of estimators that claim to be unbiased, where there is a truth to test against."""
    return table[(table.unbiased == True) & table.bias_finding.notna()]  # noqa: E712 (may be missing)


def bias_line(table: pd.DataFrame) -> str:
    """What was found of the bias of the estimators that claim none."""
    rows = claimed(table)
    if rows.empty:
        return ""
    found = rows.bias_finding.value_counts()
    margin = percent(float(rows.equivalence_margin.max()))
    return (
        f"Bias: of {len(rows)} rows that claim none, {found.get('biased', 0)} were found biased (Benjamini–Hochberg at "
        f"5 %), {found.get('equivalent', 0)} unbiased within {margin} of the gradient; in {found.get('none found', 0)} "
        "none was found, which claims nothing: the tables say what was detectable."
    )


def precision_line(table: pd.DataFrame) -> str:
    """The worst relative half-width of a variance's interval."""
    rows = table[(table.status == "ok") & (table.variance > 0) & ~called_zero(table)]
    if rows.empty:
        return ""
    half = (rows.variance_high - rows.variance_low) / 2 / rows.variance
    row = rows.loc[half.idxmax()]
    return (
        f"The median variance is known to ± {percent(half.median())}, the least precise to ± {percent(half.max())}: "
        f"{row_label(row)}."
    )


def row_label(row) -> str:
    """A row of the measurements in words."""
    return f"{line_label(row)}, L = {row.num_samples}"


def line_label(row) -> str:
    """The same but for L."""
    group = row.group if isinstance(row.group, str) else ""
    place = place_label(row.problem, row.problem_args, row.point, group)
    return f"{estimator_label(row.estimator, row.estimator_args)} on {place}"


def biased_lines(table: pd.DataFrame) -> list[str]:
    """The rows that claim no bias and were found to have one, the surest first."""
    rows = claimed(table)
    rows = rows[rows.bias_finding == "biased"].sort_values("bias_q", kind="stable")
    return cut(
        [
            f"{row_label(row)}: ‖bias‖ = {row.bias_norm:.2g}{of_gradient(row)}, q = {row.bias_q:.1g}"
            for row in rows.itertuples()
        ]
    )


def of_gradient(row) -> str:
    """The size of the bias beside the gradient's: a thousandth of a percent is float32's rounding of f."""
    return (
        f" ({percent(row.bias_norm / row.exact_norm)} of the gradient)"
        if row.exact_norm > 0
        else ""
    )


def doubtful_lines(table: pd.DataFrame) -> list[str]:
    """The rows that are unreliable or failed, with the reasons; those that differ only in L together."""
    levels: dict[tuple[str, str, str], list[str]] = {}
    for row in table[table.status.isin(["unreliable", "failed"])].itertuples():
        levels.setdefault((row.status, line_label(row), row.reason), []).append(
            str(row.num_samples)
        )
    return cut(
        [
            f"{status}: {line}, L = {', '.join(at)}: {why}"
            for (status, line, why), at in levels.items()
        ]
    )


def crossover_lines(crossovers: list[Overtaking]) -> list[str]:
    """The crossovers known best, as sentences."""
    lines = [sentence(overtaking) for overtaking in most_certain(crossovers, MOST_LISTED)]
    more = len(crossovers) - len(lines)
    return (
        [*lines, f"{more} more, less closely known, in tables/crossovers.md."]
        if more > 0
        else lines
    )


def slope_lines(table: pd.DataFrame) -> list[str]:
    """The slopes whose interval, one of as many as there are slopes, excludes −1."""
    lines = {
        key: rows for key, rows in table.groupby([*PLACE, *ESTIMATOR], sort=True) if slope_of(rows)
    }
    found = []
    for (*place, name, args), rows in lines.items():
        sure = slope_of(rows, tests=len(lines))
        if sure and not sure.low <= -1 <= sure.high:
            found.append(
                f"{estimator_label(name, args)} on {place_label(*place)}: slope {show(sure)}"
            )
    note = f"of {len(lines)} slopes; these intervals hold for all of them at once"
    return [*cut(found), note[0].upper() + note[1:] + "."] if found else []


def cut(lines: list[str]) -> list[str]:
    """At most so many lines, and how many more there are."""
    more = len(lines) - MOST_LISTED
    return [*lines[:MOST_LISTED], f"… and {more} more"] if more > 0 else lines


def how_timed(table: pd.DataFrame) -> str:
    """In how many processes."""
    counts = sorted(table.timing_processes.dropna().unique())
    if counts == [1]:
        return "timed in one process; `gradest time` repeats it in several, estimators interleaved"
    return "timed in " + " or ".join(map(str, counts)) + " processes, estimators interleaved"


def time_table(table: pd.DataFrame) -> str:
    """a and b for each problem and estimator, in Markdown; problems that differ in numbers only share a line."""
    timed = table[table.seconds > 0].drop_duplicates("cell")
    rows = []
    for (problem, shape, name, args), cells in timed.assign(
        shape=timed.problem_args.map(sizes)
    ).groupby(["problem", "shape", *ESTIMATOR], sort=True):
        line = fit_time(cells.num_samples.to_numpy(float), cells.seconds.to_numpy(float))
        if line:
            rows.append(
                f"| {problem_label(problem, shape)} | {estimator_label(name, args)} "
                f"| {1e6 * line.fixed:.3g} | {1e6 * line.per_sample:.3g} |"
            )
    heading = ["| problem | estimator | a, µs | b, µs per sample |", "| --- | --- | ---: | ---: |"]
    return "\n".join([*heading, *rows]) if rows else ""


def sizes(args_json: str) -> str:
    """Those of a problem's arguments that are no plain numbers: what decides how long an estimate takes."""
    given = json.loads(without(args_json, POINT_ARGUMENT))
    return json.dumps(
        {key: value for key, value in given.items() if not isinstance(value, float)}, sort_keys=True
    )
