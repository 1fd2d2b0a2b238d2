"""Reasons to refuse that several estimators share: each gives the reason, or None where there is none."""

import numpyro.distributions as dist

from gradest.problems.distributions.coordinates import base


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


def refuse_unless_even(num_samples: int, why: str) -> str | None:
    """The reason why an estimator that takes its samples in pairs cannot take so many."""
    if num_samples >= 2 and num_samples % 2 == 0:
        return None
    return f"num_samples = {num_samples}: expected an even number{why}"
