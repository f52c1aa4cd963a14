"""Requests to an object store: signed by botocore, tried again within a budget of ours, limited, and counted.

botocore's own retries are off: two budgets would multiply. Its checksum trailers are sent only where a request must
have one, since other servers than Amazon's reject them.
"""

from __future__ import annotations

import threading
import time
from functools import cache
from typing import Any

from kubemr_shell.errors import KubemrError, StorageUnavailable
from kubemr_shell.net.retry import Patience, Retries
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.net.s3_errors import Trouble, of_answer, of_failure
from kubemr_shell.net.s3_requests import CLIENTS, RequestCounts
from kubemr_shell.net.waiting import NOBODY, Waiter
from kubemr_shell.shown import shown

CALL_PATIENCE = Patience(budget=90, connect=5)
MOST_CONNECTIONS = 64
"""Of one process, to one endpoint."""
_READS = ("get_object", "head_object", "list_objects_v2")


class S3Client:
    """One object store, for all threads of a process. Nothing is connected before the first call."""

    def __init__(self, config: S3Config) -> None:
        self.config = config
        self.counts = RequestCounts()
        self._lock = threading.Lock()
        self._client: Any = None
        self._limit = _Limit(config.max_requests_per_second)

    def call(
        self,
        operation: str,
        *,
        uri: str,
        patience: Patience = CALL_PATIENCE,
        waiter: Waiter | None = None,
        **parameters: Any,
    ) -> dict[str, Any]:
        """The answer to an operation of boto3's S3 client, by its name there; ``uri`` is what an error names.

        Sent again when the answer was lost, so an operation may take effect twice. ObjectNotFound, Forbidden,
        PreconditionFailed, StorageError; StorageUnavailable when the budget is over; Cancelled.
        """
        waiter = waiter or Waiter(NOBODY)
        retries = Retries(patience, waiter)
        if self.config.requester_pays and operation in _READS:
            parameters["RequestPayer"] = "requester"
        again = False
        while True:
            self._limit.wait(waiter)
            try:
                return self._send(operation, uri, parameters, again=again)
            except _Again as trouble:
                if not retries.pause(trouble.asked):
                    raise StorageUnavailable(f"{shown(uri)}: {trouble}, however often it was tried") from trouble
            again = True

    def _send(self, operation: str, uri: str, parameters: dict[str, Any], *, again: bool) -> dict[str, Any]:
        from botocore.exceptions import ClientError  # noqa: PLC0415 - only jobs with S3 pay for it

        try:
            ask = getattr(self._connected(), operation)
            self.counts.sent(operation, again=again)
            answer: dict[str, Any] = ask(**parameters)
        except ClientError as error:
            problem = of_answer(error.response, operation, uri)
            raise self._raised(problem) from error
        except Exception as error:
            if isinstance(error, (KubemrError, MemoryError, TypeError)):
                raise
            raise self._raised(of_failure(error, uri)) from error
        return answer

    def _raised(self, problem: KubemrError | Trouble) -> Exception:
        if isinstance(problem, KubemrError):
            return problem
        if problem.throttled:
            self.counts.was_throttled()
        return _Again(problem)

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = _connect(self.config)
            return self._client


class _Again(Exception):
    def __init__(self, trouble: Trouble) -> None:
        self.asked = trouble.asked
        super().__init__(trouble.reason)


@cache
def client_for(config: S3Config) -> S3Client:
    """The client of this process for that store."""
    client = S3Client(config)
    CLIENTS.append(client.counts)
    return client


def _connect(config: S3Config) -> Any:
    """A client of botocore's; where it is not Amazon that answers, the bucket is named in the path."""
    from botocore.config import Config  # noqa: PLC0415 - only jobs with S3 pay for it
    from botocore.session import get_session  # noqa: PLC0415

    def connect(addressing: str) -> Any:
        return get_session().create_client(
            "s3",
            region_name=config.region,
            endpoint_url=config.endpoint,
            verify=config.ca_bundle,
            config=Config(
                retries={"total_max_attempts": 1, "mode": "standard"},
                connect_timeout=CALL_PATIENCE.connect,
                read_timeout=CALL_PATIENCE.idle,
                max_pool_connections=MOST_CONNECTIONS,
                tcp_keepalive=True,
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                s3={"addressing_style": addressing},
                user_agent_extra="kubemr-shell",
            ),
        )

    if config.path_style is not None:
        return connect("path" if config.path_style else "virtual")
    client = connect("auto")
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
