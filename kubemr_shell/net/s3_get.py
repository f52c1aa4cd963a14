"""Reads of a whole object, or of a range, that fits into memory. If the body is cut, the request is sent again."""

from __future__ import annotations

from typing import Any

from kubemr_shell.errors import KubemrError
from kubemr_shell.net.s3_client import CALL_PATIENCE, S3Client
from kubemr_shell.net.s3_errors import given_up, of_failure
from kubemr_shell.net.s3_range import bytes_before
from kubemr_shell.net.s3_uri import split_uri
from kubemr_shell.waits.retry import Patience, Retries
from kubemr_shell.waits.waiter import NOBODY, Waiter


def get_range(client: S3Client, uri: str, start: int, end: int) -> bytes:
    """Return the bytes from ``start`` up to but not including ``end``; fewer if the object ends before ``end``."""
    body, answer = _got(client, uri, CALL_PATIENCE, None, Range=f"bytes={start}-{end - 1}")
    before = bytes_before(answer, start, uri)
    return body[before : before + end - start]


def get_object(
    client: S3Client, uri: str, *, patience: Patience = CALL_PATIENCE, waiter: Waiter | None = None, **parameters: Any
) -> tuple[bytes, str]:
    """Return the content of an object and its ETag. The parameters and errors are those of ``S3Client.call``."""
    body, answer = _got(client, uri, patience, waiter, **parameters)
    etag: str = answer["ETag"]
    return body, etag


def _got(
    client: S3Client, uri: str, patience: Patience, waiter: Waiter | None, **parameters: Any
) -> tuple[bytes, dict[str, Any]]:
    """Return the whole body of an answer, and the answer."""
    waiter = waiter or Waiter(NOBODY)
    bucket, key = split_uri(uri)
    retries = Retries(patience, waiter)
    begun = patience.clock()
    again = False
    while True:
        where = {"Bucket": bucket, "Key": key, **parameters}
        answer = client.call("get_object", uri=uri, patience=patience, waiter=waiter, again=again, **where)
        try:
            data: bytes = answer["Body"].read()
        except Exception as error:
            trouble = of_failure(error, uri, client.config.advice)
            if trouble is None:
                raise
            if isinstance(trouble, KubemrError):
                raise trouble from error
            if not retries.pause(trouble.asked):
                raise given_up(trouble, uri, patience.clock() - begun) from error
            again = True
        else:
            return data, answer
        finally:
            answer["Body"].close()
