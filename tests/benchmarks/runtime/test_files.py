"""Files that are never half there."""

import errno
import os
import stat

import pytest

from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.runtime.files import PART, cause_of, make_folder, write_atomically


@pytest.mark.parametrize(
    ("content", "written"), [("σ\n", "σ\n".encode()), (b"\x00\r\n", b"\x00\r\n")]
)
def test_text_and_bytes_are_written_as_they_are(tmp_path, content, written):
    path = tmp_path / "file.csv"
    path.write_text("old")
    write_atomically(path, content)
    assert path.read_bytes() == written
    assert list(tmp_path.iterdir()) == [path]


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("step", ["open", "fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path, monkeypatch, step):
    path = tmp_path / "file.csv"
    path.write_text("old")
    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="No space left on device") as failure:
        write_atomically(path, "new")
    monkeypatch.undo()
    assert cause_of(failure.value) == f"{path}: No space left on device"
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_in_a_files_place_is_named_and_left(tmp_path):
    (tmp_path / "file.csv").mkdir()
    with pytest.raises(IsADirectoryError) as failure:
        write_atomically(tmp_path / "file.csv", "new")
    assert cause_of(failure.value) == f"{tmp_path / 'file.csv'}: Is a directory"
    assert [path.name for path in tmp_path.iterdir()] == ["file.csv"]


def test_a_cause_without_a_file_or_a_number():
    assert cause_of(OSError(errno.EPIPE, "Broken pipe")) == "Broken pipe"
    assert cause_of(OSError("no more")) == "no more"
    assert cause_of(OSError()) == "OSError"


def test_links_are_replaced_and_never_followed(tmp_path, monkeypatch):
    precious = tmp_path / "precious"
    precious.write_text("theirs")
    path = tmp_path / "file.csv"
    path.symlink_to(precious)
    write_atomically(path, "ours")
    assert (precious.read_text(), path.read_text()) == ("theirs", "ours")
    monkeypatch.setattr("secrets.token_hex", lambda length: "guessed")
    planted = tmp_path / ".file.csv.guessed.part"
    planted.symlink_to(precious)
    with pytest.raises(FileExistsError):
        write_atomically(path, "again")
    assert planted.is_symlink()
    assert (precious.read_text(), path.read_text()) == ("theirs", "ours")


def test_who_may_read_a_file_is_as_the_umask_and_the_mode_say(tmp_path):
    previous = os.umask(0o027)
    try:
        write_atomically(tmp_path / "shared", "")
        write_atomically(tmp_path / "private", "", mode=0o600)
    finally:
        os.umask(previous)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"shared": 0o640, "private": 0o600}


def test_what_a_killed_process_left_can_be_told(tmp_path, monkeypatch):
    names = []
    monkeypatch.setattr(os, "replace", lambda part, path: names.append(os.path.basename(part)))
    for _ in range(2):
        write_atomically(tmp_path / "file.csv", "new")
    assert len(set(names)) == 2
    assert all(PART.fullmatch(name) for name in names)
    assert not PART.fullmatch("file.csv")
    assert not PART.fullmatch(".mine.part")


def test_a_folder_is_made_and_one_that_cannot_be_is_refused(tmp_path):
    make_folder(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written"):
        make_folder(tmp_path / "file" / "below")


def test_a_file_of_the_users_is_not_touched_by_the_probe(tmp_path):
    (tmp_path / ".probe").write_text("theirs")
    make_folder(tmp_path)
    assert (tmp_path / ".probe").read_text() == "theirs"
