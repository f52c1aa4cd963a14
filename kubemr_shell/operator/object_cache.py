"""The objects of one kind that the operator knows, each packed into a few bytes.

A tree of Python objects takes about ten times the memory of the JSON that it was read from. The operator looks at an
object seldom, so it keeps the text and reads that anew for each look.
"""

from __future__ import annotations

import json
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from kubemr_shell.kube.status import Object

COMPRESSED_FROM_BYTES = 4096
"""Below that, compression would cost more time than the memory is worth."""

Fact = TypeVar("Fact", bound=Hashable)
Key = tuple[str, str]
"""Namespace and name."""


@dataclass(frozen=True, kw_only=True)
class _Entry(Generic[Fact]):
    packed: bytes
    job: str | None
    """The name of the object's job."""
    fact: Fact


class ObjectCache(Generic[Fact]):
    """A set of objects, found by name or by job. Any thread may use it."""

    def __init__(
        self,
        *,
        job_of: Callable[[Object], str | None],
        kept: Callable[[Object], Object] = lambda document: document,
        is_needed: Callable[[Object], bool] = lambda _: True,
        fact: Callable[[Object], Fact],
    ) -> None:
        """``job_of`` names the job of an object, ``kept`` returns the part of it that is stored.

        An object that is not needed (any more) is not stored. ``fact`` is what can be had of it without unpacking: one
        of a few values.
        """
        self._job_of = job_of
        self._kept = kept
        self._is_needed = is_needed
        self._fact = fact
        self._lock = threading.Lock()
        self._facts: dict[Fact, Fact] = {}
        """One value for all objects of which it is true."""
        self._entries: dict[Key, _Entry[Fact]] = {}
        self._of_job: dict[Key, set[str]] = {}

    def put(self, document: Object) -> Key | None:
        """Store an object in place of an older one of its name, and return the key of its job."""
        key = key_of(document)
        job = self._job_of(document)
        if not self._is_needed(document):
            self.remove(key)
            return None if job is None else (key[0], job)
        packed, fact = _packed(self._kept(document)), self._fact(document)
        with self._lock:
            entry = _Entry(packed=packed, job=job, fact=self._facts.setdefault(fact, fact))
            self._take_out(key)
            self._entries[key] = entry
            if job is not None:
                self._of_job.setdefault((key[0], job), set()).add(key[1])
        return None if job is None else (key[0], job)

    def remove(self, key: Key) -> Key | None:
        """Forget an object, and return the key of its job, if it was known."""
        with self._lock:
            entry = self._take_out(key)
        return None if entry is None or entry.job is None else (key[0], entry.job)

    def review(self, job: Key) -> None:
        """Forget the objects of a job that are not needed any more."""
        for document in self.of_job(job):
            if not self._is_needed(document):
                self.remove(key_of(document))

    def get(self, namespace: str, name: str) -> Object | None:
        """Return an object of its own for each call; None where it is not known."""
        with self._lock:
            entry = self._entries.get((namespace, name))
        return None if entry is None else _unpacked(entry.packed)

    def fact(self, namespace: str, name: str) -> Fact | None:
        """Return the fact of an object; None where the object is not known."""
        with self._lock:
            entry = self._entries.get((namespace, name))
        return None if entry is None else entry.fact

    def facts(self) -> Counter[tuple[str, Fact]]:
        """Return how many objects there are by namespace and fact."""
        with self._lock:
            return Counter((key[0], entry.fact) for key, entry in self._entries.items())

    def of_job(self, job: Key) -> list[Object]:
        """Return the objects of a job, by name."""
        with self._lock:
            names = sorted(self._of_job.get(job, ()))
            found = [self._entries[job[0], name].packed for name in names]
        return [_unpacked(packed) for packed in found]

    def jobs(self) -> list[Key]:
        """Return the keys of all jobs that have an object here."""
        with self._lock:
            return list(self._of_job)

    def keys(self) -> set[Key]:
        """Return the keys of all objects."""
        with self._lock:
            return set(self._entries)

    def _take_out(self, key: Key) -> _Entry[Fact] | None:
        entry = self._entries.pop(key, None)
        if entry is not None and entry.job is not None:
            names = self._of_job[key[0], entry.job]
            names.discard(key[1])
            if not names:
                del self._of_job[key[0], entry.job]
        return entry


def key_of(document: Object) -> Key:
    """Return namespace and name of an object."""
    return document["metadata"]["namespace"], document["metadata"]["name"]


def _packed(document: Object) -> bytes:
    text = json.dumps(document, separators=(",", ":")).encode()
    return zlib.compress(text, 1) if len(text) >= COMPRESSED_FROM_BYTES else text


def _unpacked(packed: bytes) -> Object:
    text = packed if packed.startswith(b"{") else zlib.decompress(packed)
    document: Object = json.loads(text)
    return document
