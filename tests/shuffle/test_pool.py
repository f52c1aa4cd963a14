import threading
import time
from collections.abc import Iterator
from itertools import count

import pytest

from kubemr_shell.command.cancel import Cancel
from kubemr_shell.net.waiting import NOBODY, Cancelled
from kubemr_shell.shuffle.pool import Pool

DEADLINE_SECONDS = 30.0


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool(3)
    yield pool
    pool.close()


def test_all_is_done_with_so_many_at_once(pool: Pool) -> None:
    together = threading.Barrier(3)
    done: list[int] = []

    def work(number: int) -> None:
        together.wait(DEADLINE_SECONDS)  # breaks unless three are at it
        done.append(number)

    pool.run([lambda number=number: work(number) for number in range(9)], NOBODY)  # type: ignore[misc]
    assert sorted(done) == list(range(9))


def test_nothing_to_do_is_done_at_once(pool: Pool) -> None:
    pool.run([], NOBODY)


def test_an_error_is_raised_and_nothing_more_is_begun(pool: Pool) -> None:
    begun = count()

    def work() -> None:
        if next(begun) == 5:
            raise ValueError("the sixth")

    with pytest.raises(ValueError, match="the sixth"):
        pool.run([work] * 1000, NOBODY)
    assert next(begun) < 900


def test_who_is_cancelled_does_not_wait_for_what_is_under_way(pool: Pool) -> None:
    gate = threading.Event()
    begun: list[int] = []
    cancel = Cancel()

    def work() -> None:
        begun.append(1)
        if len(begun) == 3:
            cancel.set()
        gate.wait(DEADLINE_SECONDS)

    with pytest.raises(Cancelled):
        pool.run([work] * 10, cancel.fd)
    gate.set()
    deadline = time.monotonic() + DEADLINE_SECONDS
    pool.run([lambda: None] * 3, NOBODY)  # the threads are free again
    assert time.monotonic() < deadline
    assert len(begun) == 3
    cancel.close()


def test_several_callers_share_it(pool: Pool) -> None:
    totals = [0] * 4

    def call(caller: int) -> None:
        lock = threading.Lock()

        def work() -> None:
            with lock:
                totals[caller] += 1

        pool.run([work] * 200, NOBODY)

    callers = [threading.Thread(target=call, args=(number,)) for number in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert totals == [200] * 4
