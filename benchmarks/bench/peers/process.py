"""A peer as the bench sees it: an environment of its own, and a process in it that is asked and
answers.

The other end of the conversation is scripts/protocol.py.
"""

import contextlib
import hashlib
import json
import os
import platform
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TextIO, TypeVar
from zipfile import BadZipFile

import numpy as np

from gradest.benchmarks.bench.peers.scripts.protocol import DoesNotHave, PeerCell

Answer = TypeVar("Answer")

SCRIPTS = Path(__file__).parent / "scripts"

LONGEST_ANSWER = 300.0
"""Seconds after which a peer that says nothing is given up."""


class Hello(NamedTuple):
    """What a peer says of itself."""

    version: str
    batched: bool
    """Whether the replicates of a call run at once."""
    device: str
    """The kind that it runs on."""


class PeerFailed(Exception):
    """Why a peer gives no numbers, in one line."""


class Peer(NamedTuple):
    """What is run, and in what."""

    title: str
    script: Path
    pins: Path
    """The requirements of its environment: peers with the same ones share it."""


PEERS = {
    "optax_monte_carlo": Peer(
        "optax.monte_carlo", SCRIPTS / "optax_monte_carlo.py", SCRIPTS / "optax_monte_carlo.txt"
    ),
    "jax_batched": Peer(
        "JAX, jitted and vmapped", SCRIPTS / "jax_batched.py", SCRIPTS / "optax_monte_carlo.txt"
    ),
    "torch_loop": Peer(
        "PyTorch, a backward pass a replicate", SCRIPTS / "torch_loop.py", SCRIPTS / "torch.txt"
    ),
    "torch_batched": Peer("PyTorch, batched", SCRIPTS / "torch_batched.py", SCRIPTS / "torch.txt"),
    "storchastic": Peer(
        "Storchastic, batched", SCRIPTS / "storchastic.py", SCRIPTS / "storchastic.txt"
    ),
}


def make_environment(pins: Path, folder: Path) -> Path:
    """The Python of an environment with these requirements, which is made where it is not there.

    Args:
        pins: the file of requirements.
        folder: of the environment; one of other requirements or another Python is made anew.

    Raises:
        PeerFailed: it cannot be made; the message is pip's.
    """
    python = folder / "bin" / "python"
    mark = folder / ".ready"
    contents = f"{platform.python_version()}\n{pins.read_text()}"
    wanted = hashlib.sha256(contents.encode()).hexdigest()
    if mark.is_file() and mark.read_text() == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    make = [sys.executable, "-m", "venv", str(folder)]
    pip = [str(python), "-m", "pip", "--disable-pip-version-check"]
    for command in (make, [*pip, "install", "--quiet", "-r", str(pins)]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            shutil.rmtree(folder, ignore_errors=True)
            raise PeerFailed(
                f"its environment cannot be made: {last_error(done.stderr + done.stdout)}"
            )
    mark.write_text(wanted)
    return python


def last_error(output: str) -> str:
    """The line that says what went wrong: the last one called an error, else the last."""
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["nothing was said"]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines)[-1]


class PeerProcess:
    """A peer's process, started when it is first asked, and again after it failed."""

    def __init__(self, python: Path, script: Path, longest_answer: float = LONGEST_ANSWER) -> None:
        self._command = [str(python), str(script)]
        self._longest = longest_answer
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._folder = tempfile.TemporaryDirectory()
        self._stderr = Path(self._folder.name) / "stderr"

    def hello(self) -> Hello:
        """What it says of itself."""

        def read(answer: dict[str, Any]) -> Hello:
            return Hello(str(answer["version"]), bool(answer["batched"]), str(answer["device"]))

        return self._ask(read, ask="hello")

    def prepare(self, cell: PeerCell, replicates: int) -> None:
        """Makes ready for calls of so many replicates of a cell.

        Raises:
            DoesNotHave: the peer lacks the estimator.
            PeerFailed: it cannot, or is not there any more.
        """
        self._ask(dict, ask="prepare", cell=cell._asdict(), replicates=replicates)

    def run(self, calls: int) -> float:
        """The seconds of so many calls."""
        return self._ask(lambda answer: positive(answer["seconds"]), ask="run", calls=calls)

    def gradients(self, calls: int, most: int) -> dict[str, np.ndarray]:
        """The first gradients of so many calls, (replicates, D) for each group of θ."""
        file = Path(self._folder.name) / "gradients.npz"

        def read(answer: dict[str, Any]) -> dict[str, np.ndarray]:
            with np.load(file) as arrays:
                return {group: arrays[group].astype(np.float64) for group in arrays}

        try:
            return self._ask(read, ask="gradients", calls=calls, most=most, file=str(file))
        finally:
            file.unlink(missing_ok=True)

    def close(self) -> None:
        """Ends the process, and removes its files."""
        self._stop()
        self._folder.cleanup()

    def _stop(self) -> None:
        if self._process:
            assert self._process.stdin is not None
            self._process.kill()
            self._process.wait()
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
            self._reader.join()
            self._process = None

    def _ask(self, read: Callable[[dict[str, Any]], Answer], **question: Any) -> Answer:
        """What `read` makes of the answer.

        Raises:
            DoesNotHave: the peer says that it lacks the estimator.
            PeerFailed: it says that it failed, says nothing, says what cannot be read, or is dead.
        """
        if self._process is None:
            self._start()
        line = self._line_after(json.dumps(question))
        try:
            answer = json.loads(line)
            if "does_not_have" in answer:
                raise DoesNotHave(answer["does_not_have"])
            if "failed" in answer:
                raise PeerFailed(" ".join(answer["failed"].split())[:200])
            return read(answer)
        except (ValueError, TypeError, KeyError, OSError, BadZipFile):
            self._stop()
            raise PeerFailed(f"its answer cannot be read: {line[:60]!r}") from None

    def _start(self) -> None:
        # what of ours would be on its path is not: the folder of its protocol is all that it gets
        # what it takes of a GPU is what it needs: ours is beside it
        environment = os.environ | {
            "PYTHONPATH": str(SCRIPTS),
            "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        }
        self._lines = queue.Queue()
        with self._stderr.open("w") as stderr:
            self._process = subprocess.Popen(
                self._command,
                env=environment,
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        self._reader = threading.Thread(
            target=pass_on, args=(self._process.stdout, self._lines), daemon=True
        )
        self._reader.start()

    def _line_after(self, question: str) -> str:
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            print(question, file=self._process.stdin, flush=True)
            line = self._lines.get(timeout=self._longest)
        except BrokenPipeError:
            line = None
        except queue.Empty:
            self._stop()
            raise PeerFailed(f"it did not answer in {self._longest:g} seconds") from None
        if line is None:
            status = self._process.wait()
            self._stop()
            raise PeerFailed(
                f"it ended with status {status}: {last_error(self._stderr.read_text())}"
            )
        return line


def pass_on(lines: TextIO, to: "queue.Queue[str | None]") -> None:
    """Each line as it comes, and None after the last."""
    with lines:
        for line in lines:
            to.put(line)
    to.put(None)


def positive(seconds: float) -> float:
    """The number, if it can be a time.

    Raises:
        ValueError: it cannot.
    """
    if not 0 < seconds < float("inf"):
        raise ValueError(seconds)
    return seconds
