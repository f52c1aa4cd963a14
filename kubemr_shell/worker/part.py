"""Tasks that write a part: the command's stdout goes to a staged output, spliced as it is or compressed."""

from __future__ import annotations

import fcntl
import os
import select
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

from kubemr_shell.board.steps import Attempt
from kubemr_shell.command.cancel import Cancel
from kubemr_shell.command.process import Feed
from kubemr_shell.command.pump import REST_SECONDS, SHORT_BYTES, Move, Pump, SpliceDrain
from kubemr_shell.command.start import PIPE_BYTES
from kubemr_shell.errors import LeaseLost, ObjectNotFound
from kubemr_shell.storage.interface import StagedOutput
from kubemr_shell.worker.commands import Commands, Streams, Subject
from kubemr_shell.worker.job_context import JobContext
from kubemr_shell.worker.journal import Entry
from kubemr_shell.worker.results import AttemptEnded, Dropped
from kubemr_shell.worker.told import Told

READ_BYTES = 1 << 20


class PartWriter:
    """Stages the parts of one slot's tasks."""

    def __init__(self, job: JobContext, commands: Commands) -> None:
        self._job = job
        self._commands = commands

    def write(self, subject: Subject, feed: Feed, cancel: Cancel) -> Entry:
        """Run the command and stage what it writes; the entry tells of its output and its counters."""
        attempt = subject.attempt
        staged = self.stage(attempt)
        try:
            drain = self._drain(staged)
            outcome = self._commands.run(subject, Streams(feed=feed, drain=drain), cancel)
            entry = sealed(attempt, staged)
        except BaseException:
            staged.abandon()
            raise
        if isinstance(drain, CompressingDrain):
            entry = replace(entry, records_out=drain.records)
        told = Told()
        told.take(outcome)
        return told.in_entry(entry)

    def stage(self, attempt: Attempt) -> StagedOutput:
        """Begin the output of an attempt; when the job's folder is gone, nobody wants it any more."""
        workspace = self._job.workspace
        target = workspace.part(self._job.part_name(attempt.task))
        try:
            return workspace.output_storage.stage(workspace.staged(*attempt), target=target, scratch=workspace.scratch)
        except (ObjectNotFound, LeaseLost) as error:
            raise AttemptEnded(Dropped(attempt=attempt, cause=error)) from error

    def _drain(self, staged: StagedOutput) -> SpliceDrain | CopyDrain | CompressingDrain:
        if self._job.spec.compress_output != "none":
            return CompressingDrain(staged, compressor_for(self._job.spec.compress_output))
        descriptor = staged.fileno()
        return CopyDrain(staged) if descriptor is None else SpliceDrain(descriptor)


def sealed(attempt: Attempt, staged: StagedOutput) -> Entry:
    """End a staged output; the entry has its size and checksum."""
    receipt = staged.seal()
    return Entry(
        task=attempt.task,
        attempt=attempt.attempt,
        bytes_out=receipt.bytes,
        records_out=receipt.records,
        crc32=receipt.crc32,
        seal=receipt.seal,
    )


def feed_staged(feed: Move, staged: StagedOutput, cancel: int) -> None:
    """Have a feed write to a staged output that has no descriptor."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    pump = Pump("part")
    try:
        with suppress(OSError):  # without the right to more, it is only slower
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        os.set_blocking(reading, False)
        os.set_blocking(writing, False)

        def drain(descriptor: int, stop: int) -> None:
            """Closes its end, or the feed would wait for ever when this fails."""
            try:
                CopyDrain(staged)(descriptor, stop)
            finally:
                os.close(descriptor)

        pump.start(drain, reading)
        try:
            feed(writing, cancel)
        except BrokenPipeError:
            pass  # the pump says why
        except BaseException:
            pump.stop()
            raise
        finally:
            os.close(writing)
            pump.finish()
        if pump.error is not None:
            raise pump.error
    finally:
        pump.close()


class CopyDrain:
    """Moves what a command writes into an output that is no file."""

    def __init__(self, staged: StagedOutput) -> None:
        self._staged = staged
        self.moved = 0

    def __call__(self, descriptor: int, cancel: int) -> None:
        for data in pieces(descriptor, cancel):
            self.moved += len(data)
            self._staged.write(data)


def pieces(descriptor: int, cancel: int) -> Iterator[bytes]:
    """What comes through a pipe that does not block, up to its end or until ``cancel`` is readable; none at its end.

    After a short piece the pipe is empty. What programs write bit by bit is taken in fewer, larger pieces.
    """
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    poll.register(cancel, select.POLLIN)
    while not any(ready == cancel for ready, _ in poll.poll()):
        try:
            data = os.read(descriptor, READ_BYTES)
        except BlockingIOError:
            continue
        yield data
        if not data:
            return
        if len(data) < SHORT_BYTES:
            time.sleep(REST_SECONDS)


class Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


class CompressingDrain:
    """Compresses what a command writes, and counts its records before that."""

    def __init__(self, staged: StagedOutput, compressor: Compressor) -> None:
        self._staged = staged
        self._compressor = compressor
        self.moved = 0
        self.records = 0

    def __call__(self, descriptor: int, cancel: int) -> None:
        for data in pieces(descriptor, cancel):
            if not data:
                self._staged.write(self._compressor.flush())
                return
            self.moved += len(data)
            self.records += data.count(b"\n")
            self._staged.write(self._compressor.compress(data))


def compressor_for(compression: str) -> Compressor:
    """gzip has no time in its header, so that equal outputs are equal bytes."""
    if compression == "gzip":
        return zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    import zstandard  # noqa: PLC0415 - 20 ms that most jobs need not pay

    return zstandard.ZstdCompressor(level=3).compressobj()
