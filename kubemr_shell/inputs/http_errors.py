"""Translation of failures of HTTP requests into errors with a message, or into reasons to try again."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from http.client import HTTPException, InvalidURL
from typing import TypeVar
from urllib.error import HTTPError, URLError

from kubemr_shell.errors import InputNotFound, KubemrError
from kubemr_shell.net.http_connection import without_password
from kubemr_shell.shown import shown

RANGE_NOT_SATISFIABLE = 416
"""The status of an answer to a range that begins after the end of the content."""
_WORTH_ANOTHER_TRY = (408, 425, 429, 500, 502, 503, 504)
_NOT_ALLOWED = (401, 403, 407)

Answer = TypeVar("Answer")


class Trouble(Exception):
    """A failure that may be over soon. ``asked`` is the number of seconds that the server wants the client to wait."""

    def __init__(self, reason: str, asked: float = 0) -> None:
        self.reason = reason
        self.asked = asked
        super().__init__(reason)


class NoSuchBytes(Exception):
    """An answer with the status 416: the content ends before the requested range."""


class NotTheContent(Exception):
    """A successful answer whose body is not the content. The text is a predicate for "the server …"."""


def explained(url: str, ask: Callable[[], Answer]) -> Answer:
    """Return the result of ``ask``. If ``ask`` raises, raise an error with a message, NoSuchBytes or Trouble."""
    try:
        return ask()
    except NotTheContent as error:
        raise InputNotFound(
            f"{shown_url(url)}: the server {error}: fetch it with another tool, and name the local file"
        ) from error
    except HTTPError as error:
        error.close()
        raise _of_status(url, error) from error
    except (OSError, HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        raise _of_connection(url, reason) from error


def shown_url(url: str) -> str:
    """Return the URL as a message may show it: without the user and the password."""
    return shown(without_password(url))


def _of_status(url: str, error: HTTPError) -> KubemrError | Trouble | NoSuchBytes:
    text = f"{error.code} {error.msg}".splitlines()[0]
    if error.code in _WORTH_ANOTHER_TRY:
        asked = error.headers.get("Retry-After") or ""
        return Trouble(f"the server answered {text}", float(asked) if asked.isdecimal() else 0)
    if error.code == RANGE_NOT_SATISFIABLE:
        return NoSuchBytes(text)
    if error.code in _NOT_ALLOWED:
        return InputNotFound(f"{shown_url(url)}: the server answered {text}: it requires a login or a permission")
    return InputNotFound(f"{shown_url(url)}: the server answered {text}")


def _of_connection(url: str, reason: BaseException | str) -> KubemrError | Trouble:
    match reason:
        case ssl.SSLCertVerificationError():
            return InputNotFound(
                f"{shown_url(url)}: the server's certificate is not trusted ({reason.verify_message}): "
                "SSL_CERT_FILE can name a file of authorities to trust"
            )
        case socket.gaierror() if reason.errno != socket.EAI_AGAIN:
            return InputNotFound(f"{shown_url(url)}: no such host ({reason.strerror})")
        case InvalidURL() | UnicodeError() | str():
            return InputNotFound(f"{shown_url(url)}: this URL cannot be read: {reason}")
        case OSError():
            return Trouble((reason.strerror or str(reason) or type(reason).__name__).lower())
        case HTTPException():
            return Trouble(f"the answer was cut or is not valid HTTP ({type(reason).__name__})")
        case _:
            return InputNotFound(f"{shown_url(url)}: this URL cannot be read: {reason}")
