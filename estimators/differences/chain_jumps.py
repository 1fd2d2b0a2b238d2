r"""A jump of one bit of a walk, carried through all bits after it.

The bits before the jump are the walk's own, those after it are made of the walk's own noise where
the alternative then is: the two walks mostly do the same, and once they have met they stay
together.
"""

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Bool, Float

from gradest.problems.base import Params, Problem
from gradest.problems.distributions.bernoulli_chain import MarkovBits, State
from gradest.problems.distributions.coordinates import base

Bits = Float[Array, " n"]
"""A number for each bit of one walk."""


def gradient_sizes(problem: Problem, params: Params, x: Float[Array, "L n"]) -> Float[Array, "L n"]:
    r"""$\|\nabla_\theta \phi_t\|$ over all of θ, of the logit of each bit, given those before."""
    chain = base(problem.distribution(params))

    def size(state: State) -> Float[Array, ""]:
        def logit(params: Params) -> Float[Array, ""]:
            return base(problem.distribution(params)).transition.logit(state)

        leaves = jax.tree.leaves(jax.grad(logit)(params))
        return jnp.sqrt(sum((leaf**2).sum() for leaf in leaves))

    def along(x: Bits) -> Bits:
        return jax.vmap(size)(chain.walk(x)[1])

    return stop_gradient(jax.vmap(along)(x))


def pruned(
    chain: MarkovBits, x: Bits, noise: Bits, weight: Bits, uniform: Bits
) -> tuple[Bits, Bits]:
    """One alternative to a walk, kept at random of those that jump at each bit.

    At each bit the jump there takes the place of the alternative kept so far with the probability
    of its share in the weight of both. An alternative that has met the walk is dropped, its f being
    the walk's, and has no share any more.

    Args:
        chain: of the walk.
        x: the walk's bits.
        noise: that they are made of.
        weight: of a jump of each bit, 0 or more.
        uniform: what is drawn by.

    Returns:
        The bits of the alternative; and the weight of all that it stands for, where it jumps, and
        else 0.
    """
    last, states = chain.walk(x)
    bits = jnp.arange(len(x))

    def step(carry: tuple, at: tuple) -> tuple[tuple, Float[Array, ""]]:
        other, total, jump = carry
        state, bit, noise, weight, uniform, number = at
        total = jnp.where(are_equal(other, state), 0, total)
        takes_over = uniform * (total + weight) < weight
        own = (chain.transition.logit(other) + noise > 0).astype(bit.dtype)
        bit = jnp.where(takes_over, 1 - bit, own)
        start = jax.tree.map(lambda new, old: jnp.where(takes_over, new, old), state, other)
        jump = jnp.where(takes_over, number, jump)
        return (chain.transition.move(start, bit), total + weight, jump), bit

    begin = (chain.transition.start(), jnp.zeros_like(weight[0]), jnp.zeros_like(bits[0]))
    along = (states, x, noise, weight, uniform, bits)
    (other, total, jump), tail = jax.lax.scan(step, begin, along)
    total = jnp.where(are_equal(other, last), 0, total)
    return jnp.where(bits < jump, x, tail), jnp.where(bits == jump, total, 0)


def every(chain: MarkovBits, x: Bits, noise: Bits) -> Float[Array, "n n"]:
    """All alternatives to a walk: a row with the bits of each, which jumps at that bit."""
    bits = jnp.arange(len(x))

    def of_jump(jump: Array) -> Bits:
        def step(state: State, at: tuple) -> tuple[State, Float[Array, ""]]:
            bit, noise, number = at
            own = (chain.transition.logit(state) + noise > 0).astype(bit.dtype)
            until = jnp.where(number == jump, 1 - bit, bit)
            bit = jnp.where(number <= jump, until, own)
            return chain.transition.move(state, bit), bit

        return jax.lax.scan(step, chain.transition.start(), (x, noise, bits))[1]

    return jax.vmap(of_jump)(bits)


def are_equal(one: State, other: State) -> Bool[Array, ""]:
    """Whether two states are the same in all their numbers."""
    same = jax.tree.map(lambda a, b: jnp.all(a == b), one, other)
    return jnp.all(jnp.stack(jax.tree.leaves(same)))
