"""The check of ourselves: measured variances against those that are known exactly."""

import numpy as np
import pytest

from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.minus import print_minus
from gradest.benchmarks.report.self_check import against_ourselves, headline
from gradest.benchmarks.report.summary import Findings, health, summary, surprises
from gradest.benchmarks.sweeps.plan import plan_of
from gradest.benchmarks.sweeps.run import run_sweep
from gradest.estimators import estimator
from gradest.problems import problem
from tests.support.made_runs import (
    LEAVE_ONE_OUT,
    PATHWISE,
    PLAIN,
    cell,
    errors,
    jackknifed,
    write,
)
from tests.support.sweeps import Quiet

LEVELS = (1, 2, 4, 8, 16)


def made(planted=1.0, noise=0.01, **columns):
    """Three estimators at five L, each with its own errors; one has another exact variance."""
    rng = np.random.default_rng(0)
    cells = []
    for kind in (PLAIN, LEAVE_ONE_OUT, PATHWISE):
        for samples in LEVELS:
            exact = planted if kind is PATHWISE else 1.0
            variance = jackknifed(1.0, errors(rng, noise))
            row = cell(variance, kind, samples=samples, exact_variance=exact, kurtosis=3.0)
            cells.append(row | columns)
    return cells


def table_of(folder, cells, **options):
    return read_run(write(folder, cells, **options)).measurements


def test_where_all_is_well_it_is_silent(tmp_path):
    table = table_of(tmp_path, made())
    assert against_ourselves(table) == []
    assert headline(table) == ""


@pytest.mark.parametrize("planted", [0.95, 1.05])
def test_five_percent_are_found_in_an_estimator_and_its_rows_are_named(planted, tmp_path):
    run = read_run(write(tmp_path, made(planted)))
    first, *rows = against_ourselves(run.measurements)
    direction = "above" if planted < 1 else "below"
    assert first.startswith("pathwise: in 5 rows together, variances ")
    assert f" % {direction} the exact ones, p = " in first
    assert len(rows) >= 3
    for row in rows:
        assert row.startswith("pathwise on Gaussian square, initialisation, ∂/∂ mean, L = ")
        assert f"], exactly {planted:g}" in row
    text = summary(Findings(run))
    assert print_minus(first) in text
    assert "- Against ourselves: 5 rows with a variance that is known exactly miss it" in text
    assert surprises(Findings(run))[0].startswith("Against ourselves")


def test_one_row_far_off_is_found(tmp_path):
    cells = made()
    cells[3] |= {"exact_variance": 1.2}
    found = against_ourselves(table_of(tmp_path, cells))
    (row,) = [line for line in found if " L = 8: variance" in line]
    assert row.startswith("score function on Gaussian square, initialisation, ∂/∂ mean, ")
    assert row.endswith("], exactly 1.2")
    # and with it the mean over its estimator's rows
    assert all(line.startswith("score function") for line in found)


def test_what_varies_though_it_is_zero_exactly_is_found(tmp_path):
    cells = made()
    cells[2] |= {"exact_variance": 0.0}
    cells[3] |= {"exact_variance": 0.0, "reason": "variance zero to rounding"}
    (row,) = against_ourselves(table_of(tmp_path, cells))
    assert "L = 4: variance" in row
    assert row.endswith("exactly 0")


@pytest.mark.parametrize(
    "columns",
    [
        {"status": "unreliable", "reason": "tail index 1.2: the variance may be infinite"},
        {"reason": "variance zero to rounding"},
        {"kurtosis": 60.0},
        {"replicates": 200},
    ],
)
def test_rows_that_are_not_sure_say_nothing(columns, tmp_path):
    assert against_ourselves(table_of(tmp_path, made(2.0, **columns))) == []


def test_without_batches_it_says_that_it_is_left_out(tmp_path):
    run = read_run(write(tmp_path, made(2.0), left_out=False))
    assert against_ourselves(run.measurements) == []
    assert any("the check of exact variances" in line for line in health(run))


FEW = [
    estimator("score_function", baseline="leave_one_out"),
    estimator("pathwise"),
    estimator("measure_valued", coupled=True),
    estimator("arm"),
    estimator("disarm"),
]

ALL = [*FEW, estimator("score_function"), estimator("measure_valued", coupled=False)]

QUICK = [
    problem("gaussian_square", k=3.0),
    problem("gaussian_cosine", k=1.0, scale=0.5),
    problem("bernoulli_square", dim=3, logit=-2.0),
]

GRID = [
    *(
        problem(name, k=k, mean=mean, scale=scale, dim=dim)
        for name, k in (
            ("gaussian_square", 3.0),
            ("gaussian_cosine", 2.0),
            ("gaussian_exponential", 0.5),
            ("gaussian_step", 0.3),
        )
        for mean, scale, dim in ((-2.0, 0.3, 1), (0.0, 1.0, 2), (0.3, 3.0, 3), (5.0, 2.0, 1))
    ),
    *(
        problem("bernoulli_square", dim=dim, logit=logit, t=t)
        for dim in (1, 4)
        for logit in (-4.0, -1.0, 0.0, 2.0, 4.0)
        for t in (0.1, 0.45, 3.0)
    ),
]


def measured(toys, estimators, folder, replicates, samples):
    plan = plan_of(toys, estimators, samples=samples, replicates=replicates)
    run_sweep(plan, folder, Quiet())
    return read_run(folder).measurements


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    return measured(QUICK, FEW, tmp_path_factory.mktemp("self_check"), 4_000, [2])


def test_it_is_silent_over_the_toys(quick):
    assert (quick.exact_variance > 0).sum() > 10
    assert against_ourselves(quick) == []


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("score_function", "score function"),
        ("pathwise", "pathwise"),
        ("measure_valued", "measure-valued"),
        ("arm", "ARM"),
        ("disarm", "DisARM"),
    ],
)
def test_a_wrong_exact_variance_of_any_estimator_is_found(quick, name, label):
    wrong = quick.exact_variance.where(quick.estimator != name, quick.exact_variance * 1.3)
    found = against_ourselves(quick.assign(exact_variance=wrong))
    assert any(line.startswith(label) for line in found)


@pytest.mark.slow
def test_it_is_silent_over_a_grid(tmp_path):
    table = measured(GRID, ALL, tmp_path, 20_000, [2, 6])
    assert (table.exact_variance > 0).sum() > 200
    assert against_ourselves(table) == []
