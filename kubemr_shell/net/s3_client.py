"""Requests to an object store: signed by botocore, tried again within a budget of ours, limited, and counted.

botocore's own retries are off: two budgets would multiply. Its checksum trailers are sent only where a request must
have one, since other servers than Amazon's reject them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import cache
from mmap import mmap
from typing import Any

from kubemr_shell.errors import CredentialsRefused, KubemrError
from kubemr_shell.net.refusals import Refusals
from kubemr_shell.net.retry import Patience, Retries
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.net.s3_errors import Trouble, given_up, is_without_reason, of_answer, of_failure
from kubemr_shell.net.s3_keys import read_keys
from kubemr_shell.net.s3_requests import CLIENTS, RequestCounts
from kubemr_shell.net.waiting import NOBODY, Waiter

CALL_PATIENCE = Patience(budget=90, connect=5)
MOST_CONNECTIONS = 64
"""Of one process, to one endpoint."""
SLOW_ANSWER_SECONDS = 300
"""How long an answer to one of these may take: servers put the parts of an upload together first. Who gives up earlier
does not know what became of it."""
_SLOW = ("complete_multipart_upload",)
_READS = ("get_object", "head_object", "list_objects_v2")


class S3Client:
    """One object store, for all threads of a process. Nothing is connected before the first call."""

    def __init__(self, config: S3Config) -> None:
        self.config = config
        self.counts = RequestCounts()
        self._lock = threading.Lock()
        self._clients: dict[bool, Any] = {}
        self._session: Any = None
        self._limit = _Limit(config.max_requests_per_second)
        self.has_worked = False
        """Whether the credentials are known to have been right, here or in another worker of the job."""
        self.tell: Callable[[str | None], object] = _told_to_nobody
        """Is told what requests wait for, and with None that they go on; by any thread."""

    def call(
        self,
        operation: str,
        *,
        uri: str,
        patience: Patience = CALL_PATIENCE,
        waiter: Waiter | None = None,
        again: bool = False,
        **parameters: Any,
    ) -> dict[str, Any]:
        """The answer to an operation of boto3's S3 client, by its name there; ``uri`` is what an error names.

        Sent again when the answer was lost, so an operation may take effect twice, and a ``Body`` must be bytes, a
        bytearray, or a mapped file. ``again``: it makes up for an earlier one, and counts as a retry.
        Credentials that have worked and are refused now may have been replaced: they are read again, and waited for as
        ``net.refusals`` says.
        ObjectNotFound, Forbidden, PreconditionFailed, StorageError; StorageUnavailable when the budget is over;
        Cancelled, but not before the answer to a request that was sent, or its time-out.
        """
        waiter = waiter or Waiter(NOBODY)
        retries = Retries(patience, waiter)
        begun = patience.clock()
        if self.config.requester_pays and operation in _READS:
            parameters["RequestPayer"] = "requester"
        refusals = _Refused(self, patience)
        while True:
            self._limit.wait(waiter)
            try:
                answer = self._send(operation, uri, parameters, again=again)
                refusals.passed()
                return answer
            except CredentialsRefused as error:
                waiter.pause(refusals.met(error))
            except _Again as again_:
                if not retries.pause(again_.trouble.asked):
                    raise given_up(again_.trouble, uri, patience.clock() - begun) from again_.__cause__
            again = True

    def connect_anew(self) -> None:
        """Read the credentials again before the next request: those of ``config.keys``, if they are there."""
        with self._lock:
            self._clients.clear()
            self._session = _new_session(self._session, self.config.keys)

    def _send(self, operation: str, uri: str, parameters: dict[str, Any], *, again: bool) -> dict[str, Any]:
        from botocore.exceptions import ClientError  # noqa: PLC0415 - only jobs with S3 pay for it

        try:
            ask = getattr(self._connected(is_slow=operation in _SLOW), operation)
            self.counts.sent(operation, again=again)
            if isinstance(body := parameters.get("Body"), mmap):
                body.seek(0)
            answer: dict[str, Any] = ask(**parameters)
        except ClientError as error:
            problem = of_answer(error.response, operation, uri, self.config.advice)
            if self.has_worked and operation.startswith("head_") and is_without_reason(error.response):
                problem = self._reason(uri, parameters["Bucket"]) or problem
            raise self._raised(problem) from error
        except Exception as error:
            failure = of_failure(error, uri, self.config.advice)
            if failure is None:
                raise
            raise self._raised(failure) from error
        self.has_worked = True
        return answer

    def _reason(self, uri: str, bucket: str) -> CredentialsRefused | None:
        """Ask for a list, whose answer has a body: an answer to HEAD cannot say that the credentials are refused."""
        try:
            self._send("list_objects_v2", uri, {"Bucket": bucket, "MaxKeys": 1}, again=True)
        except CredentialsRefused as error:
            return error
        except (KubemrError, _Again):
            return None
        return None

    def _raised(self, problem: KubemrError | Trouble) -> Exception:
        if isinstance(problem, KubemrError):
            return problem
        if problem.throttled:
            self.counts.was_throttled()
        return _Again(problem)

    def _connected(self, *, is_slow: bool) -> Any:
        from botocore.session import get_session  # noqa: PLC0415 - only jobs with S3 pay for it

        with self._lock:
            if is_slow not in self._clients:
                self._session = self._session or get_session()
                idle = SLOW_ANSWER_SECONDS if is_slow else CALL_PATIENCE.idle
                self._clients[is_slow] = _connect(self._session, self.config, idle)
            return self._clients[is_slow]


class _Again(Exception):
    def __init__(self, trouble: Trouble) -> None:
        self.trouble = trouble
        super().__init__(trouble.reason)


class _Refused:
    """The refusals that one call has met."""

    def __init__(self, client: S3Client, patience: Patience) -> None:
        self._client = client
        self._has_read_again = False
        self._refusals = Refusals(
            budget_seconds=client.config.refused_seconds,
            clock=patience.clock,
            random=patience.random,
            tell=client.tell,
        )

    def met(self, error: CredentialsRefused) -> float:
        """Return the seconds until the request is sent again, with what the credentials are then, or raise Forbidden.

        The first time the request is sent again at once, for the new credentials may be there already.
        """
        if not self._client.has_worked:
            raise error
        pause = self._refusals.met(error) if self._has_read_again else 0.0
        self._has_read_again = True
        self._client.connect_anew()
        return pause

    def passed(self) -> None:
        """Take note that the request was not refused."""
        self._refusals.passed()


def _told_to_nobody(text: str | None) -> None:
    """Drop what is told."""


@cache
def client_for(config: S3Config) -> S3Client:
    """The client of this process for that store."""
    client = S3Client(config)
    CLIENTS.append(client.counts)
    return client


def _new_session(old: Any, folder: str | None) -> Any:
    """Return a session of botocore's that knows no credentials yet but the keys in a folder, if they are there."""
    from botocore.session import get_session  # noqa: PLC0415 - only jobs with S3 pay for it

    session = get_session()
    if old is not None:  # it has read 200 ms of descriptions
        session.register_component("data_loader", old.get_component("data_loader"))
    keys = None if folder is None else read_keys(folder)
    if keys is not None:
        session.set_credentials(keys.access_key, keys.secret_key, keys.session_token)
    return session


def _connect(session: Any, config: S3Config, idle: float) -> Any:
    """A client of botocore's; where it is not Amazon that answers, the bucket is named in the path."""
    from botocore.config import Config  # noqa: PLC0415 - only jobs with S3 pay for it

    from kubemr_shell.net.s3_list_answer import EVENT, read_quickly  # noqa: PLC0415 - likewise

    def connect(addressing: str) -> Any:
        client = session.create_client(
            "s3",
            region_name=config.region,
            endpoint_url=config.endpoint,
            verify=config.ca_bundle,
            config=Config(
                retries={"total_max_attempts": 1, "mode": "standard"},
                connect_timeout=CALL_PATIENCE.connect,
                read_timeout=idle,
                max_pool_connections=MOST_CONNECTIONS,
                tcp_keepalive=True,
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                s3={"addressing_style": addressing},
                user_agent_extra="kubemr-shell",
            ),
        )
        client.meta.events.register(EVENT, read_quickly)
        return client

    if config.path_style is not None:
        return connect("path" if config.path_style else "virtual")
    if config.endpoint and "amazonaws.com" not in config.endpoint:
        return connect("path")
    client = connect("auto")  # an endpoint may stand in the environment, or in a profile
    return client if "amazonaws.com" in client.meta.endpoint_url else connect("path")


class _Limit:
    """At most so many requests a second, evenly spaced."""

    def __init__(self, per_second: float | None) -> None:
        self._gap = 0.0 if per_second is None else 1 / per_second
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self, waiter: Waiter) -> None:
        if not self._gap:
            return
        with self._lock:
            now = time.monotonic()
            at = max(now, self._next)
            self._next = at + self._gap
        if at > now:
            waiter.pause(at - now)
