"""The head of an HTTP answer, which tells the bytes of the content that follow, and their version. Pure.

The rules are those of RFC 9110: section 8 (representations, validators) and section 14 (ranges).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http.client import HTTPMessage

from kubemr_shell.inputs.http_errors import NotTheContent, Trouble

PARTIAL_CONTENT = 206
"""The status of an answer with a range."""
_WITH_CONTENT = (200, 203, PARTIAL_CONTENT)
"""The statuses whose body is the content, or a part of it (RFC 9110, section 15.3)."""
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)", re.IGNORECASE | re.ASCII)
_NUMBER = re.compile(r"\d+", re.ASCII)
_SAME_ENCODING = {"x-gzip": "gzip", "x-compress": "compress"}
_ENCODED = "encoding "


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version of the content behind a URL, as far as the server distinguishes versions."""

    encoding: str = ""
    """The Content-Encoding in lower case; empty if the server does not encode the content."""
    etag: str = ""
    """The value of the header ETag; empty if the answer has none."""
    modified: str = ""
    """The value of the header Last-Modified; empty if the answer has none."""

    @property
    def fingerprint(self) -> str:
        """Return the version as a plan keeps it: the encoding, and the ETag or else Last-Modified, which is weaker."""
        encoding = f"{_ENCODED}{self.encoding}; " if self.encoding else ""
        validator = f"etag {self.etag}" if self.etag else f"modified {self.modified}" if self.modified else ""
        return encoding + validator

    @classmethod
    def of_fingerprint(cls, fingerprint: str) -> Version:
        """Return the version that a plan has kept."""
        encoding = ""
        if fingerprint.startswith(_ENCODED):
            encoding, _, fingerprint = fingerprint.removeprefix(_ENCODED).partition("; ")
        kind, _, value = fingerprint.partition(" ")
        return cls(encoding=encoding, **({kind: value} if kind in ("etag", "modified") else {}))

    @property
    def is_named(self) -> bool:
        """Return whether the server names the version, so that another version can be detected."""
        return bool(self.etag or self.modified)

    @property
    def condition(self) -> str:
        """Return the value for If-Range, or an empty string. A weak ETag is not allowed there (RFC 9110, 13.1.5)."""
        return self.etag if self.etag.startswith('"') else "" if self.etag else self.modified

    @property
    def shown_encoding(self) -> str:
        """Return the encoding as messages show it."""
        return self.encoding or "it is"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The head of one answer."""

    start: int
    """The offset of the first byte of the body in the content."""
    stop: int | None
    """The offset after the last byte; None if only the end of the body shows it."""
    total: int | None
    """The size of the whole content in bytes; None if the server does not tell it."""
    is_partial: bool
    version: Version


def head_of(status: int, headers: HTTPMessage) -> Head:
    """Return the head of an answer. Raise Trouble if its headers contradict each other.

    Raise NotTheContent if the body is not the content of the URL, or has a form that kubemr-shell cannot read.
    """
    if status not in _WITH_CONTENT:
        raise NotTheContent(f"answered {status}: the body of such an answer is not the content of the URL")
    _check_transfer(headers)
    is_partial = status == PARTIAL_CONTENT
    start, stop, total = _content_range(headers) if is_partial else (0, *(_content_length(headers),) * 2)
    return Head(start=start, stop=stop, total=total, is_partial=is_partial, version=_version(headers))


def _version(headers: HTTPMessage) -> Version:
    named = (name.lower() for name in _listed(headers, "Content-Encoding"))
    encodings = [_SAME_ENCODING.get(name, name) for name in named if name != "identity"]
    return Version(
        encoding=", ".join(encodings), etag=headers.get("ETag", ""), modified=headers.get("Last-Modified", "")
    )


def _content_range(headers: HTTPMessage) -> tuple[int, int, int | None]:
    match = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
    if not match:
        raise Trouble("a partial answer does not say which part it is")
    start, stop = int(match[1]), int(match[2]) + 1
    total = None if match[3] == "*" else int(match[3])
    if stop <= start or (total is not None and stop > total):
        raise Trouble(f"a partial answer has an impossible range ({match[0]})")
    return start, stop, total


def _content_length(headers: HTTPMessage) -> int | None:
    """Return the length of the body in bytes, or None if the headers do not tell it.

    A value that is repeated counts once (RFC 9110, section 8.6). Raise Trouble for values that contradict each other.
    """
    lengths = _listed(headers, "Content-Length")
    if not lengths or "Transfer-Encoding" in headers:
        return None
    if len(set(lengths)) > 1 or not _NUMBER.fullmatch(lengths[0]):
        raise Trouble(f"the answer says that it has an impossible length ({', '.join(lengths)})")
    return int(lengths[0])


def _check_transfer(headers: HTTPMessage) -> None:
    """Raise NotTheContent for a transfer coding other than ``chunked``: http.client does not decode such bytes."""
    codings = headers.get_all("Transfer-Encoding", [])
    if codings and [coding.lower() for coding in codings] != ["chunked"]:
        raise NotTheContent(f"uses the transfer coding {', '.join(codings)}, which kubemr-shell cannot decode")


def _listed(headers: HTTPMessage, name: str) -> list[str]:
    """Return the items of a header that may occur several times, with one or several items in each line."""
    items = ",".join(headers.get_all(name, [])).split(",")
    return [item.strip() for item in items if item.strip()]
