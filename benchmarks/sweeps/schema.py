"""What to measure: a TOML file, checked as a whole."""

import itertools
import math
import re
import tomllib
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError, model_validator

from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.measurement.batching import STEP
from gradest.benchmarks.runtime.environment import GENERATORS
from gradest.benchmarks.runtime.files import reason_of
from gradest.problems.arguments import nearest
from gradest.problems.registry.own_modules import search_in

Samples = Annotated[list[Annotated[StrictInt, Field(ge=1)]], Field(min_length=1)]
Replicates = Annotated[StrictInt, Field(ge=40)]
Fraction = Annotated[float, Field(gt=0, lt=1)]

DEFAULT_REPLICATES = 20_000
"""R, where neither a number nor a precision is asked for."""

MOST_REPLICATES = 1_000_000
"""The most that a precision may choose, where no other bound is given."""


class Entry(BaseModel):
    """A problem or an estimator by name, or as `module:Class`, with its arguments.

    A list of values is swept.
    """

    model_config = ConfigDict(extra="allow")
    name: str

    @property
    def combinations(self) -> list[dict[str, Any]]:
        """One set of arguments for each element of the product of the lists."""
        arguments = self.model_extra or {}
        lists = [value if isinstance(value, list) else [value] for value in arguments.values()]
        return [dict(zip(arguments, values, strict=True)) for values in itertools.product(*lists)]


class ProblemEntry(Entry):
    """A problem, which may be measured at its own L and R (a network costs more than a toy)."""

    samples: Samples | None = None
    replicates: Replicates | None = None


class Sweep(BaseModel):
    """A sweep file. Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    schema_version: Literal[1] = Field(alias="schema")
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    seed: Annotated[StrictInt, Field(ge=0, lt=2**32)] = 0
    replicates: Replicates | None = None
    precision: Fraction | None = None
    """The half-width of a variance's interval, relative to it, that a pilot chooses R for."""
    max_replicates: Annotated[StrictInt, Field(ge=STEP)] | None = None
    """The most that a precision may choose; a million where nothing is said."""
    cell_timeout: Annotated[float, Field(gt=0)] | None = None
    """Seconds that the replicates of one cell may take, by the pilot's speed."""
    samples: Samples
    adapt_steps: Annotated[StrictInt, Field(ge=1)] = 200
    """Estimates made to warm up a learned state, before it is frozen and measured."""
    reference_replicates: Replicates = 1_000
    """Of the long run that stands for the exact gradient where there is none."""
    equivalence_margin: Fraction = 0.05
    """The bias, relative to the gradient, within which an estimator may be called unbiased."""
    dtype: Literal["float32", "float64"] = "float32"
    generator: Literal[*GENERATORS] = "threefry"
    """Of the replicates' random numbers. θ and reference runs are always made with threefry."""
    problem: Annotated[list[ProblemEntry], Field(min_length=1)]
    estimator: Annotated[list[Entry], Field(min_length=1)]

    @model_validator(mode="after")
    def _one_way_to_replicates(self) -> "Sweep":
        numbers = [entry.replicates for entry in self.problem] + [self.replicates]
        if self.precision and any(numbers):
            raise ValueError("replicates and precision: expected one of them, not both")
        for bound in ("max_replicates", "cell_timeout"):
            if self.precision is None and getattr(self, bound) is not None:
                raise ValueError(f"{bound}: expected only with precision, which it bounds")
        if self.precision is None and self.replicates is None:
            self.replicates = DEFAULT_REPLICATES
        return self

    def replicates_of(self, entry: ProblemEntry) -> int:
        """R of a problem's cells, or with a precision the most that it may be."""
        if self.precision:
            return (self.max_replicates or MOST_REPLICATES) // STEP * STEP
        return entry.replicates or self.replicates or DEFAULT_REPLICATES


def preset_names() -> list[str]:
    """The names of the sweeps that come with gradest."""
    names = [file.name for file in preset_folder().iterdir()]
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def preset_folder() -> Traversable:
    """The folder of the sweeps that come with gradest."""
    return files(__package__) / "presets"


def load_sweep(name: str) -> Sweep:
    """The sweep in the file `name`, or the preset of that name.

    Problems and estimators of a user's own, written module:Class, are looked for beside the file.

    Raises:
        BadInput: no such file or preset, not TOML, or any key or value that does not fit; all of
            them at once.
    """
    presets = preset_names()
    if name in presets:
        text = (preset_folder() / f"{name}.toml").read_text(encoding="utf-8")
        return parse_sweep(text, f"preset {name}")
    path = Path(name)
    if not path.is_file():
        raise BadInput(
            f"sweep {name!r}: expected a file or a preset ({', '.join(presets)})"
            f"{nearest(name, presets)}"
        )
    try:
        text = path.read_text(encoding="utf-8-sig")  # with a byte-order mark or without
    except OSError as error:
        raise BadInput(f"sweep {name}: cannot be read: {reason_of(error)}") from error
    except UnicodeDecodeError as error:
        raise BadInput(
            f"sweep {name}: cannot be read: expected UTF-8; {error.reason} at {error.start}"
        ) from error
    search_in(path.parent)
    return parse_sweep(text, name)


def parse_sweep(text: str, where: str) -> Sweep:
    """A sweep from the text of its file.

    Args:
        text: TOML.
        where: names the file in errors.

    Raises:
        BadInput: not TOML, or any key or value that does not fit; all of them at once.
    """
    try:
        return checked(tomllib.loads(text), where)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{where}: not TOML: {error}") from error


def checked(keys: dict[str, Any], where: str) -> Sweep:
    """A sweep from its keys and values.

    Args:
        keys: as a file holds them.
        where: names them in errors.

    Raises:
        BadInput: any key or value that does not fit; all of them at once.
    """
    try:
        return Sweep.model_validate(keys)
    except ValidationError as error:
        lines = [f"{where}: {describe(fault)}" for fault in error.errors()]
        raise BadInput("\n".join(lines)) from error


WAYS = {"replicates": ("precision", "max_replicates", "cell_timeout"), "precision": ("replicates",)}
"""Each way to say how many replicates, with what belongs to the other."""


def override(sweep: Sweep, **options: Any) -> Sweep:
    """The sweep with what the command line says in place of its own, for every problem.

    Args:
        sweep: as its file has it.
        options: keys of a sweep with their values; None is no value.

    Raises:
        BadInput: a value that the sweep file could not have either.
    """
    options = {key: value for key, value in options.items() if value is not None}
    # R is a number or chosen by precision: what the file says of the other way goes
    cleared = {key: None for way in options.keys() & WAYS for key in WAYS[way]}
    entries = [entry.model_dump() for entry in sweep.problem]
    if cleared:
        entries = [entry | {"replicates": None} for entry in entries]
    keys = sweep.model_dump(by_alias=True) | cleared | options | {"problem": entries}
    try:
        return Sweep.model_validate(keys)
    except ValidationError as error:
        raise BadInput("\n".join(map(as_option, error.errors()))) from error


def as_option(fault: Any) -> str:
    """One of pydantic's faults, with an option of the command line as it is written there."""
    name, colon, rest = describe(fault).partition(" " if fault["loc"] else ":")
    return f"--{name.replace('_', '-')}{colon}{rest}"


def describe(fault: Any) -> str:
    """One of pydantic's faults in our words: the key, the value, what was expected."""
    place = place_of(fault["loc"])
    if fault["type"] == "extra_forbidden":
        known = [field.alias or name for name, field in Sweep.model_fields.items()]
        return f"unknown key {place!r}: expected {', '.join(known)}{nearest(place, known)}"
    if fault["type"] == "missing":
        return f"{place} is missing"
    if not place:
        return fault["msg"].removeprefix("Value error, ")
    expected = fault["msg"].removeprefix("Input ").removeprefix("should ")
    names = []
    if fault["type"] == "literal_error":
        names = re.findall("'([^']+)'", fault["ctx"]["expected"])
    hint = nearest(str(fault["input"]), names)
    return f"{place} = {fault['input']!r}: expected it to {expected}{hint}"


def place_of(parts: tuple[int | str, ...]) -> str:
    """Where in a sweep a fault is, as one would write it.

    >>> place_of(("problem", 0, "samples"))
    'problem[0].samples'
    """
    words = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts]
    return "".join(words).lstrip(".")


def lengthened(sweep: Sweep, more: int) -> Sweep:
    """The sweep with so many more replicates.

    A problem with an R of its own gets more in proportion.

    Raises:
        BadInput: R was chosen by precision, or a sum does not split.
    """
    if sweep.precision:
        raise BadInput(
            f"sweep {sweep.name}: R was chosen by precision: ask for a smaller --precision instead"
        )
    base = sweep.replicates or DEFAULT_REPLICATES
    problems = [longer_entry(entry, base, more) for entry in sweep.problem]
    return sweep.model_copy(update={"replicates": base + more, "problem": problems})


def longer_entry(entry: ProblemEntry, base: int, more: int) -> ProblemEntry:
    """A problem's entry where the sweep's R grows from `base` by `more`.

    Raises:
        BadInput: R of its own would not grow by a whole number.
    """
    if entry.replicates is None:
        return entry
    share, rest = divmod(entry.replicates * more, base)
    if rest:
        step = base // math.gcd(base, entry.replicates)
        raise BadInput(
            f"--replicates {more}: problem {entry.name} has R = {entry.replicates} of its own, "
            f"which grows in proportion to the sweep's {base}: expected a multiple of {step}"
        )
    return entry.model_copy(update={"replicates": entry.replicates + share})
