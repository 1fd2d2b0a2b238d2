"""NumPy's arrays and floats among what a user's function refers to, cast to the precision in force.

A function is made anew with copies of them; the user's module and its functions stay as they are.
"""

import functools
import types
from collections.abc import Callable
from dis import get_instructions
from typing import Any

import jax.numpy as jnp
import numpy as np


def casting(method: Callable[..., Any]) -> Callable[..., Any]:
    """A user's method whose NumPy constants are cast to the precision in force when it is called.

    JAX 0.10 remembers in which precision it first met an array of NumPy's, and takes it for that in
    the other one too: each call has copies.
    """
    if not isinstance(method, types.FunctionType):
        return method

    @functools.wraps(method)
    def cast(*arguments: Any, **named: Any) -> Any:
        inner = with_constants(method, jnp.result_type(float))
        return inner(*arguments, **named)

    return cast


def with_constants(function: Callable[..., Any], dtype: Any) -> Callable[..., Any]:
    """The function with the constants that it refers to in another precision.

    These are NumPy arrays and floats among its closure, its defaults and the globals that it names,
    and those of the functions of its own module that it calls. What is no plain function is left.
    """
    recast = _Recast(dtype)
    made = recast.value(function)
    return made if recast.has_cast else function


class _Recast:
    """Casts constants and functions that refer to them, each function once."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = np.dtype(dtype)
        self.has_cast = False
        self.made: dict[types.FunctionType, types.FunctionType] = {}

    def value(self, value: Any, module: str | None = None) -> Any:
        """A constant or a function, cast; anything else as it is."""
        if isinstance(value, np.ndarray | np.floating) and value.dtype.kind == "f":
            self.has_cast = True
            return value.astype(self.dtype)
        if isinstance(value, types.FunctionType) and module in (None, value.__module__):
            return self.made.get(value) or self.function(value)
        return value

    def function(self, function: types.FunctionType) -> types.FunctionType:
        """A plain function whose constants are cast."""
        self.made[function] = function  # where it calls itself
        if _writes_globals(function.__code__):  # of which a copy would get them
            return function
        found = dict(function.__globals__)
        for name in _names(function.__code__) & found.keys():
            found[name] = self.value(found[name], function.__module__)
        cells = tuple(self.cell(cell, function.__module__) for cell in function.__closure__ or ())
        defaults = tuple(self.value(value) for value in function.__defaults__ or ())
        cast = types.FunctionType(function.__code__, found, function.__name__, defaults, cells)
        cast.__kwdefaults__ = function.__kwdefaults__
        self.made[function] = cast
        return cast

    def cell(self, cell: types.CellType, module: str) -> types.CellType:
        """What a function closes over, cast."""
        try:
            return types.CellType(self.value(cell.cell_contents, module))
        except ValueError:  # it is empty: the name is bound later
            return cell


def _names(code: types.CodeType) -> set[str]:
    """The global names in a function's code, those of the functions within it too."""
    inner = (const for const in code.co_consts if isinstance(const, types.CodeType))
    return set(code.co_names).union(*map(_names, inner))


def _writes_globals(code: types.CodeType) -> bool:
    """Whether a function assigns to a global name."""
    return any(step.opname in ("STORE_GLOBAL", "DELETE_GLOBAL") for step in get_instructions(code))
