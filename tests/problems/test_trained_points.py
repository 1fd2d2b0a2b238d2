"""The files of trained points."""

import numpy as np
import pytest

from gradest.problems.trained_points import FOLDER, TrainedPoint, as_file, read_point

FILES = sorted(FOLDER.glob("*.npz"))


def test_a_point_is_read_as_it_was_written(tmp_path):
    point = TrainedPoint('{"problem": "π"}', np.float32([0.1, -2e-30, 3e30]), "0123456789abcdef")
    (tmp_path / "point.npz").write_bytes(as_file(point))
    read = read_point(tmp_path / "point.npz")
    assert (read.recipe, read.code) == (point.recipe, point.code)
    np.testing.assert_array_equal(read.theta, point.theta)
    assert read.theta.dtype == np.float32


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_point_is_the_same_bytes_each_time_and_small(file):
    assert as_file(read_point(file)) == file.read_bytes()
    assert file.stat().st_size < 25_000


def test_points_are_there():
    assert len(FILES) == 2
