"""A task holds all that it needs: another process makes the same rows of it."""

import itertools
import json
import pickle
import subprocess
import sys
from collections import Counter

import jax
import pytest

from gradest.benchmarks.cells.measuring import run_task
from gradest.benchmarks.cells.tasks import Task
from gradest.benchmarks.measurement.replicates import forget_programs
from gradest.benchmarks.runtime import program_cache
from gradest.benchmarks.runtime.environment import environment
from gradest.benchmarks.runtime.program_cache import Program
from gradest.benchmarks.sweeps import executors
from gradest.benchmarks.sweeps.executors import Local
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.run import measure_plan
from gradest.benchmarks.sweeps.schema import parse_sweep
from gradest.benchmarks.sweeps.store import open_store
from gradest.problems.registry.own_faults import NUMERICAL
from tests.support.made_devices import with_memory
from tests.support.sweeps import Quiet

SWEEP = """
schema = 1
name = "sent"
replicates = 250
samples = [2]
dtype = "{dtype}"

[[problem]]
name = "gaussian_square"
k = 0.1

[[problem]]
name = "vae_bernoulli"
num_images = 4
latent_dim = 2
hidden_dim = 8

[[estimator]]
name = "score_function"
baseline = ["leave_one_out", "mean"]
"""

ELSEWHERE = """
import pickle, sys
from gradest.benchmarks.cells.measuring import run_task
tasks = pickle.load(sys.stdin.buffer)
results = [run_task(task) for task in tasks]
pickle.dump([(r.cell, r.outcome) for r in results], sys.stdout.buffer)
"""


class Sent:
    """An executor that sends everything to another process at once."""

    def environment(self, generator):
        return environment(generator)

    def map(self, function, jobs):
        assert function is run_task
        tasks = Local().tasks(jobs)
        done = subprocess.run(
            [sys.executable, "-c", ELSEWHERE],
            input=pickle.dumps(list(tasks)),
            stdout=-1,
            check=True,
        )
        self.results = pickle.loads(done.stdout)
        return []


class Taken(Sent):
    """An executor that measures nothing, and keeps what it was to measure."""

    def map(self, function, jobs):
        self.jobs = jobs
        return []


def untimed(rows):
    """As text, in which two that are not a number are the same."""
    kept = [key for key in rows[0] if "seconds" not in key and "work" not in key]
    return [json.dumps({key: row[key] for key in kept}) for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", pytest.param("float64", marks=pytest.mark.slow)])
def test_another_process_makes_the_same_rows(dtype):
    """Of a toy and of a network, with a state and without; in double precision no digit is lost."""
    plan = resolve(parse_sweep(SWEEP.format(dtype=dtype), "here"))
    ours = measure_plan(plan, Quiet())
    sent = Sent()
    measure_plan(plan, Quiet(), executor=sent)
    assert len(sent.results) == len(ours) == 4
    for cell, outcome in sent.results:
        mine = ours[cell.id]
        assert outcome.status == mine.status != "failed", outcome.reason
        assert untimed(outcome.rows) == untimed(mine.rows)
        assert (outcome.theta, outcome.environment) == (mine.theta, mine.environment)


@pytest.mark.slow
def test_a_sent_task_goes_on_from_a_shorter_run(tmp_path):
    text = SWEEP.format(dtype="float32")
    short = resolve(parse_sweep(text, "here"))
    longer = resolve(parse_sweep(text.replace("= 250", "= 500"), "here"))
    at_once = measure_plan(longer, Quiet())
    with open_store(tmp_path) as store:
        measure_plan(short, Quiet(), store)
        taken = Taken()
        measure_plan(longer, Quiet(), store, taken)
        made = list(Local().tasks(taken.jobs))
    for task in pickle.loads(pickle.dumps(made)):
        assert [run.replicates for run in task.earlier] == [250]
        assert untimed(run_task(task).outcome.rows) == untimed(at_once[task.cell.id].rows)


def test_a_problem_without_a_theta_fails_each_of_its_cells_and_no_other(monkeypatch):
    plan = resolve(parse_sweep(SWEEP.format(dtype="float32"), "here"))
    made = []

    def explode(problem, cell):
        made.append(cell.problem)
        if cell.problem.name == "gaussian_square":
            raise ValueError("no θ\nhere")
        return original(problem, cell)

    from gradest.benchmarks.cells import tasks as cells

    original = cells.make_setting
    monkeypatch.setattr(cells, "make_setting", explode)
    outcomes = measure_plan(plan, Quiet())
    assert len(made) == len(plan.problems), "θ is made once for all cells of a problem"
    for cell in plan.measurable:
        failed = cell.problem.name == "gaussian_square"
        assert (outcomes[cell.id].status == "failed") == failed
        assert (outcomes[cell.id].reason == "no θ here") == failed


def test_tasks_are_made_when_they_are_asked_for_and_share_what_they_can(monkeypatch):
    plan = resolve(parse_sweep(SWEEP.format(dtype="float32"), "here"))
    told = []
    monkeypatch.setattr(
        executors, "compile_ahead", lambda plan, cells: told.append([cell.id for cell in cells])
    )
    taken = Taken()
    measure_plan(plan, Quiet(), executor=taken)
    stream = Local().tasks(taken.jobs)
    assert told == []
    first, *others = stream
    assert told == [[cell.id for cell in plan.measurable]], "each runs a program of its own"
    assert first.setting is others[0].setting
    assert isinstance(first, Task)


def test_this_process_measures_one_task_after_the_other(monkeypatch):
    order = []

    def stream(_, jobs):
        for number in range(3):
            order.append(f"task {number}")
            yield number

    monkeypatch.setattr(Local, "tasks", stream)
    results = Local().map(lambda number: order.append(f"run {number}") or number, None)
    assert list(itertools.islice(results, 2)) == [0, 1]
    assert order == ["task 0", "run 0", "task 1", "run 1"]


def test_what_may_go_wrong_in_a_cell_is_an_outcome():
    assert issubclass(jax.errors.JaxRuntimeError, NUMERICAL)


FIGURE = """
schema = 1
name = "figure"
replicates = 1000
samples = [3]

[[problem]]
name = "gaussian_square"
dim = 5
k = [-3.0, -1.5, 0.0, 2.5]

[[estimator]]
name = ["pathwise", "measure_valued"]

[[estimator]]
name = "score_function"
baseline = "leave_one_out"
"""


@pytest.mark.parametrize("memory", [None, 2**31])
def test_a_figure_against_a_number_is_one_program_for_each_estimator(memory, monkeypatch):
    """Also where θ differs, and on a device that says how much memory it has."""
    if memory:
        with_memory(monkeypatch, memory)
    compiled: list[str] = []
    compile_it = Program.compile

    def counted(program, arguments, static):
        compiled.append(program.function.__name__)
        return compile_it(program, arguments, static)

    monkeypatch.setattr(Program, "compile", counted)
    monkeypatch.setattr(program_cache, "_folder", None)
    forget_programs()
    plan = resolve(parse_sweep(FIGURE, "here"))
    outcomes = measure_plan(plan, Quiet())
    assert len(outcomes) == 3 * 4
    assert {outcome.status for outcome in outcomes.values()} == {"ok"}
    assert Counter(compiled) == {"estimates": 3, "sums": 1, "exact_vectors": 1}
