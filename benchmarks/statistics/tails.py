"""How heavy a gradient's tail is: whether an interval on its variance means anything.

NumPy in float64, no JAX.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from gradest.benchmarks.statistics.moments import Moments, pool

DOUBT = 1.0
"""Standard errors by which a tail must be too heavy before an interval is refused."""

HEAVY_TAIL = 10.0
"""Kurtosis above which an interval is bootstrapped: the jackknife's is too short upwards."""


def kurtosis(moments: Moments) -> float:
    r"""The kurtosis of a gradient, $E\|g - \bar g\|^4 / (E\|g - \bar g\|^2)^2$.

    In one coordinate it is the usual one, 3 for a Gaussian. The relative variance of s² is
    (kurtosis − 1)/R, so this says how many replicates an interval needs. The centre of the fourth
    powers is a pilot's mean over n replicates, not the mean itself: an error of a factor 1 +
    O(1/n).
    """
    whole = pool(moments)
    second = whole.second.sum() / whole.size
    return float(whole.fourth[0] / whole.size / second**2) if second > 0 else float("nan")


def is_heavy(moments: Moments) -> bool:
    """Whether the kurtosis calls for the bootstrap."""
    return kurtosis(moments) > HEAVY_TAIL


class Tail(NamedTuple):
    """How heavy the tail of ‖g − c‖ is."""

    alpha: float
    """α with $P(\\|g - c\\| > u) \\sim u^{-α}$: moments up to α exist.

    Infinite where the tail is no power.
    """
    shape: float
    """2/α, the shape of the Pareto law of the squares' exceedances: ½ at α = 4, 1 at α = 2."""
    error: float
    """The standard error of the shape."""
    farther: float = float("inf")
    """The lesser of the shapes of the farther half of the values and of the farthest quarter."""

    @property
    def interval(self) -> tuple[float, float]:
        """The interval of α, at 95 %."""
        ends = (self.shape + 1.96 * self.error, self.shape - 1.96 * self.error)
        low, high = (2 / end if end > 0 else float("inf") for end in ends)
        return low, high

    def lacks_moment(self, order: int) -> bool:
        """Whether the estimate says that α < `order`, by more than its standard error.

        It has to say so farther out too. A power law has its shape from any threshold on. A bump in
        the density has it only from within the bump, and a polynomial of a Gaussian less and less
        of it.
        """
        return min(self.shape - DOUBT * self.error, self.farther) > 2 / order


def tail_index(moments: Moments) -> Tail:
    r"""The tail of a gradient, from the largest distances.

    A generalised Pareto law is fitted to their squares' exceedances of a threshold, by Zhang and
    Stephens' (2009) estimate, on the $m = \min(\sqrt R, R/10)$ largest: a third of what Vehtari et
    al. (2024) take, because a polynomial of a Gaussian, of which all moments exist, only shows it
    far out. The shape's standard error is $(1 + \xi)/\sqrt m$.

    A tail that is bounded, or of too few different values to tell, is not heavy. Nor is one whose
    largest hold less than half of $\sum \|g - c\|^4$, which they carry where the fourth moment is
    infinite: sums over discrete variables have such tails, in steps that no Pareto law fits.
    """
    light = Tail(float("inf"), 0.0, 0.0)
    distances = np.sort(moments.largest, axis=None)[::-1]
    known = len(distances)
    if moments.largest.shape[1] < moments.size:
        # below the least of a full row there may be values that the row did not keep
        known = int((distances > moments.largest[:, -1].max()).sum())
    count = min(int(min(np.sqrt(moments.replicates), moments.replicates / 10)), known - 1)
    if count < 5 or (distances[:count] ** 2).sum() < moments.fourth.sum() / 2:
        return light
    shape = shape_of_largest(distances, count)
    if not shape > 0:
        return light
    farther = min(shape_of_largest(distances, count // part) for part in (2, 4))
    return Tail(2 / shape, shape, (1 + shape) / float(np.sqrt(count)), farther)


def shape_of_largest(distances: Float[np.ndarray, " n"], count: int) -> float:
    """The shape of the exceedances of the largest values; 0 where too few differ to tell.

    Args:
        distances: in falling order.
        count: how many of them exceed the threshold, which is the next.
    """
    exceedances = np.sort(distances[:count] - distances[count])
    if count == 0 or exceedances[(count + 2) // 4 - 1] <= 1e-6 * distances[0]:
        return 0.0
    return pareto_shape(exceedances)


def pareto_shape(exceedances: Float[np.ndarray, " n"]) -> float:
    r"""The shape ξ of a generalised Pareto law, $P(X > x) = (1 + \xi x/\sigma)^{-1/\xi}$.

    Zhang and Stephens' (2009) estimate: a mean of the profile likelihood's $b = -\xi/\sigma$ over a
    grid, weighted by the likelihood.
    """
    x = np.sort(exceedances)
    count = len(x)
    points = 30 + int(np.sqrt(count))
    quartile = x[int(count / 4 + 0.5) - 1]
    b = 1 / x[-1] + (1 - np.sqrt(points / (np.arange(1, points + 1) - 0.5))) / (3 * quartile)
    shape = np.log1p(-b[:, None] * x).mean(1)
    profile = count * (np.log(-b / shape) - shape - 1)
    weight = np.exp(profile - profile.max())
    return float(np.log1p(-(weight @ b / weight.sum()) * x).mean())
