"""Pipes that block, dribble, are cancelled, or lose their reader."""

from __future__ import annotations

import fcntl
import os
import struct
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import ModuleType
from typing import Any

import pytest

from tests.engine import model
from tests.engine.model import Shape
from tests.engine.streams import NOBODY, Background, collecting, drain_all, memory_file, output_of
from tests.support.waiting import until

Feed = Callable[[int, int], Any]
FAR_MORE_THAN_A_PIPE = b"".join(b"%099d\n" % number for number in range(40_000))


@contextmanager
def pipe(*, blocking: bool) -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    for fd in ends:
        os.set_blocking(fd, blocking)
    try:
        yield ends
    finally:
        for fd in ends:
            try:
                os.close(fd)
            except OSError:
                continue  # the test closed it


@contextmanager
def event() -> Iterator[int]:
    fd = os.eventfd(0)
    try:
        yield fd
    finally:
        os.close(fd)


@pytest.fixture
def endless_feed(engine: ModuleType, folder: str) -> Iterator[Feed]:
    """A feed of more bytes than any pipe holds."""
    with collecting(engine, Shape(), folder) as collector, memory_file() as run:
        drain_all(collector, [FAR_MORE_THAN_A_PIPE])
        facts = collector.write_output(run)
        source = engine.Source(f"/proc/self/fd/{run}", 0, facts.stored_bytes)
        yield engine.Merger([source], memory_bytes=1 << 20, scratch_dir=folder).feed


def bytes_waiting(fd: int) -> int:
    return int(struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, bytes(4)))[0])


@pytest.mark.parametrize("blocking", [True, False])
def test_a_drain_that_waits_for_its_writer_is_cancelled(engine: ModuleType, folder: str, blocking: bool) -> None:
    with (
        collecting(engine, Shape(), folder) as collector,
        pipe(blocking=blocking) as (reader, writer),
        event() as cancel,
    ):
        draining = Background(lambda: collector.drain(reader, cancel))
        os.write(writer, b"one\ntwo\nthr")
        until(lambda: collector.moved == 11)
        assert draining.running()
        os.eventfd_write(cancel, 1)
        assert draining.result() is False


@pytest.mark.parametrize("blocking", [True, False])
def test_a_feed_that_waits_for_its_reader_is_cancelled(endless_feed: Feed, blocking: bool) -> None:
    with pipe(blocking=blocking) as (reader, writer), event() as cancel:
        feeding = Background(lambda: endless_feed(writer, cancel))
        until(lambda: bytes_waiting(reader) >= 4096)
        assert feeding.running()
        os.eventfd_write(cancel, 1)
        assert feeding.result().end == "cancelled"
        assert os.get_blocking(writer) is blocking


def test_what_was_cancelled_before_it_began_moves_nothing(engine: ModuleType, folder: str, endless_feed: Feed) -> None:
    with pipe(blocking=True) as (reader, writer), event() as cancel, collecting(engine, Shape(), folder) as collector:
        os.eventfd_write(cancel, 1)
        assert endless_feed(writer, cancel).end == "cancelled"
        assert bytes_waiting(reader) == 0
        os.write(writer, b"line\n")
        assert collector.drain(reader, cancel) is False


@pytest.mark.parametrize("blocking", [True, False])
def test_a_reader_that_has_had_enough_closes_the_feed(endless_feed: Feed, blocking: bool) -> None:
    with pipe(blocking=blocking) as (reader, writer), event() as cancel:
        feeding = Background(lambda: endless_feed(writer, cancel))
        until(lambda: bytes_waiting(reader) >= 4096)
        os.close(reader)
        assert feeding.result().end == "closed"


def test_a_reader_that_never_came_closes_the_feed(endless_feed: Feed) -> None:
    with pipe(blocking=True) as (reader, writer):
        os.close(reader)
        assert endless_feed(writer, NOBODY).end == "closed"


@pytest.mark.parametrize("blocking", [True, False])
def test_a_slow_reader_gets_every_byte(endless_feed: Feed, blocking: bool) -> None:
    """Reads of odd sizes make the pipe take parts of what is written to it."""
    with pipe(blocking=blocking) as (reader, writer), event() as cancel:
        os.set_blocking(reader, True)
        feeding = Background(lambda: endless_feed(writer, cancel))
        received = bytearray()
        while len(received) < len(FAR_MORE_THAN_A_PIPE):
            received += os.read(reader, 4095 + len(received) % 7)
        assert feeding.result().end == "complete"
        assert bytes_waiting(reader) == 0
        assert received == FAR_MORE_THAN_A_PIPE


@pytest.mark.parametrize("blocking", [True, False])
def test_a_writer_that_dribbles_single_bytes_is_understood(engine: ModuleType, folder: str, blocking: bool) -> None:
    stream = b"k\t1\n\n\nk\t\xc3\xa9\r\nlast\0"
    shape = Shape(partitions=2)
    with collecting(engine, shape, folder) as collector, pipe(blocking=blocking) as (reader, writer), event() as cancel:
        draining = Background(lambda: collector.drain(reader, cancel))
        for sent in range(len(stream)):
            os.write(writer, stream[sent : sent + 1])
            until(partial(lambda sent: collector.moved == sent, sent + 1))
        os.close(writer)
        assert draining.result() is True
        assert output_of(collector)[0] == model.run_file(model.sorted_lines([stream], shape), shape)


def test_a_descriptor_that_is_not_open_is_an_error(engine: ModuleType, folder: str, endless_feed: Feed) -> None:
    with pipe(blocking=True) as (closed, _):
        os.close(closed)
        with collecting(engine, Shape(), folder) as collector:
            with pytest.raises(OSError, match="Bad file descriptor"):
                collector.drain(closed, NOBODY)
            with pytest.raises(OSError, match="Bad file descriptor"):
                collector.write_output(closed)
        with pytest.raises(OSError, match="Bad file descriptor"):
            endless_feed(closed, NOBODY)
