"""Training as it is read back: for each problem its estimators, for each of them a curve a seed.

All comes from training.csv and trajectory.csv. What is compared are the estimators of one contest:
the same problem from the same θ, with as many draws a step.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from gradest.benchmarks.analysis.labels import problem_label
from gradest.benchmarks.analysis.results import ESTIMATOR, Run, labelled

CONTEST = ["problem", "problem_args", "num_samples"]
"""What all trainings of a contest agree in."""

FINE = ("ok", "unreliable")
"""Of a row with numbers."""

Numbers = Float[np.ndarray, " n"]


class Cost(NamedTuple):
    """What training is counted in."""

    title: str
    """Of an axis."""
    each: str
    """Of one of them: "per step"."""


COSTS = {
    "step": Cost("steps", "step"),
    "evaluations": Cost("evaluations of f and its gradient", "evaluation"),
    "seconds": Cost("seconds of training", "second"),
}
"""By the attribute of a curve."""


class Curve(NamedTuple):
    """One seed's objective along training, as far as θ was finite."""

    step: Numbers
    evaluations: Numbers
    seconds: Numbers
    objective: Numbers
    held_out: Numbers
    """The objective of held-out data; not a number where there is none."""
    ended: str
    """Why it ended before its time; empty where it did not."""
    broken: float
    """The step at which it was seen that θ, or the objective, is not finite; ∞ where it is."""


class Checkpoint(NamedTuple):
    """One estimator's errors at the θ that its own training has come to, in all of θ."""

    variance: float
    mse: float
    """With the ends of its interval."""
    mse_low: float
    mse_high: float
    bias_squared: float
    squared_norm: float
    """‖∇‖² there."""
    is_found: bool
    """Whether a bias was found, in some group of θ."""

    @property
    def relative(self) -> float:
        """ln of the relative root mean square error; −∞ where there is no error."""
        return half_log(self.mse, self.squared_norm)


class Trained(NamedTuple):
    """What one estimator made of θ."""

    estimator: str
    estimator_args: str
    label: str
    """In words."""
    claims: bool
    """Whether it claims to be unbiased at every checkpoint."""
    curves: dict[int, Curve]
    """By seed."""
    checkpoints: dict[int, dict[int, Checkpoint]]
    """By seed and step."""

    @property
    def diverged(self) -> int:
        """How many seeds ended before their time."""
        return sum(bool(curve.ended) for curve in self.curves.values())

    @property
    def broken_at(self) -> list[int]:
        """The steps at which its seeds were seen to have diverged."""
        return sorted(int(each.broken) for each in self.curves.values() if each.ended)

    @property
    def is_found(self) -> bool:
        """Whether a bias was found at more than half of the checkpoints."""
        found = [each.is_found for each in self.all_checkpoints()]
        return bool(found) and float(np.mean(found)) > 0.5

    @property
    def is_unbiased(self) -> bool:
        """Whether it may be called unbiased: it claims to be, and was not found otherwise."""
        return self.claims and not self.is_found

    @property
    def cost(self) -> float:
        """Evaluations of f and its gradient in one step."""
        curve = next(iter(self.curves.values()))
        return float(curve.evaluations[-1] / curve.step[-1]) if curve.step[-1] else np.nan

    def all_checkpoints(self) -> Iterator[Checkpoint]:
        """Those of all seeds and steps."""
        for steps in self.checkpoints.values():
            yield from steps.values()


class Contest(NamedTuple):
    """Estimators that trained the same θ, each with as many draws a step."""

    problem: str
    problem_args: str
    num_samples: int
    title: str
    """In words; L is in it where the run has several."""
    sign: int
    """1 where the objective is to fall, −1 where it is to rise."""
    trained: tuple[Trained, ...]
    failed: dict[str, str]
    """Why others have no curve, by their label."""
    is_exact: bool
    """Whether the objective is without error of its own."""
    stated: float | None = None
    """The objective that is to be reached, where the sweep states one."""
    asked: int | None = None
    """Steps that the sweep asks for, where it is known."""

    @property
    def steps(self) -> int:
        """That were asked for; of the longest curve, where that is not known."""
        if self.asked is not None:
            return self.asked
        ends = [curve.step[-1] for each in self.trained for curve in each.curves.values()]
        return int(max(ends))

    @property
    def start(self) -> float:
        """The objective before the first step: that of all, for all begin with the same θ."""
        begun = [curve.objective[0] for each in self.trained for curve in each.curves.values()]
        return float(np.mean(begun))

    def losses(self, trained: Trained, seeds: Sequence[int]) -> Numbers:
        """The objective at the end of each of these seeds, to be small; infinite where θ was."""
        curves = [trained.curves[seed] for seed in seeds]
        ends = [np.inf if each.ended else self.sign * each.objective[-1] for each in curves]
        return np.array(ends, float)

    def seeds(self, *several: Trained) -> list[int]:
        """The seeds that all of these have, in order."""
        common = set.intersection(*({*each.curves} for each in several))
        return sorted(common)


def half_log(squared: float, of: float) -> float:
    """ln √(squared / of); −∞ where nothing is to be divided."""
    if squared == 0:
        return -np.inf
    return float(np.log(squared / of) / 2) if squared > 0 and of > 0 else np.nan


def contests_of(run: Run) -> list[Contest]:
    """The contests of a run; none where it trained nothing."""
    if run.training is None:
        return []
    sweep = (run.manifest or {}).get("sweep") or {}
    how = sweep.get("training") or {}
    found = contests(run.training, run.trajectory, rises=bool(how.get("maximize", False)))
    return [each._replace(stated=how.get("target"), asked=how.get("steps")) for each in found]


def contests(
    training: pd.DataFrame, trajectory: pd.DataFrame | None = None, *, rises: bool = False
) -> list[Contest]:
    """The contests of training.csv, in its order.

    Args:
        training: its rows.
        trajectory: those of trajectory.csv, where there is one.
        rises: whether the objective is to rise.
    """
    table = labelled(training[training.status != "skipped"])
    names = titles_of(table)
    measured = pd.DataFrame() if trajectory is None else trajectory
    measured = measured[measured.status.isin(FINE)] if len(measured) else measured
    by_training = by_keys(measured, [*CONTEST, *ESTIMATOR])
    found = []
    for key, rows in table.groupby(CONTEST, sort=False):
        trained: list[Trained] = []
        failed: dict[str, str] = {}
        for (estimator, args, label), own in rows.groupby([*ESTIMATOR, "label"], sort=False):
            curves = dict(curves_of(own))
            if curves:
                at = by_training.get((*key, estimator, args), pd.DataFrame())
                trained.append(trained_of(estimator, args, label, curves, at))
            else:
                failed[label] = str(own.reason.iloc[-1] or "not finite")
        if trained:
            sign = -1 if rises else 1
            is_exact = bool((rows.objective_kind[rows.status.isin(FINE)] == "exact").all())
            problem, problem_args, samples = key
            where = (problem, problem_args, int(samples))
            found.append(Contest(*where, names[key], sign, tuple(trained), failed, is_exact))
    return found


def by_keys(rows: pd.DataFrame, keys: list[str]) -> dict[tuple[Any, ...], pd.DataFrame]:
    """The rows of each key."""
    return dict(list(rows.groupby(keys, sort=False))) if len(rows) else {}


def titles_of(table: pd.DataFrame) -> dict[tuple[Any, ...], str]:
    """Each contest in words: arguments, and L, only where several differ in them."""
    keys = table[CONTEST].drop_duplicates()
    titles = {}
    for row in keys.itertuples(index=False):
        same = keys[keys.problem == row.problem]
        several = same.problem_args.nunique() > 1
        parts = [problem_label(row.problem, row.problem_args if several else "{}")]
        if keys.num_samples.nunique() > 1:
            parts.append(f"L = {row.num_samples}")
        titles[row.problem, row.problem_args, row.num_samples] = ", ".join(parts)
    return titles


def curves_of(rows: pd.DataFrame) -> Iterator[tuple[int, Curve]]:
    """Each seed of one training with its curve; none of a seed without a point.

    Args:
        rows: those of one estimator in one contest.
    """
    for seed, own in rows.sort_values("step").groupby("seed", sort=True):
        fine = own.status.isin(FINE) & np.isfinite(own.objective.astype(float))
        kept = own[fine]
        if kept.empty:
            continue
        broken = own[~fine]
        ended = "" if broken.empty else str(broken.reason.iloc[0] or "not finite")
        held_out = kept.get("held_out", pd.Series(np.nan, kept.index))
        step = np.inf if broken.empty else float(broken.step.iloc[0])
        yield (
            int(seed),
            Curve(
                kept.step.to_numpy(float),
                (kept.f_evals + kept.grad_evals).to_numpy(float),
                kept.seconds.to_numpy(float),
                kept.objective.to_numpy(float),
                held_out.to_numpy(float),
                ended,
                step,
            ),
        )


def trained_of(
    estimator: str, args: str, label: str, curves: dict[int, Curve], measured: pd.DataFrame
) -> Trained:
    """One estimator's training, with what was measured at its checkpoints."""
    checkpoints: dict[int, dict[int, Checkpoint]] = {}
    claims = True
    if len(measured):
        claims = bool(measured.unbiased.map(lambda value: value == True).all())  # noqa: E712
        for (seed, step), rows in measured.groupby(["seed", "step"], sort=True):
            checkpoints.setdefault(int(seed), {})[int(step)] = checkpoint_of(rows)
    return Trained(estimator, args, label, claims, curves, checkpoints)


def checkpoint_of(rows: pd.DataFrame) -> Checkpoint:
    """The rows of all groups of θ together: errors add, and so do the squares of lengths."""

    def total(name: str) -> float:
        return float(rows[name].astype(float).sum(skipna=False))

    return Checkpoint(
        variance=total("variance"),
        mse=total("mse"),
        mse_low=total("mse_low"),
        mse_high=total("mse_high"),
        bias_squared=total("bias_squared"),
        squared_norm=float((rows.exact_norm.astype(float) ** 2).sum(skipna=False)),
        is_found=bool((rows.bias_finding == "biased").any()),
    )
