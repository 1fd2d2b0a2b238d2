"""Crossovers: against exact variances and their roots, that their intervals cover, and how they are
said.
"""

import jax
import numpy as np
import pytest
from scipy.optimize import brentq

from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.comparisons.crossovers import (
    find_crossovers,
    narrowest,
    samples_below,
    sentence,
)
from gradest.benchmarks.measurement.exact_variances import exact_variance
from gradest.benchmarks.report.macros import numbers
from gradest.benchmarks.report.tables import crossover_table, latex
from gradest.benchmarks.statistics.intervals import LINEAR, LOG
from gradest.benchmarks.statistics.trends import crossovers, curvatures
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.run import run_sweep
from gradest.benchmarks.sweeps.schema import parse_sweep
from gradest.estimators import estimator
from gradest.problems import problem
from tests.support.made_runs import (
    LEAVE_ONE_OUT,
    PATHWISE,
    PLAIN,
    SQUARE,
    cell,
    errors,
    jackknifed,
    write,
)
from tests.support.sweeps import Quiet


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def log_ratio(name: str, group: str, first: str, second: str):
    """ln variance of the first less that of the second, exactly, as a function of k at L = 1."""

    def difference(k: float) -> float:
        with jax.enable_x64(True):
            toy = problem(name, k=float(k), mean=1.0, scale=1.0)
            params = toy.init_params(jax.random.key(0))
            a, b = (
                exact_variance(toy, estimator(kind), params, 1)[group] for kind in (first, second)
            )
        return float(np.log(a / b))

    return difference


def test_a_straight_line_is_covered_as_claimed():
    """400 studies of ln ratio = x − 0.4 known to ± 0.1 in five places: at least 95 %, to three
    standard errors.
    """
    rng, axis, covered, widths = np.random.default_rng(1), np.linspace(-2, 2, 5), 0, []
    for _ in range(400):
        first = [jackknifed(np.exp(x - 0.4), errors(rng, 0.1)) for x in axis]
        second = [jackknifed(1.0, errors(rng, 1e-6)) for _ in axis]
        (found,) = crossovers(axis, first, second)
        assert not found.first_is_lower_above
        covered += found.at.low <= 0.4 <= found.at.high
        widths.append(found.at.high - found.at.low)
    assert covered / 400 > 0.915
    assert (
        np.median(widths) < 1.0
    )  # of 4, and twice 2.04 standard errors of 0.1 and what they say of the curvature


def test_a_curve_between_few_places_is_covered_too():
    """Where the interpolation errs ten times as much as the replicates: alone, these would cover
    next to nothing.
    """
    rng, axis, covered = np.random.default_rng(2), np.array([-0.5, 0.0, 0.5, 1.0, 1.5]), 0
    line = np.interp(0.0, np.exp([0.5, 1.0]) - 2, [0.5, 1.0])
    slope = (np.exp(1.0) - np.exp(0.5)) / 0.5
    assert abs(line - np.log(2)) > 10 * 0.002 * np.sqrt(2) / slope
    for _ in range(200):
        first = [jackknifed(np.exp(np.exp(x) - 2), errors(rng, 0.002)) for x in axis]
        second = [jackknifed(1.0, errors(rng, 0.002)) for _ in axis]
        (found,) = crossovers(axis, first, second)
        covered += found.at.low <= np.log(2) <= found.at.high
    assert covered / 200 > 0.95


def test_curvatures_bound_a_parabolas():
    x = np.array([0.0, 1.0, 2.5, 3.0])
    np.testing.assert_allclose(curvatures(x, 3 * x**2, 0 * x), 12.0)  # twice the second derivative
    assert (curvatures(x, 3 * x**2, 10 + x) == 0).all()  # errors explain it
    assert np.isinf(curvatures(x[:2], x[:2], x[:2])).all()


def test_two_places_say_only_that_it_lies_between(rng):
    first, second = (
        [jackknifed(v, errors(rng, 0.01)) for v in values] for values in ((1.0, 3.0), (2.0, 2.0))
    )
    (found,) = crossovers(np.array([1, 64]), first, second, LOG)
    assert found.first_is_lower_above is False
    assert found.at.low == pytest.approx(1, abs=0.05)
    assert found.at.high == pytest.approx(64, rel=0.05)
    assert found.at.low < found.at.value < found.at.high


def test_what_is_not_known_to_differ_does_not_cross(rng):
    def apart(differences, error):
        each = [errors(rng, error) for _ in differences]
        first = [
            jackknifed(np.exp(d), e - e.mean()) for d, e in zip(differences, each, strict=True)
        ]
        return np.arange(float(len(first))), first, [jackknifed(1.0, np.zeros(32)) for _ in first]

    assert crossovers(*apart((0.15, -0.1, 0.12, -0.15), 0.1)) == []
    assert len(crossovers(*apart((0.15, -0.1), 0.001))) == 1
    # known one at a time, but not all of a thousand at once
    barely = apart((0.12, -0.12), 0.03)
    assert len(crossovers(*barely)) == 1
    assert crossovers(*barely, LINEAR, 1000) == []


SWEEP = """
schema = 1
name = "cosine"
replicates = 20_000
samples = [2]
[[problem]]
name = "gaussian_cosine"
k = [0.631, 0.794, 1.0, 1.259, 1.585, 1.995]
[[estimator]]
name = "pathwise"
[[estimator]]
name = "score_function"
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cosine")
    run_sweep(resolve(parse_sweep(SWEEP, "here")), folder, Quiet())
    return read_run(folder)


def test_a_measured_crossover_is_the_root_of_the_exact_difference(rng):
    """mohamed2020's places in k, its errors: every crossover that is found is one, and the interval
    says where.
    """
    k = [0.251, 0.316, 0.398, 0.501, 0.631, 0.794, 1.0, 1.259, 1.585, 1.995, 2.512, 3.162, 3.981]
    cases = {
        ("gaussian_cosine", "mean", "score_function", "pathwise"): (1.0, 1.259),
        ("gaussian_cosine", "scale", "score_function", "pathwise"): (1.259, 1.585),
        ("gaussian_exponential", "mean", "score_function", "pathwise"): (0.794, 1.0),
        ("gaussian_exponential", "scale", "score_function", "measure_valued"): (1.585, 1.995),
    }
    for case, bracket in cases.items():
        difference = log_ratio(*case)
        root = brentq(difference, *bracket)
        first = [jackknifed(np.exp(difference(x)), errors(rng, 0.012)) for x in k]
        second = [jackknifed(1.0, errors(rng, 0.012)) for _ in k]
        (found,) = crossovers(np.array(k), first, second, tests=500)
        assert found.at.low <= root <= found.at.high, case
        assert found.at.high - found.at.low < 0.25, case
        assert found.first_is_lower_above


def test_a_run_finds_the_root_of_the_exact_difference(measured):
    """Measured through and through: pathwise against the score function as k makes the cosine turn
    faster.
    """
    found = find_crossovers(measured.measurements)
    assert {crossing.line.group for crossing in found} == {"mean", "scale"}
    for crossing in found:
        assert crossing.line.axis == "k"
        difference = log_ratio("gaussian_cosine", crossing.line.group, "pathwise", "score_function")
        low, high = crossing.crossover.at.low, crossing.crossover.at.high
        assert difference(low) * difference(high) < 0
        assert low <= brentq(difference, low, high) <= high


def test_a_crossover_is_said_in_a_sentence_a_table_and_a_macro(rng, tmp_path):
    ks = [0.8, 1.0, 1.25, 1.5]
    cells = [
        cell(jackknifed(v, errors(rng, 0.004)), kind, (SQUARE[0], SQUARE[1] | {"k": k}), samples=1)
        for i, k in enumerate(ks)
        for kind, v in ((LEAVE_ONE_OUT, 1.2 - 0.2 * i), (PATHWISE, 0.75 + 0.2 * i))
    ]
    run = read_run(write(tmp_path, cells))
    (found,) = find_crossovers(run.measurements)
    text = sentence(found)
    assert text.startswith(
        "Gaussian square, initialisation, ∂/∂ mean, L = 1: "
        "the score function (leave-one-out) has the"
    )
    assert " lower variance above k = 1.0" in text
    assert text.endswith("]; pathwise below.")
    table = crossover_table([found])
    assert table.rows[0][1:2] == ["k"]
    assert r"$\partial$" in latex(table)
    macros = numbers(run.measurements, [found, found])
    name = r"\gradestGaussianSquareInitMeanLOneScoreFunctionLeaveOneOutAgainstPathwiseCrossoverK"
    for each in ("", "Interval", "Two", "TwoInterval"):
        assert macros.count(f"{name}{each}}}") == 1


def test_along_samples_the_axis_is_logarithmic_and_a_size_too(rng, tmp_path):
    at = {1: (1.0, 2.0), 4: (1.0, 1.5), 16: (1.5, 1.0), 64: (2.0, 1.0)}
    by_samples = [
        cell(jackknifed(v, errors(rng, 0.01)), kind, samples=samples)
        for samples, values in at.items()
        for kind, v in zip((PLAIN, PATHWISE), values, strict=True)
    ]
    by_dim = [
        cell(
            jackknifed(v, errors(rng, 0.01)),
            kind,
            (SQUARE[0], SQUARE[1] | {"dim": dim, "k": 0.5}),
            samples=2,
        )
        for dim, values in at.items()
        for kind, v in zip((PLAIN, PATHWISE), values, strict=True)
    ]
    found = find_crossovers(read_run(write(tmp_path, by_samples + by_dim)).measurements)
    assert [crossing.line.axis for crossing in found] == ["dim", "L"]
    for crossing in found:
        assert crossing.crossover.at.value == pytest.approx(
            8, rel=0.1
        )  # halfway from 4 to 16 in logs; 10 in numbers
        assert crossing.above == "pathwise"


def test_unreliable_and_zero_variances_cross_nothing(rng, tmp_path):
    def cells(**last):
        rows = [
            cell(jackknifed(v, errors(rng, 0.01)), kind, samples=samples)
            for samples, values in {1: (1.0, 2.0), 4: (2.0, 1.0)}.items()
            for kind, v in zip((PLAIN, PATHWISE), values, strict=True)
        ]
        rows[-1] |= last
        return read_run(write(tmp_path, rows)).measurements

    assert len(find_crossovers(cells())) == 1
    assert find_crossovers(cells(status="unreliable")) == []
    assert find_crossovers(cells(reason="variance zero to rounding")) == []


def test_the_summary_has_one_of_each_pair_and_place(rng, tmp_path):
    """Of one pair on two lines that differ in L only, the narrower."""
    cells = [
        cell(
            jackknifed(v, errors(rng, error)),
            kind,
            (SQUARE[0], SQUARE[1] | {"k": k}),
            samples=samples,
        )
        for samples, error in ((1, 0.02), (2, 0.005))
        for k, values in {
            0.0: (1.0, 2.0),
            1.0: (1.2, 1.4),
            2.0: (1.9, 1.3),
            3.0: (2.0, 1.0),
        }.items()
        for kind, v in zip((PLAIN, PATHWISE), values, strict=True)
    ]
    found = [
        o
        for o in find_crossovers(read_run(write(tmp_path, cells)).measurements)
        if o.line.axis == "k"
    ]
    assert [o.line.num_samples for o in found] == [1, 2]
    (kept,) = narrowest(found, 10)
    assert kept.line.num_samples == 2


@pytest.mark.parametrize(
    ("variances", "expected"),
    [
        ([8.0, 2.0, 0.5], 17),  # 8/L is 0.5 at 16
        ([8.4, 2.0, 0.5], 17),  # to within a fifth it is c/L, with c = (8.4 · 8 · 8)^⅓
        ([8.0, 1.0, 0.4], 16),  # not c/L: the first L measured
        ([8.0, 1.0, 0.6], None),
        ([0.4, 0.6, 0.1], 16),  # not yet at 1, for it is above again at 4
        ([0.0, 0.0, 0.0], 1),
        ([0.4, 0.1, 0.025], 1),
        ([np.nan, 2.0, 0.5], 17),
        ([np.nan, np.nan, np.nan], None),
    ],
)
def test_the_samples_from_which_minibatches_are_noisier(variances, expected):
    assert samples_below(0.5, variances, [1, 4, 16]) == expected
    assert samples_below(0.5, variances[::-1], [16, 4, 1]) == expected


def test_no_noise_of_minibatches_is_never_above():
    assert samples_below(0.0, [1.0, 0.25], [1, 4]) is None
    assert samples_below(float("nan"), [1.0, 0.25], [1, 4]) is None
