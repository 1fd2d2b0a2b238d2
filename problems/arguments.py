"""Arguments as data: every problem and estimator declares what it takes, and is checked, listed and
swept from that.

A class states its arguments as fields, `k: Number = number(3.0, "what it is")`. From the fields
alone follow the validation, the table of `gradest describe`, the JSON in `measurements.csv`, and
which arguments are numbers (array leaves: a new value compiles nothing) and which set a shape or a
branch (static: a new value compiles a new program).
"""

import dataclasses
import difflib
import math
import re
import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Number = Float[Array, "..."]
"""A number that may be swept: a scalar array leaf, batched only where the whole object is."""

NOUNS = {
    "number": "a finite number",
    "integer": "a whole number",
    "flag": "true or false",
    "widths": 'a whole number, 0 for none, or several as "512-256"',
}
"""What an argument of each kind is, for errors."""

MOST_WHOLE = 2**24
"""The largest whole argument where nothing else is said: the sizes of arrays, and steps, of which
float32 does not count more one by one."""

FAR = 20.0
"""What is far for a number without bounds: beyond where float32 tells a probability from 1."""

FACTORS = (0.01, 0.05, 100.0)
"""By which a number's distance from its bound is multiplied, to come close to an end."""

MOST_CHARACTERS = 100
"""Of a value that an error shows."""

DTYPE_KINDS = {"number": "iuf", "integer": "iu", "widths": "iu"}
"""NumPy's letters for the types that an argument of a kind may have."""

SEVERAL = re.compile(r"[1-9][0-9]*(-[1-9][0-9]*)+")
"""Two widths or more, as text."""


@dataclasses.dataclass(frozen=True)
class Argument:
    """What one argument accepts, in words and as a test."""

    help: str
    kind: str
    """One of number, integer, flag, choice and widths."""
    above: float | int = -math.inf
    at_least: float | int = -math.inf
    at_most: float | int = math.inf
    choices: tuple[str, ...] = ()
    table: Mapping[str, Any] = dataclasses.field(default_factory=dict, compare=False, repr=False)
    """What each of the choices stands for."""
    later: bool = False
    """Whether it came after cells had been named without it: at its default it is in no name."""

    @property
    def expected(self) -> str:
        """The accepted values in words: the end of every error message about this argument."""
        if self.kind == "choice":
            return "one of " + ", ".join(self.choices)
        noun = NOUNS[self.kind]
        if self.kind == "widths":
            return noun
        if self.above > -math.inf:
            return f"{noun} above {self.above:g}"
        if self.at_least > -math.inf:
            noun = f"{noun}, at least {self.at_least:g}"
        if self.at_most < MOST_WHOLE:
            noun = f"{noun} and at most {self.at_most:,}"
        return noun

    def accepts(self, value: Any) -> bool:
        """Whether `value`, as a user wrote it, is one that this argument takes."""
        if self.kind == "choice":
            return self._stands_for_an_option(value)
        if self.kind == "flag":
            return isinstance(value, bool)
        if isinstance(value, list | tuple):
            return False
        if self.kind == "widths" and isinstance(value, str):
            return (
                bool(SEVERAL.fullmatch(value)) and max(map(int, value.split("-"))) <= self.at_most
            )
        entries = np.asarray(value)
        if entries.dtype.kind not in DTYPE_KINDS[self.kind]:
            return False
        if self.kind == "number":
            with np.errstate(over="ignore", under="ignore"):
                entries = entries.astype(jnp.result_type(float))  # where it may overflow
        above = (entries > self.above) & (entries >= self.at_least)
        return bool(np.all(np.isfinite(entries) & above & (entries <= self.at_most)))

    def ends(self, value: float) -> tuple[float, ...]:
        """Numbers towards the ends of the range, of which `value` is one inside.

        >>> Argument("a scale", "number", above=0).ends(2.0)
        (0.02, 0.1, 200.0)
        """
        least = max(self.above, self.at_least)
        if least == -math.inf:
            return (-FAR, FAR)
        return tuple(least + factor * (value - least) for factor in FACTORS)

    def _stands_for_an_option(self, value: Any) -> bool:
        """Whether it is the name of one, or an object, which stands for itself."""
        if isinstance(value, str):
            return value in self.choices
        is_option = any(value is option for option in self.table.values())
        return is_option or isinstance(value, eqx.Module) or callable(value)


def _field(
    argument: Argument, default: Any, *, static: bool, converter: Callable[[Any], Any]
) -> Any:
    def convert(value: Any) -> Any:
        if argument.accepts(value):
            return converter(value)
        return value  # to be refused by name in __check_init__

    metadata = {"argument": argument}
    return eqx.field(default=default, static=static, converter=convert, metadata=metadata)


def as_float(value: Any) -> Float[Array, "..."]:
    """`value` as a JAX array in the precision in force (float32, or float64 where x64 is on)."""
    return jnp.asarray(value, jnp.result_type(float))


def number(
    default: float, meaning: str, *, above: float | int = -math.inf, later: bool = False
) -> Any:
    """A real argument: an array leaf, in the precision in force.

    Args:
        default: where nothing is said.
        meaning: what it is, in a few words.
        above: what it must be greater than.
        later: whether it came after cells had been named without it.
    """
    argument = Argument(meaning, "number", above=above, later=later)
    return _field(argument, default, static=False, converter=as_float)


def integer(
    default: int,
    meaning: str,
    *,
    at_least: int = 1,
    at_most: int = MOST_WHOLE,
    static: bool = True,
    later: bool = False,
) -> Any:
    """A whole argument.

    Args:
        default: where nothing is said.
        meaning: what it is, in a few words.
        at_least: the least that it may be.
        at_most: the most.
        static: whether it sets a shape; else it is an array leaf.
        later: whether it came after cells had been named without it.
    """
    argument = Argument(meaning, "integer", at_least=at_least, at_most=at_most, later=later)
    converter = int if static else partial(jnp.asarray, dtype=jnp.int32)
    return _field(argument, default, static=static, converter=converter)


def widths(default: int, meaning: str) -> Any:
    """The widths of a row of layers, which is static: of one as a number, of several as text.

    Args:
        default: where nothing is said.
        meaning: what they are, in a few words.
    """
    argument = Argument(meaning, "widths", at_least=0, at_most=MOST_WHOLE)
    return _field(argument, default, static=True, converter=one_or_several)


def one_or_several(value: Any) -> int | str:
    """Widths as they are written: a number, or a text of several."""
    return value if isinstance(value, str) else int(value)


def flag(default: bool, meaning: str, *, later: bool = False) -> Any:
    """A yes-or-no argument, which is static.

    Args:
        default: where nothing is said.
        meaning: what is so where it is true, in a few words ("whether …").
        later: whether it came after cells had been named without it.
    """
    return _field(Argument(meaning, "flag", later=later), default, static=True, converter=bool)


def choice(
    options: Mapping[str, Any] | Sequence[str],
    default: str,
    meaning: str,
    *,
    static: bool = True,
    later: bool = False,
) -> Any:
    """One of several named alternatives.

    Args:
        options: the names; or a table of objects, of which the field then holds the one named.
        default: the name where nothing is said.
        meaning: what is chosen, in a few words.
        static: whether the choice is a branch; else what is chosen is a pytree of arrays.
        later: whether it came after cells had been named without it.
    """
    table = options if isinstance(options, Mapping) else {name: name for name in options}

    def named(value: Any) -> Any:
        return table[value] if isinstance(value, str) else value

    argument = Argument(meaning, "choice", choices=tuple(table), table=table, later=later)
    return _field(argument, default, static=static, converter=named)


class Configured(eqx.Module):
    """A frozen module whose arguments are checked on construction."""

    def __check_init__(self) -> None:
        for name, argument in arguments(type(self)).items():
            value = getattr(self, name)
            if not argument.accepts(value):
                raise refused(name, value, argument)


def arguments(cls: type) -> dict[str, Argument]:
    """The arguments of a class, in the order of its fields."""
    return {field.name: field.metadata["argument"] for field in _declared(cls)}


def defaults(cls: type) -> dict[str, Any]:
    """The default of every argument of a class, as a user would write it."""
    return {field.name: field.default for field in _declared(cls)}


def _declared(cls: type) -> list[dataclasses.Field]:
    return [field for field in dataclasses.fields(cls) if "argument" in field.metadata]


def refused(name: str, value: Any, argument: Argument) -> ValueError:
    """The one error for an argument out of its range: its name and value, and what was expected.

    Where the value is close to one of the argument's choices, that is named too.
    """
    hint = nearest(value, argument.choices) if isinstance(value, str) else ""
    expected = argument.expected
    if is_above(value, argument.at_most):
        expected = f"at most {argument.at_most:,}"
    elif argument.kind == "number" and is_a_number(value):
        expected = f"{expected} in {jnp.result_type(float)}"
    return ValueError(f"{name} = {shown(value)}: expected {expected}{hint}")


def is_above(value: Any, most: float | int) -> bool:
    """Whether a value is a whole number, and larger than what is allowed."""
    return isinstance(value, int) and value > most


def is_a_number(value: Any) -> bool:
    """Whether a value is a finite number of Python's."""
    return isinstance(value, float) and math.isfinite(value)


SHORT = reprlib.Repr()
SHORT.maxstring = SHORT.maxother = MOST_CHARACTERS
SHORT.maxlevel = 3


def shown(value: Any) -> str:
    """A value as an error shows it: in one line, and shortened where it is long.

    >>> shown("a"), shown([1, 2]), len(shown("a" * 1000))
    ("'a'", '[1, 2]', 100)
    """
    try:
        text = SHORT.repr(value)
    except ValueError:  # Python prints no whole number of more than 4,300 digits
        return "a number of thousands of digits"
    return shortened(" ".join(text.split()))


def shortened(text: str, most: int = MOST_CHARACTERS) -> str:
    """A text of at most so many characters: what is too much is cut from its middle.

    >>> shortened("abcdefghij", 5)
    'ab…ij'
    """
    half = (most - 1) // 2
    return text if len(text) <= most else f"{text[:half]}…{text[-half:]}"


def closest(name: str, known: Iterable[str]) -> str:
    """The known name that is closest; "" where none is close."""
    if len(name) > MOST_CHARACTERS:  # no name of ours is, and comparing takes long
        return ""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return close[0] if close else ""


def nearest(name: str, known: Iterable[str]) -> str:
    """'; did you mean …?' where one of the known names is close, else nothing.

    >>> nearest("pathwize", ["pathwise", "score_function"])
    '; did you mean pathwise?'
    """
    close = closest(name, known)
    return f"; did you mean {close}?" if close else ""


def instead(name: str, known: Iterable[str], expected: str) -> str:
    """What an error says of a name that is none of many: the nearest first.

    Args:
        name: as a user wrote it.
        known: what it may have been meant to be.
        expected: what it may be, in words.

    >>> instead("pathwize", ["pathwise", "rebar"], "an estimator")
    'did you mean pathwise? expected an estimator'
    """
    close = closest(name, known)
    hint = f"did you mean {close}? " if close else ""
    return f"{hint}expected {expected}"
