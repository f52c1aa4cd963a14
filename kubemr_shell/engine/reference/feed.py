"""Writes entries to a command as lines. Each line is written as often as its count says."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kubemr_shell.engine.reference.descriptors import Cancelled, PipeWriter, without_blocking
from kubemr_shell.engine.reference.facts import Fed
from kubemr_shell.engine.reference.run_file import Entry

_PIECE = 64 << 10
_KEY_SHOWN = 256


class Feed:
    """A stream of lines to one command. ``on_written`` is called with the number of bytes of each write."""

    def __init__(self, fd: int, cancel_fd: int, on_written: Callable[[int], None]) -> None:
        self._fd = fd
        self._writer = PipeWriter(fd, cancel_fd, on_written)
        self._records = self._raw_bytes = self._keys = 0
        self._key = self._heaviest_key = b""
        self._key_records = self._heaviest_records = 0

    def check(self) -> None:
        """Raise Cancelled if the feed was cancelled. The producer of the entries may call this to end early."""
        self._writer.check()

    def run(self, entries: Iterable[Entry]) -> Fed:
        """Write the lines of all entries, until the end, a cancel, or the end of the reader."""
        try:
            with without_blocking(self._fd):
                for key, rest, count in entries:
                    self._count(key, count)
                    self._write(b"".join((key, rest, b"\n")), count)
                self._writer.flush()
            end = "complete"
        except Cancelled:
            end = "cancelled"
        except BrokenPipeError:
            end = "closed"
        self._weigh()
        return Fed(
            records=self._records,
            raw_bytes=self._raw_bytes,
            keys=self._keys,
            heaviest_key=self._heaviest_key[:_KEY_SHOWN],
            heaviest_records=self._heaviest_records,
            end=end,
        )

    def _count(self, key: bytes, count: int) -> None:
        if key != self._key or not self._keys:
            self._weigh()
            self._keys += 1
            self._key = key
            self._key_records = 0
        self._key_records += count

    def _weigh(self) -> None:
        if self._key_records > self._heaviest_records:
            self._heaviest_key = self._key
            self._heaviest_records = self._key_records

    def _write(self, line: bytes, count: int) -> None:
        self._records += count
        self._raw_bytes += count * len(line)
        at_once = max(1, _PIECE // len(line))
        while count > at_once:
            self._writer.write(line * at_once)
            count -= at_once
        self._writer.write(line * count)
