"""What is sent to workers, in which order, and what is made up for when they end."""

import json

import pytest

from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.distributing.executor import Distributed
from gradest.benchmarks.distributing.orders import Perform
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.sweeps import run as running
from gradest.benchmarks.sweeps.executors import TIMES, Untimed, untimed
from gradest.benchmarks.sweeps.output import measurements
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.run import measure_plan, run_sweep
from gradest.benchmarks.sweeps.schema import parse_sweep
from gradest.benchmarks.training.seeds import TrainingTask
from tests.support.sweeps import Quiet
from tests.support.workers import (
    FEW,
    TRAINED,
    Scripted,
    assert_same_trainings,
    labels,
)


@pytest.fixture(scope="module")
def plan():
    return resolve(parse_sweep(FEW, "here"))


@pytest.fixture(scope="module")
def known(plan):
    return measure_plan(plan, Quiet())


@pytest.fixture(scope="module")
def alone(plan, known):
    return measurements(plan, known)


def text_of(rows):
    """As text, in which two that are not a number are the same."""
    return json.dumps([untimed(row) for row in rows])


def measured(plan, pool):
    return measure_plan(plan, Quiet(), executor=Untimed(Distributed(pool)))


def test_whatever_the_order_the_numbers_are_those_of_one_process(plan, alone):
    pool = Scripted()
    table = measurements(plan, measured(plan, pool))
    assert table.drop(columns=[*TIMES]).equals(alone.drop(columns=[*TIMES]))
    assert table[[*TIMES]].isna().all(axis=None)
    assert alone[[*TIMES]].notna().all(axis=None)
    settings = [order for order in pool.sent if not isinstance(order, Perform)]
    assert [order.cell.problem for order in settings] == [*plan.problems], "θ is made once"
    groups = [labels(order) for order in pool.sent if isinstance(order, Perform)]
    assert len(groups) == 6
    for group in groups:
        assert len(group) == 2, "cells of two problems that run one program"
        assert group[0] == group[1]


def test_a_worker_that_ends_once_is_made_up_for(plan, alone):
    died = []

    def dies(content):
        cell = content.tasks[0].cell if isinstance(content, Perform) else content.cell
        what = type(content), cell.id
        died.append(what)
        return died.count(what) == 1

    table = measurements(plan, measured(plan, Scripted(dies)))
    assert len(died) == 2 * (2 + 6), "the θ of two problems and six groups, each twice"
    assert table.drop(columns=[*TIMES]).equals(alone.drop(columns=[*TIMES]))


def test_a_cell_that_ends_its_worker_twice_fails_and_no_other(plan, known):
    ends = {cell.id for cell in plan.measurable if cell.estimator.name == "pathwise"}
    victim = sorted(ends)[0]
    deaths = []

    def dies(content):
        cells = [task.cell.id for task in content.tasks] if isinstance(content, Perform) else []
        deaths.extend([len(cells)] * (victim in cells))
        return victim in cells

    outcomes = measured(plan, Scripted(dies))
    assert deaths == [2, 2, 1, 1], "its group twice, then it alone twice"
    failed = {cell: each for cell, each in outcomes.items() if each.status == "failed"}
    assert failed.keys() == {victim}
    assert failed[victim].reason == (
        "2 workers ended over it, the last worker 7, killed by SIGKILL"
    )
    for cell in outcomes.keys() - {victim}:
        assert text_of(outcomes[cell].rows) == text_of(known[cell].rows)


def test_where_theta_ends_workers_all_cells_of_the_problem_fail(plan):
    first = next(iter(plan.problems))
    outcomes = measured(
        plan, Scripted(lambda c: not isinstance(c, Perform) and c.cell.problem == first)
    )
    for cell in plan.measurable:
        assert (outcomes[cell.id].status == "failed") == (cell.problem == first)
        if cell.problem == first:
            assert outcomes[cell.id].reason.startswith("2 workers ended over θ of its problem")


def test_workers_that_are_told_to_leave_count_against_no_cell(plan):
    left = []

    def dies(content):
        left.append(content)
        return len(left) <= 10

    pool = Scripted(dies)
    pool.is_fault = False
    outcomes = measured(plan, pool)
    assert len(left) > 10
    assert "failed" not in {each.status for each in outcomes.values()}


def test_other_code_there_is_refused_with_the_module_and_both_digests(plan, monkeypatch):
    original = running.code_of

    def edited(*things):
        return original(*things) | {"gradest.estimators.base": "0" * 16}

    monkeypatch.setattr(running, "code_of", edited)
    with pytest.raises(
        BadInput,
        match=r"this process has gradest\.estimators\.base 0{16}, "
        r"worker 7 has gradest\.estimators\.base [0-9a-f]{16}: expected the same",
    ):
        measured(plan, Scripted())


def test_other_versions_there_are_refused_with_both(plan, monkeypatch):
    pool = Scripted()
    monkeypatch.setattr(
        pool, "environment", lambda _: Scripted().environment("threefry") | {"jax": "0"}
    )
    with pytest.raises(BadInput, match=r"the others has jax 0, worker 7 has jax [1-9.0]+"):
        measured(plan, pool)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a run that trained in this process."""
    folder = tmp_path_factory.mktemp("trained")
    run_sweep(resolve(parse_sweep(TRAINED, "here")), folder, Quiet())
    return folder


def seed_in(content):
    """The estimator and the seed that an order trains; None where it trains nothing."""
    (first, *_) = content.tasks if isinstance(content, Perform) else (None,)
    if not isinstance(first, TrainingTask):
        return None
    return first.seed.estimator.name, first.seed.seed


def train_with(pool, folder):
    run_sweep(resolve(parse_sweep(TRAINED, "here")), folder, Quiet(), Untimed(Distributed(pool)))
    return read_run(folder)


def test_trainings_of_workers_have_the_numbers_of_one_process(trained, tmp_path):
    """Each seed is an order of its own; one whose worker ends once is made again."""
    died = []

    def dies(content):
        died.append(seed_in(content))
        return died[-1] is not None and died.count(died[-1]) == 1

    run = train_with(Scripted(dies), tmp_path)
    trainings = [seed for seed in died if seed]
    assert len(trainings) == 2 * 4
    assert len(set(trainings)) == 4
    assert_same_trainings(trained, tmp_path)
    assert run.training.seconds.isna().all(), "taken beside other work"
    assert read_run(trained).training.seconds.notna().all()


def test_a_training_that_ends_its_worker_twice_fails_and_no_other(tmp_path):
    run = train_with(Scripted(lambda content: seed_in(content) == ("pathwise", 1)), tmp_path)
    failed = run.training[run.training.status == "failed"]
    assert failed[["estimator", "seed"]].values.tolist() == [["pathwise", 1]]
    assert failed.reason.item() == "2 workers ended over it, the last worker 7, killed by SIGKILL"
    assert "failed" not in set(run.measurements.status)
    assert run.manifest["trainings"] == {"ok": 3, "diverged": 0, "failed": 1, "pending": 0}


def test_a_worker_with_other_code_does_not_train(monkeypatch, tmp_path):
    original = running.code_of

    def edited(through, *things):
        more = {"gradest.benchmarks.training.loop": "0" * 16} if "training" in through else {}
        return original(through, *things) | more

    monkeypatch.setattr(running, "code_of", edited)
    with pytest.raises(BadInput, match=r"this process has gradest\.benchmarks\.training\.loop 0"):
        train_with(Scripted(), tmp_path)
