"""A command with -o works on a copy: the run that it names is read, and is not written."""

import numpy as np
import pytest

from gradest.benchmarks.analysis.copies import run_or_copy
from gradest.benchmarks.errors import BadInput
from tests.support.made_runs import cell, errors, jackknifed, write


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def one(tmp_path, rng):
    return write(tmp_path / "one", [cell(jackknifed(2.0, errors(rng, 0.1)))])


def test_a_copy_is_made_where_no_run_is(one, tmp_path):
    (one / "measurements.csv").chmod(0o444)
    before = (one / "measurements.csv").read_bytes()
    copy = run_or_copy(str(one), tmp_path / "we ird" / "copy")
    assert (copy / "measurements.csv").read_bytes() == before
    (copy / "measurements.csv").write_text("another")
    assert (one / "measurements.csv").read_bytes() == before


def test_the_run_itself_where_nothing_else_is_named(one):
    assert run_or_copy(str(one), None) == one
    assert run_or_copy(str(one), one) == one
    assert run_or_copy(None, one) == one


def test_another_run_is_not_written_over(one, tmp_path, rng):
    other = write(tmp_path / "other", [cell(jackknifed(3.0, errors(rng, 0.1)))])
    (other / "store.sqlite").touch()
    before = (other / "measurements.csv").read_bytes()
    with pytest.raises(BadInput, match=r"other: a run is there already, over which .*one is not"):
        run_or_copy(str(one), other)
    assert (other / "measurements.csv").read_bytes() == before


def test_a_run_that_is_not_there_is_named_not_the_output(tmp_path):
    with pytest.raises(BadInput, match=r"run 'nowhere': its measurements\.csv is not there"):
        run_or_copy("nowhere", tmp_path / "new")
