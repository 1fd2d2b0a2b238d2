"""Why an estimator refuses, where several share the reason: each function gives it, or None."""

import numpyro.distributions as dist

from gradest.estimators.sampling.draws import has_rsample
from gradest.problems.distributions.coordinates import base
from gradest.problems.distributions.enumeration import (
    MOST_STATES,
    can_be_listed,
    is_enumerable,
    number_of_states,
)


def refuse_unless_bernoulli(q: dist.Distribution) -> str | None:
    """The reason why an estimator made for a row of Bernoulli variables cannot be used on q."""
    if isinstance(base(q), dist.BernoulliLogits):
        return refuse_unless_one_row(q)
    return f"this estimator is made for Bernoulli variables, not {type(base(q)).__name__}"


def refuse_unless_one_row(q: dist.Distribution) -> str | None:
    """The reason why an estimator made for a row of coordinates cannot be used on q."""
    axes = len(q.event_shape) - len(base(q).event_shape)
    if axes <= 1:
        return None
    return f"x has {axes} axes of coordinates, as the particles of a bound: expected one"


def refuse_unless_rsample(q: dist.Distribution) -> str | None:
    """The reason why an estimator that differentiates the draw cannot be used on q."""
    if has_rsample(q):
        return None
    return f"{type(base(q)).__name__} has no differentiable draw (rsample)"


def refuse_unless_listed(q: dist.Distribution) -> str | None:
    """The reason why an estimator that lists all values of x cannot be used on q."""
    if is_enumerable(q):
        return None
    kind = type(base(q)).__name__
    if not can_be_listed(q):
        return f"the values of {kind} cannot be listed"
    states = number_of_states(q)
    number = f"{states:,}" if states < 10**15 else "more than 1e15"
    return f"{kind} has {number} joint values here, above {MOST_STATES:,}"


def refuse_unless_even(num_samples: int, why: str) -> str | None:
    """The reason why an estimator that takes its samples in pairs cannot take so many."""
    if num_samples >= 2 and num_samples % 2 == 0:
        return None
    return f"num_samples = {num_samples}: expected an even number{why}"
