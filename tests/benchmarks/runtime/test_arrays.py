"""Arrays that are kept: the same numbers, or made again."""

import random

import numpy as np
import pytest

from gradest.benchmarks.runtime.arrays import fingerprint, remembered

TRUTH = {"group": np.linspace(0, 1, 50)}


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """The truth as `remembered` gives it, and how often it was made."""
    monkeypatch.setenv("GRADEST_CACHE", str(tmp_path / "cache"))
    made = []

    def make():
        made.append(1)
        return TRUTH

    def ask():
        got = remembered("references", ["a toy"], {"group": np.zeros(50)}, make)
        np.testing.assert_array_equal(got["group"], TRUTH["group"])
        return len(made)

    return ask


def test_what_was_made_is_not_made_again(cached):
    assert [cached(), cached()] == [1, 1]


def test_single_flipped_bits_and_cuts_are_made_again(cached, tmp_path):
    assert cached() == 1
    (file,) = (tmp_path / "cache" / "references").iterdir()
    whole = file.read_bytes()
    places = random.Random(0).sample(range(8 * len(whole)), 50)
    for number, bit in enumerate(places):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        file.write_bytes(damaged if number % 5 else damaged[: bit // 8])
        assert cached() == number + 2
        assert file.read_bytes() == whole


def test_a_cache_that_cannot_be_written_costs_time_alone(cached, tmp_path):
    (tmp_path / "cache").write_text("no folder")
    assert [cached(), cached()] == [1, 2]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_fingerprint_is_the_same_where_numbers_differ_by_rounding(dtype):
    """Of 1,000 θ each moved by 10⁻⁷ of its length: about four in ten thousand are told apart."""
    rng = np.random.default_rng(0)
    apart = 0
    for _ in range(1000):
        theta = {"b": rng.standard_normal((5, 40)), "a": rng.standard_normal(3)}
        moved = {name: leaf * (1 + 1e-7 * rng.uniform(-1, 1)) for name, leaf in theta.items()}
        apart += fingerprint(theta) != fingerprint({k: v.astype(dtype) for k, v in moved.items()})
    assert apart <= 4


def test_numbers_that_people_write_are_at_no_boundary():
    for value in (0.5, 1.0, 0.1, 0.001, 1e-4, 1.0005, 20.0, -3.0):
        for change in (1e-8, -1e-8):
            one, other = np.full(10, value), np.full(10, value * (1 + change))
            assert fingerprint({"mean": one}) == fingerprint({"mean": other})


@pytest.mark.parametrize(
    "other",
    [
        {"a": np.float64([1.0, 2.0]), "b": np.float64(3.01)},
        {"a": np.float64([2.0, 1.0]), "b": np.float64(3.0)},
        {"a": np.float64([1.0, -2.0]), "b": np.float64(3.0)},
        {"a": np.float64([[1.0, 2.0]]), "b": np.float64(3.0)},
        {"a": np.zeros(2), "b": np.float64(0.0)},
    ],
)
def test_other_numbers_have_another_fingerprint(other):
    theta = {"a": np.float64([1.0, 2.0]), "b": np.float64(3.0)}
    assert fingerprint(theta) != fingerprint(other)
    assert len(fingerprint(other)) == 16
