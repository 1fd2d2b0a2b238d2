"""Objectives of a few lines with answers that are known exactly."""

from gradest.problems.toys.bernoulli import BernoulliShared, BernoulliSquare
from gradest.problems.toys.categorical import CategoricalNorm, CategoricalSquare
from gradest.problems.toys.families import (
    BetaToy,
    DirichletToy,
    ExponentialToy,
    GammaToy,
    GumbelToy,
    LaplaceToy,
    LogisticToy,
    PoissonToy,
    StudentTToy,
    VonMisesToy,
    WeibullToy,
)
from gradest.problems.toys.gaussian import (
    GaussianCosine,
    GaussianExponential,
    GaussianSquare,
    GaussianStep,
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
