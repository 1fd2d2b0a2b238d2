"""Objectives of a few lines with answers that are known exactly."""

from gradest.problems.toys.bernoulli import BernoulliShared, BernoulliSquare
from gradest.problems.toys.categorical import CategoricalNorm, CategoricalSquare
from gradest.problems.toys.gaussian import (
    GaussianCosine,
    GaussianExponential,
    GaussianSquare,
    GaussianStep,
)
from gradest.problems.toys.implicit_families import (
    BetaToy,
    DirichletToy,
    GammaToy,
    PoissonToy,
    StudentTToy,
    VonMisesToy,
)
from gradest.problems.toys.inverted_families import (
    ExponentialToy,
    GumbelToy,
    LaplaceToy,
    LogisticToy,
    WeibullToy,
)
from gradest.problems.toys.permutation import PlackettLuceSquare

__all__ = [
    "BernoulliShared",
    "BernoulliSquare",
    "BetaToy",
    "CategoricalNorm",
    "CategoricalSquare",
    "DirichletToy",
    "ExponentialToy",
    "GammaToy",
    "GaussianCosine",
    "GaussianExponential",
    "GaussianSquare",
    "GaussianStep",
    "GumbelToy",
    "LaplaceToy",
    "LogisticToy",
    "PlackettLuceSquare",
    "PoissonToy",
    "StudentTToy",
    "VonMisesToy",
    "WeibullToy",
]
