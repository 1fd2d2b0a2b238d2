"""What a number was measured with."""

import hashlib
import inspect
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax

from gradest.problems.arguments import Configured

PACKAGES = ("gradest", "jax", "jaxlib", "numpyro", "equinox", "optax", "numpy", "scipy")

GENERATORS = {"threefry": "threefry2x32", "philox": "philox4x32"}
"""The random number generators, with JAX's names for them.

Not "rbg": mapped over keys it draws everything from the first of them, so that a replicate's
numbers would depend on how many replicates a call makes: on the estimator, the memory and the
number of devices.
"""


def environment(generator: str = "threefry") -> dict[str, str]:
    """Versions and hardware on which results depend: a cell measured with others is measured again."""
    device, count = jax.devices()[0], jax.device_count()
    return {
        **{package: version(package) for package in PACKAGES},
        "python": platform.python_version(),
        "machine": platform.machine(),
        "device": f"{device.platform}: {device.device_kind}" + (f" × {count}" if count > 1 else ""),
        "prng": GENERATORS[generator],
    }


def sources(*things: Any) -> dict[str, str]:
    """A digest of each file of a user's own that defines the class of one of `things`, or what it inherits from."""
    classes = [
        cls for thing in things for cls in type(thing).__mro__ if issubclass(cls, Configured)
    ]
    return {
        f"source {cls.__module__}": digest(inspect.getfile(cls))
        for cls in classes
        if not is_ours(cls)
    }


def is_ours(cls: type) -> bool:
    """Whether a class comes with gradest: the version, or the commit, says which it is."""
    return cls.__module__.partition(".")[0] == "gradest"


def digest(file: str) -> str:
    """Of a file's bytes."""
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16]


def git_state() -> dict[str, str | bool | None]:
    """The commit of the code that runs, and whether it has been changed since; None outside a checkout."""
    folder = Path(__file__).resolve().parents[2]

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", *words], cwd=folder, capture_output=True, text=True, check=True
            )
        except (OSError, subprocess.CalledProcessError):
            return None
        return done.stdout.strip()

    changed = git(
        "status",
        "--porcelain",
        "--untracked-files=no",
        "--",
        "gradest",
        "problems",
        "estimators",
        "benchmarks",
    )
    return {"commit": git("rev-parse", "HEAD"), "dirty": None if changed is None else bool(changed)}


def hardware() -> dict[str, str | int | None]:
    """The processor's name and how many cores there are: what seconds depend on."""
    try:
        described = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        described = ""
    names = [
        line.partition(":")[2].strip()
        for line in described.splitlines()
        if line.startswith("model name")
    ]
    return {"processor": names[0] if names else platform.processor(), "cores": os.cpu_count()}
