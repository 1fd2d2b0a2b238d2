"""The data that problems are made of."""

from urllib.error import URLError

import numpy as np
import pytest
import sklearn.datasets

from gradest.problems import data, problem
from gradest.problems.data import breast_cancer, digits, shipped


def test_the_data_are_the_real_ones():
    assert digits().shape == (1797, 64)
    assert set(np.unique(digits())) == {0.0, 1.0}
    features, labels = breast_cancer()
    assert features.shape == (569, 31)
    np.testing.assert_allclose(features[:, :30].std(0), 1)
    assert (features[:, 30] == 1).all()
    assert (labels == 1).sum() == 357


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
    message = r"data = 'mnist': not in .* cannot be reached .*data = 'digits'"
    with pytest.raises(ConnectionError, match=message):
        problem("vae_gaussian", data="mnist")
