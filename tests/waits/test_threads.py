import threading
from collections.abc import Iterator
from functools import partial
from itertools import count

import pytest

from kubemr_shell.waits.flag import Flag
from kubemr_shell.waits.threads import Crew, Pool, in_threads
from kubemr_shell.waits.waiter import NOBODY, Cancelled, Waiter
from tests.support.waiting import PATIENCE_SECONDS


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool(3)
    yield pool
    pool.close()


def test_all_is_done_with_so_many_at_once_and_comes_back_in_order(pool: Pool) -> None:
    together = threading.Barrier(3)

    def work(number: int, _: Waiter) -> int:
        together.wait(PATIENCE_SECONDS)  # breaks unless three are at it
        return -number

    assert pool.map(work, range(9), Waiter(NOBODY)) == [-number for number in range(9)]


def test_nothing_to_do_is_done_at_once(pool: Pool) -> None:
    assert pool.map(lambda item, _: item, [], Waiter(NOBODY)) == []


def test_an_error_is_raised_and_nothing_more_is_begun(pool: Pool) -> None:
    begun = count()

    def work(_: int, waiter: Waiter) -> None:
        number = next(begun)
        if number == 5:
            raise ValueError("the sixth")
        if number > 5:
            waiter.pause(PATIENCE_SECONDS)

    with pytest.raises(ValueError, match="the sixth"):
        pool.map(work, range(1000), Waiter(NOBODY))
    assert next(begun) <= 8, "the two other threads were at one each"


def test_who_is_cancelled_does_not_wait_for_what_is_under_way(pool: Pool) -> None:
    gate = threading.Event()
    begun: list[int] = []
    cancel = Flag()

    def work(number: int, _: Waiter) -> None:
        begun.append(number)
        if len(begun) == 3:
            cancel.set()
        gate.wait(PATIENCE_SECONDS)

    with pytest.raises(Cancelled):
        pool.map(work, range(10), Waiter(cancel.fd))
    gate.set()
    pool.map(lambda item, _: item, range(3), Waiter(NOBODY))  # the threads are free again
    assert len(begun) == 3
    cancel.close()


def test_what_is_under_way_sees_that_nobody_wants_it() -> None:
    seen = threading.Event()

    def work(number: int, waiter: Waiter) -> None:
        if number:
            raise ValueError("no")
        try:
            waiter.pause(PATIENCE_SECONDS)
        except Cancelled:
            seen.set()

    with pytest.raises(ValueError, match="no"):
        in_threads(work, range(2), at_once=2, waiter=Waiter(NOBODY))
    assert seen.wait(PATIENCE_SECONDS)


def test_several_callers_share_it(pool: Pool) -> None:
    sums = [0] * 4

    def call(caller: int) -> None:
        sums[caller] = sum(pool.map(lambda item, _: item, [1] * 200, Waiter(NOBODY)))

    in_turn = [threading.Thread(target=call, args=(number,)) for number in range(4)]
    for caller in in_turn:
        caller.start()
    for caller in in_turn:
        caller.join()
    assert sums == [200] * 4


def test_callers_with_one_piece_of_work_each_do_not_wait_for_each_other(pool: Pool) -> None:
    together = threading.Barrier(3)

    def call(_: int, waiter: Waiter) -> None:
        pool.map(lambda _, __: together.wait(PATIENCE_SECONDS), [1], waiter)

    in_threads(call, range(3), at_once=3, waiter=Waiter(NOBODY))


def test_a_crew_works_ahead_and_its_results_are_fetched_later() -> None:
    crew = Crew(2)
    together = threading.Barrier(2)

    def work(number: int, _: Waiter) -> int:
        together.wait(PATIENCE_SECONDS)  # breaks unless two are at it
        if number == 3:
            raise ValueError("the fourth")
        return -number

    promises = [crew.submit(partial(work, number)) for number in range(4)]
    assert [promise.result() for promise in promises[:3]] == [0, -1, -2]
    with pytest.raises(ValueError, match="the fourth"):
        promises[3].result()
    crew.close()
    crew.wait()


def test_a_crew_that_is_closed_gives_up_what_waits_and_begins_nothing() -> None:
    crew = Crew(1)
    promises = [crew.submit(lambda waiter: waiter.pause(PATIENCE_SECONDS)) for _ in range(3)]
    crew.close()
    crew.wait()
    for promise in promises:
        with pytest.raises(Cancelled):
            promise.result()


def test_who_is_cancelled_does_not_wait_for_a_crew() -> None:
    gate, cancel = threading.Event(), Flag()
    crew = Crew(1)
    promise = crew.submit(lambda _: gate.wait(PATIENCE_SECONDS))
    cancel.set()
    with pytest.raises(Cancelled):
        promise.result(Waiter(cancel.fd))
    gate.set()
    assert promise.result()
    crew.close()
