"""A dask cluster of real processes on the loopback interface."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.house import ROOT


class LoopbackCluster:
    """A scheduler and its workers, each a process of its own."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.folder = folder
        self.settings = settings
        self.processes: list[subprocess.Popen] = []
        self.address = ""

    def start(self, *words: str) -> subprocess.Popen:
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        process = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli." + words[0], *words[1:]],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": path, "JAX_PLATFORMS": "cpu"} | self.settings,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def start_scheduler(self) -> None:
        process = self.start(
            "dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"
        )
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        line = next(line for line in lines if "Scheduler at:" in line)
        self.address = line.rpartition("Scheduler at:")[2].strip()

    def start_worker(self) -> subprocess.Popen:
        """A worker without a nanny: killed, it stays away."""
        words = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0")
        return self.start("dask_worker", self.address, *words)


@contextmanager
def loopback_cluster(folder: Path, workers: int, **settings: str) -> Iterator[LoopbackCluster]:
    """A cluster with so many workers, which are still starting, and these variables."""
    cluster = LoopbackCluster(folder, settings)
    try:
        cluster.start_scheduler()
        for _ in range(workers):
            cluster.start_worker()
        yield cluster
    finally:
        for process in cluster.processes:
            process.kill()
        for process in cluster.processes:
            process.wait()
            if process.stderr is not None:
                process.stderr.close()
