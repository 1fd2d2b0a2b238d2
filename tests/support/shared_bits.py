"""Three bits with one logit, by their eight joint values: what liu2019 and kool2020 measure."""

from typing import NamedTuple

import numpy as np

from gradest.problems.distributions.enumeration import binary_vectors

TARGETS = np.array([0.6, 0.51, 0.48])


class SharedBits(NamedTuple):
    """f, its score and its probability at each of the joint values."""

    q: np.ndarray
    f: np.ndarray
    score: np.ndarray

    @property
    def gradient(self) -> float:
        """Of E[f]."""
        return float(self.q @ (self.f * self.score))

    @property
    def spread(self) -> float:
        """The variance of f."""
        return float(self.q @ (self.f - self.q @ self.f) ** 2)


def shared_bits(logit: float) -> SharedBits:
    """At a logit."""
    x = binary_vectors(3)
    p = 1 / (1 + np.exp(-logit))
    q = np.where(x == 1, p, 1 - p).prod(1)
    return SharedBits(q, ((x - TARGETS) ** 2).sum(1), (x - p).sum(1))
