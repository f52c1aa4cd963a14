"""The list of all keys below a prefix, in pages of 1,000 keys, with several requests at the same time.

S3 returns pages one after the other, and a page can begin after any key. While one thread reads page after page, other
threads begin at later places, which ``key_ranges`` guesses from the keys seen so far. If a thread finds a key after its
place, the range that contains the key is split: the old range ends before the key, and a new range begins at it.
"""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from kubemr_shell.net.key_ranges import places_after
from kubemr_shell.net.s3_client import CALL_PATIENCE, S3Client
from kubemr_shell.waits.flag import Flag
from kubemr_shell.waits.retry import Patience
from kubemr_shell.waits.waiter import NOBODY, Waiter

REQUESTS_AT_ONCE = 8
"""The number of threads that list one prefix."""
MOST_KEYS = 1000
"""The largest number of keys in a page: S3's own limit."""


class Listed(NamedTuple):
    """An object of a list. The class is a tuple because a list may have a million objects."""

    key: str
    size: int
    """The size in bytes."""
    etag: str
    """The ETag as S3 writes it, with quotes."""


class _Page(NamedTuple):
    """A page of a list."""

    objects: list[Listed]
    is_last: bool
    token: str | None


class _Unordered(Exception):
    """The server does not list keys in the order of their bytes, or cannot begin a page after a given key."""


def list_objects(
    client: S3Client,
    bucket: str,
    prefix: str,
    *,
    wanted: Callable[[Listed], bool] = lambda _: True,
    waiter: Waiter | None = None,
    patience: Patience = CALL_PATIENCE,
    page_keys: int = MOST_KEYS,
) -> list[Listed]:
    """Return the ``wanted`` objects whose key begins with the prefix, in the order of keys. Threads call ``wanted``.

    Raise ObjectNotFound if there is no bucket; and Forbidden, StorageUnavailable, StorageError and Cancelled as
    ``S3Client.call`` does.
    """
    pages = _Pages(client, bucket, prefix, patience, page_keys)
    try:
        return _Listing(pages, wanted).run(waiter or Waiter(NOBODY))
    except _Unordered:
        return pages.one_by_one(wanted, waiter or Waiter(NOBODY))


class _Pages:
    """The requests for pages of one prefix."""

    def __init__(self, client: S3Client, bucket: str, prefix: str, patience: Patience, page_keys: int) -> None:
        self.prefix = prefix
        self._page_keys = page_keys
        self._client = client
        self._bucket = bucket
        self._patience = patience

    def after(self, key: str, waiter: Waiter) -> _Page:
        """Return the page that begins after ``key``. Raise _Unordered if the server's order is not that of S3."""
        waiter.check()
        page = self._page(waiter, **({"StartAfter": key} if key else {}))
        keys = [key, *(item.key for item in page.objects)]
        if any(map(operator.ge, keys, keys[1:])) or (len(keys) == 1 and not page.is_last):
            raise _Unordered
        return page

    def one_by_one(self, wanted: Callable[[Listed], bool], waiter: Waiter) -> list[Listed]:
        """Return all wanted objects, page after page by the server's tokens.

        This works for servers with an order of their own, such as directory buckets of S3.
        """
        page = self._page(waiter)
        found = [item for item in page.objects if wanted(item)]
        while not page.is_last:
            waiter.check()
            page = self._page(waiter, ContinuationToken=page.token)
            found += [item for item in page.objects if wanted(item)]
        return sorted(found)

    def _page(self, waiter: Waiter, **where: Any) -> _Page:
        answer = self._client.call(
            "list_objects_v2",
            uri=f"s3://{self._bucket}/{self.prefix}",
            patience=self._patience,
            waiter=waiter,
            Bucket=self._bucket,
            Prefix=self.prefix,
            MaxKeys=self._page_keys,
            **where,
        )
        objects = [Listed(item["Key"], item["Size"], item["ETag"]) for item in answer.get("Contents", ())]
        return _Page(objects, not answer.get("IsTruncated"), answer.get("NextContinuationToken"))


class _Range:
    """A range of keys from ``start`` up to but not including ``until``.

    The keys up to ``position`` are listed already; the wanted ones are in ``found``.
    """

    def __init__(self, start: str, until: str | None) -> None:
        self.start = start
        self.position = start
        self.until = until
        self.found: list[Listed] = []
        self.is_done = False
        self.places: list[str] = []
        """Places where more keys may be, in order."""
        self.is_looked_into = False
        """Whether a thread looks for a key after one of the places."""

    def take(self, page: _Page, prefix: str, wanted: Callable[[Listed], bool]) -> None:
        """Add the next page of the range, and update the places."""
        until = self.until
        mine = page.objects if until is None else [item for item in page.objects if item.key < until]
        self.found += [item for item in mine if wanted(item)]
        self.is_done = page.is_last or len(mine) < len(page.objects)
        if self.is_done:
            self.places = []
            return
        self.position = mine[-1].key
        more = places_after(mine[0].key, self.position, prefix=prefix, until=until)
        self.places = sorted({*more, *(place for place in self.places if place > self.position)})

    def split(self, place: str, key: str | None) -> _Range | None:
        """Split the range before ``key``, the first key after ``place``, and return the new range from ``key`` on.

        Return None if ``key`` is listed already, is not in this range, or is None (no key follows the place).
        """
        self.places = [other for other in self.places if other < place or (key is not None and other > key)]
        if key is None or self.is_done or key <= self.position or (self.until is not None and key >= self.until):
            return None
        part = _Range(key, self.until)
        part.places = [other for other in self.places if other > key]
        self.places = [other for other in self.places if other < key]
        self.until = key
        return part


class _Listing:
    """A listing by several threads. Each thread lists a range to its end, then looks for another place to begin."""

    def __init__(self, pages: _Pages, wanted: Callable[[Listed], bool]) -> None:
        self._pages = pages
        self._wanted = wanted
        self._lock = threading.Lock()
        self._ranges = [_Range("", None)]
        """The ranges, which together contain all keys."""
        self._threads = 0
        self._error: BaseException | None = None
        self._abandoned = Flag()
        self._finished = Flag()

    def run(self, waiter: Waiter) -> list[Listed]:
        """List all ranges and return the objects in the order of keys. Raise the first error, or Cancelled."""
        with self._lock:
            self._start(self._list_first)
        try:
            waiter.until_readable(self._finished.fd)
        finally:
            self._abandoned.set()
        if self._error is not None:
            raise self._error
        return [item for part in sorted(self._ranges, key=lambda part: part.start) for item in part.found]

    def _start(self, work: Callable[[Waiter], None]) -> None:
        self._threads += 1
        threading.Thread(target=self._run, args=(work,), daemon=True).start()

    def _run(self, work: Callable[[Waiter], None]) -> None:
        error: BaseException | None = None
        waiter = Waiter(self._abandoned.fd)
        try:
            work(waiter)
            while (claim := self._next_place()) is not None:
                self._look(*claim, waiter)
        except BaseException as caught:  # noqa: BLE001 - the thread that waits raises the error
            error = caught
        with self._lock:
            self._threads -= 1
            if self._error is None:
                self._error = error
            if error is not None or not self._threads:
                self._finished.set()

    def _list_first(self, waiter: Waiter) -> None:
        self._list(self._ranges[0], self._pages.after("", waiter), waiter)

    def _list(self, part: _Range, page: _Page, waiter: Waiter) -> None:
        """List a range to its end. ``page`` is its first page."""
        while not self._take(part, page):
            page = self._pages.after(part.position, waiter)

    def _take(self, part: _Range, page: _Page) -> bool:
        """Add a page to a range, and start threads for new places. Return whether the range is done."""
        with self._lock:
            part.take(page, self._pages.prefix, self._wanted)
            while self._threads < REQUESTS_AT_ONCE and (claim := self._promising()) is not None:
                self._start(partial(self._look, *claim))
            return part.is_done

    def _next_place(self) -> tuple[_Range, str] | None:
        with self._lock:
            return self._promising()

    def _promising(self) -> tuple[_Range, str] | None:
        """Return the place where the next thread looks, or None: the middle place of the range with the most places.

        Only one thread at a time looks into a range.
        """
        free = [part for part in self._ranges if part.places and not part.is_looked_into]
        if not free:
            return None
        part = max(free, key=lambda part: len(part.places))
        part.is_looked_into = True
        return part, part.places[len(part.places) // 2]

    def _look(self, part: _Range, place: str, waiter: Waiter) -> None:
        """Begin a range at the first key after a place, unless this key is listed already."""
        page = self._pages.after(place, waiter)
        with self._lock:
            part.is_looked_into = False
            begun = part.split(place, page.objects[0].key if page.objects else None)
            if begun is not None:
                self._ranges.append(begun)
        if begun is not None:
            self._list(begun, page, waiter)
