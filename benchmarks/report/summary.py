"""summary.md, what someone should read first of a run: headlines, crossovers, slopes and times."""

import json
from typing import Any

import pandas as pd

from gradest.benchmarks.analysis.labels import (
    POINT_ARGUMENT,
    estimator_label,
    line_label,
    place_label,
    problem_label,
    row_label,
    without,
)
from gradest.benchmarks.analysis.numerals import percent, several, show
from gradest.benchmarks.analysis.results import (
    ESTIMATOR,
    LEFT_OUT,
    PLACE,
    Run,
    called_zero,
    slope_of,
)
from gradest.benchmarks.comparisons.crossovers import LineCrossover, narrowest, sentence
from gradest.benchmarks.folders.differences import texts_of
from gradest.benchmarks.markdown import markdown_table, plain
from gradest.benchmarks.report.self_check import against_ourselves, headline
from gradest.benchmarks.statistics.times import fit_time

FILE = "summary.md"

NO_MANIFEST = "**Not verified.** manifest.json is missing: nothing vouches for the tables."

MOST_LISTED = 10
"""How many of a kind are written out; how many more there are is said."""

STATUSES = ("ok", "unreliable", "failed", "skipped")
"""From best to worst, as far as a cell's groups can differ."""


def summary(run: Run, crossings: list[LineCrossover]) -> str:
    """The text of summary.md.

    Args:
        run: a finished run.
        crossings: its crossovers.
    """
    table = run.measurements
    parts = [f"# {title(table)}", bullets(headlines(run))]
    if run.changed:
        parts.insert(0, f"**Not as measured.** {changed_line(run)}")
    elif run.manifest is None:
        parts.insert(0, NO_MANIFEST)
    for heading, lines in (
        ("Variances that are not the exact ones", cut(against_ourselves(table))),
        ("Found biased though claimed unbiased", biased_lines(table)),
        ("Unreliable or failed", doubtful_lines(table)),
        ("Where one estimator overtakes another", crossover_lines(crossings)),
        ("Where variance does not fall as 1/L", slope_lines(table)),
    ):
        if lines:
            parts += [f"## {heading}", bullets(lines)]
    times = time_rows(table)
    if times:
        header = ["problem", "estimator", "a, µs", "b, µs per sample"]
        parts += [
            "## Time of an estimate",
            f"τ(L) = a + b L, fitted; {how_timed(table)}.",
            markdown_table(header, [list(map(plain, row)) for row in times], left=2),
        ]
    return "\n\n".join(parts) + "\n"


def changed_line(run: Run) -> str:
    """What a run's files have been through since it wrote them."""
    return f"Files were changed after the run: {texts_of(run.changed)}."


def bullets(lines: list[str]) -> str:
    """The lines as a list."""
    return "\n".join(f"- {plain(line)}" for line in lines)


def title(table: pd.DataFrame) -> str:
    """How much was measured and how."""
    replicates = table[table.status != "skipped"].replicates
    low = f"{replicates.min():,}"
    high = f"{replicates.max():,}"
    span = low if low == high else f"{low} to {high}"
    seeds = ", ".join(map(str, table.seed.unique()))
    dtypes = ", ".join(map(str, table["dtype"].unique()))
    problems = several(table.problem.nunique(), "problem")
    return f"{problems}, R = {span}, seed {seeds}, {dtypes}"


def headlines(run: Run) -> list[str]:
    """The few lines that matter most of a run."""
    table = run.measurements
    lines = [status_line(table), headline(table), bias_line(table), precision_line(table)]
    if not run.jackknifed:
        absent = "slopes, crossovers, the check of exact variances"
        lines.append(f"Left out, because {LEFT_OUT} is not there: {absent}.")
    return [line for line in lines if line]


def status_line(table: pd.DataFrame) -> str:
    """How many cells have each status."""
    counts = table.groupby("cell").status.agg(worst).value_counts()
    texts = [f"{counts[status]} {status}" for status in STATUSES if status in counts]
    return f"Cells: {', '.join(texts)}."


def worst(statuses: pd.Series) -> str:
    """A cell's status from those of its groups."""
    return max(statuses, key=STATUSES.index)


def claimed(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of estimators that claim to be unbiased, where there is a truth to test against."""
    return table[table.unbiased.eq(True) & table.bias_finding.notna()]


def bias_line(table: pd.DataFrame) -> str:
    """What was found of the bias of the estimators that claim none; empty where none does."""
    rows = claimed(table)
    if rows.empty:
        return ""
    counts = rows.bias_finding.value_counts()
    margin = percent(float(rows.equivalence_margin.max()))
    return (
        f"Bias: of {len(rows)} rows that claim none, {counts.get('biased', 0)} were found biased "
        f"(Benjamini–Hochberg at 5 %), {counts.get('equivalent', 0)} unbiased within {margin} of "
        f"the gradient; in {counts.get('none found', 0)} none was found, which claims nothing: "
        "the tables say what was detectable."
    )


def precision_line(table: pd.DataFrame) -> str:
    """The median and the worst relative half-width of a variance's interval."""
    rows = table[(table.status == "ok") & (table.variance > 0) & ~called_zero(table)]
    if rows.empty:
        return ""
    half = (rows.variance_high - rows.variance_low) / 2 / rows.variance
    row = rows.loc[half.idxmax()]
    return (
        f"The median variance is known to ± {percent(half.median())}, the least precise to "
        f"± {percent(half.max())}: {row_label(row)}."
    )


def biased_lines(table: pd.DataFrame) -> list[str]:
    """The rows that claim no bias and were found to have one, the surest first."""
    rows = claimed(table)
    rows = rows[(rows.bias_finding == "biased") & (rows.status == "ok")].sort_values(
        "bias_q", kind="stable"
    )
    return cut([biased_line(row) for row in rows.itertuples()])


def biased_line(row: Any) -> str:
    """One row with its bias; beside the gradient, a thousandth of a percent is f's rounding."""
    size = f"‖bias‖ = {row.bias_norm:.2g}"
    if row.exact_norm > 0:
        size += f" ({percent(row.bias_norm / row.exact_norm)} of the gradient)"
    return f"{row_label(row)}: {size}, q = {row.bias_q:.1g}"


def doubtful_lines(table: pd.DataFrame) -> list[str]:
    """The rows that are unreliable or failed, with the reasons; those that differ in L together."""
    levels: dict[tuple[str, str, str], list[str]] = {}
    for row in table[table.status.isin(["unreliable", "failed"])].itertuples():
        line = (row.status, line_label(row), row.reason)
        levels.setdefault(line, []).append(str(row.num_samples))
    return cut(
        [
            f"{status}: {line}, L = {', '.join(at)}: {why}"
            for (status, line, why), at in levels.items()
        ]
    )


def crossover_lines(crossings: list[LineCrossover]) -> list[str]:
    """The crossovers known best, as sentences."""
    lines = [sentence(crossing) for crossing in narrowest(crossings, MOST_LISTED)]
    more = len(crossings) - len(lines)
    if more > 0:
        lines.append(f"{more} more, less closely known, in tables/crossovers.md.")
    return lines


def slope_lines(table: pd.DataFrame) -> list[str]:
    """The slopes whose interval, one of as many as there are slopes, excludes −1."""
    groups = table.groupby([*PLACE, *ESTIMATOR], sort=True)
    lines = {key: rows for key, rows in groups if slope_of(rows)}
    texts = []
    for (*place, name, args), rows in lines.items():
        slope = slope_of(rows, tests=len(lines))
        if slope and not slope.low <= -1 <= slope.high:
            where = f"{estimator_label(name, args)} on {place_label(*place)}"
            texts.append(f"{where}: slope {show(slope)}")
    if not texts:
        return []
    return [*cut(texts), f"Of {len(lines)} slopes; these intervals hold for all of them at once."]


def cut(lines: list[str]) -> list[str]:
    """At most so many lines, and how many more there are."""
    more = len(lines) - MOST_LISTED
    return [*lines[:MOST_LISTED], f"… and {more} more"] if more > 0 else lines


def how_timed(table: pd.DataFrame) -> str:
    """How many processes the times were taken in."""
    counts = sorted(table.timing_processes.dropna().unique())
    if counts == [1]:
        return "timed in one process; `gradest time` repeats it in several, estimators interleaved"
    return f"timed in {' or '.join(map(str, counts))} processes, estimators interleaved"


def time_rows(table: pd.DataFrame) -> list[list[str]]:
    """a and b for each problem and estimator; problems that differ in numbers only share a row."""
    timed = table[table.seconds > 0].drop_duplicates("cell")
    timed = timed.assign(shape=timed.problem_args.map(sizes))
    rows = []
    for key, cells in timed.groupby(["problem", "shape", *ESTIMATOR], sort=True):
        problem, shape, name, args = key
        line = fit_time(cells.num_samples.to_numpy(float), cells.seconds.to_numpy(float))
        if line:
            rows.append(
                [
                    problem_label(problem, shape),
                    estimator_label(name, args),
                    f"{1e6 * line.fixed:.3g}",
                    f"{1e6 * line.per_sample:.3g}",
                ]
            )
    return rows


def sizes(args_json: str) -> str:
    """A problem's arguments without the plain numbers: what the time of an estimate depends on."""
    args = json.loads(without(args_json, POINT_ARGUMENT))
    shape = {key: value for key, value in args.items() if not isinstance(value, float)}
    return json.dumps(shape, sort_keys=True)
