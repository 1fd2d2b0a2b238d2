"""Optimizers of optax by name, each with its arguments and the schedule of its learning rate."""

import functools
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import optax

from gradest.problems.arguments import nearest, shown

Optimizer: TypeAlias = optax.GradientTransformation

SCHEDULES = ("constant", "cosine")
"""How the learning rate goes over the steps."""

MOMENTUM = 0.9
"""Of the optimizer called momentum, which is sgd with it, where none is stated."""


@dataclass(frozen=True)
class Recipe:
    """An optimizer, by all that it is made from."""

    name: str
    """optax's, or momentum."""
    learning_rate: float
    arguments: tuple[tuple[str, Any], ...] = ()
    decay_steps: int | None = None
    """Over which the learning rate falls to 0 along a cosine; None where it is constant."""
    exponent: float = 1.0
    """Of the cosine."""
    maximize: bool = False

    def rule(self) -> Optimizer:
        r"""The optimizer.

        The learning rate of a cosine is $\eta_t = \eta \cos^{2e}(\pi t / 2T)$, e the exponent
        (Loshchilov and Hutter, 2017, for e = 1).
        """
        rate: Any = self.learning_rate
        if self.decay_steps is not None:
            rate = optax.cosine_decay_schedule(rate, self.decay_steps, exponent=self.exponent)
        made = optimizers()[self.name](rate, **dict(self.arguments))
        return optax.chain(optax.scale(-1.0), made) if self.maximize else made


@functools.cache
def optimizers() -> dict[str, Callable[..., Optimizer]]:
    """optax's optimizers that take a learning rate first, and momentum, by name."""
    found = {
        name: function
        for name, function in vars(optax).items()
        if inspect.isfunction(function) and not name.startswith(("_", "scale_"))
    }
    makers = {name: made for name, made in found.items() if parameters_of(made)[:1] == [RATE]}
    return makers | {"momentum": functools.partial(optax.sgd, momentum=MOMENTUM)}


RATE = "learning_rate"
"""The first argument of every optimizer."""


def parameters_of(make: Callable[..., Any]) -> list[str]:
    """The names of a function's arguments, in order."""
    return list(inspect.signature(make).parameters)


def arguments_of(name: str) -> list[str]:
    """The arguments of an optimizer besides its learning rate; none where there is no such name."""
    make = optimizers().get(name)
    return [] if make is None else [each for each in parameters_of(make) if each != RATE]


def expect_optimizer(name: str, arguments: Mapping[str, Any], *others: str) -> None:
    """Refuses an optimizer that there is not, or that cannot be made so.

    Args:
        name: optax's.
        arguments: its own.
        others: keys that may stand beside them, and may have been meant.

    Raises:
        ValueError: no such name or argument, a value that cannot be, or one that needs more than a
            gradient.
    """
    known = optimizers()
    if name not in known:
        raise ValueError(f"expected one of optax's{nearest(name, known) or list_of(known)}")
    own = arguments_of(name)
    for key, value in arguments.items():
        if key not in own:
            expected = ", ".join([*others, *own])
            raise ValueError(
                f"unexpected keyword {key}: expected {expected}{nearest(key, [*others, *own])}"
            )
        if not isinstance(value, bool | int | float | str):
            raise ValueError(f"{key} = {shown(value)}: expected a number, a flag or a text")
        expect_in_range(key, value)
    try:
        expect_gradient_alone(Recipe(name, 0.1, tuple(arguments.items())).rule())
    except (TypeError, ValueError, AttributeError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ValueError(lines[0]) from error


FROM_0_TO_1 = ("b1", "b2", "b3", "decay", "momentum")
"""Arguments that are the weight of what was before in a moving average, or of the step before."""

NOT_NEGATIVE = ("eps", "eps_root", "weight_decay", "weight_decay_rate")
"""Arguments that are added to a root or a square, or pull θ towards 0."""


def expect_in_range(key: str, value: float | str | bool) -> None:
    """Refuses a number that makes an optimizer's update meaningless, where its range is known.

    Args:
        key: the argument.
        value: what it is to be; a text or a flag has no range.

    Raises:
        ValueError: the number is not finite, or outside its range.
    """
    if isinstance(value, bool | str):
        return
    if not math.isfinite(value):
        raise ValueError(f"{key} = {value}: expected a finite number")
    if key in FROM_0_TO_1 and not 0 <= value < 1:
        raise ValueError(f"{key} = {value}: expected 0 or more, and less than 1")
    if key in NOT_NEGATIVE and value < 0:
        raise ValueError(f"{key} = {value}: expected 0 or more")


def expect_learning_rate(value: Any) -> None:
    """Refuses a learning rate with which nothing is minimised.

    Raises:
        ValueError: it is no number, not finite, or not above 0.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (is_number and math.isfinite(value) and value > 0):
        raise ValueError(f"learning_rate = {shown(value)}: expected a finite number above 0")


def list_of(names: Mapping[str, Any]) -> str:
    """Some names in words."""
    return f": {', '.join(sorted(names))}"


def expect_gradient_alone(rule: Optimizer) -> None:
    """Refuses an optimizer that needs more than a gradient, the value of f say.

    Raises:
        TypeError: it does.
    """
    theta = jnp.zeros(2)
    jax.eval_shape(lambda: rule.update(theta, rule.init(theta), theta))
