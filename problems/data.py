"""The real data sets, by name.

What scikit-learn ships needs no network; OpenML's is fetched once and cached.
"""

import functools
from importlib.util import find_spec
from pathlib import Path
from urllib.error import URLError

import numpy as np
from jaxtyping import Float

from gradest.problems.cache import private_folder


def shipped(file: str, skiprows: int = 0) -> Float[np.ndarray, "rows columns"]:
    """A table that scikit-learn ships, as its loaders read it.

    Importing them would take a second.

    Args:
        file: its name in the folder of scikit-learn's data.
        skiprows: lines above the numbers.
    """
    package = find_spec("sklearn")
    assert package is not None
    assert package.submodule_search_locations is not None
    folder = Path(package.submodule_search_locations[0]) / "datasets" / "data"
    return np.loadtxt(folder / file, delimiter=",", skiprows=skiprows)


@functools.cache
def digits() -> Float[np.ndarray, "1797 64"]:
    """The 1,797 handwritten digits of 8×8 pixels that scikit-learn ships; a pixel is on at 8 of 16
    or above."""
    pixels = shipped("digits.csv.gz")[:, :-1]
    return (pixels >= 8).astype(float)


@functools.cache
def mnist() -> Float[np.ndarray, "70000 784"]:
    """MNIST's 70,000 digits of 28×28 pixels, from OpenML, cached on disk; a pixel is on at 128 of
    255 or above.

    scikit-learn compares the checksum that OpenML states each time it reads what is cached.

    Raises:
        ConnectionError: not in the cache, and OpenML cannot be reached.
    """
    from sklearn.datasets import fetch_openml

    folder = private_folder("data")
    how = {"as_frame": False, "parser": "liac-arff", "data_home": folder, "cache": bool(folder)}
    try:
        images = fetch_openml("mnist_784", version=1, **how).data
    except (URLError, OSError) as error:
        raise ConnectionError(
            f"data = 'mnist': not in {folder or 'a cache'} and OpenML cannot be reached ({error}); "
            "expected a network for the first use, or data = 'digits', which needs none"
        ) from error
    return (images >= 128).astype(float)


IMAGES = {"digits": digits, "mnist": mnist}
"""The data sets of images."""


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
