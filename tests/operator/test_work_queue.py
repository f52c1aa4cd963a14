"""Tests of the queue of jobs: when an item is due, and which entries stay behind."""

from __future__ import annotations

import threading

from kubemr_shell.operator.work_queue import SPARE, WorkQueue
from tests.support.waiting import PATIENCE_SECONDS


def test_what_is_asked_for_while_it_is_looked_at_comes_again_when_that_is_done() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("job")
    assert queue.take() == "job"
    queue.add("job")
    queue.add("other")
    assert queue.take() == "other", "nobody else looks at the job meanwhile"
    again: list[str | None] = []
    thread = threading.Thread(target=lambda: again.append(queue.take()))
    thread.start()
    queue.done("job")
    thread.join(PATIENCE_SECONDS)
    assert again == ["job"]


def test_an_entry_that_no_longer_holds_is_removed_in_the_end() -> None:
    """A job that is processed often before its due time leaves such entries."""
    queue: WorkQueue[str] = WorkQueue()
    queue.add("other", 500.0)
    for _ in range(1000):
        queue.add("job", 0.0)
        assert queue.take() == "job"
        queue.add("job", 1000.0)
        queue.done("job")
    assert len(queue) == 2
    assert len(queue._heap) <= 2 * len(queue) + SPARE
    queue.add("other", 0.0)
    assert queue.take() == "other"
