"""Gradients through the draw: reparameterization, its generalisations, and noise on weights."""

from gradest.estimators.pathwise.generalized_reparameterization import (
    GeneralizedReparameterization,
    RejectionReparameterization,
)
from gradest.estimators.pathwise.path_derivatives import DReG, StickingTheLanding
from gradest.estimators.pathwise.pathwise import Pathwise
from gradest.estimators.pathwise.weight_noise import Flipout, LocalReparameterization

__all__ = [
    "DReG",
    "Flipout",
    "GeneralizedReparameterization",
    "LocalReparameterization",
    "Pathwise",
    "RejectionReparameterization",
    "StickingTheLanding",
]
