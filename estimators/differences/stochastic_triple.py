"""Stochastic triples: a finite jump of a discrete draw, of infinitesimal probability."""

import math
from collections.abc import Callable
from functools import partial
from typing import ClassVar

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Bool, Float

from gradest.estimators.base import Evaluations, State, SurrogateEstimator
from gradest.estimators.differences import chain_jumps
from gradest.estimators.sampling.draws import bit_noise, noise, sample
from gradest.estimators.sampling.refusals import refuse_unless_bernoulli
from gradest.problems.arguments import choice, flag
from gradest.problems.base import Params, Problem
from gradest.problems.distributions.bernoulli_chain import EndsInState, MarkovBits
from gradest.problems.distributions.bits import sigmoid
from gradest.problems.distributions.coordinates import base

Rate = Callable[[Float[Array, "..."], Float[Array, "..."]], Float[Array, "..."]]

SIDES: dict[str, Rate] = {
    "right": lambda x, logits: (1 - x) * sigmoid(logits),
    "left": lambda x, logits: x * sigmoid(-logits),
    "both": lambda x, logits: ((1 - x) * sigmoid(logits) + x * sigmoid(-logits)) / 2,
}
r"""The rate w at which x jumps to its other value as its logit φ grows, or falls, from x and φ.

By inversion x = 1[u < p]. As p grows only a 0 jumps, with rate 1/(1 − p) given that it is one; as p
falls only a 1, with rate 1/p. With dp/dφ = p (1 − p) that is 1[x = 0] p and 1[x = 1] (1 − p);
"both" is the mean of the two. In each case $E[w] = p (1 - p)$.
"""


class StochasticTriple(SurrogateEstimator):
    r"""The change of f as a bit of the draw jumps, times the rate of the jump.

    $\frac1L \sum_{il} w_{il} [f(x_l; x_i = 1) - f(x_l; x_i = 0)] \nabla_\theta \phi_i
    + \partial_\theta f$,

    where one of the two values is the draw's own and the other the jump, and $w_{il}$ is its rate:
    from the right $1[x_{il} = 0]\, p_i$. The difference does not depend on $x_{il}$, so that in the
    mean the rate may be replaced by its own, $p_i (1 - p_i)$: it is the measure-valued gradient
    times a weight of mean one. Pruned, one jump of each draw is kept, i with probability
    $w_{il} / \sum_j w_{jl}$, at the rate of all. Smoothed, the jump's difference of f is replaced
    by f's derivative: that is `straight_through`, with an argument for the side.

    In a chain of bits a jump is carried on: the bits after it are made of the noise of the draw's
    own, given the jump. Pruned, the jump kept is of i with probability proportional to
    $w_{il} \|\nabla_\theta \phi_i\|$, chosen bit by bit; an alternative that has met the draw
    again is dropped, so that the others share its weight no more. Unbiased. Cost: 2·L evaluations
    of f, not pruned (D + 1)·L, and L of its gradient where f depends on θ. Needs Bernoulli
    variables, or a chain of bits with an f of where it ends.
    """

    side: str = choice(
        tuple(SIDES), "right", "whether x jumps as its logit grows, falls, or the mean of both"
    )
    pruned: bool = flag(
        True, "whether one jump of each draw is kept, at random, instead of one in each coordinate"
    )

    purpose: ClassVar[str] = "bits, by f's change as one of them jumps"
    unbiased: ClassVar[bool] = True
    independent_terms: ClassVar[bool] = True
    source: ClassVar[str] = "Arya, Schauer, Schäfer and Rackauckas, 2022"

    def surrogate(
        self, problem: Problem, params: Params, state: State, key: Array, num_samples: int
    ) -> tuple[Float[Array, ""], State]:
        if is_chain(problem):
            return self.through_chain(problem, params, key, num_samples), state
        q = problem.distribution(params)
        x = sample(q, key, num_samples)
        logits = base(q).logits
        rate = SIDES[self.side](x, stop_gradient(logits))
        f = problem.objectives(params, x)

        if self.pruned:
            kept_key = jax.random.fold_in(key, 1)
            uniform = noise(jax.random.uniform, kept_key, num_samples, q.batch_shape, x.dtype)
            kept, rate = one_of(rate, uniform)
            jumped = problem.objectives(params, jnp.where(kept, 1 - x, x))
            changes = kept * (jumped - f)[..., None]
        else:
            changes = problem.changes_by_coordinate(params, x, new=1 - x, old=x)
        # 1 − 2x is the sign of the jump: the difference is that of f at 1 and f at 0
        derivative = stop_gradient(rate * (1 - 2 * x) * changes)
        return (derivative * logits).mean(0).sum() + f.mean(0).sum(), state

    def through_chain(
        self, problem: Problem, params: Params, key: Array, num_samples: int
    ) -> Float[Array, ""]:
        """The surrogate where later bits depend on those before them."""
        chain = base(problem.distribution(params))
        fixed = jax.tree.map(stop_gradient, chain)
        of_bits = bit_noise(fixed, key, num_samples)
        x = fixed.bits(of_bits)
        logits = chain.logits_along(x)
        rate = SIDES[self.side](x, stop_gradient(logits))
        f = problem.objectives(params, x)

        if self.pruned:
            sizes = chain_jumps.gradient_sizes(problem, params, x)
            kept_key = jax.random.fold_in(key, 1)
            uniform = noise(jax.random.uniform, kept_key, num_samples, chain.event_shape, x.dtype)
            keep_one = jax.vmap(partial(chain_jumps.pruned, fixed))
            jumped, kept = keep_one(x, of_bits, rate * sizes, uniform)
            rate = kept / jnp.where(kept > 0, sizes, 1)
            changes = (problem.objectives(params, jumped) - f)[:, None]
        else:
            jumped = jax.vmap(partial(chain_jumps.every, fixed))(x, of_bits)
            of_each = jax.vmap(problem.objectives, in_axes=(None, 0))
            changes = of_each(params, jumped) - f[:, None]
        derivative = stop_gradient(rate * (1 - 2 * x) * changes)
        return (derivative * logits).mean(0).sum() + f.mean(0)

    def refuses(self, problem: Problem) -> str | None:
        if not is_chain(problem):
            return refuse_unless_bernoulli(problem.abstract_distribution())
        if isinstance(problem, EndsInState):
            return None
        return "f is not known as a function of where the chain of bits ends"

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        jumps = 1 if self.pruned else problem.abstract_distribution().event_shape[0]
        f = (1 + jumps) * num_samples
        return Evaluations(f=f, grad=problem.direct_gradients(num_samples))

    def numbers_held(self, problem: Problem, num_samples: int, of_f: int) -> int:
        held = super().numbers_held(problem, num_samples, of_f)
        if is_chain(problem):
            return held + num_samples * self.numbers_of_jumps(problem)
        if problem.f_is_sum and not self.pruned:  # only the changed term is made
            return 2 * held // problem.abstract_distribution().event_shape[0]
        return held

    def draws(self, problem: Problem, num_samples: int) -> int:
        of_x = super().draws(problem, num_samples)
        if not self.pruned:
            return of_x
        if is_chain(problem):
            return 2 * of_x
        return of_x + num_samples * math.prod(problem.abstract_distribution().batch_shape)

    def numbers_of_jumps(self, problem: Problem) -> int:
        """What the alternatives to one walk hold: ∇φ of each bit, or all bits of each of them."""
        (bits,) = problem.abstract_distribution().event_shape
        params = jax.eval_shape(problem.init_params, jax.random.key(0))
        of_gradient = sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params))
        return bits * (of_gradient if self.pruned else bits)


def is_chain(problem: Problem) -> bool:
    """Whether x are bits one after the other."""
    return isinstance(base(problem.abstract_distribution()), MarkovBits)


def one_of(
    rate: Float[Array, "L *batch dim"], uniform: Float[Array, "L *batch"]
) -> tuple[Bool[Array, "L *batch dim"], Float[Array, "L *batch 1"]]:
    """One coordinate, drawn with probability proportional to its rate.

    Args:
        rate: of each coordinate.
        uniform: what is drawn by.

    Returns:
        Where it is, nowhere where all rates are 0; and the sum of the rates.
    """
    up_to = jnp.cumsum(rate, -1)
    before = jnp.concatenate([jnp.zeros_like(up_to[..., :1]), up_to[..., :-1]], -1)
    total = up_to[..., -1:]
    drawn = uniform[..., None] * total
    return (before <= drawn) & (drawn < up_to), total
