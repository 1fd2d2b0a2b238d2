"""Seconds to compile what the `default` sweep runs, and whether anything is compiled where only numbers change."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax
from jax.experimental.compilation_cache import compilation_cache

from gradest.benchmarks.measurement.programs import estimates, warm_up_leaves
from gradest.benchmarks.measurement.replicates import cell_key, compile_cell, measure, program
from gradest.benchmarks.runtime.program_cache import Executable
from gradest.benchmarks.sweeps.plan import Cell, resolve
from gradest.benchmarks.sweeps.schema import load_sweep
from gradest.estimators import Estimator, estimator
from gradest.problems import Problem, problem
from gradest.problems.base import Params

FIXED: dict[str, Any] = {"num_samples": 4, "replicates": 20_000, "least_timed": 0}

Measured = tuple[Problem, Estimator, Params, dict[str, Any]]
"""The arguments of `measure`."""


@contextmanager
def nothing_cached() -> Iterator[None]:
    """Every program is compiled anew."""
    before = jax.config.jax_enable_compilation_cache  # type: ignore[attr-defined]
    use_cache(False)
    jax.clear_caches()
    try:
        yield
    finally:
        use_cache(before)


def use_cache(wanted: bool) -> None:
    """Whether compiled programs are kept on disk: jax looks at the setting only once, unless it is told to again."""
    jax.config.update("jax_enable_compilation_cache", wanted)
    compilation_cache.reset_cache()


def rows(preset: str = "default") -> Iterator[dict[str, Any]]:
    """A row of compile.csv for each program of the preset.

    A cell compiles its estimates; the program that adapts a state, where there is one; and the
    sums, where no cell before had gradients of the same shapes.
    """
    plan = resolve(load_sweep(preset))
    programs: dict[Any, Cell] = {}
    for cell in plan.measurable:
        key = program(
            plan.problems[cell.problem], plan.estimators[cell.estimator], cell.num_samples
        )
        programs.setdefault((key, cell.replicates), cell)
    summed: list[Executable] = []
    with nothing_cached():
        for cell in programs.values():
            problem, estimator = plan.problems[cell.problem], plan.estimators[cell.estimator]
            where = {
                "problem": cell.problem.label,
                "estimator": cell.estimator.label,
                "num_samples": cell.num_samples,
            }
            seconds = seconds_of(problem, estimator, cell, summed)
            yield where | seconds | {"seconds": sum(seconds.values())}
            for each in (estimates, warm_up_leaves):
                each.forget()


def seconds_of(
    problem: Problem, estimator: Estimator, cell: Cell, summed: list[Executable]
) -> dict[str, float]:
    """Seconds of tracing and compiling each of the programs of a cell; `summed` holds the sums that are there."""
    made = compile_cell(
        problem,
        estimator,
        problem.init_params(cell.key),
        key=cell.key,
        num_samples=cell.num_samples,
        replicates=cell.replicates,
        adapt_steps=cell.adapt_steps,
    )
    fresh = all(made.moments.sums is not other for other in summed)
    summed.append(made.moments.sums)
    return {
        "estimates_seconds": made.moments.estimates.seconds,
        "sums_seconds": made.moments.sums.seconds if fresh else 0.0,
        "adapt_seconds": made.warm_up.seconds if made.warm_up else 0.0,
    }


def changes() -> Iterator[tuple[str, Measured, Measured]]:
    """What is changed, and a measurement before and after."""
    key = cell_key(0, "compile", "init", FIXED["num_samples"])
    for name, of_problem, of_estimator, gradient in (
        ("gaussian_square", "k", None, "score_function"),
        ("bernoulli_square", "t", "temperature", "gumbel_softmax"),
    ):
        toy, one = problem(name), estimator(gradient)
        params = toy.init_params(jax.random.key(0))
        given = FIXED | {"key": key}
        first = (toy, one, params, given)
        yield of_problem, first, (with_number(toy, of_problem), one, params, given)
        if of_estimator:
            yield of_estimator, first, (toy, with_number(one, of_estimator), params, given)
        yield "θ", first, (toy, one, jax.tree.map(lambda leaf: leaf + 0.125, params), given)
        yield (
            "seed",
            first,
            (
                toy,
                one,
                params,
                given | {"key": cell_key(1, "compile", "init", FIXED["num_samples"])},
            ),
        )
        yield "R", first, (toy, one, params, given | {"replicates": 2 * FIXED["replicates"]})


def with_number(thing: Any, name: str) -> Any:
    """The same with another value of one of its numbers."""
    given = {
        field.name: getattr(thing, field.name) for field in dataclasses.fields(thing) if field.init
    }
    return type(thing)(**given | {name: getattr(thing, name) + 0.125})


def recompilations() -> list[dict[str, Any]]:
    """For each number that is changed, how many programs a measurement compiles that has been made before without."""
    found = []
    for name, before, after in changes():
        run(before)
        with compilations() as counted:
            run(after)
        found.append(
            {"changed": name, "problem": type(before[0]).__name__, "compilations": len(counted)}
        )
    return found


def run(arguments: Measured) -> None:
    """Measures."""
    problem, estimator, params, given = arguments
    measure(problem, estimator, params, **given)


@contextmanager
def compilations() -> Iterator[list[str]]:
    """The programs that are compiled meanwhile: a list that grows."""
    found: list[str] = []

    def listen(event: str, duration_secs: float, **_: str | int) -> None:
        if event == COMPILED:
            found.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield found
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)


COMPILED = "/jax/core/compile/backend_compile_duration"
"""The event of a program's being compiled, or read from the cache."""
