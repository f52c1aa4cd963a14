"""The watch of one kind of object: a stream of its changes from the API server.

A watch may break silently. So the client asks the server for bookmarks, which come once a minute, and a connection
without data for ``IDLE_SECONDS`` counts as broken. A reader thread waits for the server, so that the consumer can stop
at any time.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import urllib3

from kubemr_shell.errors import BoardUnavailable, Expired, KubemrError
from kubemr_shell.kube.answers import refusal
from kubemr_shell.kube.client import KubeClient, Object, selectors
from kubemr_shell.kube.resources import Resource

IDLE_SECONDS = 75.0
"""The seconds without data after which a connection counts as broken."""
STOP_LOOK_SECONDS = 0.1
"""The seconds between two checks whether the watch should stop."""
READER_SECONDS = 1.0
"""The seconds for which the end of a watch waits for the reader thread."""
MOST_WAITING = 16
"""The most changes that are read before the consumer takes them. Further changes wait in the connection."""

Change = tuple[str, Object]
"""ADDED, MODIFIED, DELETED or BOOKMARK, and the object. In a bookmark, the object has only a resourceVersion."""


def watch(
    client: KubeClient,
    resource: Resource,
    namespace: str | None,
    *,
    since: str,
    seconds: float,
    stop: threading.Event,
    labels: str = "",
    fields: str = "",
) -> Iterator[Change]:
    """Yield the changes after the resourceVersion ``since`` until ``seconds`` have passed, or until ``stop`` is set.

    Raise Expired if the server has forgotten the resourceVersion: the caller must list again. Raise BoardUnavailable if
    the connection was cut or silent for too long: the caller can continue from the last resourceVersion.
    """
    query = {
        "watch": "1",
        "allowWatchBookmarks": "true",
        "resourceVersion": since,
        "timeoutSeconds": str(max(1, round(seconds))),
        **selectors(labels, fields),
    }
    what = f"watch of {resource.plural}"
    answer = client.open_stream(resource.path(namespace), what, query, idle_seconds=IDLE_SECONDS)
    lines: queue.Queue[bytes | KubemrError | None] = queue.Queue(MOST_WAITING)
    ended = threading.Event()

    def put(line: bytes | KubemrError | None) -> None:
        while not ended.is_set():
            with suppress(queue.Full):
                lines.put(line, timeout=STOP_LOOK_SECONDS)
                return

    reader = threading.Thread(target=_read, args=(answer, what, put), name="watch", daemon=True)
    reader.start()
    deadline = time.monotonic() + max(1.0, seconds) + STOP_LOOK_SECONDS
    try:
        while not stop.is_set() and time.monotonic() < deadline:
            try:
                line = lines.get(timeout=STOP_LOOK_SECONDS)
            except queue.Empty:
                continue
            if line is None:
                return
            if isinstance(line, KubemrError):
                raise line
            yield _change(line, what)
    finally:
        ended.set()
        with suppress(Exception):  # the watch ends here, whatever the state of the connection
            answer.shutdown()
        reader.join(timeout=READER_SECONDS)  # if the shutdown does not wake the thread, the next data does
        answer.close()


def _read(answer: urllib3.BaseHTTPResponse, what: str, put: Callable[[bytes | KubemrError | None], None]) -> None:
    rest = b""
    try:
        for chunk in answer.stream(1 << 16):
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                if line.strip():
                    put(line)
        put(None)
    except Exception as error:  # noqa: BLE001 - the consumer must learn of any end
        put(BoardUnavailable(f"{what}: the connection was cut: {error!r}"))


def _change(line: bytes, what: str) -> Change:
    try:
        event: dict[str, Any] = json.loads(line)
        kind, document = event["type"], event["object"]
    except (ValueError, KeyError, TypeError) as error:
        raise BoardUnavailable(f"{what}: not an event: {line[:200]!r}") from error
    if kind == "ERROR":
        refused = refusal(int(document.get("code", 500)), json.dumps(document).encode(), None, what=what, writes=False)
        raise refused if isinstance(refused, Expired) else BoardUnavailable(str(refused))
    return kind, document
