"""Counts of S3 requests by the kinds in which they are billed, for the journal and the summary."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable

PUT, GET, DELETE, REPEATED, THROTTLED = KINDS = ("put", "get", "delete", "repeated", "throttled")
"""The kinds of requests. The first three are billed differently: PUT, COPY, POST and LIST; GET and HEAD; deletions,
which are free. The last two count requests of all kinds: requests that were sent again, and requests that the server
refused because there were too many."""
_KIND = {
    "get_object": GET,
    "head_object": GET,
    "head_bucket": GET,
    "delete_object": DELETE,
    "delete_objects": DELETE,
    "abort_multipart_upload": DELETE,
}


def kind_of(operation: str) -> str:
    """Return the kind of an operation of boto3's S3 client."""
    return _KIND.get(operation, PUT)


class RequestCounts:
    """The number of requests that a client has sent, by operation, and how many were repeated or throttled."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._operations: Counter[str] = Counter()
        self.retries = 0
        self.throttled = 0

    def sent(self, operation: str, *, again: bool) -> None:
        """Count a request. ``again`` says that it repeats an earlier one."""
        with self._lock:
            self._operations[operation] += 1
            self.retries += again

    def was_throttled(self) -> None:
        """Count a request that the server refused because there were too many."""
        with self._lock:
            self.throttled += 1

    def operations(self) -> dict[str, int]:
        """Return the number of requests by operation."""
        with self._lock:
            return dict(self._operations)

    def by_kind(self) -> Counter[str]:
        """Return the number of requests by ``KINDS``."""
        kinds = Counter({REPEATED: self.retries, THROTTLED: self.throttled})
        for operation, count in self.operations().items():
            kinds[kind_of(operation)] += count
        return kinds


CLIENTS: list[RequestCounts] = []
"""The counts of all clients that the process shares (``s3_client.client_for``)."""


class RequestMeter:
    """A meter that reports each request exactly once."""

    def __init__(self, counts: Iterable[RequestCounts] = CLIENTS) -> None:
        self._counts = counts
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()

    def take(self) -> dict[str, int]:
        """Return the number of requests since the last call, by kind. Kinds without requests are left out."""
        with self._lock:
            now = sum((counts.by_kind() for counts in list(self._counts)), Counter[str]())
            new = now - self._taken
            self._taken = now
        return dict(new)
