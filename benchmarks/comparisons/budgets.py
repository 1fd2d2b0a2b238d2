"""What one gradient may cost: seconds, evaluations or samples."""

from numbers import Real
from typing import NamedTuple

import pandas as pd

from gradest.benchmarks.errors import BadInput

UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0}
"""Seconds in each unit of time."""


class Budget(NamedTuple):
    """What one gradient may cost; at most one of them is given."""

    seconds: float | None = None
    evaluations: int | None = None
    """Of f and of its gradient together."""
    samples: int | None = None
    """L."""

    @property
    def text(self) -> str:
        """The budget in words."""
        if self.seconds is not None:
            return f"{self.seconds:.3g} s a gradient"
        if self.evaluations is not None:
            return f"{self.evaluations} evaluations of f and its gradient"
        return f"L = {self.samples}" if self.samples is not None else "the largest L measured"

    def pays_for(self, rows: pd.DataFrame) -> pd.Series:
        """Which measured cells it pays for."""
        if self.seconds is not None:
            return rows.seconds <= self.seconds
        if self.evaluations is not None:
            return rows.f_evals + rows.grad_evals <= self.evaluations
        if self.samples is not None:
            return rows.num_samples <= self.samples
        return pd.Series(data=True, index=rows.index)


def budget_of(budget: str | float | None, evaluations: int | None, samples: int | None) -> Budget:
    """The budget that was asked for.

    Args:
        budget: seconds a gradient, as a number or with a unit: "1ms".
        evaluations: of f and of its gradient together.
        samples: L.

    Raises:
        BadInput: more than one is given, or one is no number above 0.

    >>> budget_of("1ms", None, None).seconds
    0.001
    """
    asked = {"budget": budget, "evaluations": evaluations, "samples": samples}
    given = {name: value for name, value in asked.items() if value is not None}
    if len(given) > 1:
        raise BadInput(f"{', '.join(given)}: expected one of them")
    seconds = seconds_of(budget) if isinstance(budget, str) else budget
    for name, value in (given | {"budget": seconds} if "budget" in given else given).items():
        if not isinstance(value, Real) or not value > 0:
            raise BadInput(f"{name} = {given[name]!r}: expected a number above 0")
    return Budget(seconds, evaluations, samples)


def seconds_of(text: str) -> float:
    """Seconds, from a number with a unit or without.

    Raises:
        BadInput: it is neither.
    """
    number = text.strip()
    unit = number.lstrip("0123456789.eE+-").strip()
    try:
        return float(number.removesuffix(unit)) * UNITS[unit or "s"]
    except (KeyError, ValueError):
        raise BadInput(f"budget {text!r}: expected a time such as 1ms") from None
