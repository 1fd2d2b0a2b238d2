"""One gradient alone: what is called, and how often. Clocks are made."""

import jax
import numpy as np
import pytest

from gradest.benchmarks.cells import alone
from gradest.benchmarks.cells.alone import Alone, gradient_alone
from gradest.benchmarks.measurement import rounds
from gradest.estimators import estimator
from gradest.problems import problem

KEY = jax.random.key(3)


@pytest.fixture
def square():
    made = problem("gaussian_square")
    return made, made.init_params(jax.random.key(0))


def ticking(monkeypatch, step):
    """A clock that is `step` seconds on at each look."""
    now = iter(np.arange(100_000) * step)
    monkeypatch.setattr(rounds.time, "perf_counter", lambda: float(next(now)))


def test_it_is_the_estimate_with_its_state(square):
    made, params = square
    learning = estimator("score_function", baseline="moving_average")
    state = learning.init(made, params, KEY)
    expected = learning.estimate(made, params, state, KEY, 4)
    found = gradient_alone(made, learning, params, KEY, 4).run()
    jax.tree.map(np.testing.assert_allclose, found, expected)


@pytest.mark.parametrize(("step", "calls"), [(0.002, 25), (0.02, 7), (1.0, 7)])
def test_as_many_calls_as_last_a_twentieth_of_a_second(square, monkeypatch, step, calls):
    ticking(monkeypatch, step)
    assert gradient_alone(square[0], estimator("pathwise"), square[1], KEY, 1).calls == calls


def test_rounds_share_the_calls(square, monkeypatch):
    ticking(monkeypatch, 0.002)
    given = (square[0], estimator("pathwise"), square[1], KEY, 1)
    assert gradient_alone(*given, rounds=9).calls == 3
    assert gradient_alone(*given).seconds() == pytest.approx(0.002)


def test_the_median_of_the_calls(monkeypatch):
    seconds = iter([5.0, 1.0, 2.0])
    monkeypatch.setattr(alone, "timed", lambda run: run() or next(seconds))
    made = []
    assert Alone(lambda: made.append(1), 3).seconds() == 2.0
    assert len(made) == 3
