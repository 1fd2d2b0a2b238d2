"""How heavy tails are, on data whose tails are known."""

import numpy as np
import pytest
from scipy import stats

from gradest.benchmarks.statistics.moments import summarise
from gradest.benchmarks.statistics.tails import (
    DOUBT,
    Tail,
    is_heavy,
    kurtosis,
    pareto_shape,
    tail_index,
)

REPLICATES, BATCHES = 20_000, 32


def draws(law: stats.rv_continuous, dim: int = 1, seed: int = 0) -> np.ndarray:
    return law.rvs(size=(REPLICATES, dim), random_state=seed)


def test_in_one_coordinate_it_is_the_usual_kurtosis():
    data = draws(stats.gamma(2.0))
    assert kurtosis(summarise(data, BATCHES)) == pytest.approx(
        stats.kurtosis(data[:, 0], fisher=False)
    )


def test_in_several_it_is_that_of_the_distance():
    data = draws(stats.gamma(2.0), 3) * [1, 2, 3]
    squares = ((data - data.mean(0)) ** 2).sum(1)
    assert kurtosis(summarise(data, BATCHES)) == pytest.approx(
        (squares**2).mean() / squares.mean() ** 2
    )


def test_constant_replicates_have_no_kurtosis_and_no_tail():
    moments = summarise(np.ones((REPLICATES, 2)), BATCHES)
    assert np.isnan(kurtosis(moments))
    assert not is_heavy(moments)
    assert tail_index(moments) == Tail(np.inf, 0.0, 0.0)


@pytest.mark.parametrize(
    ("law", "heavy"), [(stats.norm(), False), (stats.chi2(1), True)], ids=["normal", "chi-square"]
)
def test_heavy_is_above_kurtosis_ten(law, heavy):
    assert is_heavy(summarise(draws(law), BATCHES)) == heavy


@pytest.mark.parametrize("shape", [0.25, 0.5, 1.0, 2.0])
def test_the_shape_of_a_pareto_law_is_recovered(shape):
    """200 samples of 400: the mean estimate within four of its standard errors, plus the estimator's own bias, 2 %."""
    rng = np.random.default_rng(1)
    found = [
        pareto_shape(stats.genpareto.rvs(shape, size=400, random_state=rng)) for _ in range(200)
    ]
    assert abs(np.mean(found) - shape) < 4 * np.std(found) / np.sqrt(200) + 0.02
    # (1 + ξ)/√m is its standard error: a ratio of standard deviations over 200 has error 5 %
    assert np.std(found) / ((1 + shape) / np.sqrt(400)) == pytest.approx(1, abs=0.2)


def test_the_shape_is_zhang_and_stephens():
    """The weighted mean of the profile likelihood written out, one candidate at a time (Zhang and Stephens, 2009)."""
    x = np.sort(stats.genpareto.rvs(0.6, size=50, random_state=3))
    count, points = len(x), 30 + 7
    candidates = [
        1 / x[-1] + (1 - np.sqrt(points / (j - 0.5))) / (3 * x[12]) for j in range(1, points + 1)
    ]

    def shape(theta: float) -> float:
        return float(np.mean([np.log(1 - theta * value) for value in x]))

    likelihood = [
        count * (np.log(-theta / shape(theta)) - shape(theta) - 1) for theta in candidates
    ]
    weights = [1 / sum(np.exp(other - own) for other in likelihood) for own in likelihood]
    expected = shape(sum(w * theta for w, theta in zip(weights, candidates, strict=True)))
    assert pareto_shape(x[::-1]) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("alpha", [1.5, 2.5, 3.0])
def test_a_power_law_is_told_its_index(alpha):
    tail = tail_index(summarise(draws(stats.pareto(alpha)), BATCHES))
    assert abs(tail.shape - 2 / alpha) < 4 * tail.error
    assert tail.alpha == pytest.approx(2 / tail.shape)


def flags(law: stats.rv_continuous, order: int, studies: int = 40, dim: int = 1) -> float:
    every = [summarise(draws(law, dim, seed), BATCHES) for seed in range(studies)]
    return float(np.mean([tail_index(moments).lacks_moment(order) for moments in every]))


@pytest.mark.parametrize(
    "law",
    [stats.norm(), stats.laplace(), stats.expon(), stats.chi2(1), stats.uniform()],
    ids=["normal", "Laplace", "exponential", "chi-square", "uniform"],
)
def test_what_has_all_moments_and_modest_kurtosis_is_not_refused(law):
    """Of 40 studies none: at a rate of 1 %, two would come up in one of sixteen runs."""
    assert flags(law, 4) <= 1 / 40


def test_what_lacks_the_variance_is_refused():
    """Student's t with 1.5 degrees of freedom: in the calibration study 96 % or more of the cells."""
    assert flags(stats.t(1.5), 4) >= 0.9
    assert flags(stats.t(1.5), 2) >= 0.5


def test_what_lacks_only_the_fourth_moment_is_refused_for_that_alone():
    """Student's t with 2.5 degrees of freedom has a variance."""
    assert flags(stats.t(2.5), 4) >= 0.6
    assert flags(stats.t(2.5), 2) <= 0.1


def test_bounded_and_discrete_data_are_not_refused():
    """Sums over a few Bernoulli draws: among the largest distances many are equal, with steps between them."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        b = rng.random((REPLICATES, 4, 3)) < 0.6
        f = ((b - 0.45) ** 2).sum(2)
        g = ((f - f.mean(1, keepdims=True))[:, :, None] * (b - 0.6)).mean(1)
        assert not tail_index(summarise(g, BATCHES)).lacks_moment(4), seed
    coins = (rng.random((REPLICATES, 1)) < 0.001).astype(float)
    assert tail_index(summarise(coins, BATCHES)) == Tail(np.inf, 0.0, 0.0)


def test_too_few_replicates_say_nothing():
    assert tail_index(summarise(np.random.default_rng(0).standard_cauchy((40, 1)), 20)) == Tail(
        np.inf, 0.0, 0.0
    )


def test_doubt_is_for_the_data():
    assert Tail(2 / 0.7, 0.7, 0.1).lacks_moment(4)
    assert not Tail(2 / 0.7, 0.7, 0.21 / DOUBT).lacks_moment(4)
    assert not Tail(2 / 0.7, 0.7, 0.1).lacks_moment(2)
