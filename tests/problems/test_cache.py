"""Where what is fetched or made once is kept: a folder that nobody else can write into."""

import os
import random
import stat

import platformdirs
import pytest

from gradest.problems import cache
from gradest.problems.cache import (
    cache_folder,
    costs_time_only,
    private_folder,
    say_once,
    sealed,
    unsealed,
)


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """Of a cache that is not there yet, and of which nothing has been said."""
    monkeypatch.setenv("GRADEST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "_said", set())
    return tmp_path / "cache"


def test_where_the_cache_is(monkeypatch, tmp_path):
    """Where the environment says, or else the user's."""
    monkeypatch.setenv("GRADEST_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    for unset in ("", None):
        if unset is None:
            monkeypatch.delenv("GRADEST_CACHE")
        else:
            monkeypatch.setenv("GRADEST_CACHE", unset)
        assert cache_folder() == platformdirs.user_cache_path("gradest")


def test_an_earlier_versions_cache(monkeypatch, tmp_path):
    """It is let alone."""
    monkeypatch.delenv("GRADEST_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "gradvar").mkdir()
    assert "gradvar" not in cache_folder().parts
    assert [path.name for path in tmp_path.iterdir()] == ["gradvar"]


def test_folders_are_made_for_this_user_alone(folder):
    assert private_folder("programs") == folder / "programs"
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "programs")} == {0o700}
    assert private_folder("programs") == folder / "programs"


def test_a_link_of_ones_own_is_followed(folder, tmp_path):
    (tmp_path / "scratch").mkdir()
    folder.symlink_to(tmp_path / "scratch")
    assert private_folder("programs") == folder / "programs"


@pytest.mark.parametrize("below", ["", "programs"])
def test_a_folder_that_others_may_write_is_refused_once(folder, capsys, below):
    (folder / below).mkdir(parents=True)
    (folder / below).chmod(0o775)
    assert private_folder("programs") is None
    assert private_folder("programs") is None
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"gradest: cache {folder}: others may write {folder / below}, mode 0775")
    assert "chmod 700" in line
    assert "GRADEST_CACHE" in line
    (folder / below).chmod(0o755)
    assert private_folder("programs") is not None


def test_a_folder_of_another_users_is_refused(folder, capsys, monkeypatch):
    folder.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert private_folder("programs") is None
    assert f"belongs to user {os.getuid()}, not to you, user 12345" in capsys.readouterr().err


def test_a_file_in_its_place_and_no_home_cost_time_alone(folder, capsys, monkeypatch):
    folder.write_text("mine")
    assert private_folder("programs") is None
    assert "File exists; nothing is kept there, which costs time alone" in capsys.readouterr().err
    monkeypatch.delenv("GRADEST_CACHE")
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda name: f"~/.cache/{name}")
    assert private_folder("programs") is None
    assert "no home folder" in capsys.readouterr().err


def test_a_write_that_fails_is_said_once(folder, capsys):
    for _ in range(2):
        with costs_time_only():
            raise OSError(28, "No space left on device")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"gradest: cache {folder}: No space left on device; nothing is kept")


@pytest.mark.parametrize("stream", [None, open(os.devnull)])  # noqa: SIM115 (not to be written)
def test_without_stderr_nothing_is_said(folder, monkeypatch, stream):
    monkeypatch.setattr("sys.stderr", stream)
    say_once("something")


def test_single_flipped_bits_are_never_read(folder, capsys):
    file = private_folder("programs") / "name"
    whole = sealed(file, b"the payload\n of a file")
    file.write_bytes(whole)
    assert unsealed(file) == b"the payload\n of a file"
    for bit in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        file.write_bytes(damaged)
        assert unsealed(file) is None
    for length in random.Random(0).sample(range(len(whole)), 20):
        file.write_bytes(whole[:length])
        assert unsealed(file) is None
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"gradest: cache {folder / 'programs'}: damaged files are made again"


def test_a_file_under_anothers_name_is_not_read(folder):
    file = private_folder("programs") / "name"
    for other in (file.with_name("other"), folder / "elsewhere" / "name"):
        file.write_bytes(sealed(other, b"payload"))
        assert unsealed(file) is None


def test_a_file_that_others_may_have_written_is_not_read(folder, capsys, monkeypatch):
    file = private_folder("programs") / "name"
    assert unsealed(file) is None
    file.write_bytes(sealed(file, b"payload"))
    file.chmod(0o666)
    assert unsealed(file) is None
    assert f"others may write {file}, mode 0666" in capsys.readouterr().err
    file.chmod(0o600)
    assert unsealed(file) == b"payload"
    link = file.with_name("link")
    link.symlink_to(file)
    assert unsealed(link) is None
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert unsealed(file) is None
