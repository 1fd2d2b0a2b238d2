"""How x is drawn, coupled and relaxed: the building blocks of every estimator."""

from gradest.estimators.sampling.draws import rsample, sample

__all__ = ["rsample", "sample"]
