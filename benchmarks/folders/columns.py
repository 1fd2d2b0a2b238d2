"""The columns of a run's tables: their order, what each means, its unit and its type.

The fields of `Row` are the columns of measurements.csv, those of `LeftOutRow` the columns of
leave_one_out.csv, and those of `RankedRow` the columns of leaderboard.csv. `columns_page` makes
docs/columns.md of them.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

EVALUATIONS = "evaluations"
GRADIENT = "g"
SQUARED = "g²"
WORK = "g² s"
SECONDS = "s"

DTYPES: dict[Any, str | None] = {
    str: "str",
    str | None: "str",
    int: "int64",
    int | None: "Int64",
    float: "float64",
    bool | None: None,  # as pandas finds it: flags where none is missing, else objects
}
"""The types of a field, with those that pandas reads it as."""


def column(meaning: str, unit: str = "", **default: Any) -> Any:
    """A column: what it means and in which unit it is; `default` where a cell has no number."""
    return dataclasses.field(metadata={"meaning": meaning, "unit": unit}, **default)


def number(meaning: str, unit: str = "") -> Any:
    """A column of numbers, empty where a cell was not measured or has none."""
    return column(meaning, unit, default=math.nan)


def low(name: str, unit: str = "") -> Any:
    """The column of the lower end of an interval."""
    return number(f"lower end of the 95 % interval of {name}", unit)


def high(name: str, unit: str = "") -> Any:
    """The column of the upper end of an interval."""
    return number(f"upper end of the 95 % interval of {name}", unit)


def optional(meaning: str, unit: str = "") -> Any:
    """A column of texts, flags or whole numbers, empty where a cell was not measured."""
    return column(meaning, unit, default=None)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of measurements.csv: one cell and one group of θ; one row of a cell not measured."""

    cell: str = column("name of the cell, made from everything that its result depends on")
    problem: str = column("the problem: a registered name, or `module:Class`")
    problem_args: str = column("its arguments as JSON, those left at their defaults too")
    problem_revision: float = number("how often its numbers have changed, from 1 on")
    estimator: str = column("the estimator: a registered name, or `module:Class`")
    estimator_args: str = column("its arguments as JSON, those left at their defaults too")
    point: str = column("θ: `init`, or `step_N` after N steps of training")
    theta: str | None = optional("checksum of the numbers of θ, rounded")
    group: str | None = optional("group of θ that the gradient is taken with respect to")
    dim: int | None = optional("numbers in the group, P")
    num_samples: int = column("L, draws of x at which one estimate evaluates f", "draws")
    replicates: int = column("R, independent estimates that the numbers are made of", "estimates")
    batches: int | None = optional("batches of replicates that the intervals are made of")
    seed: int = column("of θ and of all random numbers")
    dtype: str = column("precision that estimates were made in")
    status: str = column("`ok`, `unreliable` (no interval is to be trusted), `skipped`, `failed`")
    reason: str | None = optional("why the status is what it is, or what else is to be said")
    mean_norm: float = number("length of the mean of the estimates", GRADIENT)
    variance: float = number("trace of the covariance of one estimate", SQUARED)
    variance_low: float = low("variance", SQUARED)
    variance_high: float = high("variance", SQUARED)
    variance_per_dim: float = number("variance / P", SQUARED)
    variance_max: float = number("largest variance of a coordinate", SQUARED)
    variance_max_low: float = low("variance_max", SQUARED)
    variance_max_high: float = high("variance_max", SQUARED)
    exact_variance: float = number("the variance without Monte Carlo, where it is known", SQUARED)
    kurtosis: float = number("E‖g − E g‖⁴ / (E‖g − E g‖²)², g an estimate")
    tail_index: float = number("moments that the estimate has, by its largest distances")
    tail_index_low: float = low("tail_index")
    tail_index_high: float = high("tail_index")
    snr: float = number("signal to noise of one estimate, ‖E g‖ / √variance")
    snr_low: float = low("snr")
    snr_high: float = high("snr")
    unbiased: bool | None = optional("whether the estimator claims to be unbiased here")
    exact: bool | None = optional("whether the truth has no error of its own")
    truth: str | None = optional("where the gradient to compare with is from")
    exact_norm: float = number("length of the truth, ‖∇‖", GRADIENT)
    bias_norm: float = number("‖bias‖, zero where noise explains all of it", GRADIENT)
    bias_squared: float = number("‖bias‖² less what noise adds, so possibly negative", SQUARED)
    bias_squared_low: float = low("bias_squared", SQUARED)
    bias_squared_high: float = high("bias_squared", SQUARED)
    bias_relative: float = number("the bias along the truth, as a fraction of its length")
    bias_relative_low: float = low("bias_relative")
    bias_relative_high: float = high("bias_relative")
    cosine: float = number("of the angle between the mean estimate and the truth")
    cosine_low: float = low("cosine")
    cosine_high: float = high("cosine")
    bias_p: float = number("p-value of no bias in any coordinate (Holm)")
    bias_q: float = number("the same among all rows that claim alike (Benjamini–Hochberg)")
    bias_detectable: float = number("bias of one coordinate that 80 % of runs would find", GRADIENT)
    equivalence_margin: float = number("bias / ‖truth‖ that passes for none")
    equivalence_p: float = number("p-value of a bias beyond the margin in some coordinate")
    bias_finding: str | None = optional(
        "`biased`, `equivalent` (to unbiased) or `none found`; empty in unreliable rows"
    )
    minibatch: int | None = optional(
        "data points that each estimate is made on, drawn afresh; empty where on all"
    )
    minibatch_size: int | None = optional("data points in a minibatch, n, as the sweep states")
    minibatch_variance: float = number(
        "variance of the exact gradient of n of N data points, N²/n (1 − n/N) S²", SQUARED
    )
    own_variance: float = number(
        "the estimator's own part: variance less minibatch_variance, so possibly negative; empty "
        "where estimates are on all data points, or the estimator is biased",
        SQUARED,
    )
    own_variance_low: float = low("own_variance", SQUARED)
    own_variance_high: float = high("own_variance", SQUARED)
    mse: float = number("mean squared error of one estimate, variance + ‖bias‖²", SQUARED)
    mse_low: float = low("mse", SQUARED)
    mse_high: float = high("mse", SQUARED)
    relative_rmse: float = number("√mse / ‖truth‖")
    relative_rmse_low: float = low("relative_rmse")
    relative_rmse_high: float = high("relative_rmse")
    f_evals: int | None = optional("evaluations of f that one estimate makes", EVALUATIONS)
    grad_evals: int | None = optional("evaluations of f's gradient that it makes", EVALUATIONS)
    adapt_steps: int | None = optional("estimates made to warm up a learned state", "estimates")
    adapt_f_evals: int | None = optional("evaluations of f in them", EVALUATIONS)
    adapt_grad_evals: int | None = optional("evaluations of f's gradient in them", EVALUATIONS)
    seconds: float = number("time of one estimate, replicates run batched", SECONDS)
    seconds_low: float = low("seconds", SECONDS)
    seconds_high: float = high("seconds", SECONDS)
    seconds_alone: float = number("time of one gradient, computed alone by a jitted call", SECONDS)
    seconds_alone_low: float = low("seconds_alone", SECONDS)
    seconds_alone_high: float = high("seconds_alone", SECONDS)
    timing_processes: int | None = optional("processes that it was timed in", "processes")
    compile_seconds: float = number("time of set-up: compiling, warm-up, pilot", SECONDS)
    work_normalised_variance: float = number("variance × seconds", WORK)
    work_normalised_variance_low: float = low("work_normalised_variance", WORK)
    work_normalised_variance_high: float = high("work_normalised_variance", WORK)


@dataclass(frozen=True, kw_only=True)
class LeftOutRow:
    """A row of leave_one_out.csv: the statistics of one cell and group without one batch."""

    cell: str = column("name of the cell, as in measurements.csv")
    group: str = column("group of θ")
    batch: int = column("batch of replicates that is left out, from 0 on")
    variance: float = column("variance over all replicates but those of the batch", SQUARED)
    squared_bias: float = column("bias_squared over them", SQUARED)


@dataclass(frozen=True, kw_only=True)
class RankedRow:
    """A row of leaderboard.csv: an estimator at one place, at what one gradient may cost."""

    problem: str = column("the problem, as in measurements.csv")
    problem_args: str = column("its arguments as JSON")
    point: str = column("θ")
    group: str = column("group of θ")
    budget: int = column("what one gradient may cost, of f and of its gradient", EVALUATIONS)
    among: str = column("among whom: `all`, or `unbiased`")
    rank: int = column("1 is the smallest relative_rmse; what was found to point away is last")
    tie: bool = column("whether the error may be that of rank 1")
    estimator: str = column("the estimator, as in measurements.csv")
    estimator_args: str = column("its arguments as JSON")
    num_samples: int = column("L, the largest that the budget pays for", "draws")
    measured_samples: int | None = optional(
        "the nearest measured L below, where the variance follows exactly from those at measured "
        "L; empty where num_samples was measured",
        "draws",
    )
    paid_samples: int | None = optional(
        "the L that the budget pays for, where it is larger and the variance is not known there",
        "draws",
    )
    estimates: int = column("how many estimates of num_samples draws the row is the mean of")
    relative_rmse: float = number("√mse / ‖truth‖; √mse where the truth is 0")
    relative_rmse_low: float = low("relative_rmse")
    relative_rmse_high: float = high("relative_rmse")
    biased: bool = column("whether it claims to be biased, or was found to be")
    bias_relative: float = number("the bias along the truth, as a fraction of its length")
    f_evals: int = column("evaluations of f, of all estimates", EVALUATIONS)
    grad_evals: int = column("evaluations of f's gradient, of all estimates", EVALUATIONS)
    status: str = column("`ok`, or `unreliable`")


def columns_of(row: type) -> tuple[str, ...]:
    """The names of a table's columns, in order."""
    return tuple(field.name for field in dataclasses.fields(row))


def dtypes_of(row: type) -> dict[str, str]:
    """The types that pandas is to read a table's columns as; others it finds by itself."""
    types = {field.name: DTYPES[field.type] for field in dataclasses.fields(row)}
    return {name: dtype for name, dtype in types.items() if dtype}


COLUMNS = columns_of(Row)
"""Of measurements.csv, in this order."""

LEFT_OUT_COLUMNS = columns_of(LeftOutRow)
"""Of leave_one_out.csv, in this order."""

WHOLE = tuple(name for name, dtype in dtypes_of(Row).items() if dtype == "Int64")
"""Columns of whole numbers, empty where a cell was not measured."""

ADDED = (
    "mse",
    "mse_low",
    "mse_high",
    "relative_rmse",
    "relative_rmse_low",
    "relative_rmse_high",
    "minibatch",
    "minibatch_size",
    "minibatch_variance",
    "own_variance",
    "own_variance_low",
    "own_variance_high",
    "seconds_alone",
    "seconds_alone_low",
    "seconds_alone_high",
    "std_mean",
)
"""Columns that came after 0.3: a file of then lacks them, and is read as if they were empty."""

SORTED_BY = (
    "problem",
    "problem_args",
    "point",
    "estimator",
    "estimator_args",
    "group",
    "num_samples",
)
"""The columns that rows are sorted by."""
