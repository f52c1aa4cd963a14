"""Finds the workers whose pods have vanished.

A pod vanishes if it ends and is removed between two looks of an operator, or while no operator runs. So the cache of
pods does not show the end of each worker.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Set
from typing import NamedTuple

from kubemr_shell.operator.object_cache import Key

CHECKS_A_LOOK = 50
"""The largest number of pods that are checked in one look at a job. Each check is one request to the API server."""
POD_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
"""The pattern of the names of pods. Other texts are not checked, because a worker may write any text into the board."""


class _Known(NamedTuple):
    uid: str
    workers: Set[str]


class VanishedWorkers:
    """A record of the workers of each job that were seen and whose ends are not posted yet. Any thread may use it.

    A worker has the name of its pod. A batch Job never uses the name of a pod again.
    """

    def __init__(self, exists: Callable[[str, str], bool]) -> None:
        """Make an empty record. ``exists`` asks the API server, not its cache, whether a pod exists in a namespace."""
        self._exists = exists
        self._known: dict[Key, _Known] = {}
        self._lock = threading.Lock()

    def names(self, job: Key, uid: str, *, pods: Set[str], holders: Iterable[str], posted: Set[str]) -> list[str]:
        """Return the names of the workers whose pods no longer exist and whose ends are not posted.

        ``pods`` are the names of the pods in the cache. ``holders`` are the workers that the board names. ``posted``
        are the workers in ``status.lost``. The cache may be older than the board, so a worker without a pod in the
        cache may be alive. Each such worker is checked. Raise KubemrError if a check fails. The next look then checks
        again.
        """
        missing = {name for name in holders if POD_NAME.fullmatch(name)} - pods - posted
        with self._lock:
            known = self._known.get(job)
            if known is not None and known.uid == uid:
                missing |= known.workers - pods - posted
            self._known[job] = _Known(uid=uid, workers=(pods - posted) | missing)
        return [name for name in sorted(missing)[:CHECKS_A_LOOK] if not self._exists(job[0], name)]

    def forget(self, job: Key) -> None:
        """Forget the workers of a job that has ended or no longer exists."""
        with self._lock:
            self._known.pop(job, None)
