"""Work on many objects of a storage: one after the other on this machine, many at once on a server."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from kubemr_shell.storage.interface import Storage
from kubemr_shell.storage.local import LocalStorage
from kubemr_shell.waits.threads import in_threads
from kubemr_shell.waits.waiter import NOBODY, Waiter

AT_ONCE = 16
"""The number of requests to a server that run at the same time."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def for_each(
    work: Callable[[Item], Result], items: Iterable[Item], storage: Storage, cancel: int = NOBODY
) -> list[Result]:
    """Call ``work`` for each item, and return the results in the order of the items.

    Raise the first error of ``work``. Raise Cancelled between two items after ``cancel`` becomes readable.
    """
    waiter = Waiter(cancel)
    if isinstance(storage, LocalStorage):
        results = []
        for item in items:
            waiter.check()
            results.append(work(item))
        return results
    return in_threads(lambda item, _: work(item), items, at_once=AT_ONCE, waiter=waiter)
