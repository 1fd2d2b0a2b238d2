"""What goes wrong in a user's class, in one line: where in their file, what, and what to write.

Whatever a user's class raises is the fault of what it takes part in, not of the program.
"""

import re
import sysconfig
import traceback
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from gradest.problems.registry.own_folders import folders, hidden_file, is_ours

FAILURES = (Exception, SystemExit, GeneratorExit)
"""What a user's class may raise; only an interruption from outside is none of it."""

NUMERICAL = (FloatingPointError, MemoryError, RuntimeError, ValueError)
"""What may go wrong where every class is ours: what else is raised there is a fault of ours."""

LONGEST = 300
"""Characters of a fault: it stands in tables."""

NUMPYS = "a constant may be NumPy's: write jnp.asarray(constant, x.dtype), jnp.asarray(indices)"

ADVICE = (
    ("TracerBoolConversionError", "", "write jnp.where(condition, a, b) or jax.lax.cond, not if"),
    ("UnexpectedTracerError", "", "return what is computed: store it nowhere, as on self"),
    ("TypeError", "string indexing", "init_params returns a dict of named arrays"),
    ("TypeError", "Computation compiled for", "return what is computed: store it nowhere"),
    ("TracerArrayConversionError", "", "call jax.numpy, not NumPy, on what depends on θ or x"),
    ("TracerIntegerConversionError", "", "an index or a shape cannot depend on θ or x"),
    ("NonConcreteBooleanIndexError", "", "write jnp.where(mask, a, b), not a[mask]"),
    ("ConcretizationTypeError", "", "write no float(), int() or .item() on what depends on θ or x"),
    ("FrozenInstanceError", "", "return what is learned in the state: an object never changes"),
    ("KeyReuseError", "", "split the key: jax.random.split"),
    ("TypeError|ValueError", "same dtypes|element types", NUMPYS),
    ("JaxRuntimeError", "ProgramInputMismatch", NUMPYS),
    ("OverflowError", "<class 'int'>", "write a whole number beyond 2³¹ as a float: 3e9"),
    ("TypeError", "real- or complex-valued", "return floats: .astype(x.dtype)"),
    ("TypeError", "must be real.*int", "return floats: .astype(x.dtype)"),
    ("TypeError", "scalar-output|scalar output", "return one number for one x: sum over its axes"),
    ("TypeError", "carry", "return a state of the structure, shapes and dtypes of the one given"),
    ("TypeError", "item assignment|immutable", "write x.at[i].set(value): arrays never change"),
    (
        "TypeError|ValueError",
        "[Ii]ncompatible shapes|broadcast|dot_general|reshape",
        "print the shapes: θ and x are those of one x, without an axis for the samples",
    ),
    ("AttributeError", "object has no attribute", "expected an attribute that it has"),
    ("AttributeError|TypeError", "NoneType", "expected a value; a function without return is None"),
    ("SystemExit", "", "leave out sys.exit: a class is imported, not run"),
    ("RecursionError", "", "a method calls itself without an end"),
    ("AbstractDistribution|NotImplementedError", "", "write the method that is missing"),
)
"""Of the commonest slips: the error's class, what it says, and what to write instead."""

CALLED_BACK = re.compile(r'File "([^"]+)", line (\d+)')
"""A line of a traceback, as XLA's errors quote it of a function that it called."""

LOWERED = re.compile(r'callsite\("[^"]*"\("([^"]+)":(\d+):')
"""Where an operation is from, as errors of the compiler quote it, the innermost first."""

OURS = str(Path(__file__).parents[2] / "x")[:-1]
"""The folder of the package."""

COMPILED = (".pyx", ".pxi", ".pxd")
"""Ends of files that extension modules were made of, which name them by a path of their makers'."""

ELSEWHERE = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib")})
"""Where Python's own modules are."""


def is_theirs(thing: Any) -> bool:
    """Whether code of a user's is part of a problem or an estimator.

    Its class is theirs, or that of an argument, or it is made of functions of theirs.
    """
    if not is_ours(type(thing)) or not getattr(thing, "named", True):
        return True
    if not is_dataclass(thing):
        return False
    held = [getattr(thing, field.name, None) for field in fields(thing)]
    return any(is_dataclass(value) and not is_ours(type(value)) for value in held)


def failures_of(*things: Any) -> tuple[type[BaseException], ...]:
    """What may be raised where these problems and estimators run, and is no fault of ours."""
    return FAILURES if any(map(is_theirs, things)) else NUMERICAL


def fault_of(error: BaseException, *things: Any) -> str:
    """What went wrong, in one line that is not too long for a table.

    Of an error in a user's file: where in it, what is raised, and what to write instead.

    Args:
        error: that was raised.
        things: the problem and the estimator that ran, or one of them.
    """
    place = place_of(error) if any(map(is_theirs, things)) else ""
    if not place and isinstance(error, NUMERICAL):
        return " ".join(text_of(error).split())[:LONGEST]
    return located(error, place)


def text_of(error: BaseException) -> str:
    """What an error says, without what a terminal would obey.

    Nothing where that raises an error of its own.
    """
    try:
        said = str(error)
    except Exception:
        return ""
    return "".join(c if c.isprintable() or c.isspace() else ascii(c)[1:-1] for c in said)


def located(error: BaseException, place: str) -> str:
    """An error's place in a user's file, where there is one, its first line, and advice."""
    lines = text_of(error).strip().splitlines() or [""]
    quotes = CALLED_BACK.search(text_of(error))
    line = lines[-1] if quotes else lines[0]  # a traceback ends with what it is about
    said = f"{type(error).__name__}: {line.strip()}".removesuffix(": ")
    advice = hiding(error) or advice_on(error)
    start, end = (f"{place}: " if place else ""), (f": {advice}" if advice else "")
    room = LONGEST - len(start) - len(end)
    if len(said) > room:
        said = said[: room - 1] + "…"
    return start + said.removesuffix(".") + end


def hiding(error: BaseException) -> str:
    """That the module which lacks a name hides a file of a user's; "" where it does not.

    A module of the standard library does, or one of another folder that was imported before.
    """
    name, file = "", None
    if isinstance(error, ImportError):
        name, file = error.name or "", error.path
    if isinstance(error, AttributeError) and isinstance(error.obj, ModuleType):
        name, file = error.obj.__name__, getattr(error.obj, "__file__", None)
    hidden = hidden_file(name, file) if name else ""
    return f"that hides {hidden}, which needs another name" if hidden else ""


def advice_on(error: BaseException) -> str:
    """What to write instead, for the commonest slips; "" for others."""
    classes = {cls.__name__ for cls in type(error).__mro__}
    for names, pattern, advice in ADVICE:
        if classes & set(names.split("|")) and re.search(pattern, text_of(error)):
            return advice
    return ""


def place_of(error: BaseException) -> str:
    """The file and line of a user's in which an error arose, the innermost; "" where none did."""
    if isinstance(error, SyntaxError) and error.filename and is_of_a_user(error.filename):
        return f"{path_of(error.filename)}:{error.lineno}"
    for each in chain_of(error):
        places = [*places_quoted(text_of(each)), *places_in(each.__traceback__)]
        if places:
            return places[-1]
    return ""


def places_quoted(said: str) -> Iterator[str]:
    """Each file and line of a user's in a traceback that an error quotes."""
    for file, line in [*reversed(LOWERED.findall(said)), *CALLED_BACK.findall(said)]:
        if is_of_a_user(file) and not file.startswith(OURS):
            yield f"{path_of(file)}:{line}"


def frames_of(error: BaseException) -> list[str]:
    """The lines of a user's through which an error came, each with its place and its text."""
    lines = []
    for each in chain_of(error):
        for frame, line in traceback.walk_tb(each.__traceback__):
            if is_their_frame(frame):
                code = frame.f_code
                summary = traceback.FrameSummary(code.co_filename, line, code.co_name)
                lines.append(
                    f"{path_of(code.co_filename)}:{line}, in {code.co_name}: {summary.line}"
                )
    return lines


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """An error, and those that it was raised from."""
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__


def places_in(trace: TracebackType | None) -> Iterator[str]:
    """Each file and line of a user's that a traceback goes through, the outermost first."""
    for frame, line in traceback.walk_tb(trace):
        if is_their_frame(frame):
            yield f"{path_of(frame.f_code.co_filename)}:{line}"


def is_their_frame(frame: Any) -> bool:
    """Whether a frame of a traceback is in a user's code: not in ours, nor in what is installed."""
    module = str(frame.f_globals.get("__name__", ""))
    ours = module == "gradest" or module.startswith("gradest.")
    return not ours and is_of_a_user(frame.f_code.co_filename)


def is_of_a_user(file: str) -> bool:
    """Whether a file, by its path, is neither Python's own nor of something installed."""
    if file.startswith(("<frozen", "<@beartype", "<string>")) or file.endswith(COMPILED):
        return False
    if {"site-packages", "dist-packages"} & set(Path(file).parts):
        return False
    return not file.startswith(ELSEWHERE)


def path_of(file: str) -> str:
    """A file's path from the folder of the sweep or the working folder, where it is in one."""
    for folder in folders():
        if Path(file).is_relative_to(folder):
            return str(Path(file).relative_to(folder))
    return file
