"""The client of an S3 server. botocore signs and sends requests; the client retries, limits and counts them.

botocore's own retries are off, because its budget and the client's budget would multiply. A checksum trailer is sent
only if the request must have one, because servers other than Amazon's reject these trailers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import cache
from mmap import mmap
from typing import Any

from kubemr_shell.errors import CredentialsRefused, KubemrError
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.net.s3_errors import Trouble, given_up, is_without_reason, of_answer, of_failure
from kubemr_shell.net.s3_keys import read_keys
from kubemr_shell.net.s3_requests import CLIENTS, RequestCounts
from kubemr_shell.waits.refusals import Refusals
from kubemr_shell.waits.retry import Patience, Retries
from kubemr_shell.waits.waiter import NOBODY, Waiter

CALL_PATIENCE = Patience(budget=90, connect=5)
"""The patience for requests, unless the caller gives another one."""
MOST_CONNECTIONS = 64
"""The largest number of connections of one process to one endpoint."""
SLOW_ANSWER_SECONDS = 300
"""The time-out for the answers to slow operations. Before a server answers, it joins the parts of the upload.

After an earlier time-out, the result of the operation would be unknown.
"""
_SLOW = ("complete_multipart_upload",)
_READS = ("get_object", "head_object", "list_objects_v2")


class S3Client:
    """A client of one S3 server for all threads of a process. It connects with its first call."""

    def __init__(self, config: S3Config) -> None:
        self.config = config
        self.counts = RequestCounts()
        self._lock = threading.Lock()
        self._clients: dict[bool, Any] = {}
        self._session: Any = None
        self._limit = _Limit(config.max_requests_per_second)
        self.has_worked = False
        """Whether the credentials have worked before, in this process or in another worker of the job."""
        self.tell: Callable[[str | None], object] = _ignore
        """A function that any thread calls with the reason why requests wait, and with None when they continue."""

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
        """Call an operation of boto3's S3 client, by its name there, and return the answer. Errors name ``uri``.

        The request is sent again if the answer is lost. So an operation may take effect twice, and a ``Body`` must be
        bytes, a bytearray, or a mapped file. With ``again``, the request repeats an earlier one and counts as a retry.

        Credentials that have worked and are refused now may have been replaced. The client reads them again, and waits
        for new ones as ``waits.refusals`` describes.

        Raise ObjectNotFound, Forbidden, PreconditionFailed or StorageError; StorageUnavailable when the budget is used
        up; and Cancelled. A cancel takes effect only after the answer to a request that was sent, or its time-out.
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

    def reconnect(self) -> None:
        """Read the credentials again before the next request: from ``config.keys``, if the files are there."""
        with self._lock:
            self._clients.clear()
            self._session = _new_session(self._session, self.config.keys)

    def _send(self, operation: str, uri: str, parameters: dict[str, Any], *, again: bool) -> dict[str, Any]:
        from botocore.exceptions import ClientError

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
        """Return the reason for which a HEAD request was refused, if the reason is the credentials; else None.

        An answer to HEAD has no body and cannot give the reason, so this method sends a request for a list.
        """
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
        from botocore.session import get_session

        with self._lock:
            if is_slow not in self._clients:
                self._session = self._session or get_session()
                idle = SLOW_ANSWER_SECONDS if is_slow else CALL_PATIENCE.idle
                self._clients[is_slow] = _connect(self._session, self.config, idle)
            return self._clients[is_slow]


class _Again(Exception):
    """A failure after which the request is sent again."""

    def __init__(self, trouble: Trouble) -> None:
        self.trouble = trouble
        super().__init__(trouble.reason)


class _Refused:
    """The refusals of the credentials during one call."""

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
        """Return the seconds until the request is sent again with the credentials of that time, or raise Forbidden.

        After the first refusal the request is sent again at once, because new credentials may be there already.
        """
        if not self._client.has_worked:
            raise error
        pause = self._refusals.met(error) if self._has_read_again else 0.0
        self._has_read_again = True
        self._client.reconnect()
        return pause

    def passed(self) -> None:
        """Record that the request was not refused."""
        self._refusals.passed()


def _ignore(text: str | None) -> None:
    """Ignore the report."""


@cache
def client_for(config: S3Config) -> S3Client:
    """Return the client of this process for a configuration. Equal configurations share one client."""
    client = S3Client(config)
    CLIENTS.append(client.counts)
    return client


def _new_session(old: Any, folder: str | None) -> Any:
    """Return a botocore session whose only credentials are the keys in ``folder``, if there are any.

    Without keys, botocore looks for credentials when the session needs them.
    """
    from botocore.session import get_session

    session = get_session()
    if old is not None:  # the old session has already spent 200 ms on reading botocore's descriptions of services
        session.register_component("data_loader", old.get_component("data_loader"))
    keys = None if folder is None else read_keys(folder)
    if keys is not None:
        session.set_credentials(keys.access_key, keys.secret_key, keys.session_token)
    return session


def _connect(session: Any, config: S3Config, idle: float) -> Any:
    """Return a botocore client. If the job does not say where the bucket is named, only Amazon gets it in the host."""
    from botocore.config import Config

    from kubemr_shell.net.s3_list_answer import EVENT, read_quickly

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
    client = connect("auto")  # the environment or a profile may name an endpoint
    return client if "amazonaws.com" in client.meta.endpoint_url else connect("path")


class _Limit:
    """A limit of the number of requests a second. Requests are evenly spaced; None means no limit."""

    def __init__(self, per_second: float | None) -> None:
        self._gap = 0.0 if per_second is None else 1 / per_second
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self, waiter: Waiter) -> None:
        """Wait until the next request may be sent."""
        if not self._gap:
            return
        with self._lock:
            now = time.monotonic()
            at = max(now, self._next)
            self._next = at + self._gap
        if at > now:
            waiter.pause(at - now)
