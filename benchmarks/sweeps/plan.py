"""The cells that a sweep stands for, with the objects to measure."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax

from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.cells.minibatches import Minibatches, faults_of_minibatches, minibatches_of
from gradest.benchmarks.errors import BadInput, listed
from gradest.benchmarks.limits import MOST_ELEMENTS
from gradest.benchmarks.measurement.batching import sizes_of
from gradest.benchmarks.published.matching import Match, matches_of
from gradest.benchmarks.sweeps.entries import (
    NAMED,
    Entry,
    ProblemEntry,
    named,
    refuse_twins,
    unshared_arguments,
    without_values,
)
from gradest.benchmarks.sweeps.schema import Sweep, checked
from gradest.estimators import ESTIMATORS
from gradest.estimators.base import Estimator
from gradest.estimators.conformance import refusal, refusal_of_samples
from gradest.estimators.minibatched import on_minibatches
from gradest.estimators.unimported import UNIMPORTED
from gradest.problems import PROBLEMS
from gradest.problems.arguments import shown
from gradest.problems.base import Problem
from gradest.problems.registry.instances import Choice, in_precision
from gradest.problems.registry.lookup import build
from gradest.problems.registry.own_modules import ImportFails


@dataclass(frozen=True)
class Plan:
    """A sweep's cells, with the objects to measure and the reasons why some cannot be."""

    sweep: Sweep
    cells: list[Cell]
    reasons: dict[str, str]
    """Why a cell is skipped, by its id."""
    problems: dict[Choice, Problem]
    estimators: dict[Choice, Estimator]
    minibatch_sizes: dict[Choice, int] = field(default_factory=dict)
    """n, of each problem with data where the sweep states it."""
    faults: dict[str, str] = field(default_factory=dict)
    """What a user's class did wrong when it was asked, or "", by a cell's id: it fails."""
    published: list[Match] = field(default_factory=list)
    """The numbers of a paper, each with its cell."""

    @property
    def measurable(self) -> list[Cell]:
        """The cells that are not skipped."""
        return [cell for cell in self.cells if cell.id not in self.reasons]

    def parts(self, cell: Cell) -> tuple[Problem, Estimator]:
        """The problem and the estimator of a cell, which may be on minibatches."""
        estimator = on_minibatches(self.estimators[cell.estimator], cell.minibatch)
        return self.problems[cell.problem], estimator


class Demand(NamedTuple):
    """What a sweep asks of one problem."""

    problem: Problem
    samples: Sequence[int]
    """Each L."""
    replicates: int
    minibatches: Minibatches


def demand_of(sweep: Sweep, entry: ProblemEntry, problem: Problem) -> Demand:
    """What a sweep asks of a problem of one of its entries."""
    return Demand(
        problem,
        entry.samples or sweep.samples,
        sweep.replicates_of(entry),
        minibatches_of(sweep, entry, problem),
    )


def resolve(sweep: Sweep) -> Plan:
    """The sweep's cells in order: problems, then L, then estimators; in its precision.

    Raises:
        BadInput: unknown names or arguments, refused values, replicates that do not split; all of
            them at once. Also an estimator that no L of the sweep suits, and a sweep of which
            nothing can be measured.
    """
    with jax.enable_x64(sweep.dtype == "float64"):
        faults: list[str] = []
        demands = {}
        for entry in sweep.problem:
            for choice, problem in choices("problem", PROBLEMS, entry, faults):
                demands[choice] = demand_of(sweep, entry, problem)
        estimators: dict[Choice, Estimator] = {}
        levels: dict[Choice, Sequence[int] | None] = {}
        for other in sweep.estimator:
            made = dict(choices("estimator", ESTIMATORS, other, faults))
            estimators |= made
            levels |= dict.fromkeys(made, other.samples)
        return planned(sweep, demands, estimators, faults, levels)


def plan_of(
    problems: Sequence[Problem],
    estimators: Sequence[Estimator],
    *,
    samples: Sequence[int],
    name: str = "measured",
    **keys: Any,
) -> Plan:
    """The cells of every estimator on every problem, as a sweep file of them would have it.

    A cell has the same id, and the same random numbers, as that of a sweep file in which the
    problem and the estimator are named with the same arguments. A number of which more digits were
    written than its precision holds has those that it holds.

    Args:
        problems: each an instance of a registered class or of a user's own.
        estimators: likewise.
        samples: each L.
        name: the sweep's.
        keys: the other keys of a sweep file: replicates or precision, seed, dtype, …

    Raises:
        BadInput: a key or a value that a sweep file could not have either, an object that is no
            problem or no estimator, two that differ in more than their arguments, or nothing to
            measure.
    """
    named_problems = list(named("problem", PROBLEMS, problems))
    named_estimators = list(named("estimator", ESTIMATORS, estimators))
    spec = {
        "schema": 1,
        "name": name,
        "samples": list(samples),
        "problem": [choice.entry for choice, _ in named_problems],
        "estimator": [choice.entry for choice, _ in named_estimators],
    }
    sweep = checked(spec | keys, f"sweep {name}")
    refuse_twins(named_problems)
    refuse_twins(named_estimators)
    with jax.enable_x64(sweep.dtype == "float64"):
        demands = {}
        for entry, (choice, problem) in zip(sweep.problem, named_problems, strict=True):
            measured = in_precision(problem, sweep.dtype)
            demands[choice] = demand_of(sweep, entry, measured)
        made = {choice: in_precision(each, sweep.dtype) for choice, each in named_estimators}
        return planned(sweep, demands, made, [])


def planned(
    sweep: Sweep,
    demands: dict[Choice, Demand],
    estimators: dict[Choice, Estimator],
    faults: list[str],
    levels: Mapping[Choice, Sequence[int] | None] | None = None,
) -> Plan:
    """The plan of a sweep whose problems and estimators have been made.

    Args:
        sweep: what all cells share is taken from it.
        demands: what is asked of each problem.
        estimators: all are tried on every problem.
        faults: what was wrong in making them.
        levels: each L of an estimator that has its own, in place of the problems'.

    Raises:
        BadInput: there are faults, or nothing can be measured; all that is wrong at once.
    """
    refuse(
        sweep,
        [
            *faults,
            *sweep.unsplittable(),
            *too_large(demands, [each for each in (levels or {}).values() if each]),
            *without_minibatch(sweep, demands),
        ],
    )
    cells = []
    reasons = {}
    faults_of = {}
    suited: set[Choice] = set()
    too_few: dict[Choice, str] = {}
    for problem_choice, demand in demands.items():
        answers = {choice: refusal(each, demand.problem) for choice, each in estimators.items()}
        for num_samples, choice in pairs(demand, estimators, levels or {}):
            cell = cell_of(sweep, problem_choice, demand, choice, num_samples)
            cells.append(cell)
            answer = answers[choice]
            few = refusal_of_samples(answer, estimators[choice], demand.problem, num_samples)
            faults_of[cell.id] = answer.fault or few.fault
            if reason := answer.refusal or few.refusal:
                reasons[cell.id] = reason
            else:
                suited.add(choice)
            if few.refusal:
                too_few[choice] = few.refusal

    unsuited = [f"estimator {c.label}: {few}" for c, few in too_few.items() if c not in suited]
    if not unsuited and not suited:
        refused = [f"{c.estimator.name} on {c.problem.name}: {reasons[c.id]}" for c in cells]
        unsuited = ["nothing to measure: " + "; ".join(dict.fromkeys(refused))]
    problems = {choice: demand.problem for choice, demand in demands.items()}
    checkpoints = sweep.training.measured if sweep.training else None
    matches = matches_of(sweep.published or [], cells, reasons, problems, checkpoints)
    if sweep.is_part:
        sweep = sweep.model_copy(update={"published": matches.entries or None})
        matches = matches._replace(faults=[])
    refuse(sweep, [*unsuited, *matches.faults])
    sizes = {
        choice: demand.minibatches.size
        for choice, demand in demands.items()
        if demand.minibatches.size is not None
    }
    return Plan(sweep, cells, reasons, problems, estimators, sizes, faults_of, matches.found)


def pairs(
    demand: Demand,
    estimators: Iterable[Choice],
    levels: Mapping[Choice, Sequence[int] | None],
) -> Iterator[tuple[int, Choice]]:
    """Each L with each estimator that is measured at it: the problem's, or the estimator's own."""
    asked = {choice: levels.get(choice) or demand.samples for choice in estimators}
    for num_samples in dict.fromkeys(itertools.chain(demand.samples, *asked.values())):
        yield from ((num_samples, choice) for choice in asked if num_samples in asked[choice])


def refuse(sweep: Sweep, faults: list[str]) -> None:
    """Raises BadInput where there are faults: a line for each, with the sweep's name."""
    if faults:
        raise BadInput(listed(f"sweep {sweep.name}: {fault}" for fault in faults))


def too_large(demands: dict[Choice, Demand], levels: list[Sequence[int]]) -> Iterator[str]:
    """A fault for each problem of which one estimate cannot fit into memory.

    Args:
        demands: what is asked of each problem.
        levels: each L of estimators that have their own.
    """
    for choice, demand in demands.items():
        try:
            draw, params = sizes_of(demand.minibatches.seen(demand.problem))
        except Exception:  # whatever a user's class may raise: its cells will say so
            continue
        most = max(itertools.chain(demand.samples, *levels))
        for what, elements in (("θ", params), (f"L = {most}", draw * most)):
            if elements > MOST_ELEMENTS:
                limit = f"an array of {elements:,} numbers: expected at most {MOST_ELEMENTS:,}"
                yield f"problem {choice.label}: {what}: {limit}"


def without_minibatch(sweep: Sweep, demands: dict[Choice, Demand]) -> Iterator[str]:
    """A fault for each problem that cannot have the minibatches that it is asked for, and one where
    no problem of a sweep has any."""
    for choice, demand in demands.items():
        for fault in faults_of_minibatches(demand.problem, demand.minibatches):
            yield f"problem {choice.label}: {fault}"
    if sweep.minibatch and demands and not any(d.minibatches.fresh for d in demands.values()):
        yield f"minibatch = {shown(sweep.minibatch)}: expected none: no problem has data points"


def cell_of(
    sweep: Sweep, problem: Choice, demand: Demand, estimator: Choice, num_samples: int
) -> Cell:
    """One cell of a sweep."""
    return Cell(
        problem=problem,
        estimator=estimator,
        point=point_name(demand.problem),
        num_samples=num_samples,
        replicates=demand.replicates,
        seed=sweep.seed,
        adapt_steps=sweep.adapt_steps,
        dtype=sweep.dtype,
        reference_replicates=sweep.reference_replicates,
        equivalence_margin=sweep.equivalence_margin,
        precision=sweep.precision,
        timeout=sweep.cell_timeout,
        generator=sweep.generator,
        minibatch=demand.minibatches.fresh,
    )


def point_name(problem: Problem) -> str:
    """θ's name: where in its training the problem is measured."""
    steps = int(getattr(problem, "train_steps", 0))
    return f"step_{steps}" if steps else "init"


def choices(
    kind: str, registry: dict[str, type], entry: Entry, faults: list[str]
) -> Iterator[tuple[Choice, Any]]:
    """Every combination of an entry's names and arguments, built.

    Args:
        kind: "problem" or "estimator", for errors.
        registry: the classes by name.
        entry: of the sweep's file.
        faults: what is wrong with the entry is added to it.
    """
    if not entry.combinations:
        faults.append(without_values(kind, entry))
    if unshared := list(unshared_arguments(kind, registry, entry)):
        faults += unshared
        return
    for text, chosen in itertools.product(entry.names, entry.combinations):
        try:
            name, given = NAMED[kind](text, chosen)
            built = build(kind, registry, name, given)
        except ImportFails as error:
            yield Choice(name, tuple(sorted(given.items()))), UNIMPORTED[kind](str(error))
        except (ValueError, ConnectionError) as error:
            faults.append(str(error))
        else:
            yield Choice.of(registry, name, given), built
