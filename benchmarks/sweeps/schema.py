"""What to measure: a TOML file, checked as a whole."""

import math
import sys
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    StrictInt,
    ValidationError,
    model_validator,
)

from gradest.benchmarks.complaints import complaints_of
from gradest.benchmarks.errors import BadInput, listed
from gradest.benchmarks.limits import (
    LONGEST_PLACE,
    MOST_BYTES,
    MOST_CELLS,
    MOST_CHARACTERS,
    MOST_REPLICATES,
    MOST_STEPS,
)
from gradest.benchmarks.measurement.batching import STEP, number_of_batches, splittable
from gradest.benchmarks.runtime.environment import GENERATORS
from gradest.benchmarks.runtime.files import reason_of
from gradest.benchmarks.sweeps.entries import (
    Entry,
    Finite,
    Fraction,
    MinibatchSize,
    ProblemEntry,
    Replicates,
    Samples,
)
from gradest.benchmarks.training.settings import Training
from gradest.problems.arguments import nearest, shortened, shown
from gradest.problems.registry.own_folders import search_in

DEFAULT_REPLICATES = 20_000
"""R, where neither a number nor a precision is asked for."""

USUAL_MOST_REPLICATES = 1_000_000
"""The most that a precision may choose, where no other bound is given."""


class Sweep(BaseModel):
    """A sweep file. Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    schema_version: Literal[1] = Field(default=1, alias="schema")
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=MOST_CHARACTERS)]
    seed: Annotated[StrictInt, Field(ge=0, lt=2**32)] = 0
    replicates: Replicates | None = None
    precision: Fraction | None = None
    """The half-width of a variance's interval, relative to it, that a pilot chooses R for."""
    max_replicates: Annotated[StrictInt, Field(ge=STEP, le=MOST_REPLICATES)] | None = None
    """The most that a precision may choose; a million where nothing is said."""
    cell_timeout: Annotated[Finite, Field(gt=0)] | None = None
    """Seconds that the replicates of one cell may take, by the pilot's speed."""
    samples: Samples
    adapt_steps: Annotated[StrictInt, Field(ge=1, le=MOST_STEPS)] = 200
    """Estimates made to warm up a learned state, before it is frozen and measured."""
    reference_replicates: Replicates = 1_000
    """Of the long run that stands for the exact gradient where there is none."""
    equivalence_margin: Fraction = 0.05
    """The bias, relative to the gradient, within which an estimator may be called unbiased."""
    minibatch_size: MinibatchSize | None = None
    """n, the data points in a minibatch, of the problems that have data; no number of a cell
    depends on it but the variance of its choice."""
    dtype: Literal["float32", "float64"] = "float32"
    generator: Literal[*GENERATORS] = "threefry"
    """Of the replicates' random numbers. θ and reference runs are always made with threefry."""
    problem: Annotated[list[ProblemEntry], Field(min_length=1)]
    estimator: Annotated[list[Entry], Field(min_length=1)]
    training: Training | None = None
    """How θ is trained by every estimator, where it is."""
    _notes: list[str] = PrivateAttr(default_factory=list)

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

    @model_validator(mode="after")
    def _replicates_at_checkpoints(self) -> "Sweep":
        how = self.training
        if how and self.precision and how.measured and how.replicates is None:
            raise ValueError(
                "training: replicates is missing: a precision chooses none for checkpoints"
            )
        return self

    @model_validator(mode="after")
    def _whole_batches(self) -> "Sweep":
        for owner, key in self._replicates():
            asked = getattr(owner, key)
            number = splittable(asked)
            if number > MOST_REPLICATES:
                raise ValueError(f"{key} = {asked}: expected a number that splits into batches")
            if number != asked:
                setattr(owner, key, number)
                self._notes.append(f"{key} = {asked}: {number}, which splits into equal batches")
        return self

    def _replicates(self) -> list[tuple[BaseModel, str]]:
        """What says how many replicates, with the key."""
        own: list[tuple[BaseModel, str]] = [(self, "replicates"), (self, "reference_replicates")]
        own += [(self.training, "replicates")] if self.training else []
        all_of_them = [*own, *((entry, "replicates") for entry in self.problem)]
        return [(owner, key) for owner, key in all_of_them if getattr(owner, key) is not None]

    @property
    def notes(self) -> tuple[str, ...]:
        """What was not taken as it was asked for."""
        return tuple(dict.fromkeys(self._notes))

    @model_validator(mode="after")
    def _few_enough_cells(self) -> "Sweep":
        levels = [entry.number * len(set(entry.samples or self.samples)) for entry in self.problem]
        cells = sum(levels) * sum(entry.number for entry in self.estimator)
        if cells > MOST_CELLS:
            raise ValueError(f"{cells:,} cells: expected at most {MOST_CELLS:,} in one sweep")
        trainings = cells * self.training.seeds if self.training else 0
        if trainings > MOST_CELLS:
            raise ValueError(f"{trainings:,} trainings: expected at most {MOST_CELLS:,}")
        return self

    def replicates_of(self, entry: ProblemEntry) -> int:
        """R of a problem's cells, or with a precision the most that it may be."""
        if self.precision:
            return (self.max_replicates or USUAL_MOST_REPLICATES) // STEP * STEP
        return entry.replicates or self.replicates or DEFAULT_REPLICATES

    def unsplittable(self) -> Iterator[str]:
        """A fault for each number of replicates that does not split into batches."""
        for replicates in {self.reference_replicates, *map(self.replicates_of, self.problem)}:
            try:
                number_of_batches(replicates)
            except ValueError as error:
                yield str(error)


KEYS = [field.alias or name for name, field in Sweep.model_fields.items()]
"""What a sweep's file may say."""


def preset_names() -> list[str]:
    """The names of the sweeps that come with gradest."""
    names = [file.name for file in preset_folder().iterdir()]
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def preset_text(name: str) -> str:
    """The file of a preset."""
    return (preset_folder() / f"{name}.toml").read_text(encoding="utf-8")


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
        text = preset_text(name)
        return parse_sweep(text, f"preset {name}")
    path = Path(name)
    if not is_file(path):
        raise BadInput(
            f"sweep {shown(name)}: expected a file or a preset ({', '.join(presets)})"
            f"{nearest(name, presets)}"
        )
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise BadInput(f"sweep {name}: cannot be read: {reason_of(error)}") from error
    if len(content) > MOST_BYTES:
        raise BadInput(f"sweep {name}: expected a file of at most {MOST_BYTES:,} bytes")
    try:
        text = content.decode("utf-8-sig")  # with a byte-order mark or without
    except UnicodeDecodeError as error:
        raise BadInput(
            f"sweep {name}: cannot be read: expected UTF-8; {error.reason} at {error.start}"
        ) from error
    search_in(path.parent)
    return parse_sweep(text, name)


def is_file(path: Path) -> bool:
    """Whether there is such a file; no name that no file can have is one."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def parse_sweep(text: str, where: str) -> Sweep:
    """A sweep from the text of its file.

    Args:
        text: TOML.
        where: names the file in errors.

    Raises:
        BadInput: not TOML, or any key or value that does not fit; all of them at once.
    """
    return checked(keys_of(text, where), where)


def keys_of(text: str, where: str) -> dict[str, Any]:
    """The keys and values of a TOML text.

    Raises:
        BadInput: not TOML, or not a TOML that Python reads.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(listed([f"{where}: not TOML: {error}"])) from error
    except RecursionError as error:
        raise BadInput(f"{where}: nested too deeply: expected a list of values at most") from error
    except ValueError as error:
        digits = sys.get_int_max_str_digits()
        raise BadInput(f"{where}: expected numbers of at most {digits:,} digits") from error


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
        where = shortened(where, LONGEST_PLACE)
        lines = complaints_of(error, KEYS)
        raise BadInput(listed(f"{where}: {line}" for line in lines)) from error


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
        made = Sweep.model_validate(keys)
    except ValidationError as error:
        raise BadInput(listed(complaints_of(error, KEYS, of_options=True))) from error
    if not cleared:
        made._notes[:0] = sweep.notes
    return made


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
    longest = max([base + more, *(entry.replicates or 0 for entry in problems)])
    if longest > MOST_REPLICATES:
        raise BadInput(
            f"--replicates {shown(more)}: R would be {shown(longest)}: "
            f"expected at most {MOST_REPLICATES:,}"
        )
    longer = {"replicates": base + more, "problem": problems}
    if sweep.training:  # what is there of trainings stays
        measured = sweep.training.replicates or base
        longer["training"] = sweep.training.model_copy(update={"replicates": measured})
    return sweep.model_copy(update=longer)


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
            f"--replicates {more}: problem {entry.label} has R = {entry.replicates} of its own, "
            f"which grows in proportion to the sweep's {base}: expected a multiple of {step}"
        )
    return entry.model_copy(update={"replicates": entry.replicates + share})
