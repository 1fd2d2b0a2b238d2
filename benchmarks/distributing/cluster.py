"""Workers of a dask cluster that runs already: any number, which may come and go.

Each has one order at a time, sent to it and to no other: so it is known which order a worker ended
over, and dask moves none by itself. The scheduler carries bytes, and needs nothing of gradest.
"""

import queue
import time
import uuid
from collections.abc import Callable
from typing import Any

from gradest.benchmarks.distributing.identity import agreed
from gradest.benchmarks.distributing.orders import Ended
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.runtime.environment import environment, xla_threads

PATIENCE = 1.0
"""Seconds that `Cluster.wait` waits, and how old a list of workers may be."""

CONNECTING = 10.0
"""Seconds in which a scheduler answers."""


class Cluster:
    """A pool of all workers of a dask scheduler. Leaving its `with` lets go of them."""

    def __init__(self, address: str, say: Callable[[str], None]) -> None:
        """Connects to a scheduler.

        Args:
            address: its, as dask writes it.
            say: told what is waited for.

        Raises:
            BadInput: dask.distributed is not installed, or nothing answers there.
        """
        try:
            from distributed import Client
        except ImportError as error:
            raise BadInput(
                "--scheduler: dask.distributed is not there: expected it here, on the scheduler "
                "and on the workers: pip install 'gradest[cluster]'"
            ) from error
        self._address = address
        self._say = say
        try:
            self._client: Any = Client(address, timeout=CONNECTING, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise BadInput(
                f"--scheduler {address}: expected the address of a dask scheduler, as in "
                f"tcp://127.0.0.1:8786; none answers there ({error})"
            ) from error
        self.threads = xla_threads()
        """How many XLA has in each worker."""
        self._run = uuid.uuid4().hex[:8]
        self._orders: dict[int, tuple[str, Any]] = {}
        """Which worker each order was sent to, and its future."""
        self._news: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._workers: list[str] = []
        self._looked = 0.0
        self._client.subscribe_topic("all", self._hear)

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *_: object) -> None:
        self._orders.clear()
        self._client.close(timeout=CONNECTING)

    def _hear(self, event: tuple[float, Any]) -> None:
        """Called by dask with whatever happens on the scheduler."""
        _, what = event
        if isinstance(what, dict) and what.get("action") == "remove-worker":
            self._news.put(("left", what))

    @property
    def capacity(self) -> int:
        """As many orders as there are workers now."""
        self._look()
        return len(self._workers)

    def _look(self, *, again: bool = False) -> None:
        """Asks for the workers' addresses, where that was not done just now."""
        if again or time.monotonic() - self._looked > PATIENCE:
            self._workers = list(self._ask(self._client.nthreads))
            self._looked = time.monotonic()

    def _ask(self, question: Callable[[], Any]) -> Any:
        """An answer of the scheduler.

        Raises:
            BadInput: it is gone.
        """
        try:
            return question()
        except (OSError, RuntimeError, ValueError) as error:
            raise self._gone(error) from error

    def _gone(self, cause: object) -> BadInput:
        """The error of a scheduler that does not answer any more."""
        return BadInput(
            f"--scheduler {self._address}: the scheduler is gone ({cause}); every finished cell is "
            "kept, and the same command goes on from there once there is one"
        )

    def environment(self, generator: str) -> dict[str, str]:
        """Versions and hardware of all workers, once there is one."""
        self._look(again=True)
        if not self._workers:
            self._say(f"{self._address}: there is no worker yet; waiting for the first")
        while not self._workers:
            time.sleep(PATIENCE)
            self._look(again=True)
        cores = self._on_all(cores_there())
        self.threads = min(xla_threads(), *cores.values())
        if self.threads < xla_threads():
            self._say(
                f"XLA has {self.threads} threads in every worker, as many as the least has cores; "
                f"one process here has the same last digits with PJRT_NPROC={self.threads}"
            )
        found = self._on_all(look_there(), generator, self.threads)
        named = {f"worker {address}": each for address, each in found.items()}
        return agreed(named, environment(generator))

    def _on_all(self, function: Callable, *arguments: Any) -> dict[str, Any]:
        """What a function gives on each worker, by its address.

        Raises:
            BadInput: gradest is not there, or the function raises it.
        """
        try:
            return self._client.run(function, *arguments)
        except ModuleNotFoundError as error:
            raise BadInput(
                f"--scheduler {self._address}: its workers lack {error.name}: expected gradest "
                "there as it is here"
            ) from error

    def send(self, number: int, order: bytes) -> None:
        """Has an order obeyed by a worker that has none; there must be one."""
        busy = {worker for worker, _ in self._orders.values()}
        worker = next(worker for worker in self._workers if worker not in busy)
        future = self._client.submit(
            obey_there(),
            order,
            key=f"gradest-{self._run}-{number}",
            workers=[worker],
            allow_other_workers=False,
            pure=False,
        )
        self._orders[number] = worker, future
        future.add_done_callback(lambda _: self._news.put(("done", number)))

    def wait(self) -> list[Ended]:
        """What ended, once something has, or after a while nothing."""
        try:
            news = [self._news.get(timeout=PATIENCE)]
        except queue.Empty:
            return self._left_unheard()
        while not self._news.empty():
            news.append(self._news.get())
        ended = []
        for kind, what in news:
            ended += self._done(what) if kind == "done" else self._left(what)
        return ended

    def _done(self, number: int) -> list[Ended]:
        """An order whose future is done."""
        if number not in self._orders:
            return []
        worker, future = self._orders[number]
        if future.status in ("cancelled", "lost"):
            raise self._gone("its futures are lost")
        del self._orders[number]
        error = future.exception()
        if error is None:
            return [Ended(number, future.result())]
        if type(error).__name__ == "KilledWorker":
            return [Ended(number, None, f"worker {worker}, which left the cluster")]
        raise error

    def _left(self, what: dict[str, Any]) -> list[Ended]:
        """The order that a worker had which has left."""
        address = what["worker"]
        self._workers = [worker for worker in self._workers if worker != address]
        return self._given_up({address}, is_fault=not what.get("expected", False))

    def _left_unheard(self) -> list[Ended]:
        """The orders of workers that are not there, of which nothing was heard."""
        self._look(again=True)
        there = {worker for worker, _ in self._orders.values()} - {*self._workers}
        return self._given_up(there, is_fault=True)

    def _given_up(self, workers: set[str], *, is_fault: bool) -> list[Ended]:
        """The orders that these workers had, as ended."""
        ended = []
        for number, (worker, future) in list(self._orders.items()):
            if worker in workers:
                del self._orders[number]
                future.cancel()
                death = f"worker {worker}, which left the cluster"
                ended.append(Ended(number, None, death, is_fault=is_fault))
        return ended


def cores_there() -> Callable[[], int]:
    """What says how many cores a worker has. Made in here, it travels whole, not by its name."""

    def cores() -> int:
        from gradest.benchmarks.distributing.identity import cores_here

        return cores_here()

    return cores


def look_there() -> Callable[[str, int], dict[str, str]]:
    """What says a worker's environment, likewise."""

    def look(generator: str, threads: int) -> dict[str, str]:
        from gradest.benchmarks.distributing.worker import environment_here

        return environment_here(generator, threads)

    return look


def obey_there() -> Callable[[bytes], bytes]:
    """What has a worker obey an order, likewise."""

    def gradest_order(order: bytes) -> bytes:
        from distributed import get_worker

        from gradest.benchmarks.distributing.worker import obey

        return obey(order, f"worker {get_worker().address}")

    return gradest_order
