"""Where gradest keeps what it need not make or fetch twice: a folder of this user's alone.

Whoever can write into it could have us run a program of theirs, so that nothing is read out of a
folder, or a file, that others may write. A file is sealed: its checksum is compared before anything
in it is looked at. What the cache cannot give is made again: it costs time, and never a run.
"""

import hashlib
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import platformdirs

MAGIC = b"gradest cache 1\n"
"""How each sealed file begins; the number changes where the format does."""

PRIVATE = 0o600
"""The mode of each file."""

OTHERS = stat.S_IWGRP | stat.S_IWOTH
"""The bits of a mode by which others than the owner may write."""

_said: set[str] = set()
"""What `say_once` has said."""


class Untrusted(OSError):
    """A folder or a file that others than this user may have written."""


def cache_folder() -> Path:
    """The folder of data sets, checkpoints and compiled programs.

    It is $GRADEST_CACHE, or else `gradest` in the user's cache folder. One that an earlier version
    left, `gradvar`, is neither read nor removed.
    """
    chosen = os.environ.get("GRADEST_CACHE")
    return Path(chosen or platformdirs.user_cache_dir("gradest"))


def private_folder(name: str) -> Path | None:
    """A folder in the cache, made where it is not there.

    Args:
        name: the folder's.

    Returns:
        The folder; None, said once on stderr, where it cannot be made or is not this user's alone.
    """
    top = cache_folder()
    try:
        if not (top.is_absolute() or "GRADEST_CACHE" in os.environ):
            raise Untrusted("this user has no home folder")
        for folder in (top, top / name):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            refuse_shared(folder.lstat(), folder)
            refuse_shared(folder.stat(), folder)
    except OSError as error:
        say_unusable(error)
        return None
    return top / name


def refuse_shared(info: os.stat_result, path: Path) -> None:
    """Refuses what is another user's or may be written by others.

    Args:
        info: of the file, the folder or the link; a link's mode says nothing.
        path: named in the error.

    Raises:
        Untrusted: it is not this user's alone; the message says whose it is.
    """
    if not hasattr(os, "geteuid"):  # Windows: a user's folder is the user's alone
        return
    if info.st_uid != os.geteuid():
        reason = f"belongs to user {info.st_uid}, not to you, user {os.geteuid()}"
        raise Untrusted(f"{path} {reason}")
    if info.st_mode & OTHERS and not stat.S_ISLNK(info.st_mode):
        mode = f"{stat.S_IMODE(info.st_mode):04o}"
        raise Untrusted(f"others may write {path}, mode {mode}; chmod 700 if it is yours alone")


@contextmanager
def costs_time_only() -> Iterator[None]:
    """Around a write into the cache: one that fails is said once, and nothing ends with it."""
    try:
        yield
    except OSError as error:
        say_unusable(error)


def say_unusable(error: OSError) -> None:
    """Says once that the cache cannot be used, or not be written."""
    reason = error.strerror or str(error)
    say_once(
        f"cache {cache_folder()}: {reason}; nothing is kept there, which costs time alone: "
        "GRADEST_CACHE names another folder"
    )


def say_once(line: str) -> None:
    """Says a line on stderr, where there is one, and not again in this process."""
    if line not in _said and sys.stderr:
        _said.add(line)
        with suppress(OSError, ValueError):
            print(f"gradest: {line}", file=sys.stderr, flush=True)


def sealed(path: Path, payload: bytes) -> bytes:
    """What is written into a file of the cache, for `unsealed` to read.

    Args:
        path: of the file: what lies under another's name is no more read than what is damaged.
        payload: what the file is to hold.
    """
    return MAGIC + digest(path, payload) + b"\n" + payload


def unsealed(path: Path) -> bytes | None:
    """The payload of a sealed file; None where there is none, or none that can be trusted."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(descriptor, "rb") as file:
            refuse_shared(os.fstat(descriptor), path)
            content = file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        say_unusable(error)
        return None
    if not content.startswith(MAGIC):  # an earlier version wrote it
        return None
    expected, _, payload = content.removeprefix(MAGIC).partition(b"\n")
    if expected == digest(path, payload):
        return payload
    say_once(f"cache {path.parent}: damaged files are made again")
    return None


def digest(path: Path, payload: bytes) -> bytes:
    """The SHA-256 digest of a payload under the last two parts of its path, in hex."""
    name = "/".join(path.parts[-2:])
    return hashlib.sha256(os.fsencode(name) + b"\n" + payload).hexdigest().encode()
