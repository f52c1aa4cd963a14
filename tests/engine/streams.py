"""Driving an engine over real descriptors: memory files, pipes, threads, event descriptors."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from tests.engine.model import Shape
from tests.support.waiting import PATIENCE_SECONDS

NOBODY = -1  # a cancel descriptor that does not exist
PLENTY = 64 << 20


@contextmanager
def collecting(
    engine: ModuleType,
    shape: Shape,
    folder: str,
    *,
    memory_bytes: int = PLENTY,
    max_record_bytes: int = PLENTY,
) -> Iterator[Any]:
    collector = engine.Collector(
        partitions=shape.partitions,
        separator=shape.separator,
        key_fields=shape.key_fields,
        memory_bytes=memory_bytes,
        max_record_bytes=max_record_bytes,
        spill_dir=folder,
    )
    try:
        yield collector
    finally:
        collector.close()


@contextmanager
def memory_file(content: bytes = b"") -> Iterator[int]:
    fd = os.memfd_create("test")
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(fd, view) :]
        os.lseek(fd, 0, os.SEEK_SET)
        yield fd
    finally:
        os.close(fd)


def content_of(fd: int) -> bytes:
    with open(os.dup(fd), "rb") as file:
        file.seek(0)
        return file.read()


def drain_all(collector: Any, streams: Sequence[bytes]) -> None:
    for stream in streams:
        with memory_file(stream) as fd:
            assert collector.drain(fd, NOBODY) is True


def output_of(collector: Any) -> tuple[bytes, Any]:
    """The run file and its facts."""
    with memory_file() as fd:
        facts = collector.write_output(fd)
        return content_of(fd), facts


def read_feed(feed: Callable[[int, int], Any], *, blocking: bool = False) -> tuple[bytes, Any]:
    """Return the bytes that a feed writes to a pipe, and the result that it reports."""
    received: list[bytes] = []
    reader, writer = os.pipe()

    def read() -> None:
        while piece := os.read(reader, 1 << 20):
            received.append(piece)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        os.set_blocking(writer, blocking)
        fed = feed(writer, NOBODY)
    finally:
        os.close(writer)
        thread.join()
        os.close(reader)
    return b"".join(received), fed


class Background:
    """A call in a thread; ``result`` waits for what it returns or raises."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call
        self._value: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def result(self) -> Any:
        self._thread.join(timeout=PATIENCE_SECONDS)
        assert not self._thread.is_alive(), "the call did not return within 30 seconds"
        if self._error is not None:
            raise self._error
        return self._value

    @property
    def thread_id(self) -> int:
        assert self._thread.ident is not None
        return self._thread.ident

    def running(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._value = self._call()
        except BaseException as error:  # noqa: BLE001 - raised again by result
            self._error = error
