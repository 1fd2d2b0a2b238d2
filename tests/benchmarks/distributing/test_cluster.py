"""A dask cluster of real processes: one killed, one late, one that cannot be reached."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from gradest.benchmarks.distributing.cluster import Cluster
from gradest.benchmarks.distributing.executor import Distributed
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.runtime.environment import cores_here
from gradest.benchmarks.sweeps.executors import Untimed
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.run import run_sweep
from gradest.benchmarks.sweeps.schema import parse_sweep
from gradest.benchmarks.sweeps.store import read_outcomes
from tests.support.dask_cluster import loopback_cluster
from tests.support.folders import read_measurements
from tests.support.house import ROOT
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


class Ends(KillsAndAdds):
    """Soon after a result the scheduler is killed."""

    def __call__(self, cell, status, seconds):
        threading.Timer(0.1, self.cluster.processes[0].kill).start()


@pytest.mark.slow
def test_three_workers_one_killed_one_late_make_the_numbers_of_one_process(tmp_path, monkeypatch):
    plan = resolve(parse_sweep(FEW, "here"))
    run_sweep(plan, tmp_path / "alone", Quiet())
    said = []
    given_up = []
    original = Cluster._given_up

    def counted(self, *given, **named):
        ended = original(self, *given, **named)
        given_up.extend(ended)
        return ended

    monkeypatch.setattr(Cluster, "_given_up", counted)
    with loopback_cluster(tmp_path, workers=3) as cluster:
        progress = KillsAndAdds(cluster)
        with Cluster(cluster.address, said.append) as pool:
            run_sweep(plan, tmp_path / "run", progress, Untimed(Distributed(pool)))
        assert cluster.processes[1].wait() == -signal.SIGKILL
    assert progress.seen == len(plan.measurable) == 12
    assert len(given_up) == 1, "it was killed over an order, which another worker made up for"
    assert_same_numbers(tmp_path / "alone", tmp_path / "run")


@pytest.mark.slow
def test_a_scheduler_that_ends_is_said_and_what_is_finished_stays(tmp_path):
    plan = resolve(parse_sweep(FEW, "here"))
    with loopback_cluster(tmp_path, workers=1) as cluster:
        progress = Ends(cluster)
        with (
            Cluster(cluster.address, lambda _: None) as pool,
            pytest.raises(BadInput, match="the scheduler is gone"),
        ):
            run_sweep(plan, tmp_path / "run", progress, Untimed(Distributed(pool)))
    assert 1 <= len(read_outcomes(tmp_path / "run")) < 12


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(BadInput, match=r"pip install 'gradest\[cluster\]'"):
        Cluster("tcp://127.0.0.1:1", print)


@pytest.mark.slow
def test_an_address_where_nobody_answers_is_bad_input(monkeypatch):
    monkeypatch.setattr("gradest.benchmarks.distributing.cluster.CONNECTING", 0.5)
    with pytest.raises(BadInput, match="expected the address of a dask scheduler"):
        Cluster("tcp://127.0.0.1:1", print)


NETWORK = """
schema = 1
name = "network"
replicates = 400
samples = [4]
[[problem]]
name = "vae_bernoulli"
num_images = 8
[[estimator]]
name = "score_function"
"""


@pytest.mark.slow
@pytest.mark.skipif(cores_here() < 2, reason="one core has one thread")
def test_a_worker_of_more_cores_makes_the_numbers_of_one_thread(tmp_path, monkeypatch):
    """The exact gradient of this network has other last digits with two threads."""
    plan = resolve(parse_sweep(NETWORK, "here"))
    alone = "\n".join(
        [
            "import sys; from pathlib import Path",
            "from gradest.benchmarks.sweeps.plan import resolve",
            "from gradest.benchmarks.sweeps.run import run_sweep",
            "from gradest.benchmarks.sweeps.schema import parse_sweep",
            "from tests.support.sweeps import Quiet",
            "run_sweep(resolve(parse_sweep(sys.stdin.read(), 'x')), Path(sys.argv[1]), Quiet())",
        ]
    )
    for threads in ("1", "2"):
        subprocess.run(
            [sys.executable, "-c", alone, str(tmp_path / threads)],
            input=NETWORK,
            text=True,
            env=os.environ | {"PJRT_NPROC": threads, "PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            check=True,
        )
        monkeypatch.setenv("PJRT_NPROC", threads)
        # its workers have as many threads as there are cores, until they are told
        folder = tmp_path / f"sent {threads}"
        with (
            loopback_cluster(tmp_path, workers=1, PJRT_NPROC="64") as cluster,
            Cluster(cluster.address, lambda _: None) as pool,
        ):
            run_sweep(plan, folder, Quiet(), Untimed(Distributed(pool)))
        assert_same_numbers(tmp_path / threads, folder)
    norms = [read_measurements(tmp_path / threads).exact_norm.tolist() for threads in "12"]
    assert norms[0] != norms[1], "or else this test is none"
