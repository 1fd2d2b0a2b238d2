"""A short training of one candidate with one seed, to confirm a ranking by."""

from collections.abc import Mapping
from typing import Any

import jax
import pandas as pd

from gradest.benchmarks.analysis.results import ESTIMATOR
from gradest.benchmarks.learning_curves.confirming import Candidate, Train
from gradest.benchmarks.measurement.checkpoints import params_at
from gradest.benchmarks.runtime.configure import configure
from gradest.benchmarks.training.loop import Loop, Moment
from gradest.benchmarks.training.objective import objective_at
from gradest.benchmarks.training.optimizers import Recipe
from gradest.benchmarks.training.settings import evenly
from gradest.estimators import ESTIMATORS, Estimator
from gradest.problems.base import Problem
from gradest.problems.registry.lookup import build
from gradest.problems.registry.naming import parse
from gradest.problems.registry.own_faults import failures_of, fault_of

STEPS = 300

OPTIMIZER, LEARNING_RATE = "adam", 0.01

POINTS = 10
"""Steps, about, at which the objective is looked at."""

DRAWS = 1_000
"""By which it is estimated, where it is not known exactly."""

DRAWS_SEED = 2**31
"""Of these draws: that of no training."""


def short_training(
    problem: Problem, steps: int = STEPS, made: Mapping[str, Estimator] | None = None
) -> Train:
    """The loop that `confirm` takes: each candidate with its L, from the same θ.

    Args:
        problem: which it is.
        steps: of the optimizer.
        made: candidates that are there already, by their texts; others are made of theirs.
    """
    known = made or {}

    configure()

    def train(candidate: Candidate, seed: int) -> pd.DataFrame:
        estimator = known.get(candidate.text)
        if estimator is None:
            name, arguments = parse(candidate.text)
            estimator = build("estimator", ESTIMATORS, name, arguments)
        recipe = Recipe(OPTIMIZER, LEARNING_RATE, ())
        loop = Loop(problem, estimator, recipe, candidate.num_samples)
        try:
            rows = rows_of(loop, steps, seed)
        except failures_of(problem, estimator) as error:
            rows = [{"status": "failed", "reason": fault_of(error, problem, estimator)}]
        named = dict(zip(ESTIMATOR, (candidate.estimator, candidate.estimator_args), strict=True))
        of_problem = {"problem": type(problem).__name__, "problem_args": "{}", "seed": seed}
        return pd.DataFrame(rows, columns=list(COLUMNS)).assign(**named, **of_problem)

    return train


COLUMNS = (
    "step",
    "seconds",
    "f_evals",
    "grad_evals",
    "objective",
    "objective_kind",
    "status",
    "reason",
)
"""Those of training.csv that a training says itself."""


def rows_of(loop: Loop, steps: int, seed: int) -> list[dict[str, Any]]:
    """What training with one seed did, at about POINTS of its steps."""
    start = params_at(loop.problem, 0)
    moments = loop.followed(start, jax.random.key(seed), evenly(steps, POINTS))
    return [row_of(loop, moment) for moment in moments]


def row_of(loop: Loop, moment: Moment) -> dict[str, Any]:
    """What there is at one moment."""
    cost = loop.estimator.evaluations(loop.problem, loop.num_samples)
    counted = {
        "step": moment.step,
        "seconds": moment.seconds,
        "f_evals": moment.step * cost.f,
        "grad_evals": moment.step * cost.grad,
    }
    if not moment.carried.is_finite:
        return counted | {"status": "diverged", "reason": f"not finite at step {moment.step}"}
    value = objective_at(loop.problem, moment.carried.params, jax.random.key(DRAWS_SEED), DRAWS)
    found = {"objective": value.interval.value, "objective_kind": value.kind}
    return counted | found | {"status": "ok", "reason": ""}
