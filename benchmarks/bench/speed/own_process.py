"""`gradest` in a process of its own, for its seconds and its peak of memory, which it says itself
when it ends.

Asked of its parent the peak would be that of the parent, where this is the larger: Linux hands it
on.
"""

import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from gradest.benchmarks.errors import GradestError
from gradest.benchmarks.runtime.processes import start

SAYS = "peak memory in MiB: "


class Ran(NamedTuple):
    """What is known of a command that ended well."""

    seconds: float
    peak_mib: float
    out: str


def run_command(*words: str, cache: Path) -> Ran:
    """Runs a command, with this folder for its cache.

    Raises:
        GradestError: it ended with another status than 0.
    """
    begun = time.perf_counter()
    process = start(
        __name__,
        *words,
        settings={"GRADEST_CACHE": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    out, err = process.communicate()
    seconds = time.perf_counter() - begun
    *said, last = err.splitlines() or [""]
    if process.returncode or not last.startswith(SAYS):
        reason = said[-1] if said and last.startswith(SAYS) else last
        raise GradestError(
            f"gradest {' '.join(words)} ended with status {process.returncode}: {reason}"
        )
    return Ran(seconds, float(last.removeprefix(SAYS)), out)


def peak_mib() -> float:
    """Of this process."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 2**10
    except (OSError, StopIteration):  # no Linux
        size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return size / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    from gradest.benchmarks.cli.main import main

    try:
        main()
    finally:
        print(f"{SAYS}{peak_mib():.1f}", file=sys.stderr)
