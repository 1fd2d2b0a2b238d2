"""Whether measured variances are the known ones: it is silent by chance, and finds 5 %."""

import numpy as np
import pytest

from gradest.benchmarks.statistics.known_variances import (
    FALSE_ALARMS,
    Known,
    is_precise,
    misses,
    p_value,
)
from tests.support.made_runs import errors, jackknifed

ESTIMATORS, PLACES, LEVELS = 5, 6, 4


def made(rng, noise, planted=1.0, shared=False):
    """Rows of five estimators; where they share draws, all four L of a place have one error."""
    rows = []
    for estimator in range(ESTIMATORS):
        for _ in range(PLACES):
            drawn = jackknifed(1.0, errors(rng, noise))
            for _ in range(LEVELS):
                if not shared:
                    drawn = jackknifed(1.0, errors(rng, noise))
                rows.append(Known(estimator, drawn, 1.0 if estimator else planted))
    return rows


@pytest.mark.parametrize("shared", [False, True])
def test_it_does_not_cry_wolf(shared):
    alarms = sum(
        bool(misses(made(np.random.default_rng(seed), 0.02, 1, shared))) for seed in range(60)
    )
    assert FALSE_ALARMS < 0.01
    assert alarms <= 1  # of 0.6 expected at one in a hundred


@pytest.mark.parametrize("shared", [False, True])
def test_five_percent_in_one_estimator_are_found(shared):
    """Noise as of R = 20,000 and a kurtosis of 3 to 9."""
    found = misses(made(np.random.default_rng(0), 0.015, 1.05, shared))
    assert len(found[0].rows) == PLACES * LEVELS
    assert {row // (PLACES * LEVELS) for miss in found for row in miss.rows} == {0}
    assert found[0].excess == pytest.approx(-0.048, abs=0.01)


def test_rows_that_share_their_draws_are_not_taken_for_independent():
    """Twenty times the same row says what it says once."""
    one = jackknifed(1.0, errors(np.random.default_rng(3), 0.02))
    (alone,) = misses([Known(0, one, 1.15)])
    together = misses([Known(0, one, 1.15)] * 20)[0]
    assert together.p == pytest.approx(21 * alone.p, rel=1e-6)


@pytest.mark.parametrize(
    ("replicates", "kurtosis", "sure"),
    [(20_000, 3, True), (20_000, 40, True), (20_000, 50, False), (400, 3, False), (2_000, 3, True)],
)
def test_what_is_precise(replicates, kurtosis, sure):
    assert is_precise(replicates, kurtosis) == sure
    assert not is_precise(replicates, float("nan"))


def test_what_never_varies_is_right_or_wrong():
    same = jackknifed(1.0, np.zeros(32))
    assert p_value(same._replace(value=np.float64(0.0), without=np.zeros(32))) == 1
    assert p_value(same._replace(value=np.float64(0.1), without=np.full(32, 0.1))) == 0
