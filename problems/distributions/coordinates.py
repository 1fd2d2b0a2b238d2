"""The coordinates of x, as numpyro wraps them."""

import numpyro.distributions as dist


def base(q: dist.Distribution) -> dist.Distribution:
    """The distribution of the coordinates, without the wrapper that makes them one event."""
    if isinstance(q, dist.Independent):
        return base(q.base_dist)
    return q
