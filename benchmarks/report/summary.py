"""summary.md, what someone should read first of a run: its answer, what surprises, its health."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from gradest.benchmarks.analysis.labels import row_label, words
from gradest.benchmarks.analysis.numerals import percent, several
from gradest.benchmarks.analysis.places import Place, place_names
from gradest.benchmarks.analysis.results import LEFT_OUT, Run, called_zero
from gradest.benchmarks.analysis.times import time_table
from gradest.benchmarks.comparisons.answers import Answer, answers
from gradest.benchmarks.comparisons.crossovers import (
    LineCrossover,
    find_crossovers,
    narrowest,
    sentence,
)
from gradest.benchmarks.comparisons.leaderboard import Board, boards_of, levels_of
from gradest.benchmarks.comparisons.levels import Levels
from gradest.benchmarks.folders.differences import texts_of
from gradest.benchmarks.learning_curves.curves import Contest, contests_of
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
from gradest.benchmarks.reproductions.numbers import FILE as NUMBERS
from gradest.benchmarks.reproductions.numbers import headlines
from gradest.benchmarks.training_shown.health import training_line
from gradest.benchmarks.training_shown.words import PREAMBLE, Told, lines_of_training, told

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


@dataclass(frozen=True)
class Findings:
    """What is found in a finished run, and said in several of its files: each is found once."""

    run: Run

    @cached_property
    def names(self) -> Mapping[Place, str]:
        """Short names of its places."""
        return place_names(self.run.measurements)

    @cached_property
    def levels(self) -> Levels:
        """Its rows by the rule of equal cost."""
        return levels_of(self.run.measurements)

    @cached_property
    def boards(self) -> list[Board]:
        """Its leaderboards."""
        return boards_of(self.levels)

    @cached_property
    def answers(self) -> list[Answer]:
        """Who is best at each place."""
        return answers(self.boards)

    @cached_property
    def crossings(self) -> list[LineCrossover]:
        """Where one estimator overtakes another."""
        return find_crossovers(self.run.measurements)

    @cached_property
    def contests(self) -> list[Contest]:
        """What it trained."""
        return contests_of(self.run)

    @cached_property
    def told(self) -> list[Told]:
        """What is said of each contest."""
        return list(map(told, self.contests))

    @cached_property
    def unexpected(self) -> list[str]:
        """What is wrong, claimed or not, from what matters most."""
        table = self.run.measurements
        return [
            *filter(None, [headline(table)]),
            *cut(against_ourselves(table), "*"),
            *cut(bias_lines(table), "biases"),
            *cut(infinite_lines(table), DOUBTFUL),
        ]

    @cached_property
    def slopes(self) -> list[str]:
        """Whose variance does not fall as 1/L."""
        return slope_lines(self.run.measurements)


def summary(found: Findings) -> str:
    """The text of summary.md.

    Args:
        found: in a finished run.
    """
    run = found.run
    table = run.measurements
    parts = [f"# {title(table)}"]
    if run.changed:
        parts.insert(0, f"**Not as measured.** {changed_line(run)}")
    elif run.manifest is None:
        parts.insert(0, NO_MANIFEST)
    published = cut(headlines(run), NUMBERS)
    if published:
        parts += ["## Published numbers", bullets(published)]
    parts += ["## Answer", EQUAL_COST, bullets(answer(found))]
    surprising = surprises(found)
    if surprising:
        parts += ["## Surprises", bullets(surprising)]
    trained = training(found)
    if trained:
        parts += ["## Training", PREAMBLE]
    for title_line, *others in trained:
        parts += [plain(print_minus(title_line)), bullets(others)]
    parts += ["## Health", bullets(health(run))]
    return "\n\n".join(parts) + "\n"


def news(found: Findings) -> list[str]:
    """The answer and what surprises: what is said at the end of a run.

    Args:
        found: in a finished run.
    """
    said = cut(headlines(found.run), NUMBERS)
    said += [EQUAL_COST, *answer(found), *surprises(found)]
    trained = training(found)
    for title_line, *others in trained[:MOST_CONTESTS]:
        said += [f"Training: {title_line}", *others]
    more = len(trained) - MOST_CONTESTS
    if more > 0:
        said.append(f"Training: … and {several(more, 'problem')} more, in {FILE}")
    return list(map(print_minus, said))


def training(found: Findings) -> list[list[str]]:
    """What training says, a few lines for each problem: see `lines_of_training`."""
    return list(map(lines_of_training, found.told))


def answer(found: Findings) -> list[str]:
    """Who is best at which places, by how much."""
    return cut(answer_lines(found.answers, found.names), TABLE)


def surprises(found: Findings) -> list[str]:
    """What is not as expected, from what matters most."""
    return [*found.unexpected, *crossover_lines(found.crossings), *found.slopes]


def health(run: Run) -> list[str]:
    """What the numbers are worth."""
    table = run.measurements
    lines = [status_line(table), minibatch_line(table), bias_line(table), precision_line(table)]
    lines += [untimed_line(table), training_line(run.training, contests_of(run))]
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


def minibatch_line(table: pd.DataFrame) -> str:
    """Which problems' estimates are on fresh minibatches; empty where none are."""
    sizes = table[["problem", "minibatch"]].dropna().drop_duplicates()
    if sizes.empty:
        return ""
    texts = [f"{size} data points of {words(problem)}" for problem, size in sizes.to_numpy()]
    return (
        f"Each estimate is on a fresh minibatch: {', '.join(texts)}. Variances are of its choice "
        "too, own_variance is without."
    )


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


def untimed_line(table: pd.DataFrame) -> str:
    """How many cells have no times, which are taken where nothing else runs; empty where all do."""
    cells = table[table.status.isin(["ok", "unreliable"])].drop_duplicates("cell")
    untimed = int(cells.seconds.isna().sum())
    if not untimed:
        return ""
    return (
        f"Times: missing in {untimed} of {several(len(cells), 'cell')}, which were measured beside "
        'others: timing columns are empty until "gradest time" fills them.'
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


def told_tables(found: Findings) -> Iterator[Table]:
    """The tables of what the summary says in short, those that have lines.

    Args:
        found: in a finished run.
    """
    table = found.run.measurements
    answered = answer_table(found.answers, found.names)
    for made in (answered, bias_table(table), doubtful_table(table)):
        if made.rows:
            yield made
    times = time_table(table)
    if times:
        yield Table("times", *times)
