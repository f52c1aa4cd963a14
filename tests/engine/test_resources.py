"""Threads, signals, descriptors and damaged spills: what a long-lived worker meets."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest

from kubemr_shell.errors import CorruptRun, ObjectNotFound
from tests.engine import model
from tests.engine.model import Shape
from tests.engine.streams import (
    NOBODY,
    Background,
    collecting,
    drain_all,
    memory_file,
    output_of,
)
from tests.support.waiting import until

SMALL_MEMORY = 100_000


def lines_of_task(task: int) -> bytes:
    return b"".join(b"%d\t%d of %d\n" % (number * 7919 % 5003, number, task) for number in range(20_000))


def open_descriptors() -> dict[int, str]:
    """Return the open descriptors with their targets, without the descriptor of the listing itself."""
    listed = [int(name) for name in os.listdir("/proc/self/fd")]
    return {fd: os.readlink(f"/proc/self/fd/{fd}") for fd in listed if os.path.lexists(f"/proc/self/fd/{fd}")}


def spill_descriptors(folder: str) -> list[int]:
    return [fd for fd, target in open_descriptors().items() if target.startswith(folder)]


@pytest.mark.lengthy
def test_tasks_in_several_threads_do_not_meet(engine: ModuleType, folder: str) -> None:
    shape = Shape(partitions=3)

    def run(task: int) -> bytes:
        with collecting(engine, shape, folder, memory_bytes=SMALL_MEMORY) as collector:
            drain_all(collector, [lines_of_task(task)])
            return output_of(collector)[0]

    tasks = [Background(partial(run, task)) for task in range(4)]
    for number, task in enumerate(tasks):
        partitions = model.sorted_lines([lines_of_task(number)], shape)
        assert task.result() == model.run_file(partitions, shape)


@pytest.fixture
def signalled() -> Iterator[list[int]]:
    """SIGUSR1 interrupts system calls and does nothing else."""
    seen: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: seen.append(number))
    yield seen
    signal.signal(signal.SIGUSR1, before)


def test_signals_interrupt_neither_drain_nor_feed(engine: ModuleType, folder: str, signalled: list[int]) -> None:
    shape = Shape()
    expected = model.as_stream(model.sorted_lines([lines_of_task(1)], shape)[0])
    stream = memoryview(lines_of_task(1))
    reader, writer = os.pipe()
    with collecting(engine, shape, folder) as collector, memory_file() as run:
        draining = Background(lambda: collector.drain(reader, NOBODY))
        for start in range(0, len(stream), 50_000):
            piece = stream[start : start + 50_000]
            os.write(writer, piece)
            signal.pthread_kill(draining.thread_id, signal.SIGUSR1)
            until(partial(lambda end: collector.moved == end, start + len(piece)))
        os.close(writer)
        assert draining.result() is True
        os.close(reader)

        reader, writer = os.pipe()
        source = engine.Source(f"/proc/self/fd/{run}", 0, collector.write_output(run).stored_bytes)
        merger = engine.Merger([source], memory_bytes=1 << 20, scratch_dir=folder)
        feeding = Background(lambda: merger.feed(writer, NOBODY))
        received = bytearray()
        while len(received) < len(expected):
            if feeding.running():
                signal.pthread_kill(feeding.thread_id, signal.SIGUSR1)
            received += os.read(reader, 10_000)
        assert feeding.result().end == "complete"
        os.close(writer)
        os.close(reader)
    assert received == expected
    assert signalled


def test_a_damaged_spill_is_found(engine: ModuleType, folder: str) -> None:
    with collecting(engine, Shape(), folder, memory_bytes=SMALL_MEMORY) as collector:
        drain_all(collector, [lines_of_task(1)])
        spills = spill_descriptors(folder)
        assert spills
        for fd in spills:
            content = os.pread(fd, os.fstat(fd).st_size, 0)
            os.pwrite(fd, content.replace(b"of 1", b"of 2"), 0)
        with memory_file() as run, pytest.raises(CorruptRun, match=folder):
            collector.write_output(run)


def test_a_cancelled_task_can_be_followed_by_another(engine: ModuleType, folder: str) -> None:
    shape = Shape(partitions=2)
    cancel = os.eventfd(1)
    with collecting(engine, shape, folder, memory_bytes=SMALL_MEMORY) as collector:
        with memory_file(lines_of_task(1)) as fd:
            assert collector.drain(fd, cancel) is False
        collector.reset()
        drain_all(collector, [lines_of_task(2)])
        assert output_of(collector)[0] == model.run_file(model.sorted_lines([lines_of_task(2)], shape), shape)
    os.close(cancel)


@pytest.mark.lengthy
def test_no_descriptor_stays_open(engine: ModuleType, folder: str, tmp_path: Path) -> None:
    before = open_descriptors()
    with collecting(engine, Shape(), folder, memory_bytes=SMALL_MEMORY) as collector:
        drain_all(collector, [lines_of_task(1)])
        content, facts = output_of(collector)
        assert spill_descriptors(folder)
        collector.reset()
        drain_all(collector, [lines_of_task(1)])
    (tmp_path / "run").write_bytes(content)
    (tmp_path / "damaged").write_bytes(content[:24] + b"\0" * 10 + content[34:])
    for name, error in (("gone", ObjectNotFound), ("damaged", CorruptRun)):
        paths = [*["run"] * 20, name]
        sources = [engine.Source(str(tmp_path / path), 0, facts.stored_bytes) for path in paths]
        with memory_file() as fd, pytest.raises(error):
            engine.Merger(sources, memory_bytes=1, scratch_dir=folder).feed(fd, NOBODY)
    assert open_descriptors() == before
