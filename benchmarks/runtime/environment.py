"""What a number was measured with: versions, hardware, and a user's own files."""

import hashlib
import inspect
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax

from gradest.benchmarks.runtime.source_code import installed_version
from gradest.problems.arguments import Configured
from gradest.problems.registry.own_folders import is_ours

PACKAGES = ("jax", "jaxlib", "numpyro", "equinox", "optax", "numpy", "scipy")
"""The packages, beside our own, on whose versions results depend."""

GENERATORS = {"threefry": "threefry2x32", "philox": "philox4x32"}
"""The random number generators, with JAX's names for them.

Not "rbg": mapped over keys it draws everything from the first of them, so that a replicate's
numbers would depend on how many replicates a call makes: on the estimator, the memory and the
number of devices.
"""


def environment(generator: str = "threefry") -> dict[str, str]:
    """Versions and hardware on which results depend.

    A cell that was measured with others is measured again.

    Args:
        generator: one of GENERATORS.

    Raises:
        BadInput: gradest is not installed, so that it has no version.
    """
    device = jax.devices()[0]
    count = jax.device_count()
    several = f" × {count}" if count > 1 else ""
    return {
        "gradest": installed_version(),
        **{package: version(package) for package in PACKAGES},
        "python": platform.python_version(),
        "machine": platform.machine(),
        "device": f"{device.platform}: {device.device_kind}{several}",
        "prng": GENERATORS[generator],
    }


def sources(*things: Any) -> dict[str, str]:
    """A digest of each file of a user's own that problems and estimators are made of.

    These are the files that define the class of one of `things`, or a class that it inherits from.
    """
    ancestors = [cls for thing in things for cls in type(thing).__mro__]
    theirs = [cls for cls in ancestors if issubclass(cls, Configured) and not is_ours(cls)]
    return {f"source {cls.__module__}": digest_of_source(cls) for cls in theirs}


def digest_of_source(cls: type) -> str:
    """The digest of the file that defines a class; that a class has none is said."""
    try:
        return digest(inspect.getfile(cls))
    except (OSError, TypeError):  # it was typed at a prompt or in a notebook
        return "no file"


def digest(file: str) -> str:
    """The SHA-256 digest of a file's bytes, 16 hex digits."""
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16]


def hardware() -> dict[str, str | int | None]:
    """The processor's name and how many cores there are: what seconds depend on."""
    return {"processor": cpuinfo("model name"), "cores": os.cpu_count()}


def cpuinfo(*names: str) -> str:
    """What Linux says of the processor under the first of `names`; elsewhere what Python says."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() in names:
            return value.strip()
    return platform.processor()
