"""A job that is looked at again and again long before its time leaves nothing behind."""

from __future__ import annotations

from kubemr_shell.operator.work_queue import SPARE, WorkQueue


def test_an_entry_that_no_longer_holds_is_removed_in_the_end() -> None:
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
