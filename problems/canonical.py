"""One class of ours for several of numpyro's that are the same distribution.

So estimators, which look up what they do by q's class, find it whichever of them a user wrote.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpyro.distributions as dist

COUNTERPARTS: dict[type, Callable[[Any], dist.Distribution]] = {}
"""What makes the distribution of ours, by a class of numpyro's; that of ours adds itself."""


def canonical(q: Any) -> Any:
    """The distribution that estimators know for this one: mostly itself.

    A class of a user's own stays, though it inherits from one of numpyro's.
    """
    if type(q) is dist.Independent:
        inner = canonical(q.base_dist)
        return q if inner is q.base_dist else inner.to_event(q.reinterpreted_batch_ndims)
    make = COUNTERPARTS.get(type(q))
    return make(q) if make else q


def made_canonical(distribution: Callable[..., Any]) -> Callable[..., Any]:
    """A user's method `distribution` whose result is `canonical`."""

    @functools.wraps(distribution)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        return canonical(distribution(*arguments, **named))

    return wrapped
