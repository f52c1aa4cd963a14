"""How many S3 requests were made, by what they cost, for the journal and the summary."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable

PUT, GET, DELETE, REPEATED, THROTTLED = KINDS = ("put", "get", "delete", "repeated", "throttled")
"""As they are billed: PUT, COPY, POST and LIST; GET and HEAD; deletions, which are free. Of all these, how many were
sent again, and how many the store refused because there were too many."""
_KIND = {
    "get_object": GET,
    "head_object": GET,
    "head_bucket": GET,
    "delete_object": DELETE,
    "delete_objects": DELETE,
    "abort_multipart_upload": DELETE,
}


def kind_of(operation: str) -> str:
    """The kind of an operation of boto3's S3 client."""
    return _KIND.get(operation, PUT)


class RequestCounts:
    """How many requests were sent, by operation; and of these, how many were sent again, and were throttled."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._operations: Counter[str] = Counter()
        self.retries = 0
        self.throttled = 0

    def sent(self, operation: str, *, again: bool) -> None:
        with self._lock:
            self._operations[operation] += 1
            self.retries += again

    def was_throttled(self) -> None:
        with self._lock:
            self.throttled += 1

    def operations(self) -> dict[str, int]:
        with self._lock:
            return dict(self._operations)

    def by_kind(self) -> Counter[str]:
        """By ``KINDS``."""
        kinds = Counter({REPEATED: self.retries, THROTTLED: self.throttled})
        for operation, count in self.operations().items():
            kinds[kind_of(operation)] += count
        return kinds


CLIENTS: list[RequestCounts] = []
"""Of every client that the process shares."""


class RequestMeter:
    """Gives each request to one of those who ask."""

    def __init__(self, counts: Iterable[RequestCounts] = CLIENTS) -> None:
        self._counts = counts
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()

    def take(self) -> dict[str, int]:
        """The requests since the last call, by kind; kinds without any are left out."""
        with self._lock:
            now = sum((counts.by_kind() for counts in list(self._counts)), Counter[str]())
            new = now - self._taken
            self._taken = now
        return dict(new)
