"""What to measure: a TOML file, checked as a whole, and the cells that it stands for."""

import hashlib
import itertools
import json
import math
import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from jaxtyping import Array
from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError, model_validator

from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.measurement.replicates import STEP, cell_key, number_of_batches
from gradest.benchmarks.runtime.environment import GENERATORS
from gradest.estimators import ESTIMATORS
from gradest.estimators.base import Estimator
from gradest.problems import PROBLEMS
from gradest.problems.arguments import arguments, defaults, nearest
from gradest.problems.base import Problem
from gradest.problems.own_modules import search_in
from gradest.problems.registry import build, look_up

Samples = Annotated[list[Annotated[StrictInt, Field(ge=1)]], Field(min_length=1)]
Replicates = Annotated[StrictInt, Field(ge=40)]
Fraction = Annotated[float, Field(gt=0, lt=1)]

REPLICATES = 20_000
"""R, where neither a number nor a precision is asked for."""

MOST_REPLICATES = 1_000_000
"""The most that a precision may choose, where no other bound is given."""


class Entry(BaseModel):
    """A problem or an estimator by name, or as `module:Class`, with its arguments; a list of values is swept."""

    model_config = ConfigDict(extra="allow")
    name: str

    @property
    def combinations(self) -> list[dict[str, Any]]:
        """One set of arguments for each element of the product of the lists."""
        given = self.model_extra or {}
        swept = [value if isinstance(value, list) else [value] for value in given.values()]
        return [dict(zip(given, values, strict=True)) for values in itertools.product(*swept)]


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
    """The half-width of a variance's interval, relative to it, that R is chosen for by a pilot."""
    max_replicates: Annotated[StrictInt, Field(ge=STEP)] | None = None
    """The most that a precision may choose; a million where nothing is said."""
    cell_timeout: Annotated[float, Field(gt=0)] | None = None
    """Seconds that the replicates of one cell may take, by the pilot's speed."""
    samples: Samples
    adapt_steps: Annotated[StrictInt, Field(ge=1)] = 200
    reference_replicates: Replicates = 1_000
    """Of the long run that stands for the exact gradient where there is none."""
    equivalence_margin: Fraction = 0.05
    """The bias, relative to the gradient, within which an estimator may be called unbiased."""
    dtype: Literal["float32", "float64"] = "float32"
    generator: Literal[*GENERATORS] = "threefry"
    """Of the replicates' random numbers. θ and reference runs are made with threefry in any case."""
    problem: Annotated[list[ProblemEntry], Field(min_length=1)]
    estimator: Annotated[list[Entry], Field(min_length=1)]

    @model_validator(mode="after")
    def _one_way_to_replicates(self) -> "Sweep":
        given = [entry.replicates for entry in self.problem] + [self.replicates]
        if self.precision and any(given):
            raise ValueError("replicates and precision: expected one of them, not both")
        for bound in ("max_replicates", "cell_timeout"):
            if self.precision is None and getattr(self, bound) is not None:
                raise ValueError(f"{bound}: expected only with precision, which it bounds")
        if self.precision is None and self.replicates is None:
            self.replicates = REPLICATES
        return self

    def replicates_of(self, entry: ProblemEntry) -> int:
        """R of a problem's cells, or the most that it may be."""
        if self.precision:
            return (self.max_replicates or MOST_REPLICATES) // STEP * STEP
        return entry.replicates or self.replicates or REPLICATES


@dataclass(frozen=True)
class Choice:
    """A registered class with every argument filled in."""

    name: str
    arguments: tuple[tuple[str, Any], ...]
    revision: int = 1
    """A problem's."""

    @classmethod
    def of(cls, registry: dict[str, type], name: str, given: dict[str, Any]) -> "Choice":
        """`name` with the arguments given and the defaults of the others, numbers as floats."""
        taken = look_up("name", registry, name)
        kinds, filled = arguments(taken), defaults(taken) | given
        numbers = {
            key: float(v) if kinds[key].kind == "number" else v for key, v in sorted(filled.items())
        }
        return cls(name, tuple(numbers.items()), getattr(taken, "revision", 1))

    @property
    def json(self) -> str:
        """The arguments as JSON with sorted keys."""
        return json.dumps(dict(self.arguments), sort_keys=True)

    @property
    def label(self) -> str:
        """`name[argument=value,…]` with every argument: what a cell's key is made from."""
        return self.name + "[" + ",".join(f"{key}={value}" for key, value in self.arguments) + "]"


@dataclass(frozen=True)
class Cell:
    """One measurement: a problem at one θ, an estimator, L and R."""

    problem: Choice
    estimator: Choice
    point: str
    num_samples: int
    replicates: int
    """R; with a precision, the most that it may be."""
    seed: int
    adapt_steps: int
    dtype: str
    reference_replicates: int
    equivalence_margin: float
    precision: float | None = None
    timeout: float | None = None
    generator: str = "threefry"

    @cached_property
    def id(self) -> str:
        """A name made from everything that the result depends on, the same on every machine."""
        return self._digest(self.replicates, self.precision, self.timeout)

    @cached_property
    def series(self) -> str:
        """The same but for R: cells that differ in nothing else are longer and shorter runs of one another."""
        return self._digest()

    def _digest(self, *budget: float | None) -> str:
        spec = [
            self.problem.name,
            self.problem.json,
            self.estimator.name,
            self.estimator.json,
            self.point,
            self.num_samples,
            self.seed,
            self.adapt_steps,
            self.dtype,
            self.reference_replicates,
            self.equivalence_margin,
            *budget,
        ]
        if self.generator != "threefry":  # which was the only one when the first cells were named
            spec.append(self.generator)
        if self.problem.revision > 1:
            spec.append(f"revision {self.problem.revision}")
        return hashlib.sha256(json.dumps(spec).encode()).hexdigest()[:12]

    @property
    def key(self) -> Array:
        """That its replicates' keys are made from."""
        return cell_key(self.seed, self.problem.label, self.point, self.num_samples, self.generator)

    @property
    def label(self) -> str:
        """What a person is shown while it runs."""
        return f"{self.problem.name} {self.point} × {self.estimator.name} L={self.num_samples}"


@dataclass(frozen=True)
class Plan:
    """A sweep's cells, with the objects to measure and the reasons why some cannot be."""

    sweep: Sweep
    cells: list[Cell]
    reasons: dict[str, str]
    """Why a cell is skipped, by its id."""
    problems: dict[Choice, Problem]
    estimators: dict[Choice, Estimator]

    @property
    def measurable(self) -> list[Cell]:
        """The cells that are not skipped."""
        return [cell for cell in self.cells if cell.id not in self.reasons]


def preset_names() -> list[str]:
    """The sweeps that come with gradest."""
    return sorted(
        file.name.removesuffix(".toml")
        for file in preset_folder().iterdir()
        if file.name.endswith(".toml")
    )


def preset_folder() -> Any:
    """Where they are."""
    return resources.files("gradest.benchmarks.sweeps") / "presets"


def load_sweep(name: str) -> Sweep:
    """The sweep in the file `name`, or the preset of that name.

    Raises:
        BadInput: no such file or preset, not TOML, or any key or value that does not fit; all of
            them at once.
    """
    if name in preset_names():
        text, where = (
            (preset_folder() / f"{name}.toml").read_text(encoding="utf-8"),
            f"preset {name}",
        )
    elif (path := Path(name)).is_file():
        try:
            text, where = path.read_text(encoding="utf-8"), name
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"sweep {name}: cannot be read: {error}") from error
        search_in(path.parent)  # for problems and estimators of one's own, named module:Class
    else:
        known = preset_names()
        raise BadInput(
            f"sweep {name!r}: expected a file or a preset ({', '.join(known)}){nearest(name, known)}"
        )
    return parse_sweep(text, where)


def parse_sweep(text: str, where: str) -> Sweep:
    """A sweep from the text of its file; `where` names it in errors."""
    try:
        return Sweep.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{where}: not TOML: {error}") from error
    except ValidationError as error:
        raise BadInput(
            "\n".join(f"{where}: {describe(problem)}" for problem in error.errors())
        ) from error


def override(sweep: Sweep, **given: Any) -> Sweep:
    """The sweep with what the command line gives (None: nothing) in place of its own, for every
    problem.

    Raises:
        BadInput: a value that the sweep file could not have either.
    """
    given = {key: value for key, value in given.items() if value is not None}
    # R is given or chosen by precision: what the file says of the other way goes
    cleared = {key: None for way in given.keys() & WAYS for key in WAYS[way]}
    entries = [
        entry.model_copy(update={"replicates": None} if cleared else {}) for entry in sweep.problem
    ]
    whole = sweep.model_dump(by_alias=True) | cleared | given
    try:
        return Sweep.model_validate(whole | {"problem": [entry.model_dump() for entry in entries]})
    except ValidationError as error:
        raise BadInput("\n".join(map(as_option, error.errors()))) from error


WAYS = {"replicates": ("precision", "max_replicates", "cell_timeout"), "precision": ("replicates",)}
"""Each way to say how many replicates, with what belongs to the other."""


def as_option(problem: Any) -> str:
    """A finding that names an option of the command line as it is written there."""
    name, colon, rest = describe(problem).partition(" " if problem["loc"] else ":")
    return f"--{name.replace('_', '-')}{colon}{rest}"


def describe(problem: Any) -> str:
    """One of pydantic's findings in our words: the key, the value, what was expected."""
    place = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in problem["loc"]
    ).lstrip(".")
    if problem["type"] == "extra_forbidden":
        known = [field.alias or name for name, field in Sweep.model_fields.items()]
        return f"unknown key {place!r}: expected {', '.join(known)}{nearest(place, known)}"
    if problem["type"] == "missing":
        return f"{place} is missing"
    if not place:
        return problem["msg"].removeprefix("Value error, ")
    expected = problem["msg"].removeprefix("Input ").removeprefix("should ")
    known = (
        re.findall("'([^']+)'", problem["ctx"]["expected"])
        if problem["type"] == "literal_error"
        else []
    )
    return f"{place} = {problem['input']!r}: expected it to {expected}{nearest(str(problem['input']), known)}"


def resolve(sweep: Sweep) -> Plan:
    """The sweep's cells in order: problems, then L, then estimators.

    Raises:
        BadInput: unknown names or arguments, refused values, replicates that do not split; all of
            them at once. Also an estimator that no L of the sweep suits, and a sweep of which
            nothing can be measured.
    """
    faults: list[str] = []
    problems: dict[Choice, tuple[Problem, ProblemEntry]] = {}
    for entry in sweep.problem:
        for choice, built in choices("problem", PROBLEMS, entry, faults):
            problems[choice] = (built, entry)
    estimators = {
        choice: built
        for entry in sweep.estimator
        for choice, built in choices("estimator", ESTIMATORS, entry, faults)
    }
    for replicates in {sweep.reference_replicates, *map(sweep.replicates_of, sweep.problem)}:
        try:
            number_of_batches(replicates)
        except ValueError as error:
            faults.append(str(error))
    if faults:
        raise BadInput("\n".join(f"sweep {sweep.name}: {fault}" for fault in dict.fromkeys(faults)))

    cells, reasons = [], {}
    unsuited: dict[Choice, str] = {}
    suited: set[Choice] = set()
    for problem_choice, (problem, entry) in problems.items():
        refusals = {choice: estimator.refuses(problem) for choice, estimator in estimators.items()}
        for num_samples in dict.fromkeys(entry.samples or sweep.samples):
            for choice, estimator in estimators.items():
                cell = Cell(
                    problem_choice,
                    choice,
                    point_name(problem),
                    num_samples,
                    sweep.replicates_of(entry),
                    sweep.seed,
                    sweep.adapt_steps,
                    sweep.dtype,
                    sweep.reference_replicates,
                    sweep.equivalence_margin,
                    sweep.precision,
                    sweep.cell_timeout,
                    sweep.generator,
                )
                cells.append(cell)
                too_few = estimator.refuses_samples(num_samples)
                if reason := refusals[choice] or too_few:
                    reasons[cell.id] = reason
                else:
                    suited.add(choice)
                if too_few and not refusals[choice]:
                    unsuited[choice] = too_few
    faults = [f"estimator {c.label}: {reason}" for c, reason in unsuited.items() if c not in suited]
    if not faults and not suited:
        faults = ["nothing to measure: " + "; ".join(dict.fromkeys(reasons.values()))]
    if faults:
        raise BadInput("\n".join(f"sweep {sweep.name}: {fault}" for fault in faults))
    return Plan(
        sweep,
        cells,
        reasons,
        {choice: built for choice, (built, _) in problems.items()},
        estimators,
    )


def choices(
    kind: str, registry: dict[str, type], entry: Entry, faults: list[str]
) -> list[tuple[Choice, Any]]:
    """Every combination of an entry's arguments, built; what is wrong with it goes to `faults`."""
    found = []
    combinations = entry.combinations
    if not combinations:
        faults.append(empty(kind, entry))
    for given in combinations:
        try:
            built = build(kind, registry, entry.name, given)
        except (ValueError, ConnectionError) as error:
            faults.append(str(error))
        else:
            found.append((Choice.of(registry, entry.name, given), built))
    return found


def empty(kind: str, entry: Entry) -> str:
    """The fault of an entry that stands for nothing."""
    key = next(key for key, value in (entry.model_extra or {}).items() if value == [])
    return f"{kind} {entry.name}: {key} = []: expected at least one value"


def lengthened(sweep: Sweep, more: int) -> Sweep:
    """The sweep with so many more replicates; a problem with an R of its own gets more in
    proportion.

    Raises:
        BadInput: R was chosen by precision, or a sum does not split.
    """
    if sweep.precision:
        raise BadInput(
            f"sweep {sweep.name}: R was chosen by precision: ask for a smaller --precision instead"
        )
    base = sweep.replicates or REPLICATES
    own = {}
    for place, entry in enumerate(sweep.problem):
        if entry.replicates:
            share, rest = divmod(entry.replicates * more, base)
            if rest:
                step = base // math.gcd(base, entry.replicates)
                raise BadInput(
                    f"--replicates {more}: problem {entry.name} has R = {entry.replicates} of its own, which grows in "
                    f"proportion to the sweep's {base}: expected a multiple of {step}"
                )
            own[place] = entry.replicates + share
    problems = [
        e.model_copy(update={"replicates": own[i]} if i in own else {})
        for i, e in enumerate(sweep.problem)
    ]
    return sweep.model_copy(update={"replicates": base + more, "problem": problems})


def point_name(problem: Problem) -> str:
    """θ's name: where in its training the problem is measured."""
    steps = int(getattr(problem, "train_steps", 0))
    return f"step_{steps}" if steps else "init"
