"""Who owns an output in S3: the object ``_kubemr/owner`` in it, which names a run and the lock that tells if it lives.

The run holds a ``flock`` on a file of its machine, in which a token stands. Whoever finds that file with that token is
on the same machine, and asks the lock; from elsewhere nobody can tell. The object is made by a conditional PUT and read
again, so that of two runs one is refused also where a server does not know conditions. It stays as long as an
unfinished job has state somewhere.
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
from kubemr_shell.net.retry import LISTING_PATIENCE, Patience
from kubemr_shell.net.s3_client import S3Client
from kubemr_shell.net.s3_get import get_object
from kubemr_shell.net.s3_uri import split_uri
from kubemr_shell.storage import ownership

LEAVING_PATIENCE = Patience(budget=5)
"""A run that was stopped says so, but nobody waits for that."""
TRIES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A run that owns an output, as the object tells of it."""

    token: str
    lock: str
    """The path of its lock, on its machine."""
    host: str
    user: str
    process: int
    since: str
    """For people: when it began."""
    is_running: bool = True
    """False: it was stopped or has failed, and its job can be resumed."""

    @classmethod
    def this_process(cls, lock: str) -> Owner:
        """Of an output whose lock is held."""
        token = _token_in(lock)
        if not token:
            token = os.urandom(16).hex()
            with open(lock, "w", encoding="ascii") as file:
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
        return f"process {self.process} of {self.user} on {self.host}"


def refusal(owner: Owner, uri: str, *, is_alive: bool | None, replace: bool, force: bool) -> UsageError | None:
    """Why the output cannot be owned instead of ``owner``, or None if it can. Pure.

    ``is_alive`` None: that cannot be told from here. ``replace`` and ``force`` as for ``Output.hold``.
    """
    if is_alive:
        return UsageError(f"another run is at work in {uri} ({owner.who}): wait for it, or choose another prefix")
    if is_alive is None and owner.is_running and not force:
        return UsageError(
            f"{uri} belongs to a run elsewhere ({owner.who}, since {owner.since}), and whether it is alive can be told "
            f"only there: wait for it, or, if you know that it is dead, remove what it left with "
            f"kubemr-shell clean --force {uri}"
        )
    if not (replace or force):
        return UsageError(
            f"{uri} holds an unfinished job whose state is elsewhere ({owner.who}, {os.path.dirname(owner.lock)}): "
            "--resume goes on with it only there, --overwrite starts anew"
        )
    return None


class OwnerObject:
    """The object of one output."""

    def __init__(self, client: S3Client, output: str) -> None:
        self._client = client
        self._output = output
        self.uri = f"{output}/{STATE}/{OWNER}"
        self._bucket, self._key = split_uri(self.uri)
        self.may_be_ours = False
        """Whether what this process has put there may stand there."""

    def read(self) -> tuple[Owner, str] | None:
        """What stands there, and its ETag; StorageError for something that is not ours, BucketNotFound."""
        try:
            data, etag = get_object(self._client, self.uri, patience=LISTING_PATIENCE)
        except BucketNotFound:
            raise
        except ObjectNotFound:
            return None
        try:
            return Owner(**json.loads(data)), etag
        except (ValueError, TypeError) as error:
            raise StorageError(f"{self.uri}: not written by a run of ours: choose another prefix") from error

    def take(self, ours: Owner, *, replace: bool, force: bool) -> None:
        """Put ours there, in place of nobody or of a dead one; UsageError when that cannot be. Our lock is held."""
        for _ in range(TRIES):
            found = self.read()
            self.may_be_ours = found is not None and found[0].token == ours.token
            condition = {"IfNoneMatch": "*"}
            if found is not None:
                owner, etag = found
                if owner == ours:
                    return
                if owner.token != ours.token:  # else it is that of an earlier run with our lock
                    refused = refusal(owner, self._output, is_alive=alive(owner), replace=replace, force=force)
                    if refused:
                        raise refused
                condition = {"IfMatch": etag}
            self.may_be_ours = True
            self._put(ours, condition)
        raise StorageError(f"{self.uri}: other runs write there all the time: try again")

    def stop(self, ours: Owner) -> None:
        """Say that the run has ended, and left an unfinished job. Best effort: its lock says so too."""
        with suppress(KubemrError):
            self._put(replace(ours, is_running=False), {}, LEAVING_PATIENCE)

    def remove(self, ours: Owner) -> None:
        """Remove the object if it is ours."""
        found = self.read()
        if found is not None and found[0].token == ours.token:
            self._call("delete_object")

    def _put(self, owner: Owner, condition: dict[str, str], patience: Patience = LISTING_PATIENCE) -> None:
        body = json.dumps(asdict(owner), indent=1).encode() + b"\n"
        try:
            self._call("put_object", patience=patience, Body=body, **condition)
        except (PreconditionFailed, ObjectNotFound):
            return  # somebody was faster, or ours landed and its answer was lost: whoever reads it finds out
        except StorageError:
            if not condition:
                raise
            self._call("put_object", patience=patience, Body=body)  # a server that refuses conditions

    def _call(self, operation: str, patience: Patience = LISTING_PATIENCE, **parameters: Any) -> dict[str, Any]:
        return self._client.call(
            operation, uri=self.uri, patience=patience, Bucket=self._bucket, Key=self._key, **parameters
        )


def alive(owner: Owner) -> bool | None:
    """Whether a run lives; None when its lock is not on this machine, or not to be seen."""
    if _token_in(owner.lock) != owner.token:
        return None
    return ownership.is_held(owner.lock)


def _token_in(lock: str) -> str:
    """Empty where none can be read."""
    try:
        with open(lock, encoding="ascii") as file:
            return file.read(64)
    except (OSError, ValueError):
        return ""


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # as in many containers
        return str(os.getuid())
