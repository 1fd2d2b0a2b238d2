"""What a sweep names: problems and estimators with their arguments, of which lists are swept."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any

import equinox as eqx
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, model_validator
from pydantic_core import PydanticCustomError

from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.limits import (
    MOST_COMBINATIONS,
    MOST_ELEMENTS,
    MOST_REPLICATES,
    MOST_SAMPLES,
)
from gradest.estimators import named_estimator
from gradest.problems import named_problem
from gradest.problems.arguments import arguments, shown
from gradest.problems.registry.instances import Choice
from gradest.problems.registry.lookup import look_up


def as_number(value: Any) -> Any:
    """A value that is a number: neither true nor false, nor a text that reads like one."""
    if isinstance(value, bool | str | bytes):
        raise PydanticCustomError("number", "should be a number")
    return value


def as_names(value: Any) -> Any:
    """A value that is a name, or a list of names."""
    names = value if isinstance(value, list) else [value]
    if not names or not all(isinstance(name, str) for name in names):
        raise PydanticCustomError("names", "should be a name, or a list of names")
    return value


NAMED = {"problem": named_problem, "estimator": named_estimator}
"""What a sweep's names stand for."""

Samples = Annotated[list[Annotated[StrictInt, Field(ge=1, le=MOST_SAMPLES)]], Field(min_length=1)]
Replicates = Annotated[StrictInt, Field(ge=40, le=MOST_REPLICATES)]
MinibatchSize = Annotated[StrictInt, Field(ge=1, le=MOST_ELEMENTS)]
Finite = Annotated[float, BeforeValidator(as_number), Field(allow_inf_nan=False)]
Fraction = Annotated[Finite, Field(gt=0, lt=1)]
Names = Annotated[str | list[str], BeforeValidator(as_names)]


class Entry(BaseModel):
    """A problem or an estimator by name, or as `module:Class`, with its arguments.

    A list of values is swept; a list of names too, all with the same arguments.
    """

    model_config = ConfigDict(extra="allow")
    name: Names

    @property
    def names(self) -> list[str]:
        """All names."""
        return self.name if isinstance(self.name, list) else [self.name]

    @property
    def label(self) -> str:
        """What the entry is called in errors."""
        return ", ".join(self.names)

    @property
    def values(self) -> dict[str, list[Any]]:
        """All values of each argument."""
        given = self.model_extra or {}
        return {key: value if isinstance(value, list) else [value] for key, value in given.items()}

    @property
    def number(self) -> int:
        """How many combinations there are."""
        return math.prod(map(len, [self.names, *self.values.values()]))

    @property
    def combinations(self) -> list[dict[str, Any]]:
        """One set of arguments for each element of the product of the lists."""
        names = self.values
        return [
            dict(zip(names, chosen, strict=True)) for chosen in itertools.product(*names.values())
        ]

    @model_validator(mode="after")
    def _few_enough(self) -> "Entry":
        for key, values in self.values.items():
            if any(isinstance(value, list) for value in values):
                raise ValueError(
                    f"{key} = {shown(values)}: expected a value or a list of values, not of lists"
                )
        if self.number > MOST_COMBINATIONS:
            raise ValueError(
                f"{self.number:,} combinations of its arguments: "
                f"expected at most {MOST_COMBINATIONS:,}"
            )
        return self


class ProblemEntry(Entry):
    """A problem, which may be measured at its own L and R (a network costs more than a toy)."""

    samples: Samples | None = None
    replicates: Replicates | None = None
    minibatch: MinibatchSize | None = None
    minibatch_size: MinibatchSize | None = None


class EstimatorEntry(Entry):
    """An estimator, which may be measured at its own L, in place of its problems'."""

    samples: Samples | None = None


def named(
    kind: str, registry: Mapping[str, type], things: Sequence[Any]
) -> Iterator[tuple[Choice, Any]]:
    """Instances, each with its name and arguments.

    Raises:
        BadInput: one is no problem, or no estimator.
    """
    for thing in things:
        try:
            yield Choice.of_instance(registry, thing), thing
        except ValueError as error:
            raise BadInput(f"{kind}: {error}") from error


def refuse_twins(things: Sequence[tuple[Choice, Any]]) -> None:
    """Refuses things that have one name and one set of arguments, and are not the same.

    Raises:
        BadInput: there are such things: their cells could not be told apart.
    """
    first: dict[Choice, Any] = {}
    for choice, thing in things:
        if not eqx.tree_equal(first.setdefault(choice, thing), thing):
            raise BadInput(
                f"{choice.label}: expected one such object; got two that differ in what is no "
                "argument: make it an argument of the class, or measure one after the other"
            )


def without_values(kind: str, entry: Entry) -> str:
    """The fault of an entry that stands for nothing."""
    key = next(key for key, value in (entry.model_extra or {}).items() if value == [])
    return f"{kind} {entry.label}: {key} = []: expected at least one value"


def unshared_arguments(kind: str, registry: Mapping[str, type], entry: Entry) -> Iterator[str]:
    """A fault for each argument that some of an entry's names have, and others do not.

    Args:
        kind: "problem" or "estimator".
        registry: the classes by name.
        entry: of the sweep's file.
    """
    declared = {}
    for text in entry.names:
        with suppress(ValueError, ConnectionError):  # said where it is made
            name, _ = NAMED[kind](text, {})
            declared[text] = arguments(look_up(kind, registry, name))
    for key in entry.values:
        having = [name for name in declared if key in declared[name]]
        lacking = [name for name in declared if key not in declared[name]]
        if having and lacking:
            yield (
                f"{kind} {', '.join(lacking)}: unknown argument {shown(key)}: of {entry.label} "
                f"only {', '.join(having)} has it: expected an entry for each"
            )
