"""A cache of the objects of one kind that the operator knows, each packed into a few bytes.

A tree of Python objects takes about ten times the memory of the JSON text. The operator reads an object seldom. So the
cache keeps the text and parses the text again for each read.
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
"""The least size of a text that is compressed. For a smaller text, the saved memory is not worth the time."""

Fact = TypeVar("Fact", bound=Hashable)
Key = tuple[str, str]
"""The namespace and the name of an object."""


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

        An object for which ``is_needed`` is false is not stored. ``fact`` returns one of a few values, which can be
        read without unpacking the object.
        """
        self._job_of = job_of
        self._kept = kept
        self._is_needed = is_needed
        self._fact = fact
        self._lock = threading.Lock()
        self._facts: dict[Fact, Fact] = {}
        """Each fact once, shared by all objects that have it."""
        self._entries: dict[Key, _Entry[Fact]] = {}
        self._of_job: dict[Key, set[str]] = {}

    def put(self, document: Object) -> Key | None:
        """Store an object, or replace the object of its name. Return the key of its job."""
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
        """Forget an object. Return the key of its job; None if the object was not known."""
        with self._lock:
            entry = self._take_out(key)
        return None if entry is None or entry.job is None else (key[0], entry.job)

    def review(self, job: Key) -> None:
        """Forget the objects of a job that are no longer needed."""
        for document in self.of_job(job):
            if not self._is_needed(document):
                self.remove(key_of(document))

    def get(self, namespace: str, name: str) -> Object | None:
        """Return an object, a new copy for each call; None if the object is not known."""
        with self._lock:
            entry = self._entries.get((namespace, name))
        return None if entry is None else _unpacked(entry.packed)

    def fact(self, namespace: str, name: str) -> Fact | None:
        """Return the fact of an object; None if the object is not known."""
        with self._lock:
            entry = self._entries.get((namespace, name))
        return None if entry is None else entry.fact

    def facts(self) -> Counter[tuple[str, Fact]]:
        """Return the number of objects for each namespace and fact."""
        with self._lock:
            return Counter((key[0], entry.fact) for key, entry in self._entries.items())

    def of_job(self, job: Key) -> list[Object]:
        """Return the objects of a job, sorted by name."""
        with self._lock:
            names = sorted(self._of_job.get(job, ()))
            found = [self._entries[job[0], name].packed for name in names]
        return [_unpacked(packed) for packed in found]

    def jobs(self) -> list[Key]:
        """Return the keys of all jobs that have an object in the cache."""
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
    """Return the namespace and the name of an object."""
    return document["metadata"]["namespace"], document["metadata"]["name"]


def _packed(document: Object) -> bytes:
    text = json.dumps(document, separators=(",", ":")).encode()
    return zlib.compress(text, 1) if len(text) >= COMPRESSED_FROM_BYTES else text


def _unpacked(packed: bytes) -> Object:
    text = packed if packed.startswith(b"{") else zlib.decompress(packed)
    document: Object = json.loads(text)
    return document
