"""The arrays among what a user's function refers to, as the precision in force has them.

JAX 0.10 remembers in which precision it first met an array of NumPy's, of floats or of whole
numbers, and takes it for that in the other one too. So each call has arrays that JAX has not met.
A function is made anew with them; the user's module and its functions stay as they are.
"""

import functools
import sys
import types
from collections.abc import Callable
from dis import get_instructions
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

ANEW = "iub"
"""Kinds of NumPy's arrays that stay what they are: whole numbers and Booleans."""


def casting(attribute: Any) -> Any:
    """What a user's class has under a name, in the precision in force when it is looked at.

    Of a method, those are the constants that it refers to when it is called.
    """
    if isinstance(attribute, staticmethod):
        return staticmethod(casting(attribute.__func__))
    if isinstance(attribute, property) and attribute.fget:
        return property(casting(attribute.fget), attribute.fset, attribute.fdel, attribute.__doc__)
    if isinstance(attribute, np.ndarray | jax.Array | list | tuple | dict):
        return _Constant(attribute) if _holds_arrays(attribute) else attribute
    if not isinstance(attribute, types.FunctionType):
        return attribute

    @functools.wraps(attribute)
    def cast(*arguments: Any, **named: Any) -> Any:
        inner = with_constants(attribute, jnp.result_type(float))
        return inner(*arguments, **named)

    return cast


def with_constants(function: Callable[..., Any], dtype: Any) -> Callable[..., Any]:
    """The function with the constants that it refers to in another precision.

    These are arrays of floats, NumPy's and JAX's, among its closure, its defaults and the globals
    that it names, in lists and dicts too, and those of the functions and modules beside its own
    that it names. Arrays of whole numbers and Booleans are the same, made anew. What is no plain
    function is left.
    """
    recast = _Recast(dtype)
    made = recast.value(function)
    return made if recast.has_cast else function


class _Constant:
    """A class's array, or a list or dict with arrays, cast whenever it is looked at."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return _Recast(jnp.result_type(float)).value(self.value)


class _Recast:
    """Casts constants and functions that refer to them, each function once."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = np.dtype(dtype)
        self.has_cast = False
        self.made: dict[types.FunctionType, types.FunctionType] = {}
        self.within: list[Any] = []

    def value(self, value: Any, function: types.FunctionType | None = None) -> Any:
        """A constant, or a function or module beside the one that names it, cast.

        Anything else is as it is.
        """
        if isinstance(value, np.ndarray | np.floating | np.complexfloating):
            return self.numpys(value)
        if isinstance(value, jax.Array):
            return self.jaxs(value)
        if type(value) in (list, tuple, dict):
            return self.inside(value, function)
        if isinstance(value, types.FunctionType):
            is_beside = function is None or _are_beside(value.__module__, function.__module__)
            return self.made.get(value) or self.function(value) if is_beside else value
        if isinstance(value, types.ModuleType) and function is not None:
            is_beside = _are_beside(value.__name__, function.__module__)
            return self.module(value, function) if is_beside else value
        return value

    def numpys(self, value: Any) -> Any:
        """An array of NumPy's, or a number."""
        if value.dtype.kind in ANEW:
            self.has_cast = True
            return value.view()
        if value.dtype.kind not in "fc":
            return value
        self.has_cast = True
        wanted = self.dtype if value.dtype.kind == "f" else np.result_type(self.dtype, np.complex64)
        return value.astype(wanted)

    def jaxs(self, value: jax.Array) -> jax.Array:
        """An array of JAX's, which was made in the precision of its time."""
        is_traced = isinstance(value, jax.core.Tracer)
        if is_traced or getattr(value.dtype, "kind", "") != "f" or value.dtype == self.dtype:
            return value
        self.has_cast = True
        return value.astype(self.dtype)

    def inside(self, value: Any, function: types.FunctionType | None) -> Any:
        """A list, tuple or dict: itself where nothing in it is cast."""
        if any(value is other for other in self.within):
            return value
        self.within.append(value)
        old = list(value.values() if isinstance(value, dict) else value)
        new = [self.value(each, function) for each in old]
        self.within.pop()
        if all(one is other for one, other in zip(old, new, strict=True)):
            return value
        return dict(zip(value, new, strict=True)) if isinstance(value, dict) else type(value)(new)

    def module(self, module: types.ModuleType, function: types.FunctionType) -> types.ModuleType:
        """A module with what a function may name of it cast: itself where nothing is."""
        names = _names(function.__code__) & vars(module).keys()
        old = {name: vars(module)[name] for name in names}
        new = self.inside(old, function)
        if new is old:
            return module
        made = types.ModuleType(module.__name__, module.__doc__)
        vars(made).update(vars(module) | new)
        return made

    def function(self, function: types.FunctionType) -> types.FunctionType:
        """A plain function whose constants are cast."""
        self.made[function] = function  # where it calls itself
        if _writes_globals(function.__code__):  # of which a copy would get them
            return function
        found = dict(function.__globals__)
        for name in _names(function.__code__) & found.keys():
            found[name] = self.value(found[name], function)
        cells = tuple(self.cell(cell, function) for cell in function.__closure__ or ())
        defaults = tuple(self.value(value) for value in function.__defaults__ or ())
        cast = types.FunctionType(function.__code__, found, function.__name__, defaults, cells)
        cast.__kwdefaults__ = function.__kwdefaults__
        self.made[function] = cast
        return cast

    def cell(self, cell: types.CellType, function: types.FunctionType) -> types.CellType:
        """What a function closes over, cast."""
        try:
            return types.CellType(self.value(cell.cell_contents, function))
        except ValueError:  # it is empty: the name is bound later
            return cell


def _holds_arrays(value: Any) -> bool:
    """Whether a constant is an array, or has one in it."""
    return any(isinstance(leaf, np.ndarray | jax.Array) for leaf in jax.tree.leaves(value))


def _are_beside(module: str | None, other: str | None) -> bool:
    """Whether two modules are of one package, or lie in one folder; code may be of none."""
    if module is None or other is None:
        return module == other
    if module.partition(".")[0] == other.partition(".")[0]:
        return True
    files = [getattr(sys.modules.get(name), "__file__", None) for name in (module, other)]
    return None not in files and Path(str(files[0])).parent == Path(str(files[1])).parent


def _names(code: types.CodeType) -> set[str]:
    """The global names in a function's code, those of the functions within it too."""
    inner = (const for const in code.co_consts if isinstance(const, types.CodeType))
    return set(code.co_names).union(*map(_names, inner))


def _writes_globals(code: types.CodeType) -> bool:
    """Whether a function assigns to a global name."""
    return any(step.opname in ("STORE_GLOBAL", "DELETE_GLOBAL") for step in get_instructions(code))
