"""What a sweep names: problems and estimators with their arguments, of which lists are swept."""

import itertools
import math
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, model_validator
from pydantic_core import PydanticCustomError

from gradest.benchmarks.limits import (
    MOST_COMBINATIONS,
    MOST_ELEMENTS,
    MOST_REPLICATES,
    MOST_SAMPLES,
)
from gradest.problems.arguments import shown


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
        arguments = self.model_extra or {}
        return {
            key: value if isinstance(value, list) else [value] for key, value in arguments.items()
        }

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
