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

from problems.arguments import Configured

PACKAGES = ("gradvar", "jax", "jaxlib", "numpyro", "equinox", "optax", "numpy", "scipy")


def environment() -> dict[str, str]:
    """Versions and hardware on which results depend: a cell measured with others is measured again."""
    device = jax.devices()[0]
    return {
        **{package: version(package) for package in PACKAGES},
        "python": platform.python_version(),
        "machine": platform.machine(),
        "device": f"{device.platform}: {device.device_kind}",
        "prng": str(jax.config.jax_default_prng_impl),  # type: ignore[attr-defined]
    }


def sources(*things: Any) -> dict[str, str]:
    """A digest of each file of a user's own that defines the class of one of `things`, or what it inherits from."""
    classes = [cls for thing in things for cls in type(thing).__mro__ if issubclass(cls, Configured)]
    return {f"source {cls.__module__}": digest(inspect.getfile(cls)) for cls in classes if not is_ours(cls)}


def is_ours(cls: type) -> bool:
    """Whether a class comes with gradvar: the version, or the commit, says which it is."""
    return cls.__module__.partition(".")[0] in {"problems", "estimators", "benchmarks"}


def digest(file: str) -> str:
    """Of a file's bytes."""
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16]


def git_state() -> dict[str, str | bool | None]:
    """The commit of the code that runs, and whether it has been changed since; None outside a checkout."""
    folder = Path(__file__).parent

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", "../problems", "../estimators")
    return {"commit": git("rev-parse", "HEAD"), "dirty": None if changed is None else bool(changed)}


def hardware() -> dict[str, str | int | None]:
    """The processor's name and how many cores there are: what seconds depend on."""
    try:
        described = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        described = ""
    names = [line.partition(":")[2].strip() for line in described.splitlines() if line.startswith("model name")]
    return {"processor": names[0] if names else platform.processor(), "cores": os.cpu_count()}
