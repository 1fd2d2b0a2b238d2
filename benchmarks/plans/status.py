"""What a sweep asks for, why it skips cells, and how far a run of it has come."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gradest.benchmarks.analysis.labels import short_label
from gradest.benchmarks.analysis.numerals import several
from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.measurement.checkpoints import is_shipped, is_trained
from gradest.benchmarks.outcomes import Outcome
from gradest.benchmarks.sweeps.plan import Plan
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
        problem, estimator = plan.parts(cell)
        each = estimator.evaluations(problem, cell.num_samples)
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
    """The sizes of minibatches, and which are fresh in each estimate, with their problems."""
    fresh = {cell.problem for cell in plan.cells if cell.minibatch}
    names: dict[str, list[str]] = defaultdict(list)
    for choice, size in plan.minibatch_sizes.items():
        which = ", fresh in each estimate" if choice in fresh else ""
        names[f"minibatches of {size}{which}"].append(choice.name)
    return [f"{what}: {first_of(own_first(each))}" for what, each in names.items()]


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
    if not (seeds := seeds_in(plan)):
        return []
    f_evals = grad_evals = 0
    how = seeds[0].how
    for seed in seeds:
        if not plan.faults.get(seed.cell.id):
            problem, estimator = plan.parts(seed.cell)
            each = estimator.evaluations(problem, seed.num_samples)
            f_evals += how.steps * each.f
            grad_evals += how.steps * each.grad
    return [
        f"{several(len(seeds), 'training')} of {several(how.steps, 'step')} of {how.optimizer}, "
        f"{several(len(how.measured), 'checkpoint')} each; {f_evals:.3g} evaluations of f, "
        f"{grad_evals:.3g} of its gradient, none of it in that time"
    ]
