"""Many objects of a storage: one after the other on this machine, many at once where each waits for a server."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from kubemr_shell.net.threads import in_threads
from kubemr_shell.net.waiting import NOBODY, Waiter
from kubemr_shell.storage.interface import Storage
from kubemr_shell.storage.local import LocalStorage

AT_ONCE = 16

Item = TypeVar("Item")
Result = TypeVar("Result")


def for_each(
    work: Callable[[Item], Result], items: Iterable[Item], storage: Storage, cancel: int = NOBODY
) -> list[Result]:
    """What ``work`` makes of each item, in their order. The first error is raised; Cancelled between two items."""
    waiter = Waiter(cancel)
    if isinstance(storage, LocalStorage):
        results = []
        for item in items:
            waiter.check()
            results.append(work(item))
        return results
    return in_threads(lambda item, _: work(item), items, at_once=AT_ONCE, waiter=waiter)
