"""Seconds to compile what the `default` sweep runs, and whether anything is compiled where only
numbers change."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import jax
from jax.experimental.compilation_cache import compilation_cache

from gradest.benchmarks.cells.cell import Cell
from gradest.benchmarks.measurement.programs import estimates, warm_up_leaves
from gradest.benchmarks.measurement.replicates import (
    CellPrograms,
    cell_key,
    compile_cell,
    measure,
    program,
)
from gradest.benchmarks.runtime.program_cache import Executable
from gradest.benchmarks.sweeps.plan import Plan, resolve
from gradest.benchmarks.sweeps.schema import load_sweep
from gradest.estimators import Estimator, estimator
from gradest.problems import Problem, problem
from gradest.problems.base import Params

COMPILED = "/jax/core/compile/backend_compile_duration"
"""The event of a program's being compiled, or read from the cache."""


@contextmanager
def nothing_cached() -> Iterator[None]:
    """Within this, every program is compiled anew."""
    before = jax.config.jax_enable_compilation_cache  # type: ignore[attr-defined]
    use_cache(False)
    jax.clear_caches()
    try:
        yield
    finally:
        use_cache(before)


def use_cache(wanted: bool) -> None:
    """Sets whether compiled programs are kept on disk; jax reads it once, unless it is reset."""
    jax.config.update("jax_enable_compilation_cache", wanted)
    compilation_cache.reset_cache()


def compile_rows(preset: str = "default") -> Iterator[dict[str, Any]]:
    """A row of compile.csv for each program of the preset.

    A cell compiles its estimates; the program that warms up a state, where there is one; and the
    sums, where no cell before had gradients of the same shapes.
    """
    plan = resolve(load_sweep(preset))
    summed: list[Executable] = []
    with nothing_cached():
        for cell in cells_by_program(plan):
            programs = compile_alone(cell, plan)
            sums = programs.moments.sums
            is_new = all(sums is not other for other in summed)
            summed.append(sums)
            seconds = {
                "estimates_seconds": programs.moments.estimates.seconds,
                "sums_seconds": sums.seconds if is_new else 0.0,
                "adapt_seconds": programs.warm_up.seconds if programs.warm_up else 0.0,
            }
            yield {
                "problem": cell.problem.label,
                "estimator": cell.estimator.label,
                "num_samples": cell.num_samples,
                **seconds,
                "seconds": sum(seconds.values()),
            }


def cells_by_program(plan: Plan) -> list[Cell]:
    """The first cell of each program that the plan's measurements run."""
    cells: dict[Any, Cell] = {}
    for cell in plan.measurable:
        toy = plan.problems[cell.problem]
        candidate = plan.estimators[cell.estimator]
        key = program(toy, candidate, cell.num_samples)
        cells.setdefault((key, cell.replicates), cell)
    return list(cells.values())


def compile_alone(cell: Cell, plan: Plan) -> CellPrograms:
    """The programs of a cell, compiled; all but the sums are forgotten again."""
    toy = plan.problems[cell.problem]
    programs = compile_cell(
        toy,
        plan.estimators[cell.estimator],
        toy.init_params(cell.key),
        key=cell.key,
        num_samples=cell.num_samples,
        replicates=cell.replicates,
        adapt_steps=cell.adapt_steps,
    )
    for forgotten in (estimates, warm_up_leaves):
        forgotten.forget()
    return programs


class Measured(NamedTuple):
    """The arguments of a measurement."""

    problem: Problem
    estimator: Estimator
    params: Params
    seed: int = 0
    replicates: int = 20_000

    def run(self) -> None:
        """Measures."""
        num_samples = 4
        measure(
            self.problem,
            self.estimator,
            self.params,
            key=cell_key(self.seed, "compile", "init", num_samples),
            num_samples=num_samples,
            replicates=self.replicates,
            least_timed=0,
        )


def changes(first: Measured, number: str, temperature: str = "") -> Iterator[tuple[str, Measured]]:
    """What is changed in a measurement, and the measurement after.

    Args:
        first: the one before.
        number: an argument of its problem.
        temperature: one of its estimator, if it has any.
    """
    yield number, first._replace(problem=with_another(first.problem, number))
    if temperature:
        yield temperature, first._replace(estimator=with_another(first.estimator, temperature))
    yield "θ", first._replace(params=jax.tree.map(lambda leaf: leaf + 0.125, first.params))
    yield "seed", first._replace(seed=first.seed + 1)
    yield "R", first._replace(replicates=2 * first.replicates)


def with_another(thing: Any, name: str) -> Any:
    """The same problem or estimator with another value of one of its numbers."""
    fields = {
        field.name: getattr(thing, field.name) for field in dataclasses.fields(thing) if field.init
    }
    return type(thing)(**fields | {name: getattr(thing, name) + 0.125})


def recompilations() -> list[dict[str, Any]]:
    """How many programs a measurement compiles that was made before, but for one number."""
    gaussian, bernoulli = problem("gaussian_square"), problem("bernoulli_square")
    key = jax.random.key(0)
    scored = Measured(gaussian, estimator("score_function"), gaussian.init_params(key))
    relaxed = Measured(bernoulli, estimator("gumbel_softmax"), bernoulli.init_params(key))
    return [
        *recompiled(scored, changes(scored, "k")),
        *recompiled(relaxed, changes(relaxed, "t", "temperature")),
    ]


def recompiled(first: Measured, others: Iterator[tuple[str, Measured]]) -> Iterator[dict[str, Any]]:
    """A row of recompilations.csv for each change of a measurement."""
    for name, after in others:
        first.run()
        with compilations() as counted:
            after.run()
        yield {
            "changed": name,
            "problem": type(first.problem).__name__,
            "compilations": len(counted),
        }


@contextmanager
def compilations() -> Iterator[list[str]]:
    """The programs that are compiled within this: a list that grows."""
    counted: list[str] = []

    def listen(event: str, duration_secs: float, **_: str | int) -> None:
        if event == COMPILED:
            counted.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield counted
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
