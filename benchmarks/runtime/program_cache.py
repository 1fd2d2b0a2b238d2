"""Compiled programs, kept: in the process while they are needed, on disk for the next run.

JAX's own cache looks a program up by its text, so that it must be traced and lowered first, which
is most of the time of a run that compiles nothing. Here a program is looked up by what it would be
traced from: the code, the versions, the machine, and the structure of its arguments. A user's own
classes, whose code we cannot follow, are traced each time.

Nothing is kept on disk until one of two functions says where: `keep_in` for programs looked up so,
`let_jax_keep_in` for JAX's cache. Only one of the two can be in use.
"""

import functools
import json
import os
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
from jax._src import compilation_cache as jax_compilation_cache
from jax.experimental.compilation_cache import compilation_cache
from jax.experimental.serialize_executable import deserialize_and_load, serialize
from jax.stages import Compiled
from jax.tree_util import PyTreeDef, default_registry

from gradest.benchmarks.imports import Module, reached
from gradest.benchmarks.runtime.configure import Options, compiler_options, in_full_precision
from gradest.benchmarks.runtime.environment import cpuinfo, environment, xla_threads
from gradest.benchmarks.runtime.files import write_atomically
from gradest.benchmarks.runtime.source_code import package_files, package_root
from gradest.problems.cache import PRIVATE, costs_time_only, private_folder, sealed, unsealed
from gradest.problems.registry.own_folders import is_ours

MOST_VERSIONS = 4
"""How many versions of the code, or machines, are remembered on disk."""

TRACED_WHOLE = ("gradest.problems", "gradest.estimators")
"""Packages of which every module may be in a program: what it is called with comes from them."""

SETTINGS = (
    "jax_enable_x64",
    "jax_default_prng_impl",
    "jax_threefry_partitionable",
)
"""JAX's settings that change what is traced."""

_folder: Path | None = None
"""Where programs are kept on disk: see `keep_in`."""


def keep_in(folder: Path | None) -> None:
    """From now on programs are kept in this folder, and JAX keeps none.

    A program that JAX takes from its own cache cannot be written again: it would be there, and not
    run.

    Args:
        folder: of this user's alone, see `private_folder`; None to keep nothing here.
    """
    global _folder
    _folder = folder
    if folder:
        let_jax_keep_in(None)


def let_jax_keep_in(folder: Path | None) -> None:
    """From now on JAX keeps what it compiled in this folder, or nothing where there is none."""
    jax.config.update("jax_compilation_cache_dir", folder and str(folder))
    compilation_cache.reset_cache()  # JAX looks at the setting once, unless told to again


def use_compilation_cache() -> None:
    """From now on JAX keeps what it compiled in the user's cache folder, sealed."""
    keep_in(None)
    let_jax_keep_in(private_folder("xla") if seal_jax_cache() else None)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.05)


class SealedCache:
    """JAX's cache as JAX asks for it: a file for each key, of which the checksum is compared.

    JAX's own files have none: one flipped bit can be another number, or the end of the process.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def get(self, key: str) -> bytes | None:
        """What is kept under a key; None where it is not there, or damaged."""
        return unsealed(self.file(key))

    def put(self, key: str, value: bytes) -> None:
        """Keeps what is to be found under a key."""
        file = self.file(key)
        with costs_time_only():
            write_atomically(file, sealed(file, value), PRIVATE)

    def file(self, key: str) -> Path:
        """Where it is kept."""
        return self._path / f"{key}-cache"


def seal_jax_cache() -> bool:
    """From now on the cache that JAX makes for a folder is a `SealedCache`.

    JAX has no setting for that: it is in place of the function by which JAX makes its cache.

    Returns:
        Whether it could be done; another version of JAX may make its cache in another way.
    """
    if not hasattr(jax_compilation_cache, "get_file_cache"):
        return False
    make: Any = lambda path: (SealedCache(path), path)  # noqa: E731 (typed as JAX's is not)
    jax_compilation_cache.get_file_cache = make
    return True


class Executable(NamedTuple):
    """A compiled program."""

    run: Compiled
    """Called with the arguments that are not static."""
    seconds: float
    """What it took to get it."""


def compiled(*, static: tuple[str, ...] = (), options: tuple[Options, ...] = ()) -> Callable:
    """Makes a function a `Program`, as `jax.jit` makes it one that is compiled when called.

    Args:
        static: the names of its static arguments, which are keyword arguments.
        options: the compiler's; see `compiler_options`.
    """
    return lambda function: Program(function, static, options)


_shelf_lock = threading.Lock()
"""A shelf is found by parsing files, which CPython 3.11 cannot do in several threads at once."""


class Program:
    """A function of which there is one compiled program for each structure of its arguments."""

    def __init__(
        self, function: Callable, static: tuple[str, ...], options: tuple[Options, ...]
    ) -> None:
        self.function = in_full_precision(function)
        self.static = static
        self.options = options
        self.kept: dict[Hashable, Executable] = {}
        self.locks: defaultdict[Hashable, threading.Lock] = defaultdict(threading.Lock)

    @functools.cached_property
    def jitted(self) -> Any:
        """The function under `jax.jit`, with those of the options that the compiler has."""
        options = compiler_options(*self.options)
        return jax.jit(self.function, static_argnames=self.static, compiler_options=options)

    def __call__(self, *arguments: Any, **static: Any) -> Any:
        return self.executable(*arguments, **static).run(*arguments)

    def executable(self, *arguments: Any, **static: Any) -> Executable:
        """The program for such arguments: from memory, from disk, or compiled.

        Threads may ask for programs at the same time.
        """
        leaves, structure = jax.tree.flatten(arguments)
        key = (structure, tuple(map(kind, leaves)), tuple(static.items()), settings())
        with self.locks[key]:
            if key not in self.kept:
                started = time.perf_counter()
                run = self._load_or_compile(arguments, static)
                self.kept[key] = Executable(run, time.perf_counter() - started)
            return self.kept[key]

    def _load_or_compile(self, arguments: tuple, static: dict[str, Any]) -> Compiled:
        file = self.file(arguments, static)
        if file is None:
            return self.compile(arguments, static)
        kept = load(file, arguments)
        if kept is not None:
            return kept
        run = self.compile(arguments, static)
        save(file, run)
        return run

    def compile(self, arguments: tuple, static: dict[str, Any]) -> Compiled:
        """The program for such arguments, traced and compiled anew."""
        return self.jitted.lower(*arguments, **static).compile()

    def file(self, arguments: tuple, static: dict[str, Any]) -> Path | None:
        """Where the program for such arguments is kept on disk; None where it is not kept."""
        kept_by_jax = jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]
        if _folder is None or kept_by_jax or jax.device_count() > 1:
            return None
        text = description(arguments)
        if text is None:
            return None
        traced = f"{self.function.__name__} {self.options} {text} {static} {settings()}"
        with _shelf_lock:
            shelf = shelf_of(_folder, self.function.__module__)
        return shelf / sha256(traced.encode()).hexdigest()

    def forget(self) -> None:
        """Frees the programs in memory: each holds tens of megabytes."""
        self.kept.clear()
        self.locks.clear()
        self.jitted.clear_cache()


def save(file: Path, run: Compiled) -> None:
    """Writes a program to disk; a disk that is full, or cannot be written, costs time, no run.

    The payload begins with a line that has the length of what its output is like.
    """
    program, _, output = serialize(run)
    structure = output.serialize_using_proto()
    payload = b"%d\n" % len(structure) + structure + program
    with costs_time_only():
        write_atomically(file, sealed(file, payload), PRIVATE)


def load(file: Path, arguments: tuple) -> Compiled | None:
    """A program from disk; None where there is none, or none that can be read.

    JAX unpickles it, so that it must be as this user wrote it: `unsealed` sees to that.
    """
    payload = unsealed(file)
    if payload is None:
        return None
    length, _, rest = payload.partition(b"\n")
    structure, program = rest[: int(length)], rest[int(length) :]
    output = PyTreeDef.deserialize_using_proto(default_registry, structure)
    try:
        return deserialize_and_load(program, jax.tree.structure((arguments, {})), output)
    except Exception:  # whatever JAX may raise for a program that it cannot load: it is made again
        return None


def kind(leaf: Any) -> tuple:
    """What a compiled program depends on of an argument: shape, dtype and where it lies."""
    aval = jax.typeof(leaf)
    weak = getattr(aval, "weak_type", False)
    return (aval.shape, aval.dtype, weak, getattr(leaf, "sharding", None))


def settings() -> Hashable:
    """The values of SETTINGS now, in this thread."""
    return tuple(getattr(jax.config, setting) for setting in SETTINGS)


def description(thing: Any) -> str | None:
    """A text that differs between any two arguments that are traced differently.

    Returns:
        The text; None where there is none, because a class is a user's own, or of another kind.
    """
    if isinstance(thing, eqx.Module):
        return description_of_module(thing)
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


def description_of_module(module: eqx.Module) -> str | None:
    """The class of a module and the description of its fields; None where it is a user's own."""
    cls = type(module)
    if not is_ours(cls) and not cls.__module__.startswith("equinox."):
        return None
    fields = description(vars(module))
    return fields and f"{cls.__module__}.{cls.__qualname__}{fields}"


@functools.cache
def shelf_of(folder: Path, module: str) -> Path:
    """The folder for programs of this very code, made by this module, on such a machine.

    It is made, and those that have not been used for longest are removed.
    """
    code = digest_of_files(traced_files(module))
    instructions = cpuinfo("flags", "Features")
    told = os.environ.get("XLA_FLAGS"), xla_threads()
    about = json.dumps([environment(), code, instructions, told])
    shelf = folder / sha256(about.encode()).hexdigest()[:32]
    with suppress(OSError):
        shelf.mkdir(parents=True, exist_ok=True)
        os.utime(shelf)
        for old in sorted(folder.iterdir(), key=os.path.getmtime, reverse=True)[MOST_VERSIONS:]:
            shutil.rmtree(old, ignore_errors=True)
    return shelf


def digest_of_files(files: list[Path]) -> str:
    """The SHA-256 digest of what is in all files.

    Raises:
        ValueError: there is no file, so that no change of the code would be seen.
    """
    if not files:
        raise ValueError("the code of compiled programs: expected files, found none")
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def traced_files(module: str) -> list[Path]:
    """The files that programs defined in a module may run through while they are traced.

    These are all of problems and estimators, and those of benchmarks that the module imports,
    directly or not.
    """
    packages = [path for package in TRACED_WHOLE for path in package_files(package)]
    inside = reached([Module(package_root().parent, module)], is_of_benchmarks)
    return packages + [each.file for each in sorted(inside) if each.file]


def is_of_benchmarks(module: Module) -> bool:
    """Whether a module is one of benchmarks."""
    return module.name.startswith("gradest.benchmarks.")
