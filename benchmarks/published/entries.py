"""What a sweep says of a paper: its reference, its numbers, and how it draws them."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, StrictInt, model_validator

from gradest.benchmarks.paper_metrics.metrics import (
    ALONG_TRAINING,
    METRICS,
    OF_ONE_COORDINATE,
    OF_TRAINING,
)
from gradest.benchmarks.published.whole import OF_WHOLE, WHOLE
from gradest.problems.arguments import nearest, shown
from gradest.problems.registry.naming import parse, written

Value = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1)]
Lines = Annotated[dict[str, Text], Field(min_length=1)]
Values = Annotated[dict[str, Value], Field(min_length=1)]
Draws = Annotated[StrictInt, Field(ge=2)]
AxisScale = Literal["linear", "log"]

WITHOUT_CELL = ("no data", "no estimator")
"""Why a number has no cell: what it is measured on, or by, cannot be had here."""

REASONS = ("ties", "bug", "other metric", "other data", *WITHOUT_CELL)
"""Why a number may be shown and not counted."""

SAMPLES, STEP = "num_samples", "step"

KINDS = ("problem", "estimator")
"""Whose arguments a series may run over, as `problem.logit` or `estimator.summed`."""


class Strict(BaseModel):
    """A table of a sweep's file in which unknown keys are errors."""

    model_config = ConfigDict(extra="forbid")


class Paper(Strict):
    """The paper that a sweep repeats."""

    reference: Text
    """In the words of references.toml."""
    code: str = ""
    """The repository and commit that its settings were read in."""


class PublishedCell(Strict):
    """The cell of a published number, as `-p` and `-e` name a problem and an estimator."""

    problem: Text
    estimator: Text
    num_samples: Annotated[StrictInt, Field(ge=1)] | None = None
    """L; None where a series runs over it, or where the sweep has the estimator at one L alone."""
    step: Annotated[StrictInt, Field(ge=0)] | None = None
    """Of training, a checkpoint of the sweep's; None where nothing was trained before."""


class Published(Strict):
    """A published number, or a series of them that differ in one thing."""

    figure: Text
    """The paper's figure or table that it is in, in words."""
    cell: PublishedCell | None = None
    """None where there is nothing to compare with: see WITHOUT_CELL."""
    group: str | None = None
    """Of θ; the objective alone has none."""
    metric: Literal[*METRICS]
    value: Value | None = None
    over: str = ""
    """What a series runs over: num_samples, step, or an argument, `problem.logit`,
    `estimator.summed`."""
    values: Values | None = None
    """Of a series, by what it runs over."""
    how: Literal["printed", "vector", "raster"]
    """How it was read: as printed, or off a figure of one kind or the other."""
    relative_error: Annotated[Value, Field(ge=0, lt=1)] = 0.0
    """Of the reading: within it with 95 %. Of a metric that is a logarithm, that of what it is
    one of."""
    absolute_error: Annotated[Value, Field(ge=0)] = 0.0
    """The same in the unit of the metric: of a loss, say. One of the two."""
    draws: Draws | None = None
    """From how many the authors estimated it; None where that is not known, or none."""
    seeds: Annotated[StrictInt, Field(ge=1)] | None = None
    """Along training: over how many of theirs it is the mean. None: it is of one, or of how many is
    not said; then it may lie as far off as one of ours does."""
    coordinate: Annotated[StrictInt, Field(ge=0)] | None = None
    """The only one of the group that it is of; None where it is of all."""
    source: Text
    note: str = ""
    not_counted: Literal[*REASONS] | None = None
    """Why it is shown alone: nobody can tell whether it should agree."""

    @model_validator(mode="after")
    def _one_number_or_a_series(self) -> "Published":
        if (self.value is None) == (self.values is None):
            raise ValueError("expected value, or over and values; got both or neither")
        if bool(self.over) != bool(self.values):
            raise ValueError("over and values: expected both or neither")
        kind, point, _ = self.over.partition(".")
        if self.over not in ("", SAMPLES, STEP) and not (point and kind in KINDS):
            known = [SAMPLES, STEP, *(f"{kind}.ARGUMENT" for kind in KINDS)]
            raise ValueError(
                f"over = {shown(self.over)}: expected {', '.join(known)}"
                f"{nearest(self.over, [SAMPLES, STEP])}"
            )
        return self

    @model_validator(mode="after")
    def _said_why(self) -> "Published":
        if self.not_counted and not self.note:
            raise ValueError(f"not_counted = {shown(self.not_counted)}: expected a note with it")
        if self.relative_error and self.absolute_error:
            raise ValueError("relative_error and absolute_error: expected one of them, not both")
        if self.how != "printed" and not (self.relative_error or self.absolute_error):
            raise ValueError(
                f"how = {shown(self.how)}: expected its relative_error or absolute_error, above 0"
            )
        return self

    @model_validator(mode="after")
    def _has_a_cell(self) -> "Published":
        known = " or ".join(map(shown, WITHOUT_CELL))
        if (self.cell is None) != (self.not_counted in WITHOUT_CELL):
            raise ValueError(f"cell: expected one, or else not_counted = {known}")
        if self.cell is None and self.over:
            raise ValueError(f"over: expected none with not_counted = {known}")
        return self

    @model_validator(mode="after")
    def _fits_its_metric(self) -> "Published":
        metric = METRICS[self.metric]
        numbers = [self.value] if self.values is None else [*self.values.values()]
        if metric.scale == "positive" and not all(number and number > 0 for number in numbers):
            raise ValueError(f"metric {self.metric}: expected numbers above 0")
        if self.coordinate is not None and self.metric not in OF_ONE_COORDINATE:
            known = ", ".join(OF_ONE_COORDINATE)
            raise ValueError(f"coordinate with metric {self.metric}: expected one of {known}")
        if self.group == WHOLE and (self.metric not in OF_WHOLE or self.coordinate is not None):
            known = ", ".join(OF_WHOLE)
            raise ValueError(
                f"group = {shown(WHOLE)} with metric {self.metric}: expected one of {known}, "
                "and no coordinate"
            )
        return self

    @property
    def is_along(self) -> bool:
        """Whether it is of a step of training."""
        return self.over == STEP or (self.cell is not None and self.cell.step is not None)

    @model_validator(mode="after")
    def _fits_training(self) -> "Published":
        if self.metric in OF_TRAINING:
            self._fits_the_objective()
        elif self.group is None:
            raise ValueError(f"group is missing: expected one with metric {self.metric}")
        if not self.is_along:
            if self.seeds is not None:
                raise ValueError("seeds: expected only with a step of training")
            return self
        if self.metric not in ALONG_TRAINING:
            known = ", ".join(ALONG_TRAINING)
            raise ValueError(f"metric {self.metric} with a step: expected one of {known}")
        if self.coordinate is not None:
            raise ValueError("coordinate with a step of training: expected none")
        return self

    def _fits_the_objective(self) -> None:
        """Refuses what a number of the objective cannot have.

        Raises:
            ValueError: with that.
        """
        if not self.is_along:
            raise ValueError(f"metric {self.metric}: expected step in cell, of training")
        for name in ("group", "draws"):
            if getattr(self, name) is not None:
                raise ValueError(f"{name} with metric {self.metric}: expected none")


class PaperFigure(Strict):
    """A figure as the paper draws it."""

    figure: Text
    """Its title."""
    metric: Literal[*METRICS]
    x: str = ""
    """f_evals, num_samples, step, or an argument; without it each line is a row of one point."""
    x_as: Literal["probability"] | None = None
    """What is drawn in place of an argument: of a logit the probability."""
    x_label: str = ""
    x_scale: AxisScale = "linear"
    y_label: str = ""
    y_limits: Annotated[list[Value], Field(min_length=2, max_length=2)] | None = None
    """Of the axis, where the paper's leaves some lines out."""
    y_scale: AxisScale | None = None
    """None: as the metric's errors add up."""
    panel: str = ""
    """What has a panel for each of its values, as x is written."""
    panel_label: str = ""
    """What that is called."""
    columns: Annotated[StrictInt, Field(ge=1, le=4)] = 2
    group: str = ""
    """Of θ, where there are several."""
    lines: Lines
    """The estimators, by what the paper calls them: those of the sweep that have the arguments that
    are written, whatever the others."""
    slopes: Values | None = None
    """Where the paper has a power law in large x: the power, by the line."""
    is_rising: bool = False
    """Whether the paper has the variance rise from each line to the next."""
    note: str = ""
    """A sentence under the figure."""

    @model_validator(mode="after")
    def _states_what_it_draws(self) -> "PaperFigure":
        if self.slopes and not self.x:
            raise ValueError("slopes: expected x, in which they are")
        for label in self.slopes or {}:
            if label not in self.lines:
                known = [*self.lines]
                raise ValueError(
                    f"slopes: {shown(label)}: expected one of {', '.join(known)}"
                    f"{nearest(label, known)}"
                )
        if self.is_rising and (self.metric, len(self.lines) > 1) != ("variance", True):
            raise ValueError("is_rising: expected metric variance and two lines or more")
        return self


class Number(NamedTuple):
    """One published number."""

    place: str
    """Of its entry in the sweep's file, for errors."""
    entry: Published
    key: str
    """In a series, what it is under; else empty."""
    problem: str
    estimator: str
    num_samples: int | None
    step: int | None
    value: float

    @property
    def text(self) -> str:
        """Its cell in words."""
        level = "" if self.num_samples is None else f" L={self.num_samples}"
        return f"{self.problem} {self.estimator}{level}"


def numbers_of(entries: Sequence[Published]) -> Iterator[Number]:
    """Every number of a sweep's entries that has a cell.

    Raises:
        ValueError: a series runs over what is no number, or a cell is not written as one is.
    """
    for number, entry in enumerate(entries):
        place = f"published[{number}]"
        cell = entry.cell
        if cell is None:
            continue
        fixed = cell.model_dump()
        if entry.values is None:
            assert entry.value is not None
            yield Number(place, entry, "", **of_cell(fixed), value=entry.value)
            continue
        for key, value in entry.values.items():
            chosen = fixed | at(fixed, entry.over, key, place)
            yield Number(f"{place}.values.{key}", entry, key, **of_cell(chosen), value=value)


def of_cell(chosen: dict[str, Any]) -> dict[str, Any]:
    """The parts of a number that say which cell it belongs to, and at which step."""
    return {name: chosen[name] for name in (*KINDS, SAMPLES, STEP)}


def at(fixed: dict[str, Any], over: str, key: str, place: str) -> dict[str, Any]:
    """What a series has in place of the cell's own, at one of its keys.

    Raises:
        ValueError: the key is no number, or the cell says what the series runs over.
    """
    try:
        value: Any = int(key) if key.lstrip("+-").isdigit() else float(key)
    except ValueError:
        raise ValueError(f"{place}.values: {shown(key)}: expected a number") from None
    if over in (SAMPLES, STEP):
        if fixed[over] is not None:
            raise ValueError(f"{place}: over = {over}: expected none in cell")
        return {over: value}
    kind, _, argument = over.partition(".")
    name, arguments = parse(fixed[kind])
    if argument in arguments:
        raise ValueError(f"{place}: over = {shown(over)}: expected no {argument} in cell")
    return {kind: written(name, arguments | {argument: value})}
