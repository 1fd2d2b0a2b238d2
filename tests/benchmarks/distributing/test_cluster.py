"""A dask cluster of real processes: one killed, one late, one that cannot be reached."""

import signal
import sys
import threading

import pytest

from gradest.benchmarks.distributing.cluster import Cluster
from gradest.benchmarks.distributing.executor import Distributed
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.sweeps.executors import Untimed
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.run import run_sweep
from gradest.benchmarks.sweeps.schema import parse_sweep
from tests.support.dask_cluster import loopback_cluster
from tests.support.sweeps import Quiet
from tests.support.workers import FEW, assert_same_numbers


class KillsAndAdds(Quiet):
    """After the first result a worker is killed and another one started."""

    def __init__(self, cluster):
        super().__init__()
        self.cluster = cluster
        self.seen = 0

    def __call__(self, cell, status, seconds):
        self.seen += 1
        if self.seen == 1:
            self.cluster.processes[1].send_signal(signal.SIGKILL)
            self.cluster.start_worker()


@pytest.mark.slow
def test_three_workers_one_killed_one_late_make_the_numbers_of_one_process(tmp_path):
    plan = resolve(parse_sweep(FEW, "here"))
    run_sweep(plan, tmp_path / "alone", Quiet())
    said = []
    with loopback_cluster(tmp_path, workers=3) as cluster:
        progress = KillsAndAdds(cluster)
        with Cluster(cluster.address, said.append) as pool:
            run_sweep(plan, tmp_path / "run", progress, Untimed(Distributed(pool)))
        assert cluster.processes[1].wait() == -signal.SIGKILL
    assert progress.seen == len(plan.measurable) == 12
    assert_same_numbers(tmp_path / "alone", tmp_path / "run")


@pytest.mark.slow
def test_a_scheduler_that_ends_is_said_and_what_is_finished_stays(tmp_path):
    plan = resolve(parse_sweep(FEW, "here"))
    with loopback_cluster(tmp_path, workers=1) as cluster:
        progress = Quiet()

        def end(*_):
            threading.Timer(0.1, cluster.processes[0].kill).start()

        progress.__class__ = type("Ends", (Quiet,), {"__call__": end})
        with (
            Cluster(cluster.address, lambda _: None) as pool,
            pytest.raises(BadInput, match="the scheduler is gone"),
        ):
            run_sweep(plan, tmp_path / "run", progress, Untimed(Distributed(pool)))


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(BadInput, match=r"pip install 'gradest\[cluster\]'"):
        Cluster("tcp://127.0.0.1:1", print)


@pytest.mark.slow
def test_an_address_where_nobody_answers_is_bad_input(monkeypatch):
    monkeypatch.setattr("gradest.benchmarks.distributing.cluster.CONNECTING", 0.5)
    with pytest.raises(BadInput, match="expected the address of a dask scheduler"):
        Cluster("tcp://127.0.0.1:1", print)
