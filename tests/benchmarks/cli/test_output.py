"""Stdout and stderr that are closed, full, not read, or of few characters."""

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gradest.benchmarks.cli.output import Stream, emit, reserve_descriptors, standard_streams, tell
from gradest.benchmarks.errors import ExitStatus, NobodyReads

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")

FULL = "gradest: stdout: No space left on device"
CLOSED = "gradest: stdout: Bad file descriptor"


@pytest.mark.parametrize(
    ("redirected", "status", "said"),
    [
        (">/dev/full", ExitStatus.BAD_INPUT, [FULL]),
        (">&-", ExitStatus.BAD_INPUT, [CLOSED]),
        ("2>&- >&-", ExitStatus.BAD_INPUT, []),
        ("2>&- >/dev/null", ExitStatus.OK, []),
        ("| head -0; exit ${PIPESTATUS[0]}", ExitStatus.NOBODY_READS, []),
    ],
)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_stdout_that_cannot_be_written_is_one_line(redirected, status, said, unbuffered):
    script = f"{sys.executable} -m gradest --version {redirected}"
    done = subprocess.run(
        ["bash", "-c", script],
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        capture_output=True,
        text=True,
    )
    assert done.stderr.splitlines() == said
    assert done.returncode == status


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_stream_of_few_characters_escapes_the_others(encoding):
    done = subprocess.run(
        [sys.executable, "-m", "gradest", "compare", "--help"],
        env=os.environ | {"PYTHONIOENCODING": encoding},
        capture_output=True,
        check=True,
    )
    assert "of \\u2016bias\\u2016 where" in done.stdout.decode(encoding)
    assert done.stderr == b""


@pytest.fixture
def streams(monkeypatch):
    """Puts streams of these encodings in the place of stdout and stderr."""

    def put(encoding: str) -> tuple[io.BytesIO, io.BytesIO]:
        out, err = io.BytesIO(), io.BytesIO()
        monkeypatch.setattr("sys.stdout", io.TextIOWrapper(out, encoding))
        monkeypatch.setattr("sys.stderr", io.TextIOWrapper(err, encoding))
        return out, err

    return put


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_json_is_json_in_any_encoding(streams, encoding):
    out, err = streams(encoding)
    with standard_streams():
        emit({"μ × é": "𝟙"})
        tell(["‖bias‖"])
    assert json.loads(out.getvalue().decode(encoding)) == {"μ × é": "𝟙"}
    assert err.getvalue().decode(encoding).strip() in {"‖bias‖", "\\u2016bias\\u2016"}


class Broken(io.StringIO):
    """A stream that cannot be written."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def write(self, text: str) -> int:
        raise OSError(self.number, os.strerror(self.number))


def test_stderr_is_lost_and_stdout_is_not(monkeypatch):
    monkeypatch.setattr("sys.stdout", Broken(errno.EIO))
    monkeypatch.setattr("sys.stderr", Broken(errno.EIO))
    with standard_streams():
        tell(["lost"])
        for _ in range(2):  # a failure that somebody swallowed is raised again
            with pytest.raises(OSError, match="Input/output error") as failure:
                emit("data")
            assert failure.value.filename == "stdout"
        with pytest.raises(OSError, match="Input/output error"):
            sys.stdout.flush()
    assert isinstance(sys.stdout, Broken)


def test_a_pipe_that_nobody_reads_is_no_oserror():
    """Click would take it for its own."""
    with pytest.raises(NobodyReads):
        Stream(Broken(errno.EPIPE), "stdout", is_needed=True).write("data")


def test_writing_nothing_never_fails():
    """Click tries so whether a stream takes bytes, and swallows what it raises."""
    assert Stream(Broken(errno.EIO), "stdout", is_needed=True).write("") == 0


def test_descriptors_that_are_closed_are_opened_on_nothing():
    script = (
        "import os, sys; from gradest.benchmarks.cli.output import reserve_descriptors;"
        "[os.close(d) for d in (0, 1)]; reserve_descriptors();"
        "file = os.open('/dev/zero', os.O_RDONLY); sys.exit(100 + file)"
    )
    assert subprocess.run([sys.executable, "-c", script]).returncode >= 103
    reserve_descriptors()
