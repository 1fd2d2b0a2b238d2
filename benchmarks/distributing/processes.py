"""Workers that are processes of this machine: started anew, never forked.

The system shares the cores out. None is kept to some of them: XLA would compile for so many, and
the last digits of a network would be others. A GPU is one worker's alone.

They are held by pipes, not by `concurrent.futures.ProcessPoolExecutor`: where one process of such a
pool is killed the whole pool is broken, and which cell did it is not known; its processes outlive a
client that is killed; and they cannot have a GPU each.
"""

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from multiprocessing.connection import Connection, wait

from gradest.benchmarks.distributing.orders import Ended
from gradest.benchmarks.errors import BadInput, GradestError
from gradest.benchmarks.runtime.environment import environment, xla_threads
from gradest.benchmarks.runtime.processes import limit_threads

PATIENCE = 1.0
"""Seconds that `Processes.wait` waits."""

MOST_UNREADY = 3
"""So many workers may end before they are ready, one after the other; then none can start."""

PLUGINS = ("jax_cuda12_plugin", "jax_cuda13_plugin")
"""What JAX needs to use an NVIDIA GPU."""


class Worker:
    """One process, seen from the one that it works for."""

    def __init__(self, number: int, gpu: str | None, generator: str) -> None:
        context = multiprocessing.get_context("spawn")
        self.name = f"worker {number}"
        self.connection, theirs = context.Pipe()
        given = (theirs, self.name, gpu, generator)
        self.process = context.Process(target=serve, args=given, name=self.name, daemon=True)
        with uninterrupted():
            self.process.start()
        theirs.close()
        self.order: int | None = None
        """The number of what it works at."""
        self.environment: dict[str, str] | None = None
        """Its own; None until it is ready."""

    def received(self) -> bytes | None:
        """What it sends; None where it has ended."""
        try:
            return self.connection.recv_bytes()
        except (EOFError, OSError):
            return None

    def end(self) -> str:
        """How it ended, in words, once it has."""
        self.connection.close()
        self.process.join()
        code = self.process.exitcode or 0
        if code < 0:
            return f"{self.name}, killed by {signal.Signals(-code).name}"
        return f"{self.name}, with status {code}"


class Processes:
    """A pool of processes on this machine. Leaving its `with` ends them all."""

    def __init__(self, count: int) -> None:
        """So many workers, started when there is something to do.

        Raises:
            BadInput: there are GPUs, and fewer of them.
        """
        self._gpus = gpus_of(count, gpus_here())
        self._workers: dict[int, Worker] = {}
        self._generator = ""
        self._unready = 0
        """Workers that ended before they were ready, since one was."""

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers.values():
            worker.process.kill()
        for worker in self._workers.values():
            worker.end()
        self._workers.clear()

    @property
    def capacity(self) -> int:
        """As many orders as workers."""
        return len(self._gpus)

    @property
    def threads(self) -> int:
        """As many as in this process."""
        return xla_threads()

    def environment(self, generator: str) -> dict[str, str]:
        """This process's, or the first worker's where each has a GPU."""
        self._generator = generator
        if self._gpus[0] is None:
            return environment(generator)
        while (known := self._worker(0).environment) is None:
            self.wait()
        return known

    def send(self, number: int, order: bytes) -> None:
        """Has an order obeyed by a worker that has nothing to do; there must be one."""
        slots = range(len(self._gpus))
        busy = {slot for slot, worker in self._workers.items() if worker.order is not None}
        worker = self._worker(next(slot for slot in slots if slot not in busy))
        worker.order = number
        with suppress(OSError):  # it has just ended, which is seen when its answer is waited for
            worker.connection.send_bytes(order)

    def _worker(self, slot: int) -> Worker:
        """The worker of a slot, started where there is none."""
        if slot not in self._workers:
            self._workers[slot] = Worker(slot, self._gpus[slot], self._generator)
        return self._workers[slot]

    def wait(self) -> list[Ended]:
        """What ended, once something has.

        Raises:
            GradestError: a worker cannot start.
        """
        by_connection = {worker.connection: slot for slot, worker in self._workers.items()}
        ended = []
        for connection in wait(list(by_connection), PATIENCE):
            assert isinstance(connection, Connection)
            slot = by_connection[connection]
            worker = self._workers[slot]
            message = worker.received()
            if message is None:
                del self._workers[slot]
                death = worker.end()
                is_ready = worker.environment is not None
                self._unready = 0 if is_ready else self._unready + 1
                if self._unready == MOST_UNREADY:
                    raise GradestError(f"workers cannot start: {death}, before it was ready")
                if worker.order is not None:
                    ended.append(Ended(worker.order, None, death, is_fault=is_ready))
            elif worker.environment is None:
                worker.environment = json.loads(message)
                self._unready = 0
            elif worker.order is not None:
                ended.append(Ended(worker.order, message))
                worker.order = None
        return ended


@contextmanager
def uninterrupted() -> Iterator[None]:
    """What is started inside is not told of Ctrl-C: who started it ends it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def gpus_of(count: int, gpus: list[str]) -> list[str | None]:
    """The GPU of each of some workers, None for each where there are none.

    Args:
        count: of workers.
        gpus: as CUDA_VISIBLE_DEVICES has them.

    Raises:
        BadInput: there are GPUs, and fewer than workers.
    """
    if gpus and count > len(gpus):
        raise BadInput(
            f"--workers {count}: expected at most {len(gpus)}, one for each GPU; "
            "JAX_PLATFORMS=cpu leaves them out"
        )
    return [*gpus[:count]] or [None] * count


def gpus_here() -> list[str]:
    """The NVIDIA GPUs that JAX would use, as CUDA_VISIBLE_DEVICES names them.

    JAX is not asked: it would take them.
    """
    platforms = os.environ.get("JAX_PLATFORMS", "cuda")
    if not any(find_spec(name) for name in PLUGINS) or not {"cuda", "gpu"} & {
        *platforms.split(",")
    }:
        return []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name.strip() for name in visible.split(",") if name.strip()]
    if shutil.which("nvidia-smi") is None:
        return []
    query = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    found = subprocess.run(query, capture_output=True, text=True, check=False)
    return found.stdout.split() if found.returncode == 0 else []


def leave_gpus_to_workers() -> None:
    """This process uses no GPU from here on: JAX must not have started yet."""
    if gpus_here():
        import jax

        jax.config.update("jax_platforms", "cpu")


def serve(connection: Connection, name: str, gpu: str | None, generator: str) -> None:
    """What a worker process does, until whom it works for has ended.

    Args:
        connection: orders come from it, and answers go there.
        name: the worker's.
        gpu: as CUDA_VISIBLE_DEVICES has it; None where there is none.
        generator: of random numbers.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, daemon=True).start()
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    limit_threads()
    from gradest.benchmarks.distributing.worker import environment_here, obey

    connection.send_bytes(json.dumps(environment_here(generator, xla_threads())).encode())
    with suppress(EOFError, OSError):
        while True:
            connection.send_bytes(obey(connection.recv_bytes(), name))


def end_with_parent() -> None:
    """Ends this process, whatever it does, when the one that started it has ended."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
