"""Successive halving on common random numbers: the best is measured longest, the others dropped.

Of equally many samples all candidates draw the same random numbers, so that their errors compare
pair by pair (Jamieson and Talwalkar, 2016, for the halving; the intervals are ours).
"""

import dataclasses
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from gradest.benchmarks.analysis.numerals import several
from gradest.benchmarks.analysis.results import ESTIMATOR, read_run
from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.comparisons.budgets import Budget
from gradest.benchmarks.comparisons.groups import WHOLE, in_group
from gradest.benchmarks.comparisons.leaderboard import ROUNDING
from gradest.benchmarks.comparisons.levels import MOST_SAMPLES
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.recommending.candidates import by_choice
from gradest.benchmarks.recommending.levels import allowed, mean_of
from gradest.benchmarks.recommending.ranking import FREE, UNRELIABLE, Rules, ranking
from gradest.benchmarks.sweeps.executors import NEVER, Deadline, UntilPast
from gradest.benchmarks.sweeps.plan import Plan, plan_of
from gradest.benchmarks.sweeps.run import Progress, run_sweep, use_caches
from gradest.estimators import ESTIMATORS, Estimator
from gradest.problems.base import Problem, WithData
from gradest.problems.registry.instances import Choice

MINIBATCH = 64
"""Data points in the minibatches that noise is compared with, where there are twice as many."""

PILOT = 800
"""R of the first round."""

LEAST = 2
"""Candidates that are measured whatever the time: one alone is no ranking."""

ENOUGH = 50_000
"""R at which rounds end, though nothing be separated."""

HOPELESS = 3.0**2
"""The ratio of mean squared errors to the leader's above which a candidate is dropped at once."""


class Quiet:
    """Nobody is told how a round goes."""

    def start(self, missing: int) -> None:
        """Says nothing."""

    def __call__(self, cell: Cell, status: str, seconds: float) -> None:
        """Says nothing."""


Announce = Callable[[str, int], AbstractContextManager[Progress]]
"""Told of each round, and of how many cells it has: gives who is told of the cells."""


@contextmanager
def quietly(text: str, cells: int) -> Iterator[Progress]:
    """Announces nothing."""
    yield Quiet()


@dataclasses.dataclass(frozen=True)
class Bench:
    """Where candidates of one problem are measured, and where what is measured is kept."""

    problem: Problem
    candidates: Mapping[str, Estimator]
    folder: Path
    announce: Announce = quietly
    dtype: str = "float32"
    deadline: Deadline = NEVER
    """After which no other candidate is begun."""

    def measure(
        self,
        levels: Mapping[str, Sequence[int]],
        replicates: int,
        title: str,
        least: int = LEAST,
    ) -> pd.DataFrame:
        """The measurements of candidates, each at its own L: in their order, until the deadline.

        A longer run of a cell goes on from the shorter one that is in the folder, so that its
        numbers are those of one run of all replicates (`gradest extend`).

        Args:
            levels: each L, by the candidate's text.
            replicates: R.
            title: what is announced.
            least: how many candidates are measured whatever the time.

        Returns:
            Their rows; a candidate that was not come to has none.
        """
        plan = self.plan(levels, replicates)
        use_caches(plan)
        text = f"{title}: {several(len(plan.cells), 'cell')}, R = {replicates:,}"
        with self.announce(text, len(plan.cells)) as progress:
            run_sweep(plan, self.folder, progress, UntilPast(self.deadline, least))
        return read_run(self.folder).measurements

    @property
    def minibatches(self) -> dict[str, int]:
        """The size of minibatches, as a key of a sweep: half of the data, 64 at most."""
        if not isinstance(self.problem, WithData):
            return {}
        half = len(self.problem.data_rows[0]) // 2
        return {"minibatch_size": min(MINIBATCH, half)} if half else {}

    def plan(self, levels: Mapping[str, Sequence[int]], replicates: int) -> Plan:
        """The cells of candidates, each at its own L, in the candidates' order."""
        chosen = [self.candidates[text] for text in levels]
        samples = sorted({level for each in levels.values() for level in each})
        plan = plan_of(
            [self.problem],
            chosen,
            samples=samples,
            name="recommend",
            replicates=replicates,
            dtype=self.dtype,
            **self.minibatches,
        )
        cell_of = {(cell.estimator, cell.num_samples): cell for cell in plan.cells}
        choices = {text: Choice.of_instance(ESTIMATORS, self.candidates[text]) for text in levels}
        wanted = [(choices[text], level) for text, each in levels.items() for level in each]
        return dataclasses.replace(plan, cells=[cell_of[each] for each in wanted])


class Found(NamedTuple):
    """What the rounds came to."""

    board: pd.DataFrame
    """As `ranking` has it, each candidate as it was measured last."""
    failures: dict[str, str]
    """Why candidates failed, by text."""
    interrupted: bool = False
    separated: bool = True
    """Whether one estimator alone is the best."""
    unmeasured: tuple[str, ...] = ()
    """The candidates that the first round did not come to, by text."""


SECONDS = 60.0
"""Of measuring, where nothing else is said."""


class Halving(NamedTuple):
    """How candidates are measured and dropped."""

    rules: Rules
    group: str | None
    """Of θ; None for all of it."""
    pilot: int = PILOT
    limit: Budget = Budget()
    """What a gradient may cost."""
    seconds: float = SECONDS
    """After which no other candidate is begun; two are measured whatever it is."""

    def rounds(self) -> int:
        """How many there are at most, which is known in advance."""
        return max(1, math.ceil(math.log2(ENOUGH / self.pilot)) + 1)


def halved(
    bench: Bench,
    levels: Mapping[str, int],
    how: Halving,
    correct: Callable[[pd.DataFrame], dict[str, int]],
) -> Found:
    r"""Measures candidates in rounds, each of twice as many replicates and of fewer candidates.

    After a round those go whose paired ratio of mean squared errors to the leader's is surely above
    HOPELESS, and the worse half, by rank, of those that are surely worse than the leader. The
    rounds end where nothing is left that may be as good, where the time is spent, or at R = ENOUGH.
    Where the time is spent in the first round, those are ranked that were measured until then; a
    later round that it ends in does not count.

    The rounds are looks at the same numbers, and where to stop is decided by them. So the intervals
    of ratios are those of the level $1 - 0.05/m$ (Bonferroni), where m is the most rounds that
    there could have been: with 95 % the interval of a pair holds its ratio in all rounds at once,
    whenever they end. It is a statement on each pair of a candidate and the leader.

    Args:
        bench: where they are measured.
        levels: the L of each candidate.
        how: the rules, the group and the time.
        correct: from the first round's measurements to a smaller L for those that need it.
    """
    rounds = how.rounds()
    rules = how.rules._replace(tests=rounds, strict=True)
    texts = by_choice(dict(bench.candidates))
    found, left = first_round(bench, levels, how, correct)
    most = {text: allowed(each, MOST_SAMPLES) for text, each in bench.candidates.items()}

    def means(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
        """The row of each candidate, of the mean of what the budget pays for at its largest L."""
        rows = rows_by_text(table, texts, how.group)
        return {text: mean_of(row, most[text], how.limit) for text, row in rows.items()}

    latest = means(found.board)
    if not latest:
        reasons = dict.fromkeys(found.failures.values())
        raise BadInput("every candidate failed: " + "; ".join(reasons))
    lost: set[tuple[str, str]] = set()
    for look in range(rounds):
        if look:
            title = title_of_round(look, rounds)
            try:
                table = bench.measure(as_lists(left), how.pilot * 2**look, title, least=1)
            except KeyboardInterrupt:
                return found._replace(interrupted=True, separated=False)
            if left.keys() - measured_in(table, texts):  # it ended with the time
                return found
            found = found._replace(failures=found.failures | failures_in(table, texts))
            latest |= means(table)
        board = ranking(pd.concat(latest.values(), ignore_index=True), rules, lost)
        found = found._replace(board=board, separated=int(board.tie.sum()) < 2)
        lost |= losers_of(board)
        kept = {texts[each] for each in survivors(board)}
        left = {text: level for text, level in left.items() if text in kept}
        if bench.deadline.is_past or is_settled(board) or not left:
            break
    return found


def title_of_round(look: int, rounds: int) -> str:
    """What is announced of a round, of which the first is look 0."""
    return f"round {look + 1} of at most {rounds}"


def first_round(
    bench: Bench,
    levels: Mapping[str, int],
    how: Halving,
    correct: Callable[[pd.DataFrame], dict[str, int]],
) -> tuple[Found, dict[str, int]]:
    """The measurements of the first round, and the L at which each candidate was measured.

    A candidate that the time did not suffice for is not in it, nor one whose L was to be smaller
    and could not be measured there. The arguments are those of `halved`.
    """
    texts = by_choice(dict(bench.candidates))
    left = dict(levels)
    table = bench.measure(as_lists(left), how.pilot, title_of_round(0, how.rounds()))
    while smaller := correct(table):
        left |= smaller
        again = bench.measure(as_lists(smaller), how.pilot, "too slow, at a smaller L")
        table = pd.concat([table[~is_of(table, texts, smaller)], again], ignore_index=True)
    there = measured_in(table, texts)
    unmeasured = tuple(text for text in left if text not in there)
    left = {text: level for text, level in left.items() if text in there}
    return Found(table, failures_in(table, texts), unmeasured=unmeasured), left


def as_lists(levels: Mapping[str, int]) -> dict[str, list[int]]:
    """Each L as a list of one."""
    return {text: [level] for text, level in levels.items()}


def measured_in(table: pd.DataFrame, texts: Mapping[tuple[str, str], str]) -> set[str]:
    """The texts of the candidates that a table has rows of, failed ones too."""
    return {text_of_row(row, texts) for row in table.itertuples()}


def is_of(
    table: pd.DataFrame, texts: Mapping[tuple[str, str], str], some: Collection[str]
) -> pd.Series:
    """Which rows are of some candidates, by their texts."""
    found = [text_of_row(row, texts) in some for row in table.itertuples()]
    return pd.Series(found, index=table.index, dtype=bool)


def text_of_row(row: Any, texts: Mapping[tuple[str, str], str]) -> str:
    """The text of the candidate that a row is of."""
    return texts[row.estimator, row.estimator_args]


def failures_in(table: pd.DataFrame, texts: Mapping[tuple[str, str], str]) -> dict[str, str]:
    """Why candidates failed, by their text."""
    failed = table[table.status == "failed"]
    return {text_of_row(row, texts): str(row.reason) for row in failed.itertuples()}


def rows_by_text(
    table: pd.DataFrame, texts: Mapping[tuple[str, str], str], group: str | None
) -> dict[str, pd.DataFrame]:
    """The row of each candidate that was measured: of the group, or of all of θ.

    Raises:
        BadInput: there is no such group.
    """
    measured = table[table.status.isin(["ok", "unreliable"]) & table.group.notna()]
    parts: dict[str, pd.DataFrame] = {}
    if measured.empty:
        return parts
    chosen = in_group(measured, group or WHOLE)
    for choice, rows in chosen.groupby(ESTIMATOR, sort=False):
        parts[texts[choice]] = rows.assign(estimator_text=texts[choice])
    return parts


def losers_of(board: pd.DataFrame) -> set[tuple[str, str]]:
    """The names and arguments of those that are surely worse than the first."""
    return choices_in(board[board.ratio_low > 1 + ROUNDING])


def survivors(board: pd.DataFrame) -> set[tuple[str, str]]:
    """The names and arguments of those that are worth more replicates.

    They are those that may be as good as the first, and of those that are surely worse the better
    half; and the best unbiased one, which is named beside a biased one.
    """
    running = board[board.barred.isin([FREE, UNRELIABLE])]
    worse = running.ratio_low > 1 + ROUNDING
    near = running[worse & ~(running.ratio_low > HOPELESS)]
    unbiased = running[~running.biased.astype(bool)]
    parts = (running[~worse], near.head((len(near) + 1) // 2), unbiased.head(1))
    return {choice for part in parts for choice in choices_in(part)}


def choices_in(board: pd.DataFrame) -> set[tuple[str, str]]:
    """The names and arguments of the estimators of some rows."""
    return set(board[ESTIMATOR].itertuples(index=False, name=None))


def is_settled(board: pd.DataFrame) -> bool:
    """Whether more replicates would separate nothing: no tie, or ties of one and the same."""
    ties = board[board.tie]
    return bool((ties.ratio_high <= 1 + ROUNDING).all() and (ties.ratio_low >= 1 - ROUNDING).all())
