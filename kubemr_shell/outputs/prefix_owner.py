"""The owner of an output in S3: the object ``_kubemr/owner``, which names a run and the lock that shows if it lives.

The run holds a ``flock`` on a file of its machine. The file contains a token. A process that finds this file with
this token is on the same machine, and tests the lock. A process on another machine cannot tell whether the run lives.

The object is made by a conditional PUT and then read again. So one of two concurrent runs is refused even if the
server ignores conditions. The object stays as long as an unfinished job has state somewhere.
"""

from __future__ import annotations

import json
import os
import pwd
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from kubemr_shell.errors import (
    BucketNotFound,
    KubemrError,
    ObjectNotFound,
    PreconditionFailed,
    StorageError,
    UsageError,
)
from kubemr_shell.job.names import OWNER, STATE
from kubemr_shell.net.s3_client import S3Client
from kubemr_shell.net.s3_get import get_object
from kubemr_shell.net.s3_uri import split_uri
from kubemr_shell.storage import ownership
from kubemr_shell.storage.os_errors import errors_explained
from kubemr_shell.waits.retry import LISTING_PATIENCE, Patience

LEAVING_PATIENCE = Patience(budget=5)
"""The limit on retries when a stopped run records its end, because no user waits for this request."""
TRIES = 10
"""The number of attempts to write the object while other runs write it too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A run that owns an output, as the object describes it."""

    token: str
    """The random text in the run's lock file."""
    lock: str
    """The path of the run's lock file, on the machine of the run."""
    host: str
    user: str
    process: int
    since: str
    """The time when the run began, for people."""
    is_running: bool = True
    """False after the run was stopped or has failed, so that its job can be resumed."""

    @classmethod
    def this_process(cls, lock: str) -> Owner:
        """Return this process as an owner. The caller must hold ``lock``, which gets a token if it has none."""
        token = _token_in(lock)
        if not token:
            token = os.urandom(16).hex()
            with errors_explained(lock), open(lock, "w", encoding="ascii") as file:
                file.write(token)
        return cls(
            token=token,
            lock=lock,
            host=os.uname().nodename,
            user=_user(),
            process=os.getpid(),
            since=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        )

    @property
    def who(self) -> str:
        """Return the process, user and host of the run, for messages."""
        return f"process {self.process} of {self.user} on {self.host}"


def refusal(owner: Owner, uri: str, *, is_alive: bool | None, replace: bool, force: bool) -> UsageError | None:
    """Return why this run cannot own the output instead of ``owner``, or None if it can. Pure.

    ``is_alive`` is None if this machine cannot tell. ``replace`` and ``force`` are those of ``Output.hold``.
    """
    if is_alive:
        return UsageError(f"another run is at work in {uri} ({owner.who}): wait for it, or choose another prefix")
    if is_alive is None and owner.is_running and not force:
        return UsageError(
            f"{uri} belongs to a run elsewhere ({owner.who}, since {owner.since}), and only its machine can tell "
            f"whether it is alive: wait for it, or, if you know that it is dead, remove what it left with "
            f"kubemr-shell clean --force {uri}"
        )
    if not (replace or force):
        return UsageError(
            f"{uri} holds an unfinished job whose state is elsewhere ({owner.who}, {os.path.dirname(owner.lock)}): "
            "--resume continues it only there, --overwrite starts again"
        )
    return None


class OwnerObject:
    """The object ``_kubemr/owner`` of one output."""

    def __init__(self, client: S3Client, output: str) -> None:
        self._client = client
        self._output = output
        self.uri = f"{output}/{STATE}/{OWNER}"
        self._bucket, self._key = split_uri(self.uri)
        self.may_be_ours = False
        """True if this process, or an earlier run with its lock, may have written the object."""

    def read(self) -> tuple[Owner, str] | None:
        """Return the owner and the ETag of the object, or None if there is no object.

        Raise StorageError if no run has written the object, and BucketNotFound if the bucket does not exist.
        """
        try:
            data, etag = get_object(self._client, self.uri, patience=LISTING_PATIENCE)
        except BucketNotFound:
            raise
        except ObjectNotFound:
            return None
        try:
            return Owner(**json.loads(data)), etag
        except (ValueError, TypeError) as error:
            raise StorageError(f"{self.uri}: kubemr-shell did not write this object: choose another prefix") from error

    def take(self, ours: Owner, *, replace: bool, force: bool) -> None:
        """Write ``ours``, if there is no owner or its run is dead. The caller must hold the lock of ``ours``.

        Raise UsageError if another run owns the output. Raise StorageError if other runs keep writing the object.
        """
        for _ in range(TRIES):
            found = self.read()
            self.may_be_ours = found is not None and found[0].token == ours.token
            condition = {"IfNoneMatch": "*"}
            if found is not None:
                owner, etag = found
                if owner == ours:
                    return
                if owner.token != ours.token:  # the same token: an earlier run with this lock wrote the object
                    refused = refusal(owner, self._output, is_alive=alive(owner), replace=replace, force=force)
                    if refused:
                        raise refused
                condition = {"IfMatch": etag}
            self.may_be_ours = True
            self._put(ours, condition)
        raise StorageError(f"{self.uri}: other runs keep writing it: try again")

    def stop(self, ours: Owner) -> None:
        """Record that the run has ended and left an unfinished job. Ignore errors: the free lock shows the same."""
        with suppress(KubemrError):
            self._put(replace(ours, is_running=False), {}, LEAVING_PATIENCE)

    def remove(self, ours: Owner) -> None:
        """Remove the object if ``ours`` owns the output."""
        found = self.read()
        if found is not None and found[0].token == ours.token:
            self._call("delete_object")

    def _put(self, owner: Owner, condition: dict[str, str], patience: Patience = LISTING_PATIENCE) -> None:
        body = json.dumps(asdict(owner), indent=1).encode() + b"\n"
        try:
            self._call("put_object", patience=patience, Body=body, **condition)
        except (PreconditionFailed, ObjectNotFound):
            return  # another run was faster, or the answer was lost: the caller reads the object again
        except StorageError:
            if not condition:
                raise
            self._call("put_object", patience=patience, Body=body)  # the server refuses conditions

    def _call(self, operation: str, patience: Patience = LISTING_PATIENCE, **parameters: Any) -> dict[str, Any]:
        return self._client.call(
            operation, uri=self.uri, patience=patience, Bucket=self._bucket, Key=self._key, **parameters
        )


def alive(owner: Owner) -> bool | None:
    """Return whether a run is alive, or None if its lock is not on this machine or cannot be read."""
    if _token_in(owner.lock) != owner.token:
        return None
    return ownership.is_held(owner.lock)


def _token_in(lock: str) -> str:
    """Return the token in a lock file, or an empty text if the file cannot be read."""
    try:
        with open(lock, encoding="ascii") as file:
            return file.read(64)
    except (OSError, ValueError):
        return ""


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # the user has no entry, as in many containers
        return str(os.getuid())
