"""Compiled programs, kept: in the process while they are needed, on disk for the next run.

JAX's own cache looks a program up by its text, so that it must be traced and lowered first, which
is most of the time of a run that compiles nothing. Here a program is looked up by what it would be
traced from: the code, the versions, the machine, and the structure of its arguments. A user's own
classes, whose code we cannot follow, are traced each time.
"""

import functools
import json
import os
import pickle
import platform
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Hashable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
from jax.experimental.compilation_cache import compilation_cache
from jax.experimental.serialize_executable import deserialize_and_load, serialize
from jax.stages import Compiled

from gradest.benchmarks.runtime.environment import environment, is_ours

MOST_VERSIONS = 4
"""How many versions of the code, or machines, are remembered on disk."""

TOP = Path(__file__).parents[2]
"""Of the code."""

TRACED = (
    "problems/**/*.py",
    "estimators/**/*.py",
    "benchmarks/measurement/programs.py",
    "benchmarks/runtime/devices.py",
    "benchmarks/statistics/moments.py",
)
"""The code that is in the programs."""

SETTINGS = (
    "jax_enable_x64",
    "jax_default_prng_impl",
    "jax_threefry_partitionable",
    "jax_default_matmul_precision",
)
"""Those of JAX that change what is traced."""


class Shelf:
    """Where programs are kept on disk: nowhere, until `keep_in` is called."""

    folder: Path | None = None


def keep_in(folder: Path | None) -> None:
    """From now on programs are kept in this folder, and JAX keeps none; without a folder, nothing
    is kept here.

    A program that JAX takes from its own cache cannot be written again: it would be there, and not
    run.
    """
    Shelf.folder = folder
    if folder:
        let_jax_keep_in(None)


def let_jax_keep_in(folder: Path | None) -> None:
    """From now on JAX keeps what it compiled in this folder; it looks at the setting once, unless told to again."""
    jax.config.update("jax_compilation_cache_dir", folder and str(folder))
    compilation_cache.reset_cache()


class Ready(NamedTuple):
    """A compiled program."""

    run: Compiled
    """Called with the arguments that are not static."""
    seconds: float
    """That it took to get it."""


class Program:
    """A function of which there is one compiled program for each structure of its arguments."""

    def __init__(
        self, function: Callable, static: tuple[str, ...], options: dict[str, Any]
    ) -> None:
        self.function, self.static, self.options = function, static, options
        self.kept: dict[Hashable, Ready] = {}
        self.locks: defaultdict[Hashable, threading.Lock] = defaultdict(threading.Lock)

    @functools.cached_property
    def jitted(self) -> Any:
        """The function, to be compiled as was wished."""
        options = {name: value for name, value in self.options.items() if known(name, value)}
        return jax.jit(self.function, static_argnames=self.static, compiler_options=options)

    def __call__(self, *arguments: Any, **static: Any) -> Any:
        """What the function returns."""
        return self.ready(*arguments, **static).run(*arguments)

    def ready(self, *arguments: Any, **static: Any) -> Ready:
        """The program for such arguments: from memory, from disk, or compiled. Threads may ask at the same time."""
        leaves, structure = jax.tree.flatten(arguments)
        key = (structure, tuple(map(kind, leaves)), tuple(static.items()), mode())
        with self.locks[key]:
            if key not in self.kept:
                started = time.perf_counter()
                file = self.file(arguments, static)
                run = (load(file, arguments) if file else None) or self.compile(
                    file, arguments, static
                )
                self.kept[key] = Ready(run, time.perf_counter() - started)
            return self.kept[key]

    def compile(self, file: Path | None, arguments: tuple, static: dict[str, Any]) -> Compiled:
        """Compiles, and keeps what was compiled."""
        run = self.jitted.lower(*arguments, **static).compile()
        if not file:
            return run
        payload, _, structure = serialize(run)
        with suppress(OSError):  # a full disk costs time, not the run
            part = file.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
            file.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(pickle.dumps((payload, structure)))
            part.replace(file)
        return run

    def file(self, arguments: tuple, static: dict[str, Any]) -> Path | None:
        """Where the program for such arguments is kept; None where it is not."""
        kept_by_jax = jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]
        if Shelf.folder is None or kept_by_jax or jax.device_count() > 1:
            return None
        text = description(arguments)
        if text is None:
            return None
        traced = f"{self.function.__name__} {self.options} {text} {static} {mode()}"
        return shelf_of(Shelf.folder) / sha256(traced.encode()).hexdigest()

    def forget(self) -> None:
        """Frees the programs: each holds tens of megabytes."""
        self.kept.clear()
        self.locks.clear()
        self.jitted.clear_cache()


@functools.cache
def known(name: str, value: Any) -> bool:
    """Whether this version of the compiler has such an option: an unknown one would be an error in every program."""
    try:
        jax.jit(lambda: 0, compiler_options={name: value}).lower().compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True


def load(file: Path, arguments: tuple) -> Compiled | None:
    """A program from disk; None where there is none, or none that can be read."""
    try:
        payload, structure = pickle.loads(file.read_bytes())
        return deserialize_and_load(payload, jax.tree.structure((arguments, {})), structure)
    except FileNotFoundError:
        return None
    except Exception:  # whatever is wrong with the file: it is made again
        return None


def kind(leaf: Any) -> tuple:
    """What a compiled program must know of an argument."""
    aval = jax.typeof(leaf)
    return (
        aval.shape,
        aval.dtype,
        getattr(aval, "weak_type", False),
        getattr(leaf, "sharding", None),
    )


def mode() -> Hashable:
    """The SETTINGS now, in this thread."""
    return tuple(getattr(jax.config, setting) for setting in SETTINGS)


def description(thing: Any) -> str | None:
    """A text in which no two arguments agree that are traced differently; None where no such text can be had."""
    if isinstance(thing, eqx.Module):
        if not (is_ours(type(thing)) or type(thing).__module__.startswith("equinox.")):
            return None
        fields = description(vars(thing))
        return fields and f"{type(thing).__module__}.{type(thing).__qualname__}{fields}"
    if isinstance(thing, dict):
        return description(tuple(thing.items()))
    if isinstance(thing, tuple | list):
        parts = [description(item) for item in thing]
        return None if None in parts else f"{type(thing).__name__}{parts}"
    if thing is None or isinstance(thing, str | bool | int | float):
        return repr(thing)
    if hasattr(thing, "shape") and hasattr(thing, "dtype"):
        return str(kind(thing)[:3])
    return None


@functools.cache
def shelf_of(folder: Path) -> Path:
    """The folder of programs of this very code, on such a machine."""
    files = [file for pattern in TRACED for file in sorted(TOP.glob(pattern))]
    code = sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    about = json.dumps([environment(), code, processor(), os.environ.get("XLA_FLAGS")])
    shelf = folder / sha256(about.encode()).hexdigest()[:32]
    with suppress(OSError):
        shelf.mkdir(parents=True, exist_ok=True)
        os.utime(shelf)
        for old in sorted(folder.iterdir(), key=os.path.getmtime, reverse=True)[MOST_VERSIONS:]:
            shutil.rmtree(old, ignore_errors=True)
    return shelf


def processor() -> str:
    """What a compiled program may use of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line for line in lines if line.startswith(("flags", "Features"))), platform.processor()
    )
