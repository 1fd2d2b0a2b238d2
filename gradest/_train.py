"""Training θ with an estimator: what a gradient is for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import jax
import pandas as pd
from matplotlib.figure import Figure

from gradest._measure import (
    Named,
    Quiet,
    as_estimator,
    as_estimators,
    as_problem,
    told,
    trained_by,
    whole_numbers,
)
from gradest._own_faults import faults_told
from gradest._run import Run
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.measurement.checkpoints import params_at
from gradest.benchmarks.runtime.configure import configure, in_full_precision
from gradest.benchmarks.statistics.intervals import UNKNOWN
from gradest.benchmarks.sweeps.plan import plan_of
from gradest.benchmarks.sweeps.run import measure_plan, use_caches
from gradest.benchmarks.training.loop import Loop
from gradest.benchmarks.training.objective import Value, objective_at
from gradest.benchmarks.training.optimizers import (
    Optimizer,
    Recipe,
    expect_learning_rate,
    expect_optimizer,
)
from gradest.benchmarks.training.seeds import DIVERGED
from gradest.benchmarks.training.settings import evenly
from gradest.estimators import Estimator
from gradest.problems.base import Params, Problem
from gradest.problems.registry.naming import parse

POINTS = 50
"""Steps, about, at which the objective is recorded."""

REPLICATES = 1_000
"""R, where several are trained and nothing is said."""

DRAWS = 2**31 - 1
"""The seed of the draws by which it is estimated: the same at every step and seed."""


@dataclass(frozen=True, repr=False)
class Training:
    """What training did: the objective along the way, and θ at the end."""

    frame: pd.DataFrame
    """seed, step, seconds of training, objective with its interval, exact or estimated, the
    evaluations of f and its gradient so far, and the status: ok, or diverged in the last row of a
    seed whose θ is no longer finite there."""
    params: Any
    """θ at the end; of several seeds a list."""

    def figure(self) -> Figure:
        """The objective against the step, a line for each seed with its interval."""
        figure = Figure(figsize=(5, 3), layout="constrained")
        axes = figure.add_subplot()
        for seed, rows in self.frame.groupby("seed"):
            axes.plot(rows.step, rows.objective, label=f"seed {seed}")
            axes.fill_between(rows.step, rows.objective_low, rows.objective_high, alpha=0.2)
        axes.set_xlabel("step")
        axes.set_ylabel("objective E[f]")
        if self.frame.seed.nunique() > 1:
            axes.legend()
        return figure

    def __repr__(self) -> str:
        lines = ["seed  step  objective [95 %]", ""]
        for seed, rows in self.frame.groupby("seed"):
            for number in (0, -1):  # not first() and last(), which pass over what is not a number
                row = rows.iloc[number]
                lines.append(f"{seed:<4}  {row.step:<4}  {end_text(row)}")
        return "\n".join(lines)


def end_text(row: pd.Series) -> str:
    """The objective of a row with its interval, or that θ diverged."""
    if row.status == DIVERGED:
        return "diverged: θ is no longer finite"
    return f"{row.objective:.5g} [{row.objective_low:.5g}, {row.objective_high:.5g}]"


@overload
def train(
    problem: Problem | type[Problem] | str,
    estimator: Named,
    *,
    steps: int,
    optimizer: str | Optimizer = ...,
    learning_rate: float = ...,
    seeds: int | Sequence[int] = ...,
    num_samples: int = ...,
    evaluate_samples: int = ...,
) -> Training: ...
@overload
def train(
    problem: Problem | type[Problem] | str,
    estimator: list[Any] | tuple[Any, ...],
    *,
    steps: int,
    optimizer: str = ...,
    learning_rate: float = ...,
    seeds: int = ...,
    num_samples: int = ...,
    evaluate_samples: int = ...,
    replicates: int | None = ...,
    checkpoints: int | Sequence[int] | None = ...,
) -> Run: ...
def train(  # noqa: PLR0913  (a keyword for each thing that users set)
    problem: Problem | type[Problem] | str,
    estimator: Named | list[Any] | tuple[Any, ...],
    *,
    steps: int,
    optimizer: str | Optimizer = "adam",
    learning_rate: float = 0.01,
    seeds: int | Sequence[int] = 1,
    num_samples: int = 1,
    evaluate_samples: int = 1_000,
    replicates: int | None = None,
    checkpoints: int | Sequence[int] | None = None,
) -> Training | Run:
    """Minimises E[f] by an estimator's gradient, and follows the objective.

    Several estimators in a list are compared: each is measured at the start and along its training,
    as in a sweep with a table [training].

    Args:
        problem: an instance, a class or a name.
        estimator: likewise, or a list of them. What it learns is carried along, a step for each
            estimate.
        steps: of the optimizer.
        optimizer: optax's, by name and with arguments ("sgd[momentum=0.9]"); of one estimator also
            as it is.
        learning_rate: of an optimizer by name: a finite number above 0.
        seeds: how many seeds, from 0 on; of one estimator also which. θ starts at the same place
            for all.
        num_samples: L of each step.
        evaluate_samples: draws by which the objective is estimated, at about 50 steps, where it
            is not known exactly.
        replicates: of several estimators, R at the start and at checkpoints; 1,000 where nothing is
            said.
        checkpoints: of several estimators, the steps at which their gradients are measured, or how
            many of them, spaced in the logarithm; 5 where nothing is said.

    Returns:
        Of one estimator the objective along the way, and θ. Of several a run, whose `.training`,
        `.trajectory`, figures and `.summary()` are those of a sweep.

    Raises:
        BadInput: no such name, a learning rate or an argument of the optimizer outside its range,
            an estimator that the problem or L does not suit, an argument that is of several
            estimators alone, or of one, or an error in code of a user's.

    Example:
        >>> import gradest
        >>> done = gradest.train("gaussian_square", "pathwise", steps=200, learning_rate=0.1)
        >>> bool(done.frame.objective.iloc[-1] < done.frame.objective.iloc[0])
        True
    """
    configure()
    trained = as_problem(problem)
    (steps,) = whole_numbers("steps", steps)
    (num_samples,) = whole_numbers("num_samples", num_samples)
    (evaluate_samples,) = whole_numbers("evaluate_samples", evaluate_samples, least=2)
    of_several = {"replicates": replicates, "checkpoints": checkpoints}
    if isinstance(estimator, list | tuple):
        how = {
            "steps": steps,
            "seeds": count_of(seeds),
            "learning_rate": learning_rate,
            "evaluate_samples": evaluate_samples,
            **optimizer_keys(optimizer),
        }
        return compared(trained, estimator, num_samples, how, of_several)
    for name, value in of_several.items():
        if value is not None:
            raise BadInput(f"{name} = {value!r}: expected only with a list of estimators")
    chosen_seeds = whole_numbers(
        "seeds", range(seeds) if isinstance(seeds, int) else seeds, least=0
    )
    rule = optimizer_of(optimizer, learning_rate)
    chosen = as_estimator(estimator)
    return alone(trained, chosen, rule, steps, num_samples, chosen_seeds, evaluate_samples)


@in_full_precision
def alone(
    problem: Problem,
    estimator: Estimator,
    rule: Recipe | Optimizer,
    steps: int,
    num_samples: int,
    seeds: Sequence[int],
    draws: int,
) -> Training:
    """What training with one estimator does; the arguments are those of `train`."""
    with faults_told(f"train {type(problem).__name__}", problem, estimator):
        if reason := estimator.refuses(problem) or estimator.refuses_samples(num_samples):
            raise BadInput(f"train: {reason}")
        loop = Loop(problem, estimator, rule, num_samples)
        ended = [followed(loop, steps, seed, draws) for seed in seeds]
    frame = pd.concat([each for each, _ in ended], ignore_index=True)
    params = [end for _, end in ended]
    return Training(frame, params if len(params) > 1 else params[0])


def compared(
    problem: Problem,
    estimators: Sequence[Named],
    num_samples: int,
    how: dict[str, Any],
    measured: Mapping[str, Any],
) -> Run:
    """The run of a sweep in which several estimators train.

    Args:
        problem: whose θ is trained.
        estimators: by which.
        num_samples: L.
        how: keys of [training].
        measured: R, and the checkpoints; each None where nothing is said.

    Raises:
        BadInput: there is no estimator, or a number that is none.
    """
    if not estimators:
        raise BadInput(f"estimator = {estimators!r}: expected at least one")
    known = {
        name: whole_numbers(name, value, least=0)
        for name, value in measured.items()
        if value is not None
    }
    (replicates,) = known.get("replicates", [REPLICATES])
    if "checkpoints" in known:
        is_count = isinstance(measured["checkpoints"], int)
        how["checkpoints"] = known["checkpoints"][0] if is_count else known["checkpoints"]
    plan = plan_of(
        [problem],
        as_estimators(estimators, problem),
        samples=[num_samples],
        name="trained",
        replicates=replicates,
        training=how,
    )
    use_caches(plan)
    return Run.of(plan, measure_plan(plan, Quiet()), trained_by(plan))


def count_of(seeds: int | Sequence[int]) -> int:
    """How many seeds are asked for.

    Raises:
        BadInput: it is said which.
    """
    if not isinstance(seeds, int):
        raise BadInput(f"seeds = {seeds!r}: expected how many, with a list of estimators")
    return seeds


def optimizer_keys(optimizer: str | Optimizer) -> dict[str, Any]:
    """An optimizer by name as the keys of [training].

    Raises:
        BadInput: it has no name, or is not written as one.
    """
    if not isinstance(optimizer, str):
        raise BadInput(f"optimizer = {optimizer!r}: expected a name with a list of estimators")
    name, arguments = told(parse, optimizer)
    return {"optimizer": name, **arguments}


def followed(loop: Loop, steps: int, seed: int, draws: int) -> tuple[pd.DataFrame, Params]:
    """What training with one seed did: the rows of the frame, and θ at the end.

    Args:
        loop: what is trained.
        steps: of the optimizer.
        seed: of training's random numbers.
        draws: by which the objective is estimated.
    """
    cost = loop.estimator.evaluations(loop.problem, loop.num_samples)
    start = params_at(loop.problem, 0)
    rows: list[dict[str, Any]] = []
    for moment in loop.followed(start, jax.random.key(seed), evenly(steps, POINTS)):
        params = moment.carried.params
        if moment.carried.is_finite:
            value = objective_at(loop.problem, params, jax.random.key(DRAWS), draws)
            status = "ok"
        else:
            # the start has a kind of its own: θ there is finite
            value = Value(UNKNOWN, rows[0]["objective_kind"])
            status = DIVERGED
        rows.append(
            {
                "seed": seed,
                "step": moment.step,
                "seconds": moment.seconds,
                **value.columns("objective"),
                "objective_kind": value.kind,
                "f_evals": moment.step * cost.f,
                "grad_evals": moment.step * cost.grad,
                "status": status,
            }
        )
    return pd.DataFrame(rows), params


def optimizer_of(optimizer: str | Optimizer, learning_rate: float) -> Recipe | Optimizer:
    """An optimizer of optax.

    Raises:
        BadInput: no such name or argument, or a number outside its range.
    """
    if not isinstance(optimizer, str):
        return optimizer
    told(expect_learning_rate, learning_rate)
    try:
        name, arguments = parse(optimizer)
    except ValueError as error:
        raise BadInput(f"optimizer {error}") from None
    try:
        expect_optimizer(name, arguments)
    except ValueError as error:
        raise BadInput(f"optimizer {optimizer!r}: {error}") from error
    return Recipe(name, learning_rate, tuple(sorted(arguments.items())))
