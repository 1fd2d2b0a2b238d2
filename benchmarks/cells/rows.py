"""The measured columns of a cell, a row for each group of θ."""

import math
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.cells.rounding import rounding_of_objective
from gradest.benchmarks.cells.tasks import Setting
from gradest.benchmarks.measurement.exact_variances import exact_variance
from gradest.benchmarks.measurement.programs import random_groups
from gradest.benchmarks.measurement.replicates import Measurement
from gradest.benchmarks.statistics import intervals, tails
from gradest.benchmarks.statistics.bias import Bias, Truth, biases, untested
from gradest.benchmarks.statistics.intervals import Interval, Vector
from gradest.benchmarks.statistics.moments import Moments, leave_out, scale_of
from gradest.benchmarks.statistics.products import product
from gradest.benchmarks.statistics.reliability import is_unseen, reliability
from gradest.estimators.base import Estimator
from gradest.problems.base import Problem

DOUBTFUL = 0.05
"""The p-value of a bias below which it is asked whether it is rounding."""

MOST_KEPT = 1_000
"""Coordinates of a group whose exact gradient is kept; of more it would be most of the store."""

BESIDE = ("without", "gradient")
"""What is kept with a row and has no column of measurements.csv."""

LITTLE = 0.01
"""The part of an estimate's size above which a bias is no rounding: five digits would be lost."""


def rows_of(
    cell: Cell,
    problem: Problem,
    estimator: Estimator,
    setting: Setting,
    measurement: Measurement,
) -> list[dict[str, Any]]:
    """The measured columns, a row for each group of θ.

    Under "without" is what leave_one_out.csv has of it, statistics without each batch, under
    "gradient" the exact one, and under "data" what minibatches of any size follow from.
    """
    cost = estimator.evaluations(problem, cell.num_samples)
    variances = exact_variance(problem, estimator, setting.params, cell.num_samples) or {}
    shared = {
        "problem_revision": cell.problem.revision,
        "unbiased": estimator.claims_unbiased(problem),
        "exact": not any(truth.error.any() for truth in setting.truths.values()),
        "truth": setting.truth,
        "equivalence_margin": cell.equivalence_margin,
        "f_evals": cost.f,
        "grad_evals": cost.grad,
        "adapt_steps": measurement.adapt_steps,
        "adapt_f_evals": measurement.adapt_steps * cost.f,
        "adapt_grad_evals": measurement.adapt_steps * cost.grad,
        "timing_processes": 1,
        "compile_seconds": measurement.compile_seconds,
        **bounds("seconds", measurement.seconds),
    }
    findings = findings_of(cell, problem, estimator, setting, measurement, variances)
    rows = []
    for group, moments in measurement.moments.items():
        spread = spread_columns(
            moments,
            measurement.seconds,
            findings.rounding[group],
            unseen=group in findings.unseen,
        )
        deviation = findings.biases.get(group, untested(len(moments.mean)))
        spread["without"]["squared_bias"] = deviation.squared_without.tolist()
        own: dict[str, Any] = {
            "group": group,
            "exact_variance": variances.get(group, math.nan),
            "exact_norm": float(np.linalg.norm(setting.truths[group].gradient)),
            "gradient": gradient_kept(setting.truths[group]),
        }
        if setting.data is not None:
            points, spreads = setting.data
            own["data"] = {"points": points, "spread": spreads.get(group)}
        rows.append(shared | own | spread | bias_columns(deviation))
    return rows


def gradient_kept(truth: Truth) -> list[float] | None:
    """A gradient that is exact and short; of any other None."""
    if truth.error.any() or len(truth.gradient) > MOST_KEPT:
        return None
    return truth.gradient.tolist()


class Findings(NamedTuple):
    """What the replicates of a cell say of its biases."""

    biases: dict[str, Bias]
    """Of each group that is tested."""
    unseen: set[str]
    """The groups that are not: their replicates may lack an event."""
    rounding: dict[str, float]
    """The size of rounding errors in the estimates of each group."""

    def may_be_rounding(self, truths: Mapping[str, Truth]) -> bool:
        """Whether what was found may be rounding that was not seen: it is little of an estimate."""
        sizes = {group: np.linalg.norm(truths[group].gradient) for group in self.biases}
        little = [
            bias.norm < LITTLE * math.hypot(sizes[group], math.sqrt(bias.squared_error.value))
            for group, bias in self.biases.items()
            if bias.p < DOUBTFUL
        ]
        return bool(self.unseen) or any(little)


def findings_of(
    cell: Cell,
    problem: Problem,
    estimator: Estimator,
    setting: Setting,
    measurement: Measurement,
    variances: Mapping[str, float],
) -> Findings:
    """What the replicates of a cell say of its biases.

    Where an estimator looks biased that does not claim to be, the rounding of f is looked at too,
    which takes a program of its own.

    Args:
        cell, problem, estimator, setting, measurement: of the cell.
        variances: of each group, where they are known.
    """
    look = partial(tested, cell, problem, estimator, setting, measurement, variances)
    found = look(measurement.rounding)
    if not (estimator.claims_unbiased(problem) and found.may_be_rounding(setting.truths)):
        return found
    of_objective = rounding_of_objective(
        problem, estimator, setting.params, measurement.states, cell.key, cell.num_samples
    )
    seen = measurement.rounding
    return look({group: np.maximum(seen[group], of_objective[group]) for group in seen})


def tested(
    cell: Cell,
    problem: Problem,
    estimator: Estimator,
    setting: Setting,
    measurement: Measurement,
    variances: Mapping[str, float],
    rounded: Mapping[str, Vector],
) -> Findings:
    """The same, with the size of rounding errors in each coordinate of each group."""
    resolution = float(np.finfo(cell.dtype).eps)
    rounding = {
        group: size_of_rounding(moments, rounded[group], resolution)
        for group, moments in measurement.moments.items()
    }
    suspects = {
        group
        for group, moments in measurement.moments.items()
        if is_unseen(moments, setting.truths[group], rounding[group])
    }
    if suspects:  # not what is equal by theory: no random number enters, or the variance is 0
        suspects &= random_groups(problem, estimator, setting.params, cell.num_samples)
    unseen = {group for group in suspects if variances.get(group, math.inf) > 0}
    seen = {name: moments for name, moments in measurement.moments.items() if name not in unseen}
    truths = {name: setting.truths[name] for name in seen}
    margin = cell.equivalence_margin
    found = biases(seen, truths, resolution, margin, rounded) if seen else {}
    return Findings(found, unseen, rounding)


def size_of_rounding(moments: Moments, measured: Vector, resolution: float) -> float:
    """The size of rounding errors in a group's estimates, eight of which are no zero.

    Args:
        moments: of the group.
        measured: in each coordinate, twice of which is no bias: see `biases`.
        resolution: the relative precision of the arithmetic, of which no error is less.
    """
    return max(scale_of(moments) * resolution, float(np.linalg.norm(measured)) / 4)


def bounds(name: str, interval: Interval) -> dict[str, float]:
    """Three columns: a number and the ends of its interval."""
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}


def spread_columns(
    moments: Moments, seconds: Interval, rounding: float, *, unseen: bool
) -> dict[str, Any]:
    """The columns on variance, tails and signal of one group.

    Args:
        moments: of the group.
        seconds: of one estimate.
        rounding: the size of rounding errors in the group's estimates.
        unseen: whether the replicates may lack an event, so that their variance has no interval.
    """
    samples = leave_out(moments)
    total = intervals.jackknife(intervals.total_variance, samples)
    kurtosis = tails.kurtosis(moments)
    tail = tails.tail_index(moments)
    variance = intervals.interval(total, heavy=kurtosis > tails.HEAVY_TAIL)
    if unseen:
        variance = variance._replace(low=0.0, high=math.nan)
    share = intervals.largest_share(total)
    status, reason = reliability(
        moments.replicates, variance, kurtosis, tail, rounding, share, unseen=unseen
    )
    return {
        "dim": moments.mean.shape[1],
        "batches": len(moments.mean),
        "status": status,
        "reason": reason,
        "mean_norm": float(np.linalg.norm(samples.whole.mean)),
        "variance_per_dim": variance.value / moments.mean.shape[1],
        "kurtosis": kurtosis,
        "without": {"variance": total.without.tolist()},
        **bounds("tail_index", Interval(tail.alpha, *tail.interval)),
        **bounds("variance", variance),
        **bounds("variance_max", intervals.largest_variance(samples)),
        **bounds("snr", intervals.signal_to_noise(samples)),
        **bounds("work_normalised_variance", product(variance, seconds)),
    }


def bias_columns(bias: Bias) -> dict[str, Any]:
    """The columns on the bias of one group, and on the error that is made of it and of noise."""
    return {
        "bias_norm": bias.norm,
        "bias_p": bias.p,
        "bias_detectable": bias.detectable,
        "equivalence_p": bias.equivalence_p,
        **bounds("bias_squared", bias.squared),
        **bounds("bias_relative", bias.relative),
        **bounds("cosine", bias.cosine),
        **bounds("mse", bias.squared_error),
        **bounds("relative_rmse", bias.relative_error),
    }
