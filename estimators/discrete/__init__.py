"""Gradients for bits, categories and permutations: sums, antithetic pairs, relaxations."""

from gradest.estimators.discrete.antithetic import ARM, ARMS, DisARM
from gradest.estimators.discrete.augment_swap import AugmentSwap
from gradest.estimators.discrete.categorical_disarm import CategoricalDisARM
from gradest.estimators.discrete.double_control_variate import RODEO, DoubleControlVariate
from gradest.estimators.discrete.finite_support import (
    Enumeration,
    SumAndSample,
    UnorderedSet,
    WithoutReplacement,
)
from gradest.estimators.discrete.gumbel_softmax import (
    GumbelRao,
    GumbelSoftmax,
    StraightThroughGumbel,
)
from gradest.estimators.discrete.rebar import REBAR, RELAX
from gradest.estimators.discrete.straight_through import StraightThrough
from gradest.estimators.discrete.straight_through_surrogates import GappedStraightThrough, ReinMax

__all__ = [
    "ARM",
    "ARMS",
    "REBAR",
    "RELAX",
    "RODEO",
    "AugmentSwap",
    "CategoricalDisARM",
    "DisARM",
    "DoubleControlVariate",
    "Enumeration",
    "GappedStraightThrough",
    "GumbelRao",
    "GumbelSoftmax",
    "ReinMax",
    "StraightThrough",
    "StraightThroughGumbel",
    "SumAndSample",
    "UnorderedSet",
    "WithoutReplacement",
]
