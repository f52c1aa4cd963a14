"""A prefix in S3 as an output. The state of its jobs is under the state home, in a folder named by the URI's hash.

Until a job ends, the bucket holds ``_kubemr/owner`` and, below ``_kubemr/<uid>/``, the receipts of the staged uploads.
Afterwards the bucket holds only the parts and ``_SUCCESS``.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator, Iterator
from contextlib import suppress
from functools import cached_property
from typing import Any

from kubemr_shell.errors import ObjectNotFound, UsageError
from kubemr_shell.job.names import OWNER, SUCCESS, is_part_name, is_uid
from kubemr_shell.job.spec_mappings import S3Spec
from kubemr_shell.job_folder.folder import STATE_NAME
from kubemr_shell.net.s3_client import S3Client, client_for
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.net.s3_read import read_range
from kubemr_shell.net.s3_uploads import list_uploads
from kubemr_shell.net.s3_uri import as_prefix, split_uri
from kubemr_shell.outputs.output import LOCK, STATE_OF_PREFIX, Hold, LocalHold, Output, jobs_in
from kubemr_shell.outputs.prefix_owner import Owner, OwnerObject
from kubemr_shell.storage import ownership
from kubemr_shell.storage.locate import locate
from kubemr_shell.storage.s3_upload import abort_upload
from kubemr_shell.waits.retry import LISTING_PATIENCE
from kubemr_shell.waits.threads import in_threads
from kubemr_shell.waits.waiter import NOBODY, Waiter

REQUESTS_AT_ONCE = 8
"""The most requests that abort uploads at the same time."""


class PrefixOutput(Output):
    """A prefix as an output: all keys that begin with the prefix and a slash."""

    kind = "prefix"

    def __init__(self, uri: str, s3: S3Spec, state_home: str) -> None:
        self.uri = as_prefix(uri)
        self._bucket, key = split_uri(self.uri)
        self._prefix = f"{key}/" if key else ""
        self.s3 = s3
        config = S3Config.of(s3)
        self.storage = locate(self.uri, config)
        self._client: S3Client = client_for(config)
        name = STATE_OF_PREFIX + hashlib.sha256(self.uri.encode()).hexdigest()[:32]
        self.state = os.path.join(state_home, "kubemr-shell", name)
        self._owner = OwnerObject(self._client, self.uri)

    def names(self) -> list[str]:
        return sorted(set(self._names_below("")))

    def uids(self) -> list[str]:
        return sorted({*self._uids_below(), *jobs_in(self.state)})

    def cluster_jobs(self) -> list[str]:
        elsewhere = sorted({*self._uids_below()} - {*jobs_in(self.state)})
        if not elsewhere or self._owner.read() is None:
            return elsewhere
        # A run owns the output, and ``hold`` reports this. But a cluster job may have come at the same moment.
        return [uid for uid in elsewhere if OWNER in self._names_below(f"{STATE_NAME}/{uid}/")]

    def has_leftovers(self) -> bool:
        if os.path.isdir(self.state) or OWNER in self._names_below(f"{STATE_NAME}/") or any(self._uids_below()):
            return True
        return next(self._uploads(), None) is not None

    def sweep(self) -> None:
        in_threads(
            lambda upload, _: abort_upload(self._client, *upload),
            self._uploads(),
            at_once=REQUESTS_AT_ONCE,
            waiter=Waiter(NOBODY),
        )

    def hold(self, *, replace: bool, force: bool = False) -> Hold:
        lock = self._lock()
        try:
            ours = Owner.this_process(lock.path)
            self._owner.take(ours, replace=replace, force=force)
        except BaseException:
            # The token in the lock tells the next run on this machine what this run may have put into the bucket.
            LocalHold(lock).release(forget=not (self._owner.may_be_ours or jobs_in(self.state)))
            raise
        return PrefixHold(lock, self._owner, ours)

    def hold_local_state(self) -> Hold:
        return LocalHold(self._lock())

    def read_part(self, name: str) -> Generator[bytes]:
        """Yield the bytes of a part. Raise an error if the part has changed since the first part was read."""
        uri = f"{self.uri}/{name}"
        if name not in self._objects:
            raise ObjectNotFound(f"{uri}: there is no such object")
        found = self._objects[name]
        yield from read_range(self._client, uri, 0, found["Size"], if_match=found["ETag"])

    @cached_property
    def _objects(self) -> dict[str, dict[str, Any]]:
        """Return the entries of the objects directly in the output, by name."""
        return {item["Key"][len(self._prefix) :]: item for item in self._listed("") if "Key" in item}

    def _lock(self) -> ownership.Ownership:
        while True:
            os.makedirs(self.state, mode=0o700, exist_ok=True)
            with suppress(ObjectNotFound):  # another run has just ended and removed its state
                lock = ownership.hold(os.path.join(self.state, LOCK))
                if lock is None:
                    raise UsageError(f"another run is at work in {self.uri}: wait for it, or choose another prefix")
                return lock

    def _uploads(self) -> Iterator[tuple[str, str]]:
        """Yield the URI and the id of each upload that workers have begun for a part or for ``_SUCCESS``."""
        for upload in list_uploads(self._client, self._bucket, self._prefix, patience=LISTING_PATIENCE):
            name = upload.key[len(self._prefix) :]
            if name == SUCCESS or is_part_name(name):
                yield f"{self.uri}/{name}", upload.id

    def _uids_below(self) -> Iterator[str]:
        """Return the uids of the jobs that have something in the output."""
        return filter(is_uid, self._names_below(f"{STATE_NAME}/"))

    def _names_below(self, place: str) -> Iterator[str]:
        """Yield the first component of each key below a place in the output."""
        start = len(self._prefix + place)
        names = ((item.get("Key") or item["Prefix"])[start:].rstrip("/") for item in self._listed(place))
        return (name for name in names if name)  # consoles of object stores make objects with the name of the folder

    def _listed(self, place: str) -> Iterator[dict[str, Any]]:
        """Yield the entries with which S3 lists the objects and prefixes directly below a place in the output."""
        more: dict[str, Any] = {}
        while True:
            page = self._client.call(
                "list_objects_v2",
                uri=f"{self.uri}/{place}",
                patience=LISTING_PATIENCE,
                Bucket=self._bucket,
                Prefix=self._prefix + place,
                Delimiter="/",
                **more,
            )
            yield from page.get("Contents", [])
            yield from page.get("CommonPrefixes", [])
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}


class PrefixHold(Hold):
    """A hold by the lock on this machine and the object in the bucket."""

    def __init__(self, lock: ownership.Ownership, object_: OwnerObject, ours: Owner) -> None:
        self._local = LocalHold(lock)
        self._object = object_
        self._ours = ours

    def release(self, *, forget: bool) -> None:
        """Release the object before the lock: while the lock exists, other runs can tell whose object it was."""
        is_gone = False
        try:
            if forget:
                self._object.remove(self._ours)
                is_gone = True
            else:
                self._object.stop(self._ours)
        finally:
            self._local.release(forget=is_gone)
