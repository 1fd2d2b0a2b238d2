"""When measuring ends, by a clock that goes on by ten seconds with each cell."""

import math
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

import gradest
from gradest.benchmarks.comparisons.budgets import Budget
from gradest.benchmarks.recommending.candidates import TIME_SPENT
from gradest.benchmarks.recommending.measured import recommend_measured
from gradest.benchmarks.recommending.ranking import Rules
from gradest.benchmarks.recommending.rounds import Halving
from gradest.benchmarks.sweeps import executors
from gradest.benchmarks.sweeps.executors import NEVER, Deadline, UntilPast

FIVE = ("rloo", "pathwise", "score_function", "measure_valued", "importance_weighted")

TEXTS = ("score_function[baseline=leave_one_out]", *FIVE[1:])

TWO_SAMPLES = Budget(samples=2)


class Clock:
    """A clock that only cells move, and who is told of them."""

    def __init__(self):
        self.now = 0.0
        self.rounds = []

    def __call__(self, *cell):
        if cell:
            self.now += 10
            self.rounds[-1] += 1
        return self.now

    def start(self, missing):
        self.rounds.append(0)

    @contextmanager
    def announce(self, text, cells):
        yield self


def recommended(seconds, names=FIVE, budget=TWO_SAMPLES):
    """What is recommended within these seconds, and how many cells each round had."""
    clock = Clock()
    chosen = [gradest.estimator(name) if isinstance(name, str) else name for name in names]
    how = Halving(Rules(), "mean", 64, seconds)
    problem = gradest.problem("gaussian_square")
    found = recommend_measured(problem, chosen, budget, how, announce=clock.announce, clock=clock)
    return found, clock.rounds


def ended(seconds, cells, least=2, failing=()):
    """The cells, of one candidate each or of some, that end until so many seconds."""
    clock = Clock()
    clock.rounds.append(0)

    def measure(task):
        clock(task.cell)
        status = "failed" if task.cell.id in failing else "ok"
        return SimpleNamespace(cell=task.cell, outcome=SimpleNamespace(status=status))

    tasks = (SimpleNamespace(cell=SimpleNamespace(id=i, estimator=e)) for i, e in enumerate(cells))
    executor = UntilPast(Deadline.after(seconds, clock), least)
    executor.tasks = lambda jobs: tasks
    return [result.cell.id for result in executor.map(measure, jobs=None)]


@pytest.mark.parametrize(("seconds", "count"), [(0, 2), (20, 2), (20.1, 3), (45, 5), (math.inf, 5)])
def test_two_candidates_are_measured_and_others_until_the_time_is_spent(seconds, count):
    assert ended(seconds, "abcde") == list(range(count))


def test_one_that_fails_is_none_of_the_two_and_all_cells_of_a_candidate_are_measured():
    assert ended(0, "abcde", failing=(0, 2)) == [0, 1, 2, 3]
    assert ended(0, "aabbcc") == [0, 1, 2, 3]
    assert ended(0, "aabbcc", least=1) == [0, 1]


def test_a_deadline_is_past_when_its_time_is_there_and_has_parts():
    clock = Clock()
    clock.now = 4.0
    deadline = Deadline.after(6.0, clock)
    part = deadline.part(0.5)
    assert [deadline.is_past, part.is_past] == [False, False]
    clock.now = 7.0
    assert [deadline.is_past, part.is_past] == [False, True]
    clock.now = 10.0
    assert deadline.is_past
    assert not NEVER.is_past


def test_the_first_round_ends_with_the_time_and_ranks_what_was_measured():
    found, rounds = recommended(25)
    assert rounds == [3]
    assert set(found.frame.estimator_text) == set(TEXTS[:3])
    assert found.left_out == dict.fromkeys(TEXTS[3:], TIME_SPENT)
    assert found.best.estimator == "pathwise"


def test_a_round_that_the_time_ends_in_does_not_count():
    alike = [
        gradest.estimator("importance_weighted", widening=width) for width in (1.5, 1.501, 1.8)
    ]
    found, rounds = recommended(35, alike)
    assert rounds == [3, 1]
    assert set(found.frame.replicates) == {64}
    assert not found.left_out
    found, rounds = recommended(65, alike)
    assert rounds[:2] == [3, 3]
    assert found.frame.replicates.max() == 128


def test_of_a_budget_of_seconds_two_thirds_of_the_time_are_for_times():
    """Two cells for the times of each: of 90 s, 60 for three; the rest for ranking them."""
    found, rounds = recommended(90, budget=Budget(seconds=1.0))
    assert rounds[:2] == [6, 3]
    assert len(found.frame) == 3
    assert found.left_out == dict.fromkeys(FIVE[3:], TIME_SPENT)
    found, rounds = recommended(0, budget=Budget(seconds=1.0))
    assert rounds[:2] == [4, 2]
    assert len(found.frame) == 2


def test_once_the_time_is_spent_one_program_at_a_time_is_compiled(monkeypatch):
    compiled = []
    monkeypatch.setattr(executors.os, "cpu_count", lambda: 3)
    monkeypatch.setattr(executors, "compile_ahead", lambda plan, cells: compiled.append(len(cells)))
    assert recommended(0)[1][0] == 2
    assert compiled == [1, 1]
    compiled.clear()
    assert recommended(25)[1] == [3]
    assert compiled == [3]
