"""Training θ with an estimator: what a gradient is for."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pandas as pd
from jaxtyping import Array
from matplotlib.figure import Figure

from gradest._measure import Named, as_estimator, as_problem, whole_numbers
from gradest._own_faults import faults_told
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.runtime.configure import configure, in_full_precision
from gradest.benchmarks.statistics.intervals import t_quantile
from gradest.estimators.base import Estimator, State
from gradest.estimators.sampling import sample
from gradest.problems.arguments import nearest
from gradest.problems.base import Params, Problem
from gradest.problems.registry.naming import parse

POINTS = 50
"""Steps, about, at which the objective is estimated."""


@dataclass(frozen=True, repr=False)
class Training:
    """What training did: the objective along the way, and θ at the end."""

    frame: pd.DataFrame
    """seed, step, objective with its interval, and the evaluations of f and its gradient so far."""
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
    optimizer: str | optax.GradientTransformation = "adam",
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
        seeds: how many seeds, from 0 on, or which.
        num_samples: L of each step.
        evaluate_samples: draws by which the objective is estimated, at about 50 steps.

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
        return followed(trained, chosen, rule, steps, chosen_seeds, num_samples, evaluate_samples)


def followed(
    problem: Problem,
    estimator: Estimator,
    rule: optax.GradientTransformation,
    steps: int,
    seeds: Sequence[int],
    num_samples: int,
    evaluate_samples: int,
) -> Training:
    """What training did: see `train`."""
    every = max(steps // POINTS, 1)
    recorded = [*range(0, steps, every), steps]

    def begin(key: Array) -> tuple[Params, Any, State]:
        theta_key, state_key = jax.random.split(jax.random.fold_in(key, 0))
        params = problem.init_params(theta_key)
        return params, rule.init(params), estimator.init(problem, params, state_key)

    keys = jnp.stack([jax.random.key(seed) for seed in seeds])
    carried = jax.vmap(begin)(keys)
    advance = jax.jit(
        jax.vmap(partial(steps_of, problem, estimator, rule, num_samples), (0, 0, None, None))
    )
    evaluate = jax.jit(jax.vmap(partial(objective_of, problem, evaluate_samples), (0, 0, None)))

    parts = []
    for start, end in zip([0, *recorded], recorded, strict=False):
        carried = advance(carried, keys, start, end)
        mean, error = evaluate(carried[0], keys, end)
        parts.append(pd.DataFrame(rows_of(seeds, end, mean, error, evaluate_samples)))
    frame = pd.concat(parts, ignore_index=True).sort_values(["seed", "step"], ignore_index=True)
    cost = estimator.evaluations(problem, num_samples)
    frame = frame.assign(f_evals=frame.step * cost.f, grad_evals=frame.step * cost.grad)
    each = [jax.tree.map(lambda leaf, i=i: leaf[i], carried[0]) for i in range(len(seeds))]
    return Training(frame, each if len(each) > 1 else each[0])


def steps_of(
    problem: Problem,
    estimator: Estimator,
    rule: optax.GradientTransformation,
    num_samples: int,
    carried: tuple[Params, Any, State],
    key: Array,
    start: Array,
    end: Array,
) -> tuple[Params, Any, State]:
    """θ, the optimizer's memory and the estimator's state after the steps from `start` to `end`."""

    def step(i: Array, carried: tuple[Params, Any, State]) -> tuple[Params, Any, State]:
        params, opt_state, state = carried
        step_key = jax.random.fold_in(key, 2 * i + 1)
        grads, state = estimator.estimate(problem, params, state, step_key, num_samples)
        updates, opt_state = rule.update(grads, opt_state, params)
        return optax.apply_updates(params, updates), opt_state, state

    return jax.lax.fori_loop(start, end, step, carried)


def objective_of(
    problem: Problem, draws: int, params: Params, key: Array, step: Array
) -> tuple[Array, Array]:
    """E[f], summed over data points, and its standard error."""
    x = sample(problem.distribution(params), jax.random.fold_in(key, 2 * step + 2), draws)
    values = problem.objectives(params, x).reshape(draws, -1).sum(1)
    return values.mean(), values.std(ddof=1) / np.sqrt(draws)


def rows_of(
    seeds: Sequence[int], step: int, mean: Array, error: Array, draws: int
) -> dict[str, Any]:
    """The columns of the frame at one step."""
    value = np.asarray(mean, float)
    half = t_quantile(draws - 1) * np.asarray(error, float)
    return {
        "seed": seeds,
        "step": step,
        "objective": value,
        "objective_low": value - half,
        "objective_high": value + half,
        "objective_kind": "estimated",
    }


def optimizer_of(
    optimizer: str | optax.GradientTransformation, learning_rate: float
) -> optax.GradientTransformation:
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
    make = getattr(optax, name, None)
    if make is None:
        known = [known for known in dir(optax) if not known.startswith("_")]
        raise BadInput(f"optimizer {name!r}: expected one of optax's{nearest(name, known)}")
    try:
        return make(learning_rate, **arguments)
    except TypeError as error:
        raise BadInput(f"optimizer {optimizer!r}: {error}") from error
