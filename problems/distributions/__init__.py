"""Distributions beyond numpyro's, and sums and integrals over them."""

from gradest.problems.distributions.bernoulli_chain import (
    BernoulliChain,
    EndsInState,
    MarkovBits,
    Transition,
)
from gradest.problems.distributions.discrete import (
    Bernoulli,
    OneHotCategoricalLogits,
    PlackettLuce,
    TokenSequence,
)
from gradest.problems.distributions.enumeration import Enumerated

__all__ = [
    "Bernoulli",
    "BernoulliChain",
    "EndsInState",
    "Enumerated",
    "MarkovBits",
    "OneHotCategoricalLogits",
    "PlackettLuce",
    "TokenSequence",
    "Transition",
]
