"""Files that are never half there."""

import pytest

from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.runtime.files import make_folder, write_atomically


@pytest.mark.parametrize(
    ("content", "written"), [("σ\n", "σ\n".encode()), (b"\x00\r\n", b"\x00\r\n")]
)
def test_text_and_bytes_are_written_as_they_are(tmp_path, content, written):
    path = tmp_path / "file.csv"
    path.write_text("old")
    write_atomically(path, content)
    assert path.read_bytes() == written
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path, monkeypatch):
    path = tmp_path / "file.csv"
    path.write_text("old")

    def fail(part, target):
        raise OSError("disk full")

    monkeypatch.setattr(type(path), "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_made_and_one_that_cannot_be_is_refused(tmp_path):
    make_folder(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written"):
        make_folder(tmp_path / "file" / "below")
