"""The table [training] of a sweep: how θ is trained, and what is looked at along the way."""

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from gradest.benchmarks.limits import MOST_REPLICATES, MOST_SAMPLES, MOST_SEEDS, MOST_STEPS
from gradest.benchmarks.training.optimizers import SCHEDULES, Recipe, expect_optimizer

Step = Annotated[int, Field(ge=0, le=MOST_STEPS)]
CHECKPOINTS = 5
"""How many there are where nothing is said, or all steps where these are fewer."""

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Training(BaseModel):
    """[training]. A key that is none of these is an argument of the optimizer's, or an error."""

    model_config = ConfigDict(extra="allow", strict=True)
    steps: Annotated[int, Field(ge=1, le=MOST_STEPS)]
    optimizer: str = "adam"
    learning_rate: Positive = 0.01
    schedule: Literal[*SCHEDULES] = "constant"
    """Of the learning rate; "cosine" falls to 0 over all steps."""
    exponent: Positive | None = None
    """Of the cosine: 1 where nothing is said; ½ is cos(πt/2T)."""
    seeds: Annotated[int, Field(ge=1, le=MOST_SEEDS)] = 1
    """How many, from 0 on. They are of the random numbers of training: θ starts where it is
    measured, whatever the seed."""
    checkpoints: list[Step] | Annotated[int, Field(ge=2, le=MOST_STEPS)] = CHECKPOINTS
    """Steps at which gradients are measured; or how many, spaced in the logarithm, 0 and `steps`
    among them."""
    checkpoints_on: Literal["all"] | None = None
    """"all": gradients at checkpoints are made on all data points, where steps are on minibatches.
    Without it they are made as the steps are."""
    curve_points: Annotated[int, Field(ge=1, le=MOST_STEPS)] = 50
    """Steps, about, at which the objective is recorded, evenly spaced."""
    evaluate_samples: Annotated[int, Field(ge=2, le=MOST_SAMPLES)] = 1_000
    """Draws by which an objective is estimated that is not known exactly."""
    replicates: Annotated[int, Field(ge=40, le=MOST_REPLICATES)] | None = None
    """R at checkpoints; the sweep's where nothing is said."""
    maximize: bool = False
    target: Annotated[float, Field(allow_inf_nan=False)] | None = None
    """The objective that is to be reached, of which the summary says when; no training depends on
    it."""

    @model_validator(mode="after")
    def _as_optax_has_it(self) -> "Training":
        if self.exponent is not None and self.schedule != "cosine":
            raise ValueError(
                f"exponent = {self.exponent:g}: expected only with schedule = 'cosine'"
            )
        try:
            expect_optimizer(self.optimizer, self.arguments, *type(self).model_fields)
        except ValueError as error:
            raise ValueError(f"optimizer {self.optimizer!r}: {error}") from error
        return self

    @model_validator(mode="after")
    def _within_the_steps(self) -> "Training":
        if isinstance(self.checkpoints, int):
            if self.checkpoints > max(self.steps + 1, CHECKPOINTS):
                raise ValueError(
                    f"checkpoints = {self.checkpoints}: expected at most {self.steps + 1}, the "
                    f"steps from 0 to {self.steps}"
                )
            return self
        for step in self.checkpoints:
            if step > self.steps:
                raise ValueError(f"checkpoints: {step}: expected at most steps = {self.steps}")
        return self

    @property
    def arguments(self) -> dict[str, Any]:
        """Of the optimizer."""
        return self.model_extra or {}

    @property
    def recipe(self) -> Recipe:
        """The optimizer."""
        return Recipe(
            self.optimizer,
            self.learning_rate,
            tuple(sorted(self.arguments.items())),
            self.steps if self.schedule == "cosine" else None,
            self.exponent or 1.0,
            self.maximize,
        )

    @property
    def measured(self) -> list[int]:
        """The steps at which gradients are measured, in order."""
        if isinstance(self.checkpoints, list):
            return sorted(set(self.checkpoints))
        after_start = min(self.checkpoints - 1, self.steps)
        if after_start == 1:
            return [0, self.steps]
        spaced = np.rint(np.geomspace(1, self.steps, after_start)).astype(int)
        # rounded, several of the first may be one step: each goes to the next that is free
        order = np.arange(after_start)
        apart = np.maximum.accumulate(spaced - order) + order
        return [0, *np.minimum(apart, self.steps - order[::-1]).tolist()]

    @property
    def recorded(self) -> list[int]:
        """The steps at which the objective is recorded, the measured ones among them."""
        return sorted({*evenly(self.steps, self.curve_points), *self.measured})


def evenly(steps: int, points: int) -> list[int]:
    """About so many steps from 0 to the last, evenly spaced.

    >>> evenly(7, 3)
    [0, 2, 4, 6, 7]
    """
    return [*range(0, steps, max(steps // points, 1)), steps]
