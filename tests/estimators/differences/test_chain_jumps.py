"""Triples through a chain: by all that they may be, and against exact gradients."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradest.estimators import estimator
from gradest.estimators.differences.chain_jumps import gradient_sizes
from gradest.estimators.sampling.draws import sample
from gradest.problems import problem
from gradest.problems.base import Problem
from gradest.problems.distributions.bernoulli_chain import EndsInState, MarkovBits, Transition
from gradest.problems.distributions.enumeration import Enumerated
from tests.support.statistical import assert_mean, assert_variance, initial, moments_of, truth_of
from tests.support.walks import outcomes

SIDES = ("right", "left", "both")


def triple(side="right", pruned=True):
    return estimator("stochastic_triple", side=side, pruned=pruned)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("pruned", [True, False])
def test_by_all_outcomes(side, pruned):
    """Mean and variance on six steps, over the walk, its alternatives and what is kept of them."""
    toy = problem("random_walk", steps=6)
    chance, estimates = outcomes(6, 12.0, side, pruned).T
    mean = chance @ estimates
    assert chance.sum() == pytest.approx(1)
    assert mean == pytest.approx(float(truth_of(toy)["decay"][0]), rel=1e-6)
    moments = moments_of(toy, triple(side, pruned), 2, f"{side}{pruned}", replicates=40_000)
    assert_mean(moments["decay"], [mean])
    assert_variance(moments["decay"], chance @ (estimates - mean) ** 2 / 2)


@pytest.mark.parametrize("decay", [0.2, 2.0])
@pytest.mark.parametrize("steps", [5, 10, 20])
def test_unbiased(steps, decay):
    """Where steps down are likely, and where they are not."""
    toy = problem("random_walk", steps=steps, decay=decay)
    moments = moments_of(toy, triple(), 2, f"{steps}{decay}", replicates=40_000)["decay"]
    assert_mean(moments, truth_of(toy)["decay"])


def test_dropping_those_that_have_met_the_walk_matters():
    """What is asserted of the variance is not what it is without: the test sees the difference."""
    chance, estimates = outcomes(6, 3.0, "right", pruned=True).T
    dropped = chance @ (estimates - chance @ estimates) ** 2
    toy = problem("random_walk", steps=6, decay=0.5)
    moments = moments_of(toy, triple(), 1, "met", replicates=40_000)["decay"]
    assert_variance(moments, dropped)


def test_an_alternative_costs_as_much_as_a_walk():
    toy = problem("random_walk", steps=20)
    assert triple().evaluations(toy, 3) == (6, 0)
    assert triple(pruned=False).evaluations(toy, 3) == (63, 0)
    assert triple().draws(toy, 3) == 2 * 3 * 20


class Sticky(Transition):
    """A bit is likely to be the one before, by a logit for each of both; ones are counted."""

    logits: Any

    def start(self):
        return {"last": jnp.zeros((), self.logits.dtype), "ones": jnp.zeros((), jnp.int32)}

    def logit(self, state):
        return jnp.where(state["last"] > 0, self.logits[1], self.logits[0])

    def move(self, state, bit):
        return {"last": bit, "ones": state["ones"] + bit.astype(jnp.int32)}


class Streaks(EndsInState, Enumerated):
    """A user's own chain, of a θ with several numbers, on which f depends too."""

    objective_uses_params = True
    smooth = False

    def init_params(self, key):
        return {"logits": jnp.asarray([-0.7, 0.9], jnp.result_type(float))}

    def distribution(self, params):
        return MarkovBits(Sticky(params["logits"]), 5)

    def objective_at(self, params, state):
        return (state["ones"] - 2.2) ** 2 * (1 + 0.1 * params["logits"][0]) + state["last"]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("pruned", [True, False])
def test_a_chain_of_ones_own(side, pruned):
    toy = Streaks()
    moments = moments_of(toy, triple(side, pruned), 3, f"{side}{pruned}own")["logits"]
    assert_mean(moments, truth_of(toy)["logits"])


def test_sizes_of_the_gradients():
    """Of each logit by p: X/p² over 1 − e^{−X/p}, and none at 0."""
    toy = problem("random_walk", steps=8)
    x = sample(toy.distribution(initial(toy)), jax.random.key(1), 5)
    found = np.asarray(jax.jit(gradient_sizes)(toy, initial(toy), x))
    for bits, sizes in zip(np.asarray(x), found, strict=True):
        position = 0
        for bit, size in zip(bits, sizes, strict=True):
            a = position / 16.0
            expected = a / 16.0 / -np.expm1(-a) if position else 0.0
            assert float(size) == pytest.approx(expected, rel=1e-5)
            position = 1 if position == 0 else position + (1 if bit else -1)


class NoEnd(Problem):
    """Its f is of all bits."""

    def init_params(self, key):
        return {"logits": jnp.zeros(2)}

    def distribution(self, params):
        return MarkovBits(Sticky(params["logits"]), 3)

    def objective(self, params, x):
        return x.sum()


def test_an_f_of_the_way_is_refused():
    """Walks that have met might differ in it."""
    assert "ends" in triple().refuses(NoEnd())
    assert triple().refuses(Streaks()) is None
    assert "Bernoulli" in triple().refuses(problem("gaussian_square"))
