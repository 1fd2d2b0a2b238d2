"""Distributions of which everything is known, and the generators that a study draws from them with.

Every number that a study draws comes from generators seeded by the study's own name, so that no
study depends on which others are run, and the same command writes the same bytes.
"""

import zlib
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

SEED = 0

Draw = Callable[[np.random.Generator, tuple[int, ...]], Float[np.ndarray, "..."]]


def generator(*names: object) -> np.random.Generator:
    """A generator of random numbers for a study of that name."""
    return np.random.default_rng([SEED, zlib.crc32(repr(names).encode())])


class Law(NamedTuple):
    """A distribution, and what is known of it."""

    draw: Draw
    mean: float
    variance: float
    kurtosis: float


def lognormal(sigma: float) -> Law:
    """exp(σ ε): its moments are exp(n²σ²/2)."""
    w = np.exp(sigma**2)
    return Law(
        partial(draw_lognormal, sigma),
        mean=float(np.sqrt(w)),
        variance=float(w * (w - 1)),
        kurtosis=float(w**4 + 2 * w**3 + 3 * w**2 - 3),
    )


def draw_lognormal(
    sigma: float, rng: np.random.Generator, shape: tuple[int, ...]
) -> Float[np.ndarray, "..."]:
    """Draws of exp(σ ε)."""
    return np.exp(sigma * rng.standard_normal(shape))


LAWS = {
    "normal": Law(lambda rng, shape: rng.standard_normal(shape), 0.0, 1.0, 3.0),
    "Laplace": Law(lambda rng, shape: rng.laplace(size=shape), 0.0, 2.0, 6.0),
    "exponential": Law(lambda rng, shape: rng.standard_exponential(shape), 1.0, 1.0, 9.0),
    "chi-square(1)": Law(lambda rng, shape: rng.standard_normal(shape) ** 2, 1.0, 2.0, 15.0),
    "lognormal(0.8)": lognormal(0.8),
    "cubed normal": Law(lambda rng, shape: rng.standard_normal(shape) ** 3, 0.0, 15.0, 46.2),
    "lognormal(1)": lognormal(1.0),
    "Student t(3)": Law(lambda rng, shape: rng.standard_t(3, shape), 0.0, 3.0, np.inf),
    "Student t(1.5)": Law(lambda rng, shape: rng.standard_t(1.5, shape), 0.0, np.inf, np.inf),
}
"""Where kurtosis is infinite, so is what a variance's interval rests on: there it is refused."""
