"""Helpers that feed splits over real pipes, and describe real files as the planner does."""

from __future__ import annotations

import array
import fcntl
import os
import tempfile
import termios
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from kubemr_shell.inputs.feed import SplitFeed
from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.listing import list_inputs
from kubemr_shell.inputs.records.formats import LINE_FORMAT, RecordFormat
from kubemr_shell.inputs.records.headers import HeaderFormat
from kubemr_shell.job.split import Split
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.waits.retry import Patience

CERTIFICATE = Path(__file__).with_name("localhost.pem")
SCRATCH = tempfile.gettempdir()
TRIES = 6
HASTY = Patience(budget=5, first_pause=0.001, longest_pause=0.01, connect=5, idle=5)


def soon_over() -> Patience:
    """Return a patience that ends after ``TRIES`` tries. Each read of its clock advances the clock by a second."""
    return Patience(budget=TRIES - 1.5, first_pause=0.001, longest_pause=0.001, clock=count().__next__)


class Pipe:
    """A pipe for the stdin of a command. The writing end does not block."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self.writing, False)

    @property
    def capacity(self) -> int:
        return fcntl.fcntl(self.writing, fcntl.F_GETPIPE_SZ)

    def waiting(self) -> int:
        """Return the number of bytes in the pipe that were not read yet."""
        count = array.array("i", [0])
        fcntl.ioctl(self.reading, termios.FIONREAD, count)
        return count[0]

    def close_reading(self) -> None:
        if self.reading >= 0:
            os.close(self.reading)
            self.reading = -1

    def close_writing(self) -> None:
        if self.writing >= 0:
            os.close(self.writing)
            self.writing = -1


@contextmanager
def pipe() -> Iterator[Pipe]:
    ends = Pipe()
    try:
        yield ends
    finally:
        ends.close_reading()
        ends.close_writing()


def header_feed(
    split: Split,
    headers: HeaderFormat,
    records: RecordFormat,
    contents: Mapping[str, bytes],
    s3: S3Config = S3Config(),  # noqa: B008 - frozen
) -> SplitFeed:
    """Return the feed of a split whose header is in ``contents``, the headers of the plan by their names."""
    return SplitFeed(
        split,
        folder="/",
        scratch=SCRATCH,
        records=records,
        headers=headers,
        planned_header=contents[split.header] if split.header else b"",
        s3=s3,
        patience=HASTY,
    )


def fed(split: Split, patience: Patience = HASTY, records: RecordFormat = LINE_FORMAT) -> bytes:
    """Return all bytes that a command would read."""
    feed = SplitFeed(split, folder="/", scratch=SCRATCH, patience=patience, records=records)
    return output_of(feed, is_lines=records.is_lines)


def output_of(feed: SplitFeed, *, is_lines: bool = True) -> bytes:
    received: list[bytes] = []
    with pipe() as ends:

        def read() -> None:
            while data := os.read(ends.reading, 1 << 16):
                received.append(data)

        reader = threading.Thread(target=read)
        reader.start()
        try:
            feed(ends.writing, -1)
        finally:
            ends.close_writing()
            reader.join()
    content = b"".join(received)
    assert feed.bytes_fed == len(content)
    assert not is_lines or feed.records_fed == content.count(b"\n") + (not content.endswith(b"\n") and content != b"")
    return content


def listed(inputs: Sequence[str], *, folder: str = "/", decompress: str = "auto") -> list[InputObject]:
    return list_inputs(inputs, inputs_from=None, decompress=decompress, folder=folder, stdin_copy=None, patience=HASTY)
