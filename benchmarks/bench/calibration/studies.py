"""Simulations in which the truth is known: how often an interval holds it, how often a test finds
what is not there.

Every number that a study draws comes from generators seeded by the study's own name, so that no
study depends on which others are run, and the same command writes the same bytes.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy.special import ndtr, ndtri
from scipy.stats import chi2, false_discovery_control

from gradest.benchmarks.measurement.batching import number_of_batches
from gradest.benchmarks.measurement.exact_variances import exact_variance
from gradest.benchmarks.measurement.replicates import cell_key, measure
from gradest.benchmarks.statistics.bias import Truth, biases, deviation, exactly, holm
from gradest.benchmarks.statistics.intervals import (
    CONFIDENCE,
    LINEAR,
    LOG,
    Interval,
    combine,
    interval,
    jackknife,
    largest_variance,
    median,
    product,
    signal_to_noise,
    total_variance,
    variance,
)
from gradest.benchmarks.statistics.moments import LeftOut, Moments, leave_out, pool, summarise
from gradest.benchmarks.statistics.tails import tail_index
from gradest.benchmarks.statistics.trends import crossovers, log_log_slope
from gradest.estimators import estimator
from gradest.problems import problem

SEED = 0
ALPHA = 1 - CONFIDENCE
EPSILON = float(np.finfo(np.float64).eps)

Draw = Callable[[np.random.Generator, tuple[int, ...]], Float[np.ndarray, "..."]]


class Row(NamedTuple):
    """One line of coverage.csv: how often something happened in so many independent studies."""

    part: str
    """A key of PARTS."""
    case: str
    """What was simulated."""
    method: str
    dim: int
    replicates: int
    kurtosis: float
    """The true one; for a real cell that of all its replicates together; empty where it means nothing."""
    nominal: float
    """What the rate should be."""
    studies: int
    rate: float
    rate_low: float
    """Of the rate's own 95 % interval."""
    rate_high: float
    truth_below: float = np.nan
    """How often the truth was below the interval."""
    truth_above: float = np.nan
    width: float = np.nan
    """The interval's median width: high/low − 1 for what is positive, else high − low."""
    flagged: float = np.nan
    """How often the tail index said that there is no fourth moment."""
    rate_unflagged: float = np.nan
    """The rate among the others."""
    misled: float = np.nan
    """How often the interval missed the truth and nothing warned of it."""


def generator(*names: object) -> np.random.Generator:
    """A generator of random numbers for a study of that name."""
    return np.random.default_rng([SEED, zlib.crc32(repr(names).encode())])


def proportion(hits: int, studies: int) -> dict[str, Any]:
    """A rate with its 95 % interval (Wilson, 1927), as columns of a row."""
    z = float(ndtri(1 - ALPHA / 2))
    rate = hits / studies
    center = (rate + z**2 / (2 * studies)) / (1 + z**2 / studies)
    half = z * np.sqrt(rate * (1 - rate) / studies + z**2 / (4 * studies**2)) / (1 + z**2 / studies)
    low, high = min(rate, center - half), max(rate, center + half)
    return {"studies": studies, "rate": rate, "rate_low": low, "rate_high": high}


def coverage(
    intervals: Sequence[Interval], truth: float, flags: Sequence[bool] | None = None
) -> dict[str, Any]:
    """How often the intervals hold the truth, as columns of a row."""
    value, low, high = np.array(intervals, float).T
    hit = (low <= truth) & (truth <= high)
    relative = (low > 0).all() and (value > 0).all()
    found = proportion(int(hit.sum()), len(hit)) | {
        "nominal": CONFIDENCE,
        "truth_below": float((truth < low).mean()),
        "truth_above": float((truth > high).mean()),
        "width": float(np.median(high / low - 1 if relative else high - low)),
    }
    if flags is not None:
        flagged = np.array(flags)
        found["flagged"] = float(flagged.mean())
        found["rate_unflagged"] = float(hit[~flagged].mean()) if not flagged.all() else np.nan
        found["misled"] = float((~hit & ~flagged).mean())
    return found


class Law(NamedTuple):
    """A distribution, and what is known of it."""

    draw: Draw
    mean: float
    variance: float
    kurtosis: float


def lognormal(sigma: float) -> Law:
    """exp(σ ε): its moments are exp(n²σ²/2)."""
    w = np.exp(sigma**2)
    draw = partial(_lognormal, sigma)
    return Law(draw, float(np.sqrt(w)), float(w * (w - 1)), float(w**4 + 2 * w**3 + 3 * w**2 - 3))


def _lognormal(
    sigma: float, rng: np.random.Generator, shape: tuple[int, ...]
) -> Float[np.ndarray, "..."]:
    return np.exp(sigma * rng.standard_normal(shape))


LAWS = {
    "normal": Law(lambda rng, shape: rng.standard_normal(shape), 0.0, 1.0, 3.0),
    "Laplace": Law(lambda rng, shape: rng.laplace(size=shape), 0.0, 2.0, 6.0),
    "exponential": Law(lambda rng, shape: rng.standard_exponential(shape), 1.0, 1.0, 9.0),
    "chi-square(1)": Law(lambda rng, shape: rng.standard_normal(shape) ** 2, 1.0, 2.0, 15.0),
    "lognormal(0.8)": lognormal(0.8),
    "cubed normal": Law(lambda rng, shape: rng.standard_normal(shape) ** 3, 0.0, 15.0, 46.2),
    "lognormal(1)": lognormal(1.0),
    "Student t(3)": Law(lambda rng, shape: rng.standard_t(3, shape), 0.0, 3.0, np.inf),
    "Student t(1.5)": Law(lambda rng, shape: rng.standard_t(1.5, shape), 0.0, np.inf, np.inf),
}
"""Where kurtosis is infinite, so is what the variance's interval rests on: there a refusal is right."""


# Intervals on a variance


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
    value, freedom = float(total_variance(whole)), whole.variance.size * (whole.size - 1)
    low, high = value * freedom / chi2.ppf([1 - ALPHA / 2, ALPHA / 2], freedom)
    return Interval(value, float(low), float(high))


METHODS: dict[str, Callable[[Moments], Interval]] = {
    "as shipped": variance,
    "jackknife of ln s²": jackknifed,
    "bootstrap-t": bootstrapped,
    "jackknife of s²": without_logarithm,
    "chi-square": chi_square,
}
"""The first is what gradest reports: the second up to kurtosis 10, the third above; the others are for contrast."""


def study_variance(name: str, dim: int, replicates: int, studies: int) -> Iterator[Row]:
    """Intervals on the variance of a vector of independent coordinates."""
    law, rng, batches = LAWS[name], generator(name, dim, replicates), number_of_batches(replicates)
    every = [summarise(law.draw(rng, (replicates, dim)), batches) for _ in range(studies)]
    flags = [tail_index(moments).lacks_moment(4) for moments in every]
    for method, bounds in METHODS.items():
        found = coverage([bounds(moments) for moments in every], dim * law.variance, flags)
        yield Row(
            "variance",
            name,
            method,
            dim,
            replicates,
            kurtosis=1 + (law.kurtosis - 1) / dim,
            **found,
        )


class Cell(NamedTuple):
    """A real cell with an exactly known variance."""

    problem: str
    problem_args: dict[str, Any]
    estimator: str
    estimator_args: dict[str, Any]
    num_samples: int
    group: str

    @property
    def label(self) -> str:
        """In words."""
        arguments = [f"{key} = {value}" for key, value in self.problem_args.items()]
        options = [str(value).replace("_", " ") for value in self.estimator_args.values()]
        cell = [
            self.problem.replace("_", " "),
            *arguments,
            self.estimator.replace("_", " "),
            *options,
        ]
        return ", ".join([*cell, f"L = {self.num_samples}", f"∂/∂ {self.group}"])


CELLS = (
    Cell("gaussian_square", {"k": 3.0}, "score_function", {"baseline": "none"}, 1, "mean"),
    Cell("gaussian_square", {"k": 3.0}, "pathwise", {}, 8, "scale"),
    Cell("gaussian_cosine", {"k": 1.0}, "score_function", {"baseline": "leave_one_out"}, 8, "mean"),
    Cell("gaussian_cosine", {"k": 1.0}, "measure_valued", {}, 1, "scale"),
    Cell("gaussian_step", {"k": 0.3}, "measure_valued", {}, 8, "mean"),
    Cell("gaussian_exponential", {"k": -0.05}, "score_function", {"baseline": "none"}, 1, "scale"),
    Cell("gaussian_exponential", {"k": 1.0}, "pathwise", {}, 1, "mean"),
    Cell(
        "bernoulli_square", {"dim": 3}, "score_function", {"baseline": "leave_one_out"}, 8, "logits"
    ),
)
"""Eight cells: every toy, four estimators, L = 1 and 8, kurtosis from 2 to 100."""


def measured(cell: Cell, replicates: int, seeds: Sequence[int]) -> Iterator[Moments]:
    """The cell's group, measured anew with each seed."""
    toy, candidate = (
        problem(cell.problem, **cell.problem_args),
        estimator(cell.estimator, **cell.estimator_args),
    )
    params = toy.init_params(jax.random.key(0))
    for seed in seeds:
        key = cell_key(seed, cell.label, "init", cell.num_samples)
        result = measure(
            toy,
            candidate,
            params,
            num_samples=cell.num_samples,
            replicates=replicates,
            key=key,
            least_timed=0,
        )
        yield result.moments[cell.group]


def known_variance(cell: Cell) -> float:
    """By quadrature or enumeration."""
    toy, candidate = (
        problem(cell.problem, **cell.problem_args),
        estimator(cell.estimator, **cell.estimator_args),
    )
    exact = exact_variance(toy, candidate, toy.init_params(jax.random.key(0)), cell.num_samples)
    if exact is None:
        raise ValueError(f"{cell.label}: expected a cell whose variance is known")
    return exact[cell.group]


def study_cell(cell: Cell, replicates: int, studies: int) -> Iterator[Row]:
    """Intervals on the variance of a real cell."""
    every = list(measured(cell, replicates, range(studies)))
    flags = [tail_index(moments).lacks_moment(4) for moments in every]
    found = coverage([variance(moments) for moments in every], known_variance(cell), flags)
    wholes = [pool(moments) for moments in every]
    second = np.mean([whole.second.sum() for whole in wholes]) / replicates
    fourth = np.mean([whole.fourth[0] for whole in wholes]) / replicates
    dim = every[0].mean.shape[1]
    yield Row(
        "cells",
        cell.label,
        "as shipped",
        dim,
        replicates,
        kurtosis=float(fourth / second**2),
        **found,
    )


# Everything else that is made of batch summaries

MIXING = np.array(
    [
        [2.0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [0, -1, 1.5, 0, 0],
        [0.5, 0, 0, 1, 0],
        [0, 0.3, 0, -0.7, 0.4],
    ]
)
"""What makes five correlated coordinates of different variance from five independent exponential ones."""
EXACT = np.array([1.0, -2.0, 0.5, 0.0, 1.5])
"""The exact gradient."""
COVARIANCE = MIXING @ MIXING.T

BIASES = {
    "none": np.zeros(5),
    "of the size of the noise": np.array([0.0, 0.02, 0.0, 0.01, 0.0]),
    "large": np.array([0.5, 0.3, 0.0, 0.0, -0.2]),
}


def skewed_gradients(
    rng: np.random.Generator, replicates: int, mean: Float[np.ndarray, " 5"]
) -> np.ndarray:
    """Skewed replicates with that mean and the covariance COVARIANCE."""
    return mean + (rng.standard_exponential((replicates, 5)) - 1) @ MIXING.T


def study_statistics(bias: str, replicates: int, studies: int) -> Iterator[Row]:
    """Intervals on what is reported of one cell."""
    rng, mean, batches = (
        generator(bias, replicates),
        EXACT + BIASES[bias],
        number_of_batches(replicates),
    )
    size, total = float(np.linalg.norm(EXACT)), float(np.trace(COVARIANCE))
    truths = {
        "‖bias‖²": float(BIASES[bias] @ BIASES[bias]),
        "relative bias": float(BIASES[bias] @ EXACT / size**2),
        "cosine": float(mean @ EXACT / np.linalg.norm(mean) / size),
        "‖bias‖², against a reference run": float(BIASES[bias] @ BIASES[bias]),
        "relative bias, against a reference run": float(BIASES[bias] @ EXACT / size**2),
        "cosine, against a reference run": float(mean @ EXACT / np.linalg.norm(mean) / size),
        "total variance": total,
        "largest coordinate's variance": float(np.diag(COVARIANCE).max()),
        "signal-to-noise ratio": float(np.linalg.norm(mean) / np.sqrt(total)),
        "work-normalised variance": total,
    }
    # a reference run of four times the replicates, in coordinates of their own
    error = np.sqrt(np.diag(COVARIANCE) / (4 * replicates))
    along = float(np.linalg.norm(error * EXACT) / size)
    found: dict[str, list[Interval]] = {name: [] for name in truths}
    for _ in range(studies):
        moments = summarise(skewed_gradients(rng, replicates, mean), batches)
        samples, spread = leave_out(moments), variance(moments)
        seen = biases({"": moments}, {"": exactly(EXACT)}, EPSILON)[""]
        reference = Truth(EXACT + error * rng.standard_normal(5), error, along)
        against = biases({"": moments}, {"": reference}, EPSILON)[""]
        seconds = median(np.exp(0.1 * rng.standard_normal(15)))
        each = (
            seen.squared,
            seen.relative,
            seen.cosine,
            against.squared,
            against.relative,
            against.cosine,
            spread,
            largest_variance(samples),
            signal_to_noise(samples),
            product(spread, seconds),
        )
        for name, one in zip(truths, each, strict=True):
            found[name].append(one)
    for name, truth in truths.items():
        columns = coverage(found[name], truth)
        yield Row("statistics", f"bias {bias}", name, 5, replicates, kurtosis=np.nan, **columns)


class Trend(NamedTuple):
    """Two cells at each L, whose variances are known: the first c/L, the second 1/L²."""

    crossing: float
    """c's inverse, where the second overtakes."""
    common: bool
    """Whether they share their random numbers."""


TRENDS = {
    "crossing at L = 6": Trend(6.0, False),
    "crossing at L = 6, common random numbers": Trend(6.0, True),
    "crossing at L = 4.2": Trend(4.2, False),
}
LEVELS = np.array([1.0, 4.0, 16.0, 64.0])


def study_trends(name: str, replicates: int, studies: int) -> Iterator[Row]:
    """Intervals on what is made of several cells: a ratio of variances, a slope, a crossover."""
    trend, rng, batches = TRENDS[name], generator(name, replicates), number_of_batches(replicates)

    def noise(level: float) -> np.ndarray:
        return rng.gamma(level, size=(replicates, 1)) / np.sqrt(level)

    def moments(values: np.ndarray, variance: float) -> LeftOut:
        return leave_out(summarise(values * np.sqrt(variance), batches))

    truths = {
        "ratio of variances": 1 / trend.crossing,
        "slope on L": -1.0,
        "crossover": trend.crossing,
    }
    found: dict[str, list[Interval]] = {name: [] for name in truths}
    for _ in range(studies):
        drawn = [noise(level) for level in LEVELS]
        others = drawn if trend.common else [noise(level) for level in LEVELS]
        # the same numbers seen through another estimator, half of them its own
        others = [
            (other + noise(level)) / np.sqrt(2) for other, level in zip(others, LEVELS, strict=True)
        ]
        first, second = (
            [
                jackknife(total_variance, moments(x, v))
                for x, v in zip(values, variances, strict=True)
            ]
            for values, variances in ((drawn, 1 / LEVELS / trend.crossing), (others, 1 / LEVELS**2))
        )
        slope = log_log_slope(LEVELS, first)
        if slope is None:
            raise ArithmeticError("expected a slope from four levels")
        found["ratio of variances"].append(interval(combine(np.divide, first[0], second[0])))
        found["slope on L"].append(interval(slope, LINEAR))
        found["crossover"] += [one.at for one in crossovers(LEVELS, first, second, LOG)]
    for statistic, truth in truths.items():
        columns = coverage(found[statistic], truth)
        yield Row("trends", name, statistic, 1, replicates, kurtosis=np.nan, **columns)


# Tests for bias


def study_false_alarms(name: str, dim: int, replicates: int, studies: int) -> Iterator[Row]:
    """How often a cell without bias is called biased, at 5 %."""
    law, rng, batches = (
        LAWS[name],
        generator("alarms", name, dim, replicates),
        number_of_batches(replicates),
    )
    truth = np.full(dim, law.mean)
    own = np.full(dim, np.sqrt(law.variance / replicates))
    alarms = dict.fromkeys(
        (
            "Holm, Hall's correction",
            "Holm, no correction",
            "no adjustment",
            "reference run",
            "its error ignored",
        ),
        0,
    )
    for _ in range(studies):
        moments = summarise(law.draw(rng, (replicates, dim)), batches)
        away = deviation(moments, exactly(truth), EPSILON)
        reference = truth + own * rng.standard_normal(dim)
        alarms["Holm, Hall's correction"] += bool(
            biases({"": moments}, {"": exactly(truth)}, EPSILON)[""].p < ALPHA
        )
        alarms["Holm, no correction"] += bool(
            holm(away._replace(skewness=np.zeros(dim)).p()).min() < ALPHA
        )
        alarms["no adjustment"] += bool(away.p().min() < ALPHA)
        for label, error in (("reference run", own), ("its error ignored", 0 * own)):
            alarms[label] += bool(
                holm(deviation(moments, Truth(reference, error, 0.0), EPSILON).p()).min() < ALPHA
            )
    for method, count in alarms.items():
        yield Row(
            "alarms",
            name,
            method,
            dim,
            replicates,
            law.kurtosis,
            ALPHA,
            **proportion(count, studies),
        )


def study_discoveries(name: str, share: float, replicates: int, studies: int) -> Iterator[Row]:
    """The false share of the cells called biased in sweeps of 200 cells, by Benjamini and Hochberg (1995) at 5 %."""
    law, rng, cells = LAWS[name], generator("discoveries", name, share, replicates), 200
    biased = np.arange(cells) < share * cells
    truth = law.mean + 5 * biased * np.sqrt(law.variance / replicates)
    false, power, batches = np.zeros(studies), np.zeros(studies), number_of_batches(replicates)
    for i in range(studies):
        # a cell with one coordinate has its coordinate's p-value
        moments = summarise(law.draw(rng, (replicates, cells)), batches)
        called = false_discovery_control(deviation(moments, exactly(truth), EPSILON).p()) < ALPHA
        false[i] = (called & ~biased).sum() / max(called.sum(), 1)
        power[i] = called[biased].mean() if biased.any() else np.nan
    half = float(ndtri(1 - ALPHA / 2) * false.std(ddof=1) / np.sqrt(studies))
    yield Row(
        "discoveries",
        f"{name}, {share:.0%} of 200 cells biased",
        "Benjamini–Hochberg",
        1,
        replicates,
        law.kurtosis,
        nominal=ALPHA * (1 - share),
        studies=studies,
        rate=float(false.mean()),
        rate_low=float(false.mean()) - half,
        rate_high=float(false.mean()) + half,
    )


def study_equivalence(name: str, dim: int, replicates: int, studies: int) -> Iterator[Row]:
    """How often a cell is called free of bias where one coordinate's bias is as large as the margin, or nothing."""
    law, rng, batches = (
        LAWS[name],
        generator("equivalence", name, dim, replicates),
        number_of_batches(replicates),
    )
    error = np.sqrt(law.variance / replicates)
    # a gradient along the first coordinate alone, and a margin of 8 standard errors: any bias
    # within it is visible
    exact, margin = np.zeros(dim), 0.05
    exact[0] = 8 * error / margin
    claims = {"bias at the margin": 0, "bias at the margin, negative": 0, "no bias": 0}
    for _ in range(studies):
        noise = law.draw(rng, (replicates, dim)) - law.mean + exact
        for case, size in zip(claims, (margin, -margin, 0.0), strict=True):
            moments = summarise(noise + size * exact, batches)
            found = biases({"": moments}, {"": exactly(exact)}, EPSILON, margin)[""]
            claims[case] += found.equivalence_p < ALPHA
    for case, count in claims.items():
        nominal = ALPHA if case != "no bias" else float((2 * ndtr(8 - ndtri(1 - ALPHA)) - 1) ** dim)
        columns = proportion(count, studies)
        yield Row(
            "equivalence",
            f"{name}, {case}",
            "two one-sided tests",
            dim,
            replicates,
            law.kurtosis,
            nominal,
            **columns,
        )


def study_power(name: str, dim: int, replicates: int, studies: int) -> Iterator[Row]:
    """How often a bias planted in one coordinate is found, against the prediction of the normal law."""
    law, rng, batches = (
        LAWS[name],
        generator("power", name, dim, replicates),
        number_of_batches(replicates),
    )
    error = np.sqrt(law.variance / replicates)
    first = float(ndtri(1 - ALPHA / 2 / dim))
    factors = (0.5, 1.0, 1.5)
    found, detectable = dict.fromkeys(factors, 0), []
    for i in range(studies):
        moments = summarise(law.draw(rng, (replicates, dim)), batches)
        detectable.append(
            biases({"": moments}, {"": exactly(np.full(dim, law.mean))}, EPSILON)[""].detectable
        )
        for factor in factors:
            truth = np.full(dim, law.mean)
            truth[0] -= (-1) ** i * factor * (first + ndtri(0.8)) * error
            found[factor] += bool(holm(deviation(moments, exactly(truth), EPSILON).p())[0] < ALPHA)
    for factor, count in found.items():
        predicted = float(ndtr(factor * (first + ndtri(0.8)) - first))
        case = f"{name}, bias {factor:g} × detectable"
        columns = proportion(count, studies) | {"width": float(np.median(detectable) / error)}
        yield Row(
            "power",
            case,
            "Holm, Hall's correction",
            dim,
            replicates,
            law.kurtosis,
            predicted,
            **columns,
        )


class Study(NamedTuple):
    """A simulation, and how many independent repetitions of it."""

    run: Callable[..., Iterator[Row]]
    arguments: tuple[Any, ...]
    studies: int

    def rows(self, share: float = 1.0) -> Iterator[Row]:
        """What it finds, in a share of its repetitions."""
        return self.run(*self.arguments, max(2, round(share * self.studies)))


FEW, MANY = 1_000, 20_000
"""The replicates of a quick cell, and of an ordinary one."""

STUDIES = (
    *(Study(study_variance, (law, 1, size), 4_000) for law in LAWS for size in (FEW, MANY)),
    *(
        Study(study_variance, (law, 10, FEW), 2_000)
        for law in ("normal", "chi-square(1)", "lognormal(1)")
    ),
    *(
        Study(study_variance, (law, 10, MANY), 1_500)
        for law in ("normal", "chi-square(1)", "lognormal(1)")
    ),
    *(Study(study_cell, (cell, MANY), 600) for cell in CELLS),
    *(Study(study_statistics, (bias, size), 2_000) for bias in BIASES for size in (FEW, MANY)),
    *(Study(study_trends, (trend, FEW), 2_000) for trend in TRENDS),
    *(Study(study_trends, (trend, MANY), 1_000) for trend in TRENDS),
    *(Study(study_false_alarms, (law, 100, FEW), 2_000) for law in ("exponential", "lognormal(1)")),
    *(Study(study_false_alarms, (law, 100, MANY), 800) for law in ("exponential", "lognormal(1)")),
    *(Study(study_discoveries, ("exponential", share, FEW), 2_000) for share in (0.0, 0.2)),
    *(Study(study_equivalence, ("exponential", 3, size), 2_000) for size in (FEW, MANY)),
    *(Study(study_power, ("exponential", 10, size), 2_000) for size in (FEW, MANY)),
)


def simulate(studies: Sequence[Study], share: float = 1.0) -> pd.DataFrame:
    """The studies' rows."""
    return pd.DataFrame(
        [row for study in studies for row in study.rows(share)], columns=Row._fields
    )
