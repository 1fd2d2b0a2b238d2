"""What a number was measured with: versions, hardware, and the code that it came through."""

import functools
import hashlib
import inspect
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import equinox as eqx
import jax

from gradest.benchmarks.imports import Module, code_in, module_at, reached
from gradest.benchmarks.runtime.source_code import installed_version, package_root
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

XLA_THREADS = ("PJRT_NPROC", "NPROC")
"""Variables by which XLA is told its number of threads, the first first."""

ALWAYS = (
    "gradest.benchmarks.statistics.moments",
    "gradest.estimators.sampling.threefry",
    "gradest.problems.registry.instances",
)
"""Modules that a number depends on and that no class imports: what a longer run goes on from, the
random bits, and the names that keys are made from."""

ASIDE = frozenset(
    f"gradest.benchmarks.{name}"
    for name in (
        "errors",
        "imports",
        "runtime.files",
        "runtime.processes",
        "runtime.source_code",
        "sweeps.schema",
    )
)
"""Modules that are imported on the way, and that no number depends on.

They name things, and read and write files."""


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


def code_of(through: str, *things: Any) -> dict[str, str]:
    """The code that a measurement of some things runs through: a digest for each module.

    Of ours it is what the measuring module reaches within benchmarks, and within problems and
    estimators what the classes of the things reach: an edit elsewhere changes nothing. Of a user's
    classes it is every module of theirs that import statements name, directly or not, but none that
    was installed. Other files that a module reads, data say, are not known: a class whose data
    change needs an argument, or a revision, that says so.

    Args:
        through: the full name of the module that measures.
        things: problems and estimators.
    """
    ours = package_root().parent
    measuring = [Module(ours, name) for name in (through, *ALWAYS)]
    modules = reached(measuring, measures)
    classes = dict.fromkeys(cls for thing in things for cls in classes_of(thing))
    homes = {cls: home_of(cls) for cls in classes}
    known = [home for home in homes.values() if home]
    modules |= reached([home for home in known if home.top == "gradest"], in_wings)
    modules |= reached([home for home in known if home.top != "gradest"], is_no_verb)
    digests: dict[str, str] = {}
    for module in sorted(modules):
        earlier = digests.get(module.name, "")  # of one name in another folder
        digests[module.name] = earlier + code_in(module).digest
    return digests | {cls.__module__: "no file" for cls, home in homes.items() if home is None}


def measures(module: Module) -> bool:
    """Whether a module is one of benchmarks, and a number may depend on it."""
    return module.name.startswith("gradest.benchmarks.") and module.name not in ASIDE


def in_wings(module: Module) -> bool:
    """Whether a module is one of problems or estimators."""
    return module.name.startswith(("gradest.problems", "gradest.estimators"))


def is_no_verb(module: Module) -> bool:
    """Whether a module is anything but those that measure where a user imports gradest."""
    return not module.name.startswith("gradest._")


def classes_of(thing: Any) -> Iterator[type]:
    """The classes that a problem or an estimator is made of: its own, and its arguments'.

    What they inherit from is among them, but for what was installed and is no kind of either.
    """
    for cls in type(thing).__mro__:
        home = home_of(cls)
        is_installed = home is not None and home.is_installed
        if issubclass(cls, Configured) or is_ours(cls) or not (is_installed or cls is object):
            yield cls
    for held in jax.tree.leaves(vars(thing), is_leaf=is_module):
        if is_module(held):
            yield from classes_of(held)


def is_module(thing: Any) -> bool:
    """Whether a thing is a problem, an estimator, or a part of one with a class of its own."""
    return isinstance(thing, eqx.Module)


@functools.cache
def home_of(cls: type) -> Module | None:
    """The module that defines a class; None where it was typed at a prompt or in a notebook."""
    if is_ours(cls):
        return Module(package_root().parent, cls.__module__)
    try:
        return module_at(Path(inspect.getfile(cls)))
    except (OSError, TypeError):
        return None


def digest_of(code: Mapping[str, str]) -> str:
    """One digest for the code of a measurement, 16 hex digits."""
    return hashlib.sha256(json.dumps(dict(code), sort_keys=True).encode()).hexdigest()[:16]


def hardware() -> dict[str, str | int | None]:
    """The processor's name and how many of its cores are ours: what seconds depend on."""
    return {"processor": processor(), "cores": cores_here()}


@functools.cache
def processor() -> str:
    """The processor's name, as the system has it; its architecture where it has none."""
    for said in (cpuinfo("model name"), sysctl("machdep.cpu.brand_string"), platform.processor()):
        if said:
            return said
    return platform.machine()


def cores_here() -> int:
    """How many of the processor's cores this process may use, as far as the system says."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def xla_threads() -> int:
    """How many threads XLA compiles for in this process."""
    told = next((os.environ[name] for name in XLA_THREADS if name in os.environ), "")
    return min(int(told), cores_here()) if told.isdecimal() else cores_here()


def cpuinfo(*names: str) -> str:
    """What Linux says of the processor under the first of `names`; elsewhere nothing."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() in names:
            return value.strip()
    return ""


def sysctl(name: str) -> str:
    """What macOS says under a name; elsewhere nothing."""
    if sys.platform != "darwin":
        return ""
    try:
        return subprocess.check_output(["/usr/sbin/sysctl", "-n", name], text=True).strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
