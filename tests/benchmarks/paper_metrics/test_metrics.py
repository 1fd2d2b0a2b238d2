"""Each metric of papers is what NumPy makes of the raw draws."""

import math

import numpy as np
import pytest

from gradest.benchmarks.cells.rows import bounds
from gradest.benchmarks.paper_metrics.measured import Measured
from gradest.benchmarks.paper_metrics.metrics import METRICS, OF_ONE_COORDINATE, OF_TRAINING
from gradest.benchmarks.statistics import intervals, tails
from gradest.benchmarks.statistics.intervals import Interval
from gradest.benchmarks.statistics.moments import leave_out, summarise
from tests.support.statistical import assert_z

R, P = 3200, 3
MIXING = np.array([[2.0, 0.0, 0.0], [1.0, 0.5, 0.0], [-0.3, 0.2, 0.1]])
MEAN = np.array([0.4, -1.0, 0.02])
EXACT = np.array([0.5, -1.0, 0.1])


def drawn(count=R, seed=0):
    """Correlated normal draws about MEAN."""
    return np.random.default_rng(seed).normal(size=(count, P)) @ MIXING.T + MEAN


def measured(draws=None, coordinate=None, raw=None):
    raw = drawn() if raw is None else raw
    moments = summarise(raw, 32)
    variance = intervals.variance(moments)
    error = raw.mean(0) - EXACT
    squared = float((error**2).sum() - variance.value / len(raw))
    row = {
        "dim": raw.shape[1],
        "kurtosis": tails.kurtosis(moments),
        "exact": True,
        "unbiased": False,
        "bias_finding": "biased",
        "exact_norm": float(np.linalg.norm(EXACT)),
        "bias_squared": squared,
        "bias_squared_low": squared,
        "bias_squared_high": squared,
    }
    row |= bounds("variance", Interval(*variance))
    row |= bounds("snr", intervals.signal_to_noise(leave_out(moments)))
    return Measured(row, moments, draws, coordinate)


VARIANCES = drawn().var(0, ddof=1)
STD = np.sqrt(VARIANCES)
SIZE = np.abs(drawn().mean(0))

BY_NUMPY = {
    "variance": VARIANCES.sum(),
    "variance_mean": VARIANCES.mean(),
    "ln_variance": math.log(VARIANCES.sum()),
    "ln_variance_mean": math.log(VARIANCES.mean()),
    "std": math.sqrt(VARIANCES.sum()),
    "std_mean": STD.mean(),
    "log_variance_of_mean_std": 2 * math.log(STD.mean()),
    "snr_mean": (SIZE / STD).mean(),
    "snr": math.sqrt(((SIZE**2).sum() - VARIANCES.sum() / R) / VARIANCES.sum()),
    "mean_abs": SIZE.mean(),
    "relative_std": 1 / math.sqrt((drawn().mean(0) ** 2).sum() / VARIANCES.sum() - 1 / R),
    "relative_bias": math.sqrt(((drawn().mean(0) - EXACT) ** 2).sum() - VARIANCES.sum() / R)
    / np.linalg.norm(EXACT),
}


def test_every_metric_of_a_gradient_is_tested():
    assert METRICS.keys() - BY_NUMPY.keys() == set(OF_TRAINING)


@pytest.mark.parametrize("name", BY_NUMPY)
def test_it_is_what_numpy_makes_of_the_draws(name):
    estimate = METRICS[name].ours(measured())
    assert estimate.value == pytest.approx(BY_NUMPY[name], rel=1e-10)
    assert estimate.low <= estimate.value <= estimate.high


@pytest.mark.parametrize("name", OF_ONE_COORDINATE)
@pytest.mark.parametrize("coordinate", range(P))
def test_one_coordinate_is_as_if_there_were_no_other(name, coordinate):
    alone = measured(raw=drawn()[:, [coordinate]])
    there, here = METRICS[name].ours(alone), METRICS[name].ours(measured(coordinate=coordinate))
    assert here == pytest.approx(there, rel=1e-9)


OF_FEW = {
    "snr_mean": lambda means, std: (np.abs(means) / std).mean(-1),
    "mean_abs": lambda means, std: np.abs(means).mean(-1),
}


@pytest.mark.parametrize("name", OF_FEW)
@pytest.mark.parametrize("draws", [4, 100])
def test_few_draws_show_what_many_repetitions_of_them_show_on_average(name, draws):
    """The noise of a mean adds to its size: without it 4 draws of the third coordinate miss."""
    rng = np.random.default_rng(1)
    std = np.sqrt((MIXING**2).sum(1))
    means = rng.normal(size=(20_000, P)) @ MIXING.T / math.sqrt(draws) + MEAN
    repeated = OF_FEW[name](means, std)
    many = measured(draws, raw=drawn(320_000))
    ours = METRICS[name].ours(many).value
    error = math.hypot(repeated.std() / math.sqrt(len(repeated)), 0.002)
    assert_z((repeated.mean() - ours) / error)
    if draws == 4:
        without = METRICS[name].ours(many._replace(draws=None)).value
        assert repeated.mean() - without > 5 * error


@pytest.mark.parametrize("name", OF_FEW)
def test_where_the_mean_is_known_few_replicates_do(name):
    """Of 64 replicates the noise of the mean is many times as large as a signal of 0.01."""
    rng = np.random.default_rng(6)
    mean = np.array([0.02, -0.02, 0.01])
    few = measured(10_000, raw=mean + 2 * rng.normal(size=(64, P)))
    known = few._replace(expectation=mean.tolist())
    signal = rng.normal(size=(20_000, P)) * 2 / 100 + mean
    repeated = OF_FEW[name](signal, np.full(P, 2.0)).mean()
    assert METRICS[name].ours(known).value == pytest.approx(repeated, rel=0.2)
    assert METRICS[name].ours(few).value > 4 * repeated
    assert METRICS["std_mean"].ours(known) == METRICS["std_mean"].ours(few)


def test_the_signal_of_an_unbiased_estimator_is_that_of_the_gradient():
    """The interval is then the deviation's alone."""
    row = measured().row
    trusted = {**row, "unbiased": True, "bias_finding": "none found"}
    found = METRICS["snr"].ours(Measured(trusted))
    ends = [row[name] for name in ("variance", "variance_high", "variance_low")]
    assert found == pytest.approx([np.linalg.norm(EXACT) / math.sqrt(end) for end in ends])
    for doubt in ({"exact": False}, {"unbiased": False}, {"bias_finding": "biased"}):
        assert METRICS["snr"].ours(Measured(trusted | doubt)).value == row["snr"]


def test_the_scatter_of_a_signal_of_n_draws():
    """Of the logarithm of ‖mean‖ over the deviation, whose errors are at most those of both."""
    rng = np.random.default_rng(7)
    draws = rng.normal(size=(20_000, 50, P)) @ MIXING.T + MEAN
    signal = np.linalg.norm(draws.mean(1), axis=1) / np.sqrt(draws.var(1, ddof=1).sum(1))
    assert METRICS["snr"].scatter(measured(50)) > 0.9 * np.log(signal).std()


@pytest.mark.parametrize(
    ("mixing", "name"), [(MIXING, "correlated"), (np.full((P, P), 1.0), "all alike")]
)
def test_ten_draws_lie_too_low_by_what_is_added(mixing, name):
    """Of 2 ln of a mean deviation: by −0.2 where coordinates go together, half of it because the
    deviation is divided by ten."""
    rng = np.random.default_rng(2)
    repeated = rng.normal(size=(20_000, 10, P)) @ mixing.T
    few = 2 * np.log(repeated.std(1).mean(1)).mean()
    many = measured(10, raw=rng.normal(size=(64_000, P)) @ mixing.T)
    ours = METRICS["log_variance_of_mean_std"].ours(many).value
    without = METRICS["log_variance_of_mean_std"].ours(many._replace(draws=None)).value
    assert few == pytest.approx(ours, abs=0.04), name
    assert without - few > 0.18


def test_the_relative_bias_of_few_draws_has_their_noise():
    rng = np.random.default_rng(3)
    means = rng.normal(size=(20_000, P)) @ MIXING.T / 5 + MEAN
    repeated = np.sqrt((((means - EXACT) ** 2).sum(1)).mean()) / np.linalg.norm(EXACT)
    ours = METRICS["relative_bias"].ours(measured(25, raw=drawn(320_000))).value
    assert ours == pytest.approx(repeated, rel=0.02)


@pytest.mark.parametrize("name", ["variance", "std", "ln_variance"])
def test_the_scatter_of_n_draws(name):
    """Of the logarithm, against repetitions."""
    rng = np.random.default_rng(4)
    repeated = (rng.normal(size=(20_000, 50, P)) @ MIXING.T).var(1, ddof=1).sum(1)
    power = 0.5 if name == "std" else 1.0
    expected = power * np.log(repeated).std()
    assert METRICS[name].scatter(measured(50)) == pytest.approx(expected, rel=0.05)


def test_without_moments_what_a_row_has_is_known():
    row = measured()._replace(moments=None)
    known = {name for name in BY_NUMPY if math.isfinite(METRICS[name].ours(row).value)}
    of_moments = {"std_mean", "log_variance_of_mean_std", "snr_mean", "mean_abs"}
    assert known == BY_NUMPY.keys() - of_moments
