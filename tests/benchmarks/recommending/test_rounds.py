"""Successive halving: who is dropped, when it ends, and that its numbers are those of one run."""

import pandas as pd
import pytest

import gradest
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.recommending.ranking import Rules
from gradest.benchmarks.recommending.rounds import (
    ENOUGH,
    HOPELESS,
    Bench,
    Halving,
    halved,
    is_settled,
    survivors,
)


def board(*ratios, barred=None, biased=()):
    """A ranking with these intervals of ratios, the first of them the best one's."""
    count = len(ratios)
    return pd.DataFrame(
        {
            "estimator": [f"e{index}" for index in range(count)],
            "estimator_args": ["{}"] * count,
            "ratio_low": [low for low, _ in ratios],
            "ratio_high": [high for _, high in ratios],
            "tie": [low <= 1 <= high for low, high in ratios],
            "barred": barred or [""] * count,
            "biased": [index in biased for index in range(count)],
        }
    )


def names(choices):
    """The numbers of the estimators of a board."""
    return sorted(int(name[1:]) for name, _ in choices)


BEST = (1.0, 1.0)
AS_GOOD = (0.9, 1.2)
WORSE = (1.1, 2.0)
FAR = (HOPELESS + 0.1, 20.0)


def test_ties_stay_the_hopeless_go_and_of_the_worse_the_better_half_stays():
    found = survivors(board(BEST, AS_GOOD, WORSE, WORSE, WORSE, FAR))
    assert names(found) == [0, 1, 2, 3]
    assert names(survivors(board(BEST, FAR, FAR))) == [0]


def test_the_best_unbiased_one_stays_and_what_is_barred_goes():
    barred = ["", "", "", "", "biased"]
    found = survivors(board(BEST, FAR, FAR, FAR, AS_GOOD, barred=barred, biased=(0, 1)))
    assert names(found) == [0, 2]


def test_it_ends_where_nothing_or_the_same_is_as_good():
    assert is_settled(board(BEST, WORSE))
    assert is_settled(board(BEST, (1.0, 1.0), WORSE))  # the same draws, the same estimates
    assert not is_settled(board(BEST, AS_GOOD))


@pytest.mark.parametrize("pilot", [400, 800, 4000])
def test_the_most_rounds_are_known_in_advance_and_reach_enough(pilot):
    how = Halving(Rules(), None, pilot)
    assert pilot * 2 ** (how.rounds() - 1) >= ENOUGH > pilot * 2 ** (how.rounds() - 2)
    assert Halving(Rules(), None).rounds() == 7


TWO = {
    f"importance_weighted[widening={width}]": gradest.estimator(
        "importance_weighted", widening=width
    )
    for width in (1.5, 1.8)
}
"""Much alike, on the same random numbers."""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Two that differ by little, which takes two rounds or more of few replicates."""
    bench = Bench(gradest.problem("gaussian_square"), TWO, tmp_path_factory.mktemp("bench"))
    how = Halving(Rules(), "mean", pilot=64, seconds=600)
    return halved(bench, dict.fromkeys(TWO, 2), how, lambda table: {})


def test_numbers_are_those_of_one_run_of_all_replicates(found):
    (replicates,) = set(found.board.replicates)
    assert replicates > 64
    run = gradest.measure(
        "gaussian_square", list(TWO.values()), samples=2, replicates=int(replicates)
    )
    rows = run.frame[run.frame.group == "mean"].set_index("estimator_args").variance
    assert len(rows) == 2
    assert found.board.set_index("estimator_args").variance.to_dict() == rows.to_dict()


def test_no_round_begins_after_the_time_is_spent():
    problem = gradest.problem("gaussian_square")
    found = gradest.recommend(problem, list(TWO.values()), samples=2, replicates=64, seconds=0)
    assert set(found.frame.replicates) == {64}


class Stops:
    """A progress that interrupts in a round."""

    def __init__(self, at):
        self.round, self.at = 0, at

    def __call__(self, text, cells):
        self.round += 1
        if self.round == self.at:
            raise KeyboardInterrupt
        return gradest.benchmarks.recommending.rounds.quietly(text, cells)


def test_interrupted_it_answers_with_the_rounds_before(tmp_path):
    problem = gradest.problem("gaussian_square")
    how = Halving(Rules(), None, pilot=64)
    levels = dict.fromkeys(TWO, 2)
    found = halved(Bench(problem, TWO, tmp_path, Stops(2)), levels, how, lambda table: {})
    assert found.interrupted
    assert set(found.board.replicates) == {64}
    with pytest.raises(KeyboardInterrupt):
        halved(Bench(problem, TWO, tmp_path, Stops(1)), levels, how, lambda table: {})


class Raises(type(gradest.estimator("score_function"))):
    def estimate(self, problem, params, state, key, num_samples):
        raise RuntimeError("not today")


def test_where_all_fail_the_reason_is_the_error():
    with pytest.raises(BadInput, match=r"every candidate failed: .*not today"):
        gradest.recommend("gaussian_square", [Raises()], samples=2, replicates=64)


def test_one_that_fails_does_so_alone():
    found = gradest.recommend("gaussian_square", [Raises(), "pathwise"], samples=2, replicates=64)
    assert found.best.estimator == "pathwise"
    (reason,) = found.failures.values()
    assert "not today" in reason
    assert "not today" in repr(found)
