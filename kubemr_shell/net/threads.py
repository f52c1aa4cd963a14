"""Work shared by a few threads that a cancel does not have to wait for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

from kubemr_shell.net.waiting import Bell, Waiter

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(
    work: Callable[[Item, Waiter], Result], items: Iterable[Item], *, at_once: int, waiter: Waiter
) -> list[Result]:
    """What ``work`` makes of each item, in their order; it is given a Waiter that ends when nobody wants it any more.

    The first error is raised. Cancelled comes at once: a thread that waits for an answer then ends by itself.
    """
    waiting = list(enumerate(items))
    results: dict[int, Result] = {}
    errors: list[BaseException] = []
    lock = threading.Lock()
    running = min(at_once, len(waiting))
    abandoned, finished = Bell(), Bell()
    waiting.reverse()

    def run() -> None:
        nonlocal running
        own = Waiter(abandoned.fd)
        try:
            while True:
                with lock:
                    if not waiting or errors:
                        break
                    number, item = waiting.pop()
                results[number] = work(item, own)
        except BaseException as error:  # noqa: BLE001 - it is for the thread that waits
            errors.append(error)
        with lock:
            running -= 1
            if errors or not running:
                finished.ring()

    if not waiting:
        return []
    for _ in range(running):
        threading.Thread(target=run, daemon=True).start()
    try:
        waiter.until_readable(finished.fd)
    finally:
        abandoned.ring()
    if errors:
        raise errors[0]
    return [results[number] for number in range(len(results))]
