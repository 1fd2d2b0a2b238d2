"""Gradients from differences of f: measure-valued, smoothed, perturbed."""

from gradest.estimators.differences.finite_differences import SPSA, GaussianSmoothing
from gradest.estimators.differences.measure_valued import MeasureValued
from gradest.estimators.differences.stochastic_triple import StochasticTriple

__all__ = ["SPSA", "GaussianSmoothing", "MeasureValued", "StochasticTriple"]
