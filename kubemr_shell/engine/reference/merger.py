"""The reduce side: the runs of one partition become the lines that a command reads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

from kubemr_shell.engine.reference.facts import Fed, Source
from kubemr_shell.engine.reference.feed import Feed
from kubemr_shell.engine.reference.merge import fan_in, merged
from kubemr_shell.engine.reference.run_file import Entry, read_entries, write_partition
from kubemr_shell.engine.reference.scratch import ScratchFile
from kubemr_shell.errors import ObjectNotFound

_Run = Source | tuple[ScratchFile, int, int]


class Merger:
    """Merges any number of sources; if they are too many to be open at once, through runs in a scratch file."""

    def __init__(self, sources: Sequence[Source], *, memory_bytes: int, scratch_dir: str) -> None:
        self._sources = [source for source in sources if source.length]
        self._fan_in = fan_in(memory_bytes)
        self._scratch_dir = scratch_dir
        self.moved = 0

    def feed(self, fd: int, cancel_fd: int) -> Fed:
        """Writes the lines of all sources, sorted, to ``fd``."""
        with ExitStack() as open_files:
            feed = Feed(fd, cancel_fd, self._wrote)
            return feed.run(self._entries(open_files, feed.check))

    def _wrote(self, size: int) -> None:
        self.moved += size

    def _entries(self, open_files: ExitStack, check: Callable[[], None]) -> Iterator[Entry]:
        runs: list[_Run] = list(self._sources)
        if len(runs) > self._fan_in:
            scratch = ScratchFile(self._scratch_dir)
            open_files.callback(scratch.close)
            while len(runs) > self._fan_in:
                runs = self._fewer(runs, scratch, check)
        yield from merged([_read(run, open_files, check) for run in runs])

    def _fewer(self, runs: list[_Run], scratch: ScratchFile, check: Callable[[], None]) -> list[_Run]:
        """One pass: groups are joined until the rest and the joined ones can be merged at once."""
        joined: list[_Run] = []
        while runs and len(runs) + len(joined) > self._fan_in:
            group, runs = runs[: self._fan_in], runs[self._fan_in :]
            with ExitStack() as open_files:
                written = write_partition(merged([_read(run, open_files, check) for run in group]), scratch.writer)
            scratch.writer.flush()
            joined.append((scratch, written.offset, written.stored))
        return runs + joined


def _read(run: _Run, open_files: ExitStack, check: Callable[[], None]) -> Iterator[Entry]:
    if not isinstance(run, Source):
        scratch, offset, length = run
        return read_entries(scratch.fd, scratch.path, offset, length, check)
    try:
        fd = os.open(run.path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ObjectNotFound(f"{run.path}: this map output is gone; its map task must run again") from error
    open_files.callback(os.close, fd)
    return read_entries(fd, run.path, run.offset, run.length, check)
