"""Tasks that write a part: the command's stdout goes to a staged part, either unchanged by splice or compressed."""

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
from kubemr_shell.command.process import Feed
from kubemr_shell.command.pump import REST_SECONDS, SHORT_BYTES, Move, Pump, SpliceDrain
from kubemr_shell.command.start import PIPE_BYTES
from kubemr_shell.errors import ObjectNotFound
from kubemr_shell.storage.interface import StagedOutput
from kubemr_shell.waits.flag import Flag
from kubemr_shell.worker.attempt_results import AttemptEnded, Dropped
from kubemr_shell.worker.commands import Commands, Streams, Subject
from kubemr_shell.worker.job_context import JobContext
from kubemr_shell.worker.journal import Entry
from kubemr_shell.worker.told import Told

READ_BYTES = 1 << 20
"""The greatest number of bytes in one read of a command's stdout."""


class PartWriter:
    """The writer of the staged parts of one slot's tasks."""

    def __init__(self, job: JobContext, commands: Commands) -> None:
        self._job = job
        self._commands = commands

    def write(self, subject: Subject, feed: Feed, cancel: Flag) -> Entry:
        """Run the command and stage its output. Return the entry with the size of the output and the counters."""
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
        """Begin the staged output of an attempt. Raise AttemptEnded if the folder of the job is gone."""
        workspace = self._job.workspace
        target = workspace.part(self._job.part_name(attempt.task))
        try:
            return workspace.output_storage.stage(workspace.staged(*attempt), target=target, scratch=workspace.scratch)
        except ObjectNotFound as error:
            raise AttemptEnded(Dropped(attempt=attempt, cause=error)) from error

    def _drain(self, staged: StagedOutput) -> SpliceDrain | CopyDrain | CompressingDrain:
        if self._job.spec.compress_output != "none":
            return CompressingDrain(staged, compressor_for(self._job.spec.compress_output))
        descriptor = staged.fileno()
        return CopyDrain(staged) if descriptor is None else SpliceDrain(descriptor)


def sealed(attempt: Attempt, staged: StagedOutput) -> Entry:
    """Seal a staged output, and return the entry with its size and checksum."""
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
    """Run a feed into a staged output that has no descriptor, through a pipe."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    pump = Pump("part")
    try:
        with suppress(OSError):  # without the permission for a larger pipe, the feed is only slower
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        os.set_blocking(reading, False)
        os.set_blocking(writing, False)

        def drain(descriptor: int, stop: int) -> None:
            """Copy to the staged output. If the copy fails, close the pipe, so that the feed does not wait for ever."""
            try:
                CopyDrain(staged)(descriptor, stop)
            finally:
                os.close(descriptor)

        pump.start(drain, reading)
        try:
            feed(writing, cancel)
        except BrokenPipeError:
            pass  # ``pump.error`` has the reason
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
    """A drain that copies the output of a command to a staged output that is not a file."""

    def __init__(self, staged: StagedOutput) -> None:
        self._staged = staged
        self.moved = 0

    def __call__(self, descriptor: int, cancel: int) -> None:
        for data in pieces(descriptor, cancel):
            self.moved += len(data)
            self._staged.write(data)


def pieces(descriptor: int, cancel: int) -> Iterator[bytes]:
    """Yield the bytes from a non-blocking pipe until its end, which is an empty piece, or until ``cancel`` is readable.

    After a short piece, the pipe is empty. A pause then lets programs that write little at a time fill larger pieces.
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
    """The methods of a compressor that a drain uses."""

    def compress(self, data: bytes, /) -> bytes:
        """Take the next bytes, and return the compressed bytes that are ready."""
        ...

    def flush(self) -> bytes:
        """End the stream, and return the rest of the compressed bytes."""
        ...


class CompressingDrain:
    """A drain that counts the records in the output of a command, and compresses the output."""

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
    """Return a compressor. The header of gzip gets no time, so that equal outputs are equal bytes."""
    if compression == "gzip":
        return zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    import zstandard

    return zstandard.ZstdCompressor(level=3).compressobj()
