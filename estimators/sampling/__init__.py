"""How x is drawn, coupled and relaxed: the building blocks of every estimator."""

from gradest.estimators.sampling.draws import has_rsample, noise, rsample, sample
from gradest.problems.distributions.coordinates import base

__all__ = ["base", "has_rsample", "noise", "rsample", "sample"]
