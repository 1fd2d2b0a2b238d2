"""Arguments as data: every problem and estimator declares what it takes, and is checked, listed and
swept from that.

A class states its arguments as fields, `k: Number = number(3.0)`. From the fields alone follow the
validation, the table of `gradest describe`, the JSON in `measurements.csv`, and which arguments are
numbers (array leaves: a new value compiles nothing) and which set a shape or a branch (static: a
new value compiles a new program).
"""

import dataclasses
import difflib
import importlib
import inspect
import math
import sys
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Number = Float[Array, "..."]
"""A number that may be swept: a scalar array leaf, batched only where the whole object is."""


@dataclasses.dataclass(frozen=True)
class Argument:
    """What one argument accepts, in words and as a test."""

    help: str
    kind: str  # "number", "integer", "flag" or "choice"
    above: float | int = -math.inf
    at_least: float | int = -math.inf
    choices: tuple[str, ...] = ()
    table: Mapping[str, Any] = dataclasses.field(default_factory=dict, compare=False, repr=False)
    """What each of the choices stands for."""

    @property
    def expected(self) -> str:
        """The accepted values in words: the end of every error message about this argument."""
        if self.kind == "choice":
            return "one of " + ", ".join(self.choices)
        noun = {"number": "a finite number", "integer": "a whole number", "flag": "true or false"}[
            self.kind
        ]
        if self.above > -math.inf:
            return f"{noun} above {self.above:g}"
        return noun if self.at_least == -math.inf else f"{noun}, at least {self.at_least:g}"

    def accepts(self, value: Any) -> bool:
        """Whether `value`, as a user wrote it, is one that this argument takes."""
        if self.kind == "choice":
            return (
                not isinstance(value, str) or value in self.choices
            )  # an object stands for itself
        if self.kind == "flag":
            return isinstance(value, bool)
        entries = np.asarray(value)
        if entries.dtype.kind not in {"number": "iuf", "integer": "iu"}[self.kind]:
            return False
        return bool(
            np.all(np.isfinite(entries) & (entries > self.above) & (entries >= self.at_least))
        )


def _field(argument: Argument, default: Any, *, static: bool, converter: Any) -> Any:
    def convert(
        value: Any,
    ) -> Any:  # what is not accepted passes through, to be refused by name in __check_init__
        return converter(value) if argument.accepts(value) else value

    return eqx.field(
        default=default, static=static, converter=convert, metadata={"argument": argument}
    )


def as_float(value: Any) -> Float[Array, "..."]:
    """`value` as a JAX array in the precision in force (float32, or float64 where x64 is on)."""
    return jnp.asarray(value, jnp.result_type(float))


def number(default: float, help: str, *, above: float | int = -math.inf) -> Any:
    """A real argument: an array leaf, in the precision in force."""
    return _field(
        Argument(help, "number", above=above),
        default,
        static=False,
        converter=as_float,
    )


def integer(default: int, help: str, *, at_least: int = 1, static: bool = True) -> Any:
    """A whole argument: static where it sets a shape, else an array leaf."""
    converter = int if static else partial(jnp.asarray, dtype=jnp.int32)
    return _field(
        Argument(help, "integer", at_least=at_least), default, static=static, converter=converter
    )


def flag(default: bool, help: str) -> Any:
    """A yes-or-no argument: static."""
    return _field(Argument(help, "flag"), default, static=True, converter=bool)


def choice(table: Mapping[str, Any], default: str, help: str, *, static: bool = True) -> Any:
    """A named alternative; the object keeps what `table` holds under the name."""
    return _field(
        Argument(help, "choice", choices=tuple(table), table=table),
        default,
        static=static,
        converter=lambda value: table[value] if isinstance(value, str) else value,
    )


class Configured(eqx.Module):
    """A frozen module whose arguments are checked on construction."""

    def __check_init__(self) -> None:
        for name, argument in arguments(type(self)).items():
            value = getattr(self, name)
            if not argument.accepts(value):
                raise refused(name, value, argument)


def arguments(cls: type) -> dict[str, Argument]:
    """The arguments of a class, in the order of its fields."""
    fields = dataclasses.fields(cls)
    return {
        field.name: field.metadata["argument"] for field in fields if "argument" in field.metadata
    }


def defaults(cls: type) -> dict[str, Any]:
    """The default of every argument of a class, as a user would write it."""
    return {
        field.name: field.default
        for field in dataclasses.fields(cls)
        if "argument" in field.metadata
    }


def refused(name: str, value: Any, argument: Argument) -> ValueError:
    """The one error for an argument out of its range: the name, the value, what was expected, the nearest name."""
    hint = nearest(value, argument.choices) if isinstance(value, str) else ""
    return ValueError(f"{name} = {value!r}: expected {argument.expected}{hint}")


def nearest(name: str, known: Iterable[str]) -> str:
    """'; did you mean …?' where one of the known names is close, else nothing.

    >>> nearest("pathwize", ["pathwise", "score_function"])
    '; did you mean pathwise?'
    """
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else ""


def build(kind: str, registry: Mapping[str, type], name: str, given: Mapping[str, Any]) -> Any:
    """The class called `name`, registered or a user's own, made with the arguments `given`.

    Raises:
        ValueError: no such name, no such argument, or a value that its argument refuses.
    """
    cls = look_up(kind, registry, name)
    known = arguments(cls)
    for key in given:
        if key not in known:
            expected = ", ".join(known) or "no arguments"
            raise ValueError(
                f"{kind} {name}: unknown argument {key!r}: expected {expected}{nearest(key, known)}"
            )
    for key, value in given.items():
        if not known[key].accepts(value):
            raise ValueError(f"{kind} {name}: {refused(key, value, known[key])}")
    try:
        return cls(**given)
    except ValueError as error:
        raise ValueError(f"{kind} {name}: {error}") from error
    except TypeError as error:  # an abstract method left out, an argument without a default
        raise ValueError(f"{kind} {name}: cannot be made: {error}") from error


def look_up(kind: str, registry: Mapping[str, type], name: str) -> Any:
    """The class that `name` stands for: a registered one, or, written `module:Class`, a user's own.

    Raises:
        ValueError: no such name (with the nearest), or a class that is not of the registry's type.
    """
    if ":" in name:
        return own_class(kind, family(registry), name)
    if name not in registry:
        raise ValueError(
            f"{kind} {name!r}: expected one of {', '.join(registry)}{nearest(name, registry)}"
        )
    return registry[name]


def family(registry: Mapping[str, type]) -> type:
    """The type that all classes of a registry share: the one made straight from `Configured`."""
    first = next(iter(registry.values()))
    return next(cls for cls in first.__mro__ if Configured in cls.__bases__)


def own_class(kind: str, expected: type | tuple[type, ...], name: str) -> type:
    """The class `module:Class`, from a file in the current folder or from any module that can be
    imported.

    Raises:
        ValueError: no such module or class (with the nearest), a module that fails, a class of
            another type.
    """
    module_name, _, class_name = name.partition(":")
    if not all(part.isidentifier() for part in (*module_name.split("."), class_name)):
        raise ValueError(
            f"{kind} {name!r}: expected a module and a class, as in my_module:MyEstimator"
        )
    module = import_module(kind, name, module_name)
    found = getattr(module, class_name, None)
    if not (inspect.isclass(found) and issubclass(found, expected)):
        types = expected if isinstance(expected, tuple) else (expected,)
        wanted = " or ".join(cls.__name__ for cls in types)
        known = [
            key
            for key, value in vars(module).items()
            if inspect.isclass(value) and issubclass(value, expected)
        ]
        what = (
            f"module {module_name} has no {class_name}" if found is None else f"it is no {wanted}"
        )
        raise ValueError(
            f"{kind} {name!r}: {what}: expected a subclass of {wanted}{nearest(class_name, known)}"
        )
    return found


def import_module(kind: str, name: str, module_name: str) -> ModuleType:
    """The module, with the current folder among the places where it is looked for."""
    search_in(Path.cwd())
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not (
            module_name == error.name or module_name.startswith(f"{error.name}.")
        ):
            raise ValueError(
                f"{kind} {name!r}: module {module_name} needs {error.name}, which is not there"
            ) from error
        files = [path.stem for path in Path.cwd().glob("*.py")]
        raise ValueError(
            f"{kind} {name!r}: no module {module_name}: expected a file {module_name}.py in {Path.cwd()}, or an "
            f"installed module{nearest(module_name, files)}"
        ) from error
    except Exception as error:  # whatever a user's file may raise
        first = (str(error).splitlines() or [""])[0]
        raise ValueError(
            f"{kind} {name!r}: module {module_name} fails: {type(error).__name__}: {first}"
        ) from error


def search_in(folder: Path) -> None:
    """Modules are looked for in `folder` too, after everything that is installed."""
    importlib.invalidate_caches()
    if str(folder.resolve()) not in sys.path:
        sys.path.append(str(folder.resolve()))
