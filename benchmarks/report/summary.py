"""summary.md, what someone should read first of a run: its answer, what surprises, its health."""

import re
from collections.abc import Iterator

import pandas as pd

from gradest.benchmarks.analysis.labels import row_label
from gradest.benchmarks.analysis.numerals import percent, several
from gradest.benchmarks.analysis.results import LEFT_OUT, Run, called_zero
from gradest.benchmarks.analysis.times import time_table
from gradest.benchmarks.comparisons.crossovers import LineCrossover, narrowest, sentence
from gradest.benchmarks.folders.differences import texts_of
from gradest.benchmarks.learning_curves.curves import contests_of
from gradest.benchmarks.markdown import plain
from gradest.benchmarks.minus import print_minus
from gradest.benchmarks.report.answer import EQUAL_COST, TABLE, answer_lines, answer_table
from gradest.benchmarks.report.self_check import against_ourselves, headline
from gradest.benchmarks.report.surprises import (
    bias_lines,
    bias_table,
    infinite_lines,
    slope_lines,
)
from gradest.benchmarks.report.tables import Table
from gradest.benchmarks.training_shown.words import PREAMBLE, lines_of_training, told

FILE = "summary.md"

NO_MANIFEST = "**Not verified.** manifest.json is missing: nothing vouches for the tables."

MOST_LISTED = 8
"""How many of a kind are written out; how many more there are, and where, is said."""

MOST_CROSSINGS = 3
"""The same of crossovers: those known best."""

MOST_CONTESTS = 3
"""Of whose training something is said at the end of a run; of all of them in summary.md."""

STATUSES = ("ok", "unreliable", "failed", "skipped")
"""From best to worst, as far as a cell's groups can differ."""

DOUBTFUL = "doubtful"
"""The table of what is unreliable or failed."""


def summary(run: Run, crossings: list[LineCrossover]) -> str:
    """The text of summary.md.

    Args:
        run: a finished run.
        crossings: its crossovers.
    """
    table = run.measurements
    parts = [f"# {title(table)}"]
    if run.changed:
        parts.insert(0, f"**Not as measured.** {changed_line(run)}")
    elif run.manifest is None:
        parts.insert(0, NO_MANIFEST)
    parts += ["## Answer", EQUAL_COST, bullets(answer(table))]
    surprising = surprises(table, crossings)
    if surprising:
        parts += ["## Surprises", bullets(surprising)]
    trained = training(run)
    if trained:
        parts += ["## Training", PREAMBLE]
    for title_line, *others in trained:
        parts += [plain(print_minus(title_line)), bullets(others)]
    parts += ["## Health", bullets(health(run))]
    return "\n\n".join(parts) + "\n"


def news(run: Run, crossings: list[LineCrossover]) -> list[str]:
    """The answer and what surprises: what is said at the end of a run.

    Args:
        run: a finished run.
        crossings: its crossovers.
    """
    said = [EQUAL_COST, *answer(run.measurements), *surprises(run.measurements, crossings)]
    trained = training(run)
    for title_line, *others in trained[:MOST_CONTESTS]:
        said += [f"Training: {title_line}", *others]
    more = len(trained) - MOST_CONTESTS
    if more > 0:
        said.append(f"Training: … and {several(more, 'problem')} more, in {FILE}")
    return list(map(print_minus, said))


def training(run: Run) -> list[list[str]]:
    """What training says, a few lines for each problem: see `lines_of_training`."""
    return [lines_of_training(told(contest)) for contest in contests_of(run)]


def answer(table: pd.DataFrame) -> list[str]:
    """Who is best at which places, by how much."""
    return cut(answer_lines(table), TABLE)


def surprises(table: pd.DataFrame, crossings: list[LineCrossover]) -> list[str]:
    """What is not as expected, from what matters most."""
    return [
        *filter(None, [headline(table)]),
        *cut(against_ourselves(table), "*"),
        *cut(bias_lines(table), "biases"),
        *cut(infinite_lines(table), DOUBTFUL),
        *crossover_lines(crossings),
        *slope_lines(table),
    ]


def health(run: Run) -> list[str]:
    """What the numbers are worth."""
    table = run.measurements
    lines = [status_line(table), bias_line(table), precision_line(table)]
    if not run.jackknifed:
        absent = "slopes, crossovers, the check of exact variances"
        lines.append(f"Left out, because {LEFT_OUT} is not there: {absent}.")
    return [*filter(None, lines), *cut(doubtful_lines(table), DOUBTFUL)]


def changed_line(run: Run) -> str:
    """What a run's files have been through since it wrote them."""
    return f"Files were changed after the run: {texts_of(run.changed)}."


def bullets(lines: list[str]) -> str:
    """The lines as a list."""
    return "\n".join(f"- {plain(print_minus(line))}" for line in lines)


def cut(lines: list[str], table: str) -> list[str]:
    """At most so many lines, how many more there are, and in which table."""
    more = len(lines) - MOST_LISTED
    rest = f"… and {more} more, in tables/{table}.md"
    return [*lines[:MOST_LISTED], rest] if more > 0 else lines


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


def status_line(table: pd.DataFrame) -> str:
    """How many cells have each status."""
    counts = table.groupby("cell").status.agg(worst).value_counts()
    texts = [f"{counts[status]} {status}" for status in STATUSES if status in counts]
    return f"Cells: {', '.join(texts)}."


def worst(statuses: pd.Series) -> str:
    """A cell's status from those of its groups."""
    return max(statuses, key=STATUSES.index)


def bias_line(table: pd.DataFrame) -> str:
    """What was found of the bias of the estimators that claim none; empty where none does."""
    rows = table[table.unbiased.eq(True) & table.bias_finding.notna()]
    if rows.empty:
        return ""
    counts = rows.bias_finding.value_counts()
    margin = percent(float(rows.equivalence_margin.max()))
    return (
        f"Bias: of {len(rows)} rows that claim none, {counts.get('biased', 0)} were found biased "
        f"(at 5 % of false ones), {counts.get('equivalent', 0)} unbiased within {margin} of the "
        f"gradient; in {counts.get('none found', 0)} none was found, which claims nothing."
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


def doubtful_lines(table: pd.DataFrame) -> list[str]:
    """A line for each cause for which rows are unreliable or failed, with one of them."""
    causes: dict[tuple[str, str], list[str]] = {}
    for row in doubtful(table).itertuples():
        cause = re.sub(r"[\d.,e+-]*\d", "#", row.reason)
        causes.setdefault((row.status, cause), []).append(f"{row_label(row)}: {row.reason}")
    lines = []
    for (status, _), found in causes.items():
        more = f" (and {several(len(found) - 1, 'row')} more so)" if len(found) > 1 else ""
        lines.append(f"{status}: {found[0]}{more}")
    return lines


def doubtful(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that are unreliable or failed."""
    rows = table[table.status.isin(["unreliable", "failed"])]
    return rows.assign(reason=rows.reason.fillna("").astype(str))


def doubtful_table(table: pd.DataFrame) -> Table:
    """Every row that is unreliable or failed, with its reason."""
    rows = [[row.status, row_label(row), row.reason] for row in doubtful(table).itertuples()]
    return Table(DOUBTFUL, "Unreliable or failed", ["status", "where", "why"], rows)


def crossover_lines(crossings: list[LineCrossover]) -> list[str]:
    """The crossovers known best, as sentences."""
    lines = [sentence(crossing) for crossing in narrowest(crossings, MOST_CROSSINGS)]
    more = len(crossings) - len(lines)
    if more > 0:
        lines.append(f"… and {several(more, 'crossover')} more, in tables/crossovers.md")
    return lines


def told_tables(table: pd.DataFrame) -> Iterator[Table]:
    """The tables of what the summary says in short, those that have lines.

    Args:
        table: a run's measurements.
    """
    for made in (answer_table(table), bias_table(table), doubtful_table(table)):
        if made.rows:
            yield made
    times = time_table(table)
    if times:
        yield Table("times", *times)
