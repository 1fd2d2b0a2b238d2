"""What a cell needs is a `Task`, which can be sent to another process."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.cells.minibatches import DataSpread, data_spread
from gradest.benchmarks.measurement.checkpoints import params_at
from gradest.benchmarks.measurement.exact_gradient import exact_gradient
from gradest.benchmarks.measurement.reference import REFERENCE_SAMPLES, reference_gradient
from gradest.benchmarks.measurement.replicates import cell_key
from gradest.benchmarks.outcomes import Outcome, Summaries
from gradest.benchmarks.statistics.bias import Truth, exactly
from gradest.estimators.base import Estimator
from gradest.estimators.conformance import expect_problem
from gradest.problems.base import Params, Problem
from gradest.problems.registry.own_faults import failures_of, fault_of


@dataclass(frozen=True)
class Setting:
    """θ of a problem and what is known exactly there: made once for all cells of the problem."""

    params: Params
    truths: dict[str, Truth]
    """The gradient to compare with, for each group of θ."""
    truth: str
    """Where the truths are from."""
    data: DataSpread | None = None
    """How far the gradients of data points lie apart; None without data."""


@dataclass(frozen=True)
class Task:
    """Everything that the measurement of one cell needs, in this process or in another."""

    cell: Cell
    problem: Problem
    estimator: Estimator
    setting: Setting | str
    """Or why there is none."""
    environment: dict[str, str]
    """Versions and hardware, which the outcome records."""
    earlier: tuple[Summaries, ...] = ()
    """Shorter runs of the same series, the longest first."""
    packed: bool = False
    """Whether it came from another process, with NumPy's arrays in place of JAX's."""

    def __reduce__(self) -> tuple:
        # where double precision is off, JAX would read its own arrays back in single precision
        packed = self.with_arrays(on_host, packed=True)
        return Task, tuple(vars(packed).values())

    def unpacked(self) -> "Task":
        """The task with JAX's arrays, in the precision in force."""
        return self.with_arrays(on_device, packed=False)

    def with_arrays(self, convert: Callable[[Any], Any], *, packed: bool) -> "Task":
        """The task with the arrays of its problem, estimator and θ converted."""
        setting = self.setting
        if isinstance(setting, Setting):
            # group by group: in a tree JAX would sort them
            params = {group: convert(leaves) for group, leaves in setting.params.items()}
            setting = replace(setting, params=params)
        return replace(
            self,
            problem=convert(self.problem),
            estimator=convert(self.estimator),
            setting=setting,
            packed=packed,
        )


class CellResult(NamedTuple):
    """What came of a task."""

    cell: Cell
    outcome: Outcome
    summaries: Summaries | None
    """What a longer run goes on from; None where the cell failed."""
    seconds: float
    """What the measurement took."""


def on_host(tree: Any) -> Any:
    """The same with NumPy's arrays in place of JAX's."""
    return jax.tree.map(
        lambda leaf: np.asarray(leaf) if isinstance(leaf, jax.Array) else leaf, tree
    )


def on_device(tree: Any) -> Any:
    """The same with JAX's arrays in place of NumPy's."""
    return jax.tree.map(
        lambda leaf: jnp.asarray(leaf) if isinstance(leaf, np.ndarray) else leaf, tree
    )


def make_setting(problem: Problem, cell: Cell) -> Setting:
    """θ for the cell's problem, and the gradient there: exact, or from a reference run."""
    params = params_at(problem, cell.seed)
    expect_problem(problem, params)
    return setting_at(problem, cell, params)


def setting_at(problem: Problem, cell: Cell, params: Params) -> Setting:
    """The same at any θ, of which the cell's point is the name."""
    exact = exact_gradient(problem, params)
    if exact is not None:
        truths = {group: exactly(gradient) for group, gradient in exact.items()}
        return Setting(params, truths, problem.truth, data_spread(problem, params))
    key = cell_key(cell.seed, f"reference {cell.problem.label}", cell.point, REFERENCE_SAMPLES)
    truths = reference_gradient(problem, params, key, cell.reference_replicates)
    origin = f"{cell.reference_replicates} × {REFERENCE_SAMPLES} draws"
    return Setting(params, truths, origin, data_spread(problem, params))


def setting_or_reason(problem: Problem, cell: Cell) -> Setting | str:
    """The setting of the cell's problem, or why it cannot be made."""
    try:
        return make_setting(problem, cell)
    except failures_of(problem) as error:
        return fault_of(error, problem)
