"""Standard input, output and error of this process.

A descriptor may be non-blocking, because O_NONBLOCK belongs to the open file, which other programs share. Reads and
writes then wait until the descriptor is ready.

Every error of stdout is an error of ours, so that a BrokenPipeError or an ENOSPC from elsewhere is never taken for it.
Messages that stderr does not take are lost: they never decide how a command ends.
"""

from __future__ import annotations

import io
import os
import select
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import TextIO

from kubemr_shell.errors import ReaderGone, StdoutError

# The file descriptors of the standard streams.
STDIN, STDOUT, STDERR = 0, 1, 2
READ_BYTES = 1 << 20
"""The most bytes of one read."""


def read_some(descriptor: int, size: int) -> bytes:
    """Return up to ``size`` bytes, or none at the end of the stream."""
    while True:
        try:
            return os.read(descriptor, size)
        except BlockingIOError:
            _wait(descriptor, select.POLLIN)


def read_chunks(descriptor: int) -> Iterator[bytes]:
    """Yield the rest of a stream in pieces of up to ``READ_BYTES`` bytes."""
    return iter(lambda: read_some(descriptor, READ_BYTES), b"")


def read_all(descriptor: int) -> bytes:
    """Return the rest of a stream."""
    return b"".join(read_chunks(descriptor))


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write all of ``data``; OSError."""
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except BlockingIOError:
            _wait(descriptor, select.POLLOUT)


def write_output(data: bytes | memoryview, descriptor: int = STDOUT) -> None:
    """Write all of ``data`` to stdout; ReaderGone, or StdoutError."""
    try:
        write_all(descriptor, data)
    except BrokenPipeError as error:
        raise ReaderGone("stdout: nobody reads it any more") from error
    except OSError as error:
        raise StdoutError(f"stdout: {error.strerror}: the output could not be written there") from error


def write_message(data: bytes | memoryview) -> None:
    """Write all of ``data`` to stderr, or lose it."""
    with suppress(OSError):
        write_all(STDERR, data)


def take_over() -> None:
    """Have ``sys.stdout`` and ``sys.stderr`` write as this module does, also where the caller has closed them."""
    _open_what_is_closed()
    sys.stdout = _text(_Stdout(), sys.stdout, errors="strict")
    sys.stderr = _text(_Stderr(), sys.stderr, errors="backslashreplace")


class _Stream(io.RawIOBase):
    """A standard stream as the lowest layer of a Python file."""

    descriptor: int

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.descriptor

    def isatty(self) -> bool:
        return os.isatty(self.descriptor)


class _Stdout(_Stream):
    descriptor = STDOUT

    def __init__(self) -> None:
        super().__init__()
        self._has_failed = False

    def write(self, data: bytes | memoryview) -> int:  # type: ignore[override]
        """Write ``data``. What is written after an error is dropped: the error has been raised."""
        if not self._has_failed:
            self._has_failed = True
            write_output(data)
            self._has_failed = False
        return len(data)


class _Stderr(_Stream):
    descriptor = STDERR

    def write(self, data: bytes | memoryview) -> int:  # type: ignore[override]
        write_message(data)
        return len(data)


def _text(raw: _Stream, replaced: TextIO | None, *, errors: str) -> TextIO:
    """Return a text stream with the encoding of the replaced one. Terminals and stderr get each line at once."""
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=replaced.encoding if replaced else "utf-8",
        errors=(replaced.errors if replaced else None) or errors,
        line_buffering=raw.descriptor == STDERR or raw.isatty(),
    )


def _open_what_is_closed() -> None:
    """Give stdin, stdout and stderr files if the caller closed them, else the next files opened would take their place.

    Writing to such a stdout fails, so that no result is lost there without a word.
    """
    for descriptor, flags in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, flags)  # takes the lowest number that is free: this one


def _wait(descriptor: int, events: int) -> None:
    """Wait until a descriptor can be read or written, or has an error to report."""
    poll = select.poll()
    poll.register(descriptor, events)
    poll.poll()
