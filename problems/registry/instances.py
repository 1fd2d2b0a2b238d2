"""Problems and estimators by name and arguments: what a file writes for an instance, and back."""

import dataclasses
import json
from collections.abc import Mapping
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from gradest.problems.arguments import Argument, Configured, arguments, defaults, shown
from gradest.problems.base import Problem
from gradest.problems.registry.lookup import common_type, look_up


@dataclasses.dataclass(frozen=True)
class Choice:
    """A problem or an estimator by its class's name, with every argument filled in."""

    name: str
    """Registered, or `module:Class`."""
    arguments: tuple[tuple[str, Any], ...]
    revision: int = 1
    """A problem's."""
    unnamed: frozenset[str] = frozenset()
    """The arguments that no name is made from: those that came later, at their defaults."""

    @classmethod
    def of(cls, registry: Mapping[str, type], name: str, chosen: Mapping[str, Any]) -> "Choice":
        """The class called `name` with some arguments, and the defaults of the others.

        Raises:
            ValueError: no such name.
        """
        return cls.made(name, look_up("name", registry, name), chosen)

    @classmethod
    def of_instance(cls, registry: Mapping[str, type], thing: Any) -> "Choice":
        """What stands for an instance of a registered class or of a user's own.

        Raises:
            ValueError: it is not of the type that the registry's classes share.
        """
        return cls.made(name_of(registry, thing), type(thing), as_written(thing))

    @classmethod
    def made(cls, name: str, kind: type, chosen: Mapping[str, Any]) -> "Choice":
        """A class under a name, with some arguments and the defaults of the others.

        Numbers are floats, so that 3 and 3.0 are the same.
        """
        declared = arguments(kind)
        filled = []
        for key, value in sorted({**defaults(kind), **chosen}.items()):
            is_number = declared[key].kind == "number"
            filled.append((key, float(value) if is_number else value))
        revision = kind.revision_with(dict(filled)) if issubclass(kind, Problem) else 1
        return cls(name, tuple(filled), revision, latecomers(kind, dict(filled)))

    @property
    def json(self) -> str:
        """The arguments as JSON with sorted keys."""
        return json.dumps(dict(self.arguments), sort_keys=True)

    @property
    def named_by(self) -> dict[str, Any]:
        """The arguments that its name, and that of a cell, is made from."""
        return {key: value for key, value in self.arguments if key not in self.unnamed}

    @property
    def entry(self) -> dict[str, Any]:
        """What a sweep's file has of it."""
        return {"name": self.name, **dict(self.arguments)}

    @property
    def label(self) -> str:
        """`name[argument=value,…]`: what a cell's key is made from."""
        named = ",".join(f"{key}={value}" for key, value in self.named_by.items())
        return f"{self.name}[{named}]"


def latecomers(cls: type, given: Mapping[str, Any]) -> frozenset[str]:
    """The arguments that came later and are at their defaults, as before there were any.

    Args:
        cls: whose arguments.
        given: all of them with their values; those left out are at their defaults.
    """
    declared = arguments(cls)
    usual = defaults(cls)
    return frozenset(
        name
        for name in declared
        if declared[name].later and given.get(name, usual[name]) == usual[name]
    )


def name_of(registry: Mapping[str, type], thing: Any) -> str:
    """The registered name of an instance's class, or `module:Class` where it is a user's own.

    Raises:
        ValueError: it is not of the type that the registry's classes share.
    """
    expected = common_type(registry)
    if not isinstance(thing, expected):
        raise ValueError(f"expected an instance of {expected.__name__}; got {thing!r}")
    cls = type(thing)
    for name, registered in registry.items():
        if registered is cls:
            return name
    return f"{cls.__module__}:{cls.__qualname__}"


def as_written(thing: Configured) -> dict[str, Any]:
    """The arguments of a problem or an estimator, as a user would write them.

    A number in single precision is the default where it is what the default is in that precision,
    else the shortest decimal that it stands for: 0.1, say.

    >>> from gradest.problems import problem
    >>> as_written(problem("bernoulli_square", t=0.1))
    {'t': 0.1, 'logit': 0.5, 'dim': 1, 'reduce': 'sum'}
    """
    declared = arguments(type(thing))
    usual = defaults(type(thing))
    found = {}
    for name in declared:
        value = getattr(thing, name)
        if declared[name].kind in ("number", "integer") and np.ndim(value):
            raise ValueError(f"{name} = {shown(value)}: expected one number, not an array")
        found[name] = written(declared[name], value, usual[name])
    return found


def written(argument: Argument, value: Any, default: Any) -> Any:
    """The value of one argument, as a user would write it."""
    if argument.kind == "choice":
        return name_of_choice(argument, value)
    if argument.kind == "flag":
        return bool(value)
    scalar = np.asarray(value)[()]
    if argument.kind == "integer":
        return int(scalar)
    is_default = scalar == np.asarray(default, scalar.dtype)
    return float(default) if is_default else float(str(scalar))


def name_of_choice(argument: Argument, value: Any) -> str:
    """The name that stands for a value; of one that has none, its class and what it holds.

    No user can write the latter, but it is a different one for each such value.
    """
    for name, option in argument.table.items():
        if type(option) is type(value) and eqx.tree_equal(option, value):
            return name
    cls = type(value)
    fields = dataclasses.fields(value) if dataclasses.is_dataclass(value) else ()
    held = [f"{field.name}={np.asarray(getattr(value, field.name)).tolist()}" for field in fields]
    return f"{cls.__module__}:{cls.__qualname__}[{','.join(held)}]"


def in_precision(thing: Any, dtype: str) -> Any:
    """A problem or an estimator with its numbers in the precision in force.

    Args:
        thing: as it was made, in whatever precision was in force then.
        dtype: of the precision in force.
    """
    leaves = [leaf for leaf in jax.tree.leaves(thing) if eqx.is_inexact_array(leaf)]
    if all(leaf.dtype == dtype for leaf in leaves):
        return thing
    # made anew of what was written: 0.1 in double precision is not 0.1 in single, with zeros
    declared = arguments(type(thing))
    numbers = {k: value for k, value in as_written(thing).items() if declared[k].kind == "number"}
    remade = dataclasses.replace(thing, **numbers)
    cast = partial(jnp.asarray, dtype=dtype)
    return jax.tree.map(lambda leaf: cast(leaf) if eqx.is_inexact_array(leaf) else leaf, remade)
