"""What the tests of workers share: small sweeps, and a pool without processes."""

import pickle
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.distributing.orders import Ended, Perform
from gradest.benchmarks.distributing.worker import obey
from gradest.benchmarks.runtime.environment import environment, xla_threads
from tests.support.folders import read_left_out, read_measurements
from tests.support.same_numbers import TIMED

FEW = """
schema = 1
name = "few"
replicates = 1000
samples = [2, 4]
[[problem]]
name = "gaussian_square"
k = [-3.0, 3.0]
[[estimator]]
name = "score_function"
baseline = ["none", "moving_average"]
[[estimator]]
name = "pathwise"
"""
"""Twelve cells in six groups, two in each run one program."""

TRAINED = """
schema = 1
name = "trained"
replicates = 400
samples = [2]
[[problem]]
name = "gaussian_square"
[[estimator]]
name = "pathwise"
[[estimator]]
name = "score_function"
baseline = "moving_average"
[training]
steps = 6
seeds = 2
checkpoints = [0, 6]
curve_points = 3
"""
"""Two cells, and four trainings."""

KILLER = """
import os, signal
from gradest.estimators.pathwise import Pathwise

class Killer(Pathwise):
    '''Ends the process that measures it at L = 4.'''

    def estimate(self, problem, params, state, key, num_samples):
        if num_samples == 4:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().estimate(problem, params, state, key, num_samples)
"""


def numbers(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All that a run measured, but for times."""
    return without_times(read_measurements(folder)), read_left_out(folder)


def assert_same_numbers(first: Path, second: Path) -> None:
    """Two runs have the same rows, to the last digit."""
    for one, other in zip(numbers(first), numbers(second), strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


class Scripted:
    """A pool in this process, whose workers end when they are told to."""

    def __init__(self, dies: Callable[[object], bool] = lambda content: False) -> None:
        self.dies = dies
        self.capacity = 2
        self.threads = xla_threads()
        self.orders: dict[int, bytes] = {}
        self.sent: list[object] = []
        """What was asked for, in order."""
        self.is_fault = True

    def environment(self, generator):
        return environment(generator)

    def send(self, number, order):
        assert len(self.orders) < self.capacity
        self.orders[number] = order
        self.sent.append(pickle.loads(pickle.loads(order).content))

    def wait(self):
        number, order = self.orders.popitem()  # the latest first: in whatever order
        if self.dies(pickle.loads(pickle.loads(order).content)):
            return [Ended(number, None, "worker 7, killed by SIGKILL", is_fault=self.is_fault)]
        return [Ended(number, obey(order, "worker 7"))]


def trained_numbers(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All that a run's trainings say, but for times."""
    run = read_run(folder)
    assert run.training is not None
    assert run.trajectory is not None
    return without_times(run.training), without_times(run.trajectory)


def without_times(table: pd.DataFrame) -> pd.DataFrame:
    """A table without what depends on what else the machine did."""
    return table.drop(columns=[name for name in table if name.startswith(TIMED)])


def assert_same_trainings(first: Path, second: Path) -> None:
    """Two runs trained alike, to the last digit."""
    for one, other in zip(trained_numbers(first), trained_numbers(second), strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def labels(content: object) -> list[tuple[str, int]]:
    """The estimators and Ls of what is measured; [] for θ."""
    if not isinstance(content, Perform):
        return []
    return [(task.cell.estimator.name, task.cell.num_samples) for task in content.tasks]
