"""Lookup of the size and the ETag of objects whose keys are known.

Each object takes one request. If there are many keys, a page of the list may show hundreds of the objects with one
request. A page costs less than single requests while it shows ``WORTH_A_PAGE`` of the objects or more.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Any

from kubemr_shell.errors import KubemrError, ObjectNotFound
from kubemr_shell.net.key_ranges import common_length
from kubemr_shell.net.s3_client import CALL_PATIENCE, S3Client
from kubemr_shell.net.s3_pages import Listed
from kubemr_shell.waits.retry import Patience
from kubemr_shell.waits.threads import in_threads
from kubemr_shell.waits.waiter import NOBODY, Waiter

REQUESTS_AT_ONCE = 8
"""The number of requests at the same time."""
KEYS_A_CHUNK = 2000
"""The largest number of keys that one thread looks up in one turn."""
MANY = 50
"""The number of keys from which a page of the list is tried."""
WORTH_A_PAGE = 10
"""The number of objects that a page must show to be worth its request."""

Answer = Listed | KubemrError | None
"""The result for one key: an object, an error, or None if there is no object."""


def look_up(
    client: S3Client,
    bucket: str,
    keys: Iterable[str],
    *,
    patience: Patience = CALL_PATIENCE,
    waiter: Waiter | None = None,
) -> dict[str, Answer]:
    """Return the result for each key: its object, None if there is no object, or the error of ``S3Client.call``.

    Raise Cancelled.
    """
    ordered = sorted(set(keys))
    share = -(-len(ordered) // REQUESTS_AT_ONCE)
    size = min(KEYS_A_CHUNK, max(MANY if len(ordered) >= MANY else 1, share))
    chunks = [ordered[start : start + size] for start in range(0, len(ordered), size)]

    def answers(chunk: list[str], waiter: Waiter) -> dict[str, Answer]:
        return _Chunk(client, bucket, patience, waiter).answers(chunk)

    found: dict[str, Answer] = {}
    for some in in_threads(answers, chunks, at_once=REQUESTS_AT_ONCE, waiter=waiter or Waiter(NOBODY)):
        found |= some
    return found


class _Chunk:
    """A lookup of some of the keys, in order, by one thread."""

    def __init__(self, client: S3Client, bucket: str, patience: Patience, waiter: Waiter) -> None:
        self._client = client
        self._bucket = bucket
        self._patience = patience
        self._waiter = waiter

    def answers(self, keys: list[str]) -> dict[str, Answer]:
        """Return the result for each of the keys, which are sorted."""
        return dict(self._pairs(keys))

    def _pairs(self, keys: list[str]) -> Iterator[tuple[str, Answer]]:
        done = 0
        while done < len(keys):
            shown = self._shown_by_a_page(keys[done:]) if len(keys) - done >= MANY else {}
            yield from shown.items()
            done += len(shown)
            if len(shown) < WORTH_A_PAGE:
                some = keys[done : done + MANY]
                yield from ((key, self._of(key)) for key in some)
                done += len(some)

    def _of(self, key: str) -> Answer:
        self._waiter.check()
        try:
            head = self._call("head_object", key, Key=key)
        except ObjectNotFound:
            return None
        except KubemrError as error:
            return error
        return Listed(key, head["ContentLength"], head["ETag"])

    def _shown_by_a_page(self, keys: list[str]) -> dict[str, Answer]:
        """Return the results for the first keys, up to the end of one page; none if the list is refused."""
        self._waiter.check()
        try:
            page = self._call(
                "list_objects_v2", "", Prefix=keys[0][: common_length(keys[0], keys[-1])], **_from(keys[0])
            )
        except KubemrError:
            return {}
        objects = [Listed(item["Key"], item["Size"], item["ETag"]) for item in page.get("Contents", ())]
        there = {item.key: item for item in objects}
        count = bisect_right(keys, objects[-1].key) if objects and page.get("IsTruncated") else len(keys)
        return {key: there.get(key) or self._of(key) for key in keys[:count]}

    def _call(self, operation: str, key: str, **parameters: Any) -> dict[str, Any]:
        return self._client.call(
            operation,
            uri=f"s3://{self._bucket}/{key}",
            patience=self._patience,
            waiter=self._waiter,
            Bucket=self._bucket,
            **parameters,
        )


def _from(key: str) -> dict[str, str]:
    """Return the parameters of a list that begins at a key, or a little before the key."""
    last = key[-1]
    before = f"{key[:-1]}{chr(ord(last) - 1)}~" if "!" <= last <= "~" else key[:-1]
    return {"StartAfter": before} if before else {}
