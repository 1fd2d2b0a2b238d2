"""Training θ with an estimator: what a gradient is for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import pandas as pd
from matplotlib.figure import Figure

from gradest._measure import Named, as_estimator, as_problem, whole_numbers
from gradest._own_faults import faults_told
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.measurement.checkpoints import params_at
from gradest.benchmarks.runtime.configure import configure, in_full_precision
from gradest.benchmarks.training.loop import Loop
from gradest.benchmarks.training.objective import objective_at
from gradest.benchmarks.training.optimizers import Optimizer, Recipe, expect_optimizer
from gradest.benchmarks.training.settings import evenly
from gradest.problems.base import Params, Problem
from gradest.problems.registry.naming import parse

POINTS = 50
"""Steps, about, at which the objective is recorded."""

DRAWS = 2**31 - 1
"""The seed of the draws by which it is estimated: the same at every step and seed."""


@dataclass(frozen=True, repr=False)
class Training:
    """What training did: the objective along the way, and θ at the end."""

    frame: pd.DataFrame
    """seed, step, seconds of training, objective with its interval, exact or estimated, and the
    evaluations of f and its gradient so far."""
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
        ends = self.frame.groupby("seed", as_index=False).last()
        begun = self.frame.groupby("seed", as_index=False).first()
        lines = ["seed  step  objective [95 %]", ""]
        for first, last in zip(begun.itertuples(), ends.itertuples(), strict=True):
            for row in (first, last):
                interval = (
                    f"{row.objective:.5g} [{row.objective_low:.5g}, {row.objective_high:.5g}]"
                )
                lines.append(f"{row.seed:<4}  {row.step:<4}  {interval}")
        return "\n".join(lines)


@in_full_precision
def train(
    problem: Problem | type[Problem] | str,
    estimator: Named,
    *,
    steps: int,
    optimizer: str | Optimizer = "adam",
    learning_rate: float = 0.01,
    seeds: int | Sequence[int] = 1,
    num_samples: int = 1,
    evaluate_samples: int = 1_000,
) -> Training:
    """Minimises E[f] by an estimator's gradient, and follows the objective.

    Args:
        problem: an instance, a class or a name.
        estimator: likewise. What it learns is carried along, a step for each estimate.
        steps: of the optimizer.
        optimizer: optax's, by name and with arguments ("sgd[momentum=0.9]"), or as it is.
        learning_rate: of an optimizer by name.
        seeds: how many seeds, from 0 on, or which. θ starts at the same place for all.
        num_samples: L of each step.
        evaluate_samples: draws by which the objective is estimated, at about 50 steps, where it
            is not known exactly.

    Returns:
        The objective along the way, and θ.

    Raises:
        BadInput: no such name, an estimator that the problem or L does not suit, or an error in
            code of a user's.

    Example:
        >>> import gradest
        >>> done = gradest.train("gaussian_square", "pathwise", steps=200, learning_rate=0.1)
        >>> bool(done.frame.objective.iloc[-1] < done.frame.objective.iloc[0])
        True
    """
    configure()
    trained = as_problem(problem)
    if isinstance(estimator, list | tuple):
        raise BadInput(f"estimator = {estimator!r}: expected one")
    chosen = as_estimator(estimator)
    (steps,) = whole_numbers("steps", steps)
    (num_samples,) = whole_numbers("num_samples", num_samples)
    (evaluate_samples,) = whole_numbers("evaluate_samples", evaluate_samples, least=2)
    chosen_seeds = whole_numbers(
        "seeds", range(seeds) if isinstance(seeds, int) else seeds, least=0
    )
    rule = optimizer_of(optimizer, learning_rate)
    with faults_told(f"train {type(trained).__name__}", trained, chosen):
        if reason := chosen.refuses(trained) or chosen.refuses_samples(num_samples):
            raise BadInput(f"train: {reason}")
        loop = Loop(trained, chosen, rule, num_samples)
        ended = [followed(loop, steps, seed, evaluate_samples) for seed in chosen_seeds]
    frame = pd.concat([each for each, _ in ended], ignore_index=True)
    params = [end for _, end in ended]
    return Training(frame, params if len(params) > 1 else params[0])


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
    rows = []
    for moment in loop.followed(start, jax.random.key(seed), evenly(steps, POINTS)):
        params = moment.carried.params
        value = objective_at(loop.problem, params, jax.random.key(DRAWS), draws)
        rows.append(
            {
                "seed": seed,
                "step": moment.step,
                "seconds": moment.seconds,
                **value.columns("objective"),
                "objective_kind": value.kind,
                "f_evals": moment.step * cost.f,
                "grad_evals": moment.step * cost.grad,
            }
        )
    return pd.DataFrame(rows), params


def optimizer_of(optimizer: str | Optimizer, learning_rate: float) -> Recipe | Optimizer:
    """An optimizer of optax.

    Raises:
        BadInput: no such name or argument.
    """
    if not isinstance(optimizer, str):
        return optimizer
    try:
        name, arguments = parse(optimizer)
    except ValueError as error:
        raise BadInput(f"optimizer {error}") from None
    try:
        expect_optimizer(name, arguments)
    except ValueError as error:
        raise BadInput(f"optimizer {optimizer!r}: {error}") from error
    return Recipe(name, learning_rate, tuple(sorted(arguments.items())))
