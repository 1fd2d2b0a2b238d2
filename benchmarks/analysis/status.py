"""What a sweep asks for, why it skips cells, and how far a run of it has come."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from gradest.benchmarks.analysis.labels import short_label
from gradest.benchmarks.analysis.numerals import several
from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.measurement.checkpoints import is_shipped, is_trained
from gradest.benchmarks.outcomes import Outcome
from gradest.benchmarks.runtime.environment import digest_of, environment
from gradest.benchmarks.sweeps.plan import Plan
from gradest.benchmarks.sweeps.run import codes_of
from gradest.benchmarks.sweeps.schema import preset_names
from gradest.benchmarks.sweeps.store import Kept, read_store
from gradest.benchmarks.training.runs import seeds_in
from gradest.benchmarks.training.seeds import DIVERGED, Seed

MOST_NAMED = 3
"""How many problems, or modules, a line names."""

SHIPPED = "shipped"
TRAINED = "trained here"
"""Where a trained θ is from."""

ANYWHERE = ""
"""Where a class is measured, if it is measured at all."""


@dataclass(frozen=True)
class Totals:
    """What a plan asks for. With a precision, R is the most that may be chosen."""

    cells: int
    """Those that are measured."""
    skipped: int
    problems: int
    estimators: int
    draws: int
    """Draws of x, over all replicates."""
    f_evals: int
    grad_evals: int

    @property
    def as_json(self) -> dict[str, int]:
        """Draws and evaluations."""
        return {"draws": self.draws, "f_evals": self.f_evals, "grad_evals": self.grad_evals}

    @property
    def text(self) -> str:
        """All of it in two lines."""
        return (
            f"{several(self.cells, 'cell')} to measure, {self.skipped} skipped\n"
            f"{several(self.problems, 'problem')} × {several(self.estimators, 'estimator')}; "
            f"{self.draws:.3g} draws, "
            f"{self.f_evals:.3g} evaluations of f, {self.grad_evals:.3g} of its gradient"
        )


def totals_of(plan: Plan) -> Totals:
    """What it takes to measure a plan from the beginning."""
    draws = f_evals = grad_evals = 0
    for cell in plan.measurable:
        if plan.faults.get(cell.id):  # it fails before it costs anything
            continue
        problem = plan.problems[cell.problem]
        each = plan.estimators[cell.estimator].evaluations(problem, cell.num_samples)
        draws += cell.replicates * cell.num_samples
        f_evals += cell.replicates * each.f
        grad_evals += cell.replicates * each.grad
    return Totals(
        cells=len(plan.measurable),
        skipped=len(plan.reasons),
        problems=len(plan.problems),
        estimators=len(plan.estimators),
        draws=draws,
        f_evals=f_evals,
        grad_evals=grad_evals,
    )


def minibatch_lines(plan: Plan) -> list[str]:
    """The sizes of minibatches, with the problems that have them."""
    names: dict[int, list[str]] = defaultdict(list)
    for choice, size in plan.minibatch_sizes.items():
        names[size].append(choice.name)
    return [f"minibatches of {size}: {first_of(own_first(each))}" for size, each in names.items()]


def points_of(plan: Plan) -> dict[str, str]:
    """Where each trained θ is from, by the problem's name and arguments."""
    seed = plan.sweep.seed
    return {
        short_label(choice.name, choice.json): SHIPPED if is_shipped(problem, seed) else TRAINED
        for choice, problem in plan.problems.items()
        if is_trained(problem)
    }


def skipped_lines(plan: Plan) -> list[str]:
    """Why cells are skipped: a line for each estimator and reason, with the problems."""
    problems: dict[tuple[str, str], list[str]] = defaultdict(list)
    for cell in plan.cells:
        if reason := plan.reasons.get(cell.id):
            estimator = short_label(cell.estimator.name, cell.estimator.json)
            problems[estimator, reason].append(cell.problem.name)
    lines = []
    for (estimator, reason), names in problems.items():
        named = first_of(own_first(names))
        lines.append(f"skipped {several(len(names), 'cell')}: {estimator} on {named}: {reason}")
    return lines


def own_first(names: list[str]) -> list[str]:
    """The names, those of a user's own classes first."""
    return sorted(names, key=lambda name: ":" not in name)


def fault_lines(plan: Plan) -> list[str]:
    """What a user's classes do wrong before anything is measured, and how many cells that fails."""
    counts = Counter(fault for fault in plan.faults.values() if fault)
    return [f"{several(count, 'cell')} will fail: {fault}" for fault, count in counts.items()]


def unmeasured_lines(plan: Plan) -> list[str]:
    """A warning for each class of a user's own that is named, and measured nowhere.

    Also for an estimator of theirs that is measured nowhere on a problem of theirs.
    """
    measured = {place for cell in plan.measurable for place in places_of(cell)}
    reasons: dict[tuple[str, str], str] = {}
    for cell in plan.cells:
        for place in places_of(cell):
            if place not in measured:
                reasons.setdefault(place, plan.reasons[cell.id])
    nowhere = {name for name, on in reasons if on == ANYWHERE}
    return [
        f"warning: {name} is measured nowhere{on}: {reason}"
        for (name, on), reason in reasons.items()
        if on == ANYWHERE or name not in nowhere
    ]


def places_of(cell: Cell) -> list[tuple[str, str]]:
    """The classes of a user's own that a cell measures, each with where that is."""
    problem, estimator = cell.problem.name, cell.estimator.name
    own = [(name, ANYWHERE) for name in (estimator, problem) if ":" in name]
    return [*own, (estimator, f" on {problem}")] if len(own) == 2 else own


def first_of(names: Iterable[str]) -> str:
    """A few different names, and how many more there are.

    >>> first_of(["a", "b", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    different = list(dict.fromkeys(names))
    more = len(different) - MOST_NAMED
    text = ", ".join(different[:MOST_NAMED])
    return f"{text} and {more} more" if more > 0 else text


@dataclass(frozen=True)
class RunStatus:
    """How far a run has come."""

    counts: dict[str, int]
    """Cells by status: ok, unreliable, failed, pending, skipped."""
    failures: list[str]
    """A line for each cell that failed."""


def status_of(plan: Plan, outcomes: dict[str, Outcome]) -> RunStatus:
    """How far a run of a plan has come; it may still be running.

    Args:
        plan: of the run.
        outcomes: what its store has, by a cell's id.
    """
    counts = dict.fromkeys(("ok", "unreliable", "failed", "pending"), 0)
    failures = []
    for cell in plan.measurable:
        outcome = outcomes.get(cell.id)
        status = outcome.status if outcome else "pending"
        counts[status] += 1
        if outcome and status == "failed":
            failures.append(f"failed: {cell.label}: {outcome.reason}")
    return RunStatus(counts | {"skipped": len(plan.reasons)}, failures)


def failed_lines(plan: Plan, outcomes: dict[str, Outcome]) -> list[str]:
    """Why cells failed: a line for each reason, with the estimators and the problems."""
    cells: dict[str, list[Cell]] = defaultdict(list)
    for cell in plan.measurable:
        outcome = outcomes.get(cell.id)
        if outcome and outcome.status == "failed":
            cells[outcome.reason].append(cell)
    return [
        f"failed {several(len(each), 'cell')}: {first_of(cell.estimator.name for cell in each)} "
        f"on {first_of(cell.problem.name for cell in each)}: {reason}"
        for reason, each in cells.items()
    ]


def training_lines(plan: Plan, outcomes: Mapping[str, Outcome]) -> list[str]:
    """Why trainings failed or diverged: a line for each reason, with the estimators.

    Args:
        plan: of the run.
        outcomes: what became of its trainings, by id.
    """
    seeds: dict[tuple[str, str], list[Seed]] = defaultdict(list)
    for seed in seeds_in(plan):
        outcome = outcomes.get(seed.id)
        if outcome and outcome.status in ("failed", DIVERGED):
            seeds[outcome.status, outcome.reason].append(seed)
    return [
        f"{status} {several(len(each), 'training')}: "
        f"{first_of(seed.estimator.name for seed in each)} "
        f"on {first_of(seed.problem.name for seed in each)}: {reason}"
        for (status, reason), each in seeds.items()
    ]


def trainings_text(plan: Plan) -> list[str]:
    """What a plan trains, in a line; nothing where it trains nothing."""
    seeds = seeds_in(plan)
    if not seeds:
        return []
    f_evals = grad_evals = 0
    how = seeds[0].how
    for seed in seeds:
        if not plan.faults.get(seed.cell.id):
            problem, estimator = plan.parts(seed.cell)
            each = estimator.evaluations(problem, seed.num_samples)
            f_evals += how.steps * each.f
            grad_evals += how.steps * each.grad
    places = f"{several(len(how.measured), 'checkpoint')} each"
    return [
        f"{several(len(seeds), 'training')} of {several(how.steps, 'step')} of {how.optimizer}, "
        f"{places}; {f_evals:.3g} evaluations of f, {grad_evals:.3g} of its gradient"
    ]


class Stale(NamedTuple):
    """Cells in a store that are not taken as they are."""

    why: str
    cells: int

    @property
    def text(self) -> str:
        """A line that says so."""
        count = several(self.cells, "cell")
        return f"{count} there, {self.why}: to be measured again by `gradest run`"

    @property
    def as_json(self) -> dict[str, str | int]:
        """The same."""
        return self._asdict()


class Compared(NamedTuple):
    """What a store has of a plan's cells. Failed ones do not count: they are measured again."""

    there: int
    """Cells that are taken as they are."""
    stale: list[Stale]
    """Those that were measured with other versions, on other hardware or with other code, or are
    damaged."""


def compared(plan: Plan, kept: Kept) -> Compared:
    """How many of a plan's cells in a store are to be measured again, and why.

    Args:
        plan: what is to be measured here.
        kept: what the store has.
    """
    reasons = [f"damaged ({first_of(map(ascii, kept.damaged))})"] * len(kept.damaged)
    there = 0
    if kept.outcomes:
        here = environment(plan.sweep.generator)
        for cell, code in codes_of(plan).items():
            outcome = kept.outcomes.get(cell)
            if outcome and outcome.status != "failed":
                against = reasons_against(outcome, here, code, kept.codes.get(outcome.code, {}))
                there += int(not against)
                reasons += against
    return Compared(there, [Stale(why, count) for why, count in Counter(reasons).items()])


def stale_cells(plan: Plan, folder: Path) -> list[Stale]:
    """The plan's cells in a folder's store that are to be measured again: see `compared`.

    Raises:
        StoreDamaged: the folder's store cannot be read.
    """
    return compared(plan, read_store(folder)).stale


def reasons_against(
    outcome: Outcome, here: dict[str, str], code: dict[str, str], then: dict[str, str]
) -> list[str]:
    """Why an outcome is not taken as it is; nothing where it is.

    Args:
        outcome: of a cell.
        here: versions and hardware.
        code: the digests of the modules that the cell would run through.
        then: those that it did run through, as far as they are known.
    """
    if outcome.environment != here:
        others = sorted(outcome.environment.items() - here.items())
        unknown = sorted((key, "unknown") for key in here.keys() - outcome.environment.keys())
        return ["measured with " + ", ".join(f"{key} {value}" for key, value in others or unknown)]
    if not outcome.code:
        return ["measured by a version that did not keep with which code"]
    if outcome.code == digest_of(code):
        return []
    if not then:
        return [f"measured with other code (commit {(outcome.commit or 'unknown')[:7]})"]
    names = sorted(name for name in code.keys() | then.keys() if code.get(name) != then.get(name))
    return [f"measured with other code ({first_of(names)})"]


def refuse_to_extend(plan: Plan, folder: Path) -> None:
    """Refuses to add replicates to a run of which every cell is to be measured again.

    Args:
        plan: of the finished run.
        folder: of the run.

    Raises:
        BadInput: there are stale cells, and none that is not; the message says what to do instead.
    """
    there, stale = compared(plan, read_store(folder))
    if not stale or there:
        return  # what is stale is measured again, and the others are gone on with
    sweep = plan.sweep.name if plan.sweep.name in preset_names() else "SWEEP"
    raise BadInput(
        f"run {folder}: its cells were {'; '.join(each.why for each in stale)}, and no replicates "
        f"can be added to those here: `gradest run {sweep} -o {folder}` measures them again, "
        "and then they can be extended"
    )
