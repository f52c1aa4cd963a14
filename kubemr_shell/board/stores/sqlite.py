"""A document store in one SQLite file, for any number of processes and threads on one machine.

A patch is one write transaction that takes the lock first (BEGIN IMMEDIATE), so tested values cannot change before the
write. The file is in WAL mode: readers do not wait, and a killed process leaves no half-written data. A commit is not
synced to the disk. So after a power cut, the board may be some seconds old, and only some work is repeated.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from threading import Event, Lock
from typing import Any

from kubemr_shell.board.stores import json_patch
from kubemr_shell.board.stores.documents import (
    JOB_LABEL,
    MAX_DOCUMENT_BYTES,
    ChangeType,
    Document,
    Documents,
    DocumentStore,
    Operation,
    check_patch,
    encoded,
    name_of_new,
)
from kubemr_shell.board.stores.sqlite_file import explained, is_same_file, open_file
from kubemr_shell.errors import AlreadyExists, BoardError, BoardUnavailable, Conflict, DocumentNotFound, JobNotFound


class SqliteStore(DocumentStore):
    """A store with one connection behind a lock. Many threads may use a store; each process opens its own."""

    def __init__(
        self, path: str, *, create: bool = True, busy_seconds: float = 10.0, poll_seconds: float = 0.1
    ) -> None:
        """Open the file of a board.

        ``create``: whether to make a board if there is none; otherwise, raise BoardUnavailable.
        ``busy_seconds``: the longest wait for the lock of other processes.
        ``poll_seconds``: the pause between two reads of a watch.
        """
        self.path = path
        self._poll_seconds = poll_seconds
        self._pid = os.getpid()
        self._lock = Lock()
        with explained(path):
            self._connection = open_file(path, create=create, busy_seconds=busy_seconds)
        self._identity = os.stat(path)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()

    def create(self, document: Mapping[str, Any]) -> Document:
        name, kind = name_of_new(document), document["kind"]
        named = {**document, "metadata": {"uid": _random_uid(), **document["metadata"]}}
        body = encoded(named, f"{kind} {name}", MAX_DOCUMENT_BYTES)
        with self._writing() as connection:
            version = _next_version(connection)
            cursor = connection.execute(
                "INSERT INTO documents (kind, name, job, created, version, body) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                (kind, name, _job(named), version, version, body),
            )
            if cursor.rowcount == 0:
                raise AlreadyExists(f"{kind} {name} exists")
        return self._document(body, version)

    def get(self, kind: str, name: str, *, fresh: bool = True) -> Document:  # noqa: ARG002  (always fresh here)
        with self._using() as connection:
            body, version = _row(connection, kind, name)
        return self._document(body, version)

    def list(self, kind: str, *, job: str | None = None) -> Documents:
        with self._using() as connection:
            rows = connection.execute(
                "SELECT body, version FROM documents WHERE kind = ?1 AND (?2 IS NULL OR job = ?2) ORDER BY name",
                (kind, job),
            ).fetchall()
        return [self._document(body, version) for body, version in rows]

    def patch(self, kind: str, name: str, operations: Sequence[Operation]) -> Document:
        what = f"{kind} {name}"
        check_patch(operations, f"the patch of {what}")
        with self._writing() as connection:
            body, version = _row(connection, kind, name)
            before = self._document(body, version)
            after = json_patch.apply(before, operations)
            _check_identity(before, after)
            patched = encoded(_without_version(after), what, MAX_DOCUMENT_BYTES)
            if patched != body:
                version = _next_version(connection)
                connection.execute(
                    "UPDATE documents SET job = ?, version = ?, body = ? WHERE kind = ? AND name = ?",
                    (_job(after), version, patched, kind, name),
                )
        return self._document(patched, version)

    def delete(self, kind: str, name: str) -> None:
        with self._writing() as connection:
            _row(connection, kind, name)
            connection.execute(
                "INSERT INTO deleted (version, kind, created, body)"
                " SELECT ?, kind, created, body FROM documents WHERE kind = ? AND name = ?",
                (_next_version(connection), kind, name),
            )
            connection.execute("DELETE FROM documents WHERE kind = ? AND name = ?", (kind, name))

    def watch(
        self, kind: str, *, since: str | None = None, seconds: float = 60.0, stop: Event | None = None
    ) -> Iterator[tuple[ChangeType, Document]]:
        if since is not None and not since.isdecimal():
            raise BoardError(f"not a resourceVersion of this board: {since!r}")
        return self._watch(kind, int(since or 0), time.monotonic() + seconds, stop or Event())

    def _watch(self, kind: str, position: int, deadline: float, stop: Event) -> Iterator[tuple[ChangeType, Document]]:
        while not stop.is_set():
            for change, body, version in self._changes(kind, position):
                position = version
                yield change, self._document(body, version)
                if stop.is_set():
                    return
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return
            stop.wait(min(self._poll_seconds, remaining))

    def _changes(self, kind: str, position: int) -> Sequence[tuple[ChangeType, str, int]]:
        """Return the changes after ``position``, without documents that were both created and deleted since then."""
        with self._using() as connection:
            return connection.execute(
                "SELECT iif(created > ?2, 'ADDED', 'MODIFIED'), body, version FROM documents"
                " WHERE kind = ?1 AND version > ?2"
                " UNION ALL"
                " SELECT 'DELETED', body, version FROM deleted"
                " WHERE kind = ?1 AND version > ?2 AND created <= ?2"
                " ORDER BY version",
                (kind, position),
            ).fetchall()

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        if os.getpid() != self._pid:
            raise BoardUnavailable(f"{self.path}: opened before a fork; each process opens the board for itself")
        with self._lock, explained(self.path):
            if not is_same_file(self.path, self._identity):
                raise JobNotFound(f"{self.path}: the board was removed; its job is over")
            yield self._connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._using() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    with suppress(sqlite3.Error):
                        connection.execute("ROLLBACK")

    def _document(self, body: str, version: int) -> Document:
        try:
            document: Document = json.loads(body)
            document["metadata"]["resourceVersion"] = str(version)
        except (ValueError, TypeError, KeyError) as error:
            raise BoardUnavailable(f"{self.path}: the board is damaged: {error}") from error
        return document


def _row(connection: sqlite3.Connection, kind: str, name: str) -> tuple[str, int]:
    row: tuple[str, int] | None = connection.execute(
        "SELECT body, version FROM documents WHERE kind = ? AND name = ?", (kind, name)
    ).fetchone()
    if row is None:
        raise DocumentNotFound(f"there is no {kind} {name}")
    return row


def _next_version(connection: sqlite3.Connection) -> int:
    [(version,)] = connection.execute("UPDATE counter SET version = version + 1 RETURNING version")
    return int(version)


def _check_identity(before: Document, after: Document) -> None:
    """Raise the error of an API server if a patch has set a field that only the server may set."""
    old, new = before["metadata"], after.get("metadata")
    what = f"{before['kind']} {old['name']}"
    if not isinstance(new, dict) or after.get("kind") != before["kind"] or new.get("name") != old["name"]:
        raise BoardError(f"{what}: a patch cannot change kind, name or the whole of metadata")
    for key in ("resourceVersion", "uid"):
        if new.get(key) != old[key]:
            raise Conflict(f"{what}: {key} is {old[key]}, not {new.get(key)}")


def _without_version(document: Document) -> Document:
    metadata = {key: value for key, value in document["metadata"].items() if key != "resourceVersion"}
    return {**document, "metadata": metadata}


def _job(document: Mapping[str, Any]) -> str | None:
    labels = document["metadata"].get("labels")
    return labels.get(JOB_LABEL) if isinstance(labels, Mapping) else None


def _random_uid() -> str:
    """Return a version 4 UUID (RFC 9562), without the module ``uuid``, whose import takes 10 ms."""
    digits = bytearray(os.urandom(16))
    digits[6] = digits[6] & 0x0F | 0x40
    digits[8] = digits[8] & 0x3F | 0x80
    text = digits.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
