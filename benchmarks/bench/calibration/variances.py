"""Intervals on a variance: of data from a known law, and of real cells."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np
from scipy.stats import chi2

from gradest.benchmarks.bench.calibration.laws import LAWS, generator
from gradest.benchmarks.bench.calibration.rates import ALPHA, Rate, holding
from gradest.benchmarks.measurement.batching import number_of_batches
from gradest.benchmarks.measurement.exact_variances import exact_variance
from gradest.benchmarks.measurement.replicates import cell_key, measure
from gradest.benchmarks.statistics.intervals import (
    LINEAR,
    Interval,
    interval,
    jackknife,
    total_variance,
    variance,
)
from gradest.benchmarks.statistics.moments import Moments, leave_out, pool, summarise
from gradest.benchmarks.statistics.tails import tail_index
from gradest.estimators import Estimator, estimator
from gradest.problems import Problem, problem


def jackknifed(moments: Moments) -> Interval:
    """The jackknife of ln s² with Student's t, whatever the kurtosis."""
    return interval(jackknife(total_variance, leave_out(moments)))


def bootstrapped(moments: Moments) -> Interval:
    """The bootstrap-t, whatever the kurtosis."""
    return interval(jackknife(total_variance, leave_out(moments)), heavy=True)


def without_logarithm(moments: Moments) -> Interval:
    """The jackknife of s² itself."""
    return interval(jackknife(total_variance, leave_out(moments)), LINEAR)


def chi_square(moments: Moments) -> Interval:
    """The textbook's, for normal data with the same variance in each coordinate."""
    whole = leave_out(moments).whole
    value = float(total_variance(whole))
    freedom = whole.variance.size * (whole.size - 1)
    low, high = value * freedom / chi2.ppf([1 - ALPHA / 2, ALPHA / 2], freedom)
    return Interval(value, float(low), float(high))


METHODS: dict[str, Callable[[Moments], Interval]] = {
    "as shipped": variance,
    "jackknife of ln s²": jackknifed,
    "bootstrap-t": bootstrapped,
    "jackknife of s²": without_logarithm,
    "chi-square": chi_square,
}
"""The first is what gradest reports: the second up to kurtosis 10, the third above.

The others are for contrast.
"""


def study_variance(law_name: str, dim: int, replicates: int, studies: int) -> Iterator[Rate]:
    """Intervals on the variance of a vector of independent coordinates, by each method."""
    law = LAWS[law_name]
    rng = generator(law_name, dim, replicates)
    batches = number_of_batches(replicates)
    samples = [summarise(law.draw(rng, (replicates, dim)), batches) for _ in range(studies)]
    flags = [tail_index(moments).lacks_moment(4) for moments in samples]
    for method, interval_of in METHODS.items():
        intervals = [interval_of(moments) for moments in samples]
        yield Rate(
            part="variance",
            case=law_name,
            method=method,
            dim=dim,
            replicates=replicates,
            kurtosis=1 + (law.kurtosis - 1) / dim,
            **holding(intervals, dim * law.variance, flags),
        )


class KnownCell(NamedTuple):
    """A real cell with an exactly known variance."""

    problem: str
    problem_args: dict[str, Any]
    estimator: str
    estimator_args: dict[str, Any]
    num_samples: int
    group: str

    @property
    def label(self) -> str:
        """The cell in words, which also name its random numbers."""
        problem_args = [f"{key} = {value}" for key, value in self.problem_args.items()]
        options = [str(value).replace("_", " ") for value in self.estimator_args.values()]
        parts = [
            self.problem.replace("_", " "),
            *problem_args,
            self.estimator.replace("_", " "),
            *options,
            f"L = {self.num_samples}",
            f"∂/∂ {self.group}",
        ]
        return ", ".join(parts)

    def made(self) -> tuple[Problem, Estimator]:
        """The cell's problem and estimator."""
        toy = problem(self.problem, **self.problem_args)
        return toy, estimator(self.estimator, **self.estimator_args)


PLAIN, LEAVE_ONE_OUT = {"baseline": "none"}, {"baseline": "leave_one_out"}

KNOWN_CELLS = (
    KnownCell("gaussian_square", {"k": 3.0}, "score_function", PLAIN, 1, "mean"),
    KnownCell("gaussian_square", {"k": 3.0}, "pathwise", {}, 8, "scale"),
    KnownCell("gaussian_cosine", {"k": 1.0}, "score_function", LEAVE_ONE_OUT, 8, "mean"),
    KnownCell("gaussian_cosine", {"k": 1.0}, "measure_valued", {}, 1, "scale"),
    KnownCell("gaussian_step", {"k": 0.3}, "measure_valued", {}, 8, "mean"),
    KnownCell("gaussian_exponential", {"k": -0.05}, "score_function", PLAIN, 1, "scale"),
    KnownCell("gaussian_exponential", {"k": 1.0}, "pathwise", {}, 1, "mean"),
    KnownCell("bernoulli_square", {"dim": 3}, "score_function", LEAVE_ONE_OUT, 8, "logits"),
)
"""Eight cells: every toy, four estimators, L = 1 and 8, kurtosis from 2 to 100."""


def measurements(cell: KnownCell, replicates: int, seeds: Iterable[int]) -> Iterator[Moments]:
    """The moments of the cell's group, measured anew with each seed."""
    toy, candidate = cell.made()
    params = toy.init_params(jax.random.key(0))
    for seed in seeds:
        measurement = measure(
            toy,
            candidate,
            params,
            num_samples=cell.num_samples,
            replicates=replicates,
            key=cell_key(seed, cell.label, "init", cell.num_samples),
            least_timed=0,
        )
        yield measurement.moments[cell.group]


def known_variance(cell: KnownCell) -> float:
    """The exact variance of the cell's group, by quadrature or enumeration.

    Raises:
        ValueError: it is not known.
    """
    toy, candidate = cell.made()
    exact = exact_variance(toy, candidate, toy.init_params(jax.random.key(0)), cell.num_samples)
    if exact is None:
        raise ValueError(f"{cell.label}: expected a cell whose variance is known")
    return exact[cell.group]


def study_cell(cell: KnownCell, replicates: int, studies: int) -> Iterator[Rate]:
    """Intervals on the variance of a real cell."""
    samples = list(measurements(cell, replicates, range(studies)))
    flags = [tail_index(moments).lacks_moment(4) for moments in samples]
    intervals = [variance(moments) for moments in samples]
    wholes = [pool(moments) for moments in samples]
    second = np.mean([whole.second.sum() for whole in wholes]) / replicates
    fourth = np.mean([whole.fourth[0] for whole in wholes]) / replicates
    yield Rate(
        part="cells",
        case=cell.label,
        method="as shipped",
        dim=samples[0].mean.shape[1],
        replicates=replicates,
        kurtosis=float(fourth / second**2),
        **holding(intervals, known_variance(cell), flags),
    )
