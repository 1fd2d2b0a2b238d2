"""What commands print: data to stdout, and everything else to stderr, whatever these are."""

import errno
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from gradest.benchmarks.errors import NobodyReads
from gradest.benchmarks.runtime.processes import as_data

ESCAPED = "backslashreplace"
"""How a character is written that a stream's encoding does not have."""


class Bytes(io.RawIOBase):
    """What takes the bytes for a stream: text in UTF-8, as click writes it."""

    def __init__(self, stream: io.TextIOBase) -> None:
        self._stream = stream

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, content: Any) -> int:
        """Writes bytes as the text that they are."""
        self._stream.write(bytes(content).decode("utf-8", ESCAPED))
        return len(content)


class Stream(io.TextIOBase):
    """Stdout or stderr: what its encoding does not have is escaped, and its errors name it."""

    def __init__(self, stream: TextIO | None, name: str, *, is_needed: bool) -> None:
        """Stands in for a stream.

        Args:
            stream: what is written to; None where the process was started without it.
            name: the stream's, in errors.
            is_needed: whether a write that fails is an error, and not just lost.
        """
        self._stream = stream
        self._name = name
        self._is_needed = is_needed
        self._failure: OSError | None = None
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ESCAPED)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The stream's."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        """What becomes of a character that the encoding does not have."""
        return ESCAPED

    @property
    def buffer(self) -> Bytes:
        """What takes its bytes: they too are escaped, and fail as its text does."""
        return Bytes(self)

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._stream is not None and self._stream.isatty()

    def fileno(self) -> int:
        """The number under which the operating system knows it."""
        if self._stream is None:
            raise io.UnsupportedOperation("closed")
        return self._stream.fileno()

    def write(self, text: str) -> int:
        """Writes a text.

        Raises:
            OSError: it cannot be written, and the stream is needed.
            NobodyReads: the same, because the reader of a pipe has gone.
        """
        if text == "":  # click tries whether nothing can be written
            return 0
        if self._stream is None and self._failure is None:
            self._failure = OSError(errno.EBADF, os.strerror(errno.EBADF))
        self._attempt("write", text)
        return len(text)

    def flush(self) -> None:
        """Writes what waits to be written; raises as `write` does, and again what it raised."""
        self._attempt("flush")

    def _attempt(self, method: str, *arguments: str) -> None:
        try:
            if self._stream is not None and self._failure is None:
                getattr(self._stream, method)(*arguments)
        except OSError as error:
            self._failure = error
            self._lead_nowhere()
        if self._failure and self._is_needed:
            raise failure_of(self._name, self._failure) from self._failure

    def _lead_nowhere(self) -> None:
        """Has what waits to be written go nowhere: else the end of the process would fail too."""
        if self._stream is None:
            return
        with suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            self._stream.flush()


def failure_of(stream: str, error: OSError) -> Exception:
    """The error of a stream that cannot be written.

    A pipe that nobody reads is not an OSError: click would end the process with a status of its
    own.
    """
    if isinstance(error, BrokenPipeError):
        return NobodyReads()
    return OSError(error.errno, error.strerror, stream)


@contextmanager
def standard_streams() -> Iterator[None]:
    """Stdout and stderr that any text can be written to, and that no run ends with.

    A result that cannot be printed is an error, which names stdout. What cannot be said on stderr
    is lost.
    """
    reserve_descriptors()
    before = sys.stdout, sys.stderr
    sys.stdout = cast(TextIO, Stream(sys.stdout, "stdout", is_needed=True))
    sys.stderr = cast(TextIO, Stream(sys.stderr, "stderr", is_needed=False))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def reserve_descriptors() -> None:
    """Opens those of the numbers 0, 1 and 2 that are closed, on nothing.

    Else the next file that is opened has one of them, and what a library says is written into it.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != descriptor:
                os.dup2(nowhere, descriptor)
                os.close(nowhere)


def emit(result: Mapping[str, Any] | str) -> None:
    """Prints to stdout: text as it is, an object as JSON.

    Where stdout's encoding is not Unicode, JSON has the escapes that are its own.
    """
    with as_data():
        if isinstance(result, str):
            print(result, flush=True)
        else:
            is_unicode = sys.stdout.encoding.lower().startswith("utf")
            print(json.dumps(result, indent=2, ensure_ascii=not is_unicode), flush=True)


def tell(lines: Iterable[str]) -> None:
    """Prints lines to stderr."""
    for line in lines:
        print(line, file=sys.stderr, flush=True)


def counted(counts: Mapping[str, int]) -> str:
    """The counts that are not zero, in words.

    >>> counted({"ok": 3, "failed": 0, "skipped": 1})
    '3 ok, 1 skipped'
    """
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing"
