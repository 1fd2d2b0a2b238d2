"""The verbs that measure, and those that read what was measured."""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gradest._own_faults import instance
from gradest._own_problem import own_problem
from gradest._run import Run
from gradest.benchmarks.analysis import results
from gradest.benchmarks.analysis.verification import verified_run
from gradest.benchmarks.comparisons import ratios
from gradest.benchmarks.comparisons.metrics import METRICS
from gradest.benchmarks.comparisons.pairing import changed_lines
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.outcomes import Outcome
from gradest.benchmarks.plans.staleness import stale_in
from gradest.benchmarks.report.comparison import as_json, as_text
from gradest.benchmarks.runtime.configure import configure
from gradest.benchmarks.sweeps.plan import Plan, plan_of, resolve
from gradest.benchmarks.sweeps.run import measure_plan, origins_of, run_sweep, use_caches
from gradest.benchmarks.sweeps.schema import Sweep, checked, load_sweep
from gradest.benchmarks.training.runs import TRAINS, train_plan
from gradest.estimators import ESTIMATORS, Estimator, is_estimator, named_estimator
from gradest.estimators.conformance import refusal
from gradest.problems import Problem
from gradest.problems import problem as problem_of
from gradest.problems.registry.lookup import build
from gradest.problems.registry.naming import parse

Named = str | type[Estimator] | Estimator
"""An estimator by name, by class (made with its defaults) or as it is."""


class Quiet:
    """Nobody is told how a run goes."""

    def start(self, missing: int) -> None:
        """Says nothing."""

    def __call__(self, cell: Any, status: str, seconds: float) -> None:
        """Says nothing."""


def measure(  # noqa: PLR0913  (a keyword for each thing that users set)
    problem: Problem | type[Problem] | str | None = None,
    estimators: Named | Sequence[Named] | None = None,
    *,
    samples: int | Sequence[int] | np.ndarray = (1, 4, 16),
    f: Callable[..., Any] | None = None,
    q: Callable[..., Any] | None = None,
    theta: Any = None,
    smooth: bool | None = None,
    replicates: int | None = None,
    precision: float | None = None,
    seed: int = 0,
    dtype: str = "float32",
    **settings: Any,
) -> Run:
    """Measures estimators of one problem's gradient: variance, bias and cost at each L.

    Args:
        problem: an instance, a class, or a name, `name[argument=value,…]` too. Or none, and one's
            own objective by the next three.
        estimators: names, classes or instances, one or several; every registered one that the
            problem does not refuse, with its defaults, where there are none.
        samples: L, one or several.
        f: from θ and one x to a number.
        q: from θ to the distribution of x.
        theta: the θ at which to measure: a dict of arrays, or an array.
        smooth: whether f is continuous in x; looked for along lines between draws, where nothing
            is said.
        replicates: R, independent estimates in each cell: 20,000 where nothing is said.
        precision: instead of R, the half-width of a variance's interval relative to it.
        seed: of θ and of all random numbers.
        dtype: "float32" or "float64".
        settings: the other keys of a sweep file: adapt_steps, equivalence_margin, …

    Returns:
        The run, kept nowhere else: `save` writes it into a folder.

    Raises:
        BadInput: a name, an argument or a setting that cannot be, or nothing to measure.
        TypeError: f, q or θ is not what is expected.

    Example:
        >>> import gradest
        >>> run = gradest.measure("gaussian_square", "pathwise", samples=4, replicates=400)
        >>> run.frame[["estimator", "num_samples", "group"]].values.tolist()
        [['pathwise', 4, 'mean'], ['pathwise', 4, 'scale']]
    """
    configure()
    measured = as_problem(problem, f, q, theta, smooth=smooth)
    chosen = as_estimators(estimators, measured)
    for key, value in (("replicates", replicates), ("precision", precision)):
        if value is not None:
            settings[key] = value
    levels = whole_numbers("samples", samples)
    plan = plan_of([measured], chosen, samples=levels, seed=seed, dtype=dtype, **settings)
    for note in plan.sweep.notes:
        warnings.warn(note, stacklevel=2)
    use_caches(plan)
    return Run.of(plan, measure_plan(plan, Quiet()))


def whole_numbers(name: str, given: Any, least: int = 1) -> list[int]:
    """One whole number or several, of Python's, NumPy's or JAX's, as a list.

    Args:
        name: of the argument, with which the error begins.
        given: its value.
        least: the smallest that each may be.

    Raises:
        BadInput: one is no whole number or too small, or there is none.

    >>> whole_numbers("samples", 4)
    [4]
    """
    numbers = np.atleast_1d(np.asarray(given))
    whole = numbers.ndim == 1 and numbers.dtype.kind in "iu"
    if not whole or not len(numbers) or numbers.min() < least:
        raise BadInput(f"{name} = {given!r}: expected whole numbers from {least} on")
    return numbers.tolist()


def as_problem(
    problem: Problem | type[Problem] | str | None,
    f: Callable[..., Any] | None = None,
    q: Callable[..., Any] | None = None,
    theta: Any = None,
    *,
    smooth: bool | None = None,
) -> Problem:
    """The problem that is meant, made of f, q and θ where there is no other.

    Raises:
        BadInput: both are given, or neither, or a name that is none.
    """
    own = {"f": f, "q": q, "theta": theta}
    given = [name for name, value in own.items() if value is not None]
    if problem is not None and given:
        raise BadInput(f"expected a problem, or f, q and theta; got a problem and {given[0]}")
    if problem is None:
        if missing := [name for name in own if name not in given]:
            raise BadInput(f"expected a problem, or f, q and theta: {missing[0]} is missing")
        assert f is not None
        assert q is not None
        return own_problem(f, q, theta, smooth=smooth)
    if isinstance(problem, str):
        return told(problem_of, problem)
    made = instance("problem", problem)
    if not isinstance(made, Problem):
        raise BadInput(f"problem {problem!r}: expected a problem, its class or its name")
    return made


def as_estimators(chosen: Named | Sequence[Named] | None, problem: Problem) -> list[Estimator]:
    """Estimators as instances: all registered ones that fit, where none is chosen.

    Raises:
        BadInput: a name that is none.
    """
    if chosen is None:
        every = [cls() for cls in ESTIMATORS.values()]
        return [each for each in every if refusal(each, problem).refusal is None]
    names = chosen if isinstance(chosen, Iterable) and not isinstance(chosen, str) else [chosen]
    return [as_estimator(each) for each in names]


def as_estimator(chosen: Named) -> Estimator:
    """One estimator as an instance."""
    if isinstance(chosen, str):
        name, arguments = told(named_estimator, chosen)
        return told(build, "estimator", ESTIMATORS, name, arguments)
    made = instance("estimator", chosen)
    if not isinstance(made, Estimator):
        raise BadInput(f"estimator {chosen!r}: expected an estimator, its class or its name")
    return made


def told(function: Callable[..., Any], *given: Any) -> Any:
    """What a function gives, its ValueError as what was wrong in the input.

    Raises:
        BadInput: it raised one.
    """
    try:
        return function(*given)
    except ValueError as error:
        raise BadInput(str(error)) from error


def sweep(
    spec: str | Path | Mapping[str, Any], folder: str | Path | None = None, **settings: Any
) -> Run:
    """Measures a sweep: a preset, a TOML file, or the same as a dict.

    Args:
        spec: the preset's name, the file, or the keys of a file.
        folder: where each finished cell is kept, and a sweep that was interrupted goes on from;
            nothing is kept where there is none. Cells there that are damaged, or were measured with
            other code, are measured again, with a warning.
        settings: keys that take the place of the sweep's own: replicates, samples, seed, …

    Returns:
        The run.

    Raises:
        BadInput: no such preset or file, or a key or a value that does not fit.

    Example:
        >>> import gradest
        >>> run = gradest.sweep({
        ...     "name": "small", "samples": [1, 4], "replicates": 400,
        ...     "problem": [{"name": "gaussian_square"}], "estimator": [{"name": "pathwise"}],
        ... })
        >>> len(run.frame)
        4
    """
    configure()
    plan = resolve(sweep_of(spec, settings))
    use_caches(plan)
    if folder is None:
        outcomes = measure_plan(plan, Quiet())
        return Run.of(plan, outcomes, trained_by(plan))
    stale = stale_in(plan, Path(folder))
    ended = run_sweep(plan, Path(folder), Quiet())
    for line in (*(each.text for each in stale), *ended.remarks):
        warnings.warn(line, stacklevel=2)
    return load(folder)


def trained_by(plan: Plan) -> dict[str, Outcome]:
    """What became of the trainings of a plan; none where its sweep trains nothing."""
    if plan.sweep.training is None:
        return {}
    return train_plan(plan, Quiet(), origins_of(plan, through=TRAINS))


def sweep_of(spec: str | Path | Mapping[str, Any], settings: Mapping[str, Any]) -> Sweep:
    """The sweep with some keys replaced.

    Raises:
        BadInput: a key or a value that does not fit.
    """
    if isinstance(spec, Mapping):
        keys = {"schema": 1, "name": "sweep", **spec}
        return checked({**keys, **settings}, f"sweep {keys['name']}")
    whole = load_sweep(str(spec)).model_dump(by_alias=True, exclude_none=True)
    return checked({**whole, **settings}, f"sweep {spec}")


def load(name: str | Path, *, unverified: bool = False) -> Run:
    """A run that was measured before.

    Args:
        name: its folder, or its name in results/.
        unverified: takes files that were changed after the run as they are; the run says so.

    Raises:
        BadInput: there is no such run, or its files were changed after they were written.
    """
    return Run(verified_run(results.find_run(str(name)), unverified=unverified))


def compare(
    run: Run | str | Path, other: Run | str | Path, *, metrics: str | Sequence[str] = ()
) -> "Ratios":
    """Ratios of variance, work-normalised variance and bias, with paired intervals.

    Args:
        run: the run that is compared, or its folder or name; with another run it is the one divided
            by.
        other: another run, or its folder or name; or one of this run's estimators,
            `name[argument=value,…]`: all others are compared with it.
        metrics: "variance", "work" (variance × seconds), "bias", "mse"; all where there are none.

    Returns:
        The ratios, which show themselves as a table; `.frame` has the numbers.

    Raises:
        BadInput: no such estimator or metric, or runs without a cell in common.

    Example:
        >>> import gradest
        >>> run = gradest.measure(
        ...     "gaussian_square", ["pathwise", "rloo"], samples=4, replicates=400
        ... )
        >>> gradest.compare(run, "pathwise").frame.estimator.unique().tolist()
        ['score_function']
    """
    chosen = [metrics] if isinstance(metrics, str) else list(metrics) or list(METRICS)
    for name in chosen:
        if name not in METRICS:
            raise BadInput(f"metric {name!r}: expected one of {', '.join(METRICS)}")
    first = as_run(run).read
    if isinstance(other, str) and is_estimator(parse(other)[0]):
        notes = changed_lines((first, str(first.folder)))
        return Ratios(ratios.compare_estimators(first, other, chosen), chosen, notes)
    second = as_run(other).read
    notes = changed_lines((first, "A"), (second, "B"))
    return Ratios(ratios.compare_runs(first, second, chosen), chosen, notes)


def as_run(run: Run | str | Path) -> Run:
    """A run, or the one of a folder or a name."""
    return run if isinstance(run, Run) else load(run)


@dataclass(frozen=True, repr=False)
class Ratios:
    """What a comparison found."""

    comparison: ratios.Comparison
    metrics: list[str]
    notes: Sequence[str] = ()
    """What is to be said of runs whose files were changed."""

    @property
    def frame(self) -> pd.DataFrame:
        """A row for each pair of cells, group of θ and metric, with the ratio and its interval."""
        rows = as_json(self.comparison, self.metrics)["rows"]
        known = [(row, name) for row in rows for name in self.metrics if row[name] is not None]
        flat = []
        for row, name in known:
            rest = {key: value for key, value in row.items() if key not in self.metrics}
            flat.append({**rest, "metric": name, **row[name]})
        return pd.DataFrame(flat)

    def __repr__(self) -> str:
        return as_text(self.comparison, self.metrics, self.notes)
