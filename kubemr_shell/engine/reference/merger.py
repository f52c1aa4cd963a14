"""The reduce side: merges the runs of one partition into the lines that a command reads."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from kubemr_shell.engine.reference.facts import Fed, Source
from kubemr_shell.engine.reference.feed import Feed
from kubemr_shell.engine.reference.merge import Budget, merged
from kubemr_shell.engine.reference.run_file import (
    PAYLOAD_BYTES,
    Entry,
    largest_block,
    read_entries,
    write_partition,
)
from kubemr_shell.engine.reference.scratch import ScratchFile
from kubemr_shell.errors import ObjectNotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    source: Source
    largest_block: int
    scratch: ScratchFile | None = None  # the file of a source that has no path


class Merger:
    """A merger of any number of sources.

    If there are more sources than may be merged at a time, some are first merged into runs in a scratch file.
    """

    def __init__(self, sources: Sequence[Source], *, memory_bytes: int, scratch_dir: str) -> None:
        self._sources = [source for source in sources if source.length]
        self._budget = Budget(memory_bytes)
        self._scratch_dir = scratch_dir
        self.moved = 0

    def feed(self, fd: int, cancel_fd: int) -> Fed:
        """Write the lines of all sources, sorted, to ``fd``. Stop when ``cancel_fd`` becomes readable.

        Raise CorruptRun if a source is damaged, ObjectNotFound if it is missing, OutOfSpace if the disk is full.
        """
        with ExitStack() as scratch_files:
            feed = Feed(fd, cancel_fd, self._wrote)
            return feed.run(self._entries(scratch_files, feed.check))

    def _wrote(self, size: int) -> None:
        self.moved += size

    def _entries(self, scratch_files: ExitStack, check: Callable[[], None]) -> Iterator[Entry]:
        runs = [_Run(source=source, largest_block=_largest_block(source)) for source in self._sources]
        if not self._allowed(runs):
            scratch = ScratchFile(self._scratch_dir)
            scratch_files.callback(scratch.close)
            while not self._allowed(runs):
                size = self._budget.group([run.largest_block for run in runs])
                runs = [*runs[size:], _join(runs[:size], scratch, check)]
        yield from merged([_read(run, check) for run in runs])

    def _allowed(self, runs: Sequence[_Run]) -> bool:
        return self._budget.allows([run.largest_block for run in runs])


def _join(runs: Sequence[_Run], scratch: ScratchFile, check: Callable[[], None]) -> _Run:
    written = write_partition(merged([_read(run, check) for run in runs]), scratch.writer)
    scratch.writer.flush()
    return _Run(
        source=Source(scratch.path, written.offset, written.stored),
        largest_block=largest_block(scratch, written.offset, written.stored),
        scratch=scratch,
    )


def _read(run: _Run, check: Callable[[], None]) -> Iterator[Entry]:
    source = run.source
    return read_entries(run.scratch or NamedFile(source.path), source.offset, source.length, check)


def _largest_block(source: Source) -> int:
    if source.length <= PAYLOAD_BYTES:
        return source.length
    return largest_block(NamedFile(source.path), source.offset, source.length)


class NamedFile:
    """A file that is opened for each read, so that a merge of hundreds of runs keeps no descriptor open."""

    def __init__(self, path: str) -> None:
        self.path = path

    def read_at(self, size: int, offset: int) -> bytes:
        """Return up to ``size`` bytes from ``offset`` on. Raise ObjectNotFound if there is no regular file."""
        gone = f"{self.path}: this map output is gone; its map task must run again"
        try:
            # O_NONBLOCK: if a pipe has replaced the file, do not wait for a writer of the pipe.
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENXIO):
                raise ObjectNotFound(gone) from error
            raise
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise ObjectNotFound(gone)
            return os.pread(fd, size, offset)
        finally:
            os.close(fd)
