"""Arrays that are kept: the same numbers, or made again."""

import random

import numpy as np
import pytest

from gradest.benchmarks.runtime.arrays import remembered

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
