"""The coordinates of x, as numpyro wraps them, and the parameters that they may have."""

import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Bool
from numpyro.distributions import constraints


def base(q: dist.Distribution) -> dist.Distribution:
    """The distribution of the coordinates, without the wrapper that makes them one event."""
    if isinstance(q, dist.Independent):
        return base(q.base_dist)
    return q


def has_valid_parameters(q: dist.Distribution) -> Bool[Array, ""]:
    """Whether all parameters of q are such that there is a distribution."""
    q = base(q)
    checked = {
        name: q.arg_constraints[name]
        for name in q.get_args()
        if not constraints.is_dependent(q.arg_constraints[name])
    }
    valid = [jnp.all(constraint(getattr(q, name))) for name, constraint in checked.items()]
    return jnp.all(jnp.asarray(valid))
