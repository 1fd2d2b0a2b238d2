"""Which cell of a sweep each published number belongs to; what belongs to none is an error."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax

from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.published.entries import Number, Published, numbers_of
from gradest.benchmarks.published.whole import WHOLE
from gradest.estimators import ESTIMATORS, named_estimator
from gradest.problems import PROBLEMS, Problem, named_problem
from gradest.problems.arguments import arguments, closest, defaults, nearest, shown
from gradest.problems.registry.instances import Choice
from gradest.problems.registry.lookup import look_up
from gradest.problems.registry.naming import written

REGISTRIES: dict[str, tuple[Any, Mapping[str, type]]] = {
    "problem": (named_problem, PROBLEMS),
    "estimator": (named_estimator, ESTIMATORS),
}


class Match(NamedTuple):
    """A published number and its cell."""

    number: Number
    cell: Cell


class Matches(NamedTuple):
    """What came of looking for the cells."""

    found: list[Match]
    faults: list[str]
    """Why each of the others has none."""

    @property
    def entries(self) -> list[Published]:
        """The entries of what was found, without the numbers that were not."""
        kept: dict[int, Published] = {}
        for match in self.found:
            entry = match.number.entry
            kept[id(entry)] = entry
        return [self.without_others(entry) for entry in kept.values()]

    def without_others(self, entry: Published) -> Published:
        """An entry with those of its values alone that were found."""
        if entry.values is None:
            return entry
        keys = {match.number.key for match in self.found if match.number.entry is entry}
        values = {key: value for key, value in entry.values.items() if key in keys}
        return entry.model_copy(update={"values": values})


def matches_of(
    entries: Sequence[Published],
    cells: Sequence[Cell],
    reasons: Mapping[str, str],
    problems: Mapping[Choice, Problem],
    checkpoints: Sequence[int] | None = None,
) -> Matches:
    """The cell of every published number.

    Args:
        entries: of a sweep.
        cells: of it.
        reasons: why some cannot be measured, by their ids.
        problems: of the cells.
        checkpoints: steps of training at which gradients are measured; None where nothing is
            trained.
    """
    found, faults = [], []
    try:
        for number in numbers_of(entries):
            try:
                cell = cell_of(number, cells, reasons)
                refuse_step(number, checkpoints)
                refuse_group(number, problems[cell.problem])
                found.append(Match(number, cell))
            except ValueError as error:
                faults.append(f"{number.place}: {error}")
    except ValueError as error:
        faults.append(str(error))
    return Matches(found, faults)


def cell_of(number: Number, cells: Sequence[Cell], reasons: Mapping[str, str]) -> Cell:
    """The cell of a published number.

    Raises:
        ValueError: there is none; the nearest is named.
    """
    left = list(cells)
    for kind, text in (("problem", number.problem), ("estimator", number.estimator)):
        wanted = choice_of(kind, text)
        here = [cell for cell in left if getattr(cell, kind) == wanted]
        if not here:
            known = list(dict.fromkeys(short(kind, getattr(cell, kind)) for cell in left))
            near = nearest_of(short(kind, wanted), known)
            raise ValueError(f"{kind} {shown(text)}: the sweep has no such cell: {near}")
        left = here
    if number.num_samples is not None:
        here = [cell for cell in left if cell.num_samples == number.num_samples]
    else:
        here = [cell for cell in left if cell.id not in reasons]
    if len(here) != 1:
        levels = ", ".join(str(cell.num_samples) for cell in left)
        got = "none" if number.num_samples is None else number.num_samples
        raise ValueError(f"num_samples = {got} of {number.estimator}: expected one of {levels}")
    if here[0].id in reasons:
        raise ValueError(f"{number.text}: cannot be measured: {reasons[here[0].id]}")
    return here[0]


def choice_of(kind: str, text: str) -> Choice:
    """What a text names, with all arguments.

    Raises:
        ValueError: no such name or argument.
    """
    named, registry = REGISTRIES[kind]
    name, given = named(text, {})
    known = arguments(look_up(kind, registry, name))
    for key in given:
        if key not in known:
            expected = f"expected {', '.join(known) or 'no arguments'}{nearest(key, known)}"
            raise ValueError(f"{kind} {name}: unknown argument {shown(key)}: {expected}")
    try:
        return Choice.of(registry, name, given)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{kind} {shown(text)}: {error}") from error


def short(kind: str, choice: Choice) -> str:
    """A choice as it is typed: what is not its class's default."""
    _, registry = REGISTRIES[kind]
    usual = defaults(look_up(kind, registry, choice.name))
    return written(choice.name, {k: v for k, v in choice.arguments if usual[k] != v})


def nearest_of(text: str, known: Sequence[str]) -> str:
    """What is meant, of what there is: the nearest, else all of one name, else all."""
    near = closest(text, known)
    return f"the nearest is {near}" if near else f"expected one of {', '.join(known)}"


def refuse_step(number: Number, checkpoints: Sequence[int] | None) -> None:
    """Refuses a step that no checkpoint of training is at.

    Raises:
        ValueError: with those that there are.
    """
    wanted = number.step
    if wanted is None:
        return
    if checkpoints is None:
        raise ValueError(f"step = {wanted}: expected a table [training] in the sweep")
    if wanted not in checkpoints:
        near = min(checkpoints, key=lambda step: abs(step - wanted))
        known = ", ".join(map(str, checkpoints))
        raise ValueError(
            f"step = {wanted}: expected one of [training]'s checkpoints, {known}; "
            f"the nearest is {near}"
        )


def refuse_group(number: Number, problem: Problem) -> None:
    """Refuses a group that the problem's θ does not have.

    Raises:
        ValueError: with those that it has.
    """
    groups = [*jax.eval_shape(problem.init_params, jax.random.key(0)), WHOLE]
    group = number.entry.group
    if group is not None and group not in groups:
        raise ValueError(
            f"group = {shown(group)}: expected one of {', '.join(groups)}{nearest(group, groups)}"
        )
