"""The columns of training.csv and trajectory.csv: what training made of θ, and gradients there."""

from dataclasses import dataclass

from gradest.benchmarks.folders.columns import (
    EVALUATIONS,
    GRADIENT,
    SECONDS,
    Row,
    column,
    columns_of,
    high,
    low,
    number,
    optional,
)

TRAINING, TRAJECTORY = TRAINING_TABLES = ("training.csv", "trajectory.csv")
"""What a sweep with [training] writes besides."""


@dataclass(frozen=True, kw_only=True)
class TrainingRow:
    """A row of training.csv: one training with one seed, after some steps."""

    problem: str = column("the problem, as in measurements.csv")
    problem_args: str = column("its arguments as JSON")
    estimator: str = column("the estimator that θ was trained with")
    estimator_args: str = column("its arguments as JSON")
    num_samples: int = column("L of each step", "draws")
    seed: int = column("of the random numbers of training; θ starts at the same place for all")
    step: int | None = optional("steps made; empty where training failed")
    seconds: float = number("time of these steps, of training alone", SECONDS)
    f_evals: int | None = optional("evaluations of f in them", EVALUATIONS)
    grad_evals: int | None = optional("evaluations of f's gradient in them", EVALUATIONS)
    objective: float = number(
        "E[f] at θ; f is the mean over data points in VAEs, and the sum over them in "
        "`logistic_regression` and `bayesian_network`"
    )
    objective_low: float = low("objective")
    objective_high: float = high("objective")
    objective_kind: str | None = optional("`exact`, or `estimated` on draws that are always alike")
    held_out: float = number(
        "the objective on data that were held out, of VAEs alone: the mean over these data points; "
        "empty where there are none"
    )
    held_out_low: float = low("held_out")
    held_out_high: float = high("held_out")
    status: str = column("`ok`, `diverged` (θ is no longer finite: no further step), `failed`")
    reason: str | None = optional("why the status is what it is")


@dataclass(frozen=True, kw_only=True)
class TrajectoryRow(Row):
    """A row of trajectory.csv: the gradient at θ after some steps, for one group of θ.

    Its columns are those of measurements.csv, and these; `cell` is the cell whose problem,
    estimator and L were trained.
    """

    seed: int = column("of training, as in training.csv")
    step: int | None = optional("steps of training made before; empty where training failed")
    std_mean: float = number("mean over coordinates of their standard deviation", GRADIENT)


TRAINING_COLUMNS = columns_of(TrainingRow)
"""Of training.csv, in this order."""

TRAJECTORY_COLUMNS = columns_of(TrajectoryRow)
"""Of trajectory.csv, in this order."""

TRAINING_WHOLE = ("step", "f_evals", "grad_evals")
"""Columns of training.csv with whole numbers, empty where training failed."""
