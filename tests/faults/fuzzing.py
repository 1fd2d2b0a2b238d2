"""Sweeps that nobody would write: the presets with pieces swapped, nested, removed or blown up.

Each is planned; it must become a plan or one clear error, soon.
"""

import contextlib
import copy
import json
import random
import signal
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.presets import preset_names, preset_text
from gradest.benchmarks.sweeps.plan import Plan, resolve
from gradest.benchmarks.sweeps.schema import load_sweep
from tests.support.sweeps import GOOD_SWEEP

SECONDS = 30
"""What no sweep may take to be planned; the largest that is allowed takes ten."""


TINY_SWEEP = """
schema = 1
name = "tiny"
replicates = 40
samples = [1, 2]
seed = 3

[[problem]]
name = "bernoulli_square"
dim = 2

[[estimator]]
name = "score_function"
"""
"""Measured in a moment."""


class Raw(str):
    """TOML that is written as it is."""


STRANGE = (
    True,
    False,
    0,
    1,
    -1,
    3,
    40,
    10**5,
    2**31,
    2**32,
    2**63 - 1,
    2**64,
    10**10,
    10**12,
    10**400,
    0.0,
    -0.0,
    0.5,
    1e-300,
    1e300,
    Raw("nan"),
    Raw("inf"),
    Raw("-inf"),
    Raw("9" * 5000),
    Raw("1e400"),
    Raw("1979-05-27"),
    Raw("07:32:00"),
    Raw("1979-05-27T07:32:00Z"),
    Raw("0xffffffffffffffffffff"),
    Raw("[" * 900 + "]" * 900),
    Raw("[" * 50 + "1" + "]" * 50),
    Raw("{a = {a = {a = 1}}}"),
    "",
    "a",
    "../up",
    "a/b",
    ".",
    "nan",
    "none",
    "a\nb",
    "\x1b[2J",
    "μ" * 300,
    "a" * 10_000,
    "gaussian_square",
    "score_function",
    "rloo",
    "gaussian_square[k=1]",
    "gaussian_square[dim=10000000000]",
    "no_module:NoClass",
    "os:path",
    "float64",
    "philox",
    [],
    [[]],
    [1, [2]],
    [1, "a", True],
    {},
    {"name": "pathwise"},
    list(range(2000)),
    [0.5] * 300,
)
"""What takes the place of a value."""


class Fuzzed(NamedTuple):
    """What became of one strange sweep."""

    text: str
    outcome: str
    """planned, refused, internal or hung."""
    detail: str
    plan: Plan | None


def sources() -> list[dict[str, Any]]:
    """The sweeps that others are made from, as keys and values."""
    texts = list(map(preset_text, preset_names()))
    # small ones, of which something can be run, as often as all the others
    return [tomllib.loads(text) for text in [*texts, *[GOOD_SWEEP, TINY_SWEEP] * 4]]


def written(value: Any) -> str:
    """A value as TOML."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key_text(k)} = {written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value)
    return str(value).lower() if isinstance(value, bool) else repr(value)


def key_text(key: str) -> str:
    """A key as TOML."""
    return json.dumps(key)


def toml(keys: dict[str, Any]) -> str:
    """Keys and values as TOML, tables in lists under headings of their own."""
    plain = {key: value for key, value in keys.items() if not is_tables(value)}
    lines = [f"{key_text(key)} = {written(value)}" for key, value in plain.items()]
    for key in keys.keys() - plain.keys():
        for entry in keys[key]:
            lines += ["", f"[[{key_text(key)}]]"]
            lines += [f"{key_text(name)} = {written(value)}" for name, value in entry.items()]
    return "\n".join(lines) + "\n"


def is_tables(value: Any) -> bool:
    """Whether a value is a list of tables, and nothing else."""
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)


def holders(value: Any) -> Iterator[dict[str, Any] | list[Any]]:
    """Every table and list in a value, the value itself among them."""
    if isinstance(value, dict | list):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from holders(inner)


def change(keys: dict[str, Any], draw: random.Random) -> None:
    """Changes one thing, somewhere in the sweep."""
    holder = draw.choice([each for each in holders(keys) if each])
    place = draw.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    draw.choice([replace, replace, replace, remove, nest, repeat, add, swap])(holder, place, draw)


def strange(draw: random.Random) -> Any:
    """A value that takes the place of another, as a copy: it may be changed in its turn."""
    return copy.deepcopy(draw.choice(STRANGE))


def replace(holder: Any, place: Any, draw: random.Random) -> None:
    """Another value."""
    holder[place] = strange(draw)


def remove(holder: Any, place: Any, draw: random.Random) -> None:
    """No value."""
    del holder[place]


def nest(holder: Any, place: Any, draw: random.Random) -> None:
    """The value within a list or a table."""
    value = holder[place]
    holder[place] = draw.choice([[value], [[value]], {"value": value}])


def repeat(holder: Any, place: Any, draw: random.Random) -> None:
    """The value many times."""
    holder[place] = [holder[place]] * draw.choice([2, 30, 1000])


def add(holder: Any, place: Any, draw: random.Random) -> None:
    """One more value, or one more key."""
    if isinstance(holder, list):
        holder.append(strange(draw))
    else:
        holder[draw.choice(["k", "dim", "seed", "precision", "categories", "", "a b", "μ"])] = (
            strange(draw)
        )


def swap(holder: Any, place: Any, draw: random.Random) -> None:
    """Two values, each in the place of the other."""
    other = draw.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    holder[place], holder[other] = holder[other], holder[place]


def damaged(text: str, draw: random.Random) -> str:
    """The text with a piece gone, doubled or overwritten."""
    start = draw.randrange(len(text))
    end = min(len(text), start + draw.choice([1, 1, 5, 40]))
    middle = draw.choice(["", text[start:end] * 2, "\0", "]]", '"', "=", "é", "\n[[problem]]\n"])
    return text[:start] + middle + text[end:]


def strange_sweep(number: int) -> str:
    """The TOML of one strange sweep, always the same for its number."""
    draw = random.Random(number)
    keys = json.loads(json.dumps(draw.choice(sources())))
    for _ in range(draw.choice([1, 1, 2, 3])):
        change(keys, draw)
    text = toml(keys)
    return damaged(text, draw) if draw.random() < 0.15 else text


class Hung(BaseException):
    """A plan took too long."""


@contextlib.contextmanager
def watched(seconds: float) -> Iterator[None]:
    """Ends what runs within after so many seconds.

    Raises:
        Hung: it took longer.
    """

    def end(*_: object) -> None:
        raise Hung

    previous = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def tried(text: str, folder: Path) -> Fuzzed:
    """What planning a text comes to.

    Args:
        text: of a sweep's file.
        folder: where the file is put.
    """
    file = folder / "strange.toml"
    file.write_text(text, encoding="utf-8")
    try:
        with watched(SECONDS):
            plan = resolve(load_sweep(str(file)))
    except BadInput as error:
        return Fuzzed(text, "refused", str(error), None)
    except Hung:
        return Fuzzed(text, "hung", f"planning took more than {SECONDS} s", None)
    except Exception as error:  # whatever it is, it is our fault
        return Fuzzed(text, "internal", f"{type(error).__name__}: {error}", None)
    return Fuzzed(text, "planned", "", plan)
