"""The objects that names under ``s3://`` stand for: a key, a prefix with everything below it, or a glob over keys.

The rules are those of local folders. A literal name takes precedence over a glob. Below the named prefix, names that
begin with ``_`` or ``.`` are left out. A name without any object is an error. An object of size 0 whose key ends with
a slash stands for a folder, and is not an input.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kubemr_shell.errors import (
    Forbidden,
    InputError,
    InputNotFound,
    KubemrError,
    StorageError,
    Unavailable,
    UsageError,
)
from kubemr_shell.inputs.braces import TooManyNames, expanded, has_braces, missed
from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.key_pattern import KeyPattern, has_wildcards, is_visible
from kubemr_shell.net.s3_client import S3Client, client_for
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.net.s3_look_up import look_up
from kubemr_shell.net.s3_pages import Listed, list_objects
from kubemr_shell.net.s3_read import read_range
from kubemr_shell.net.s3_uri import SCHEME, split_uri
from kubemr_shell.shown import shown
from kubemr_shell.waits.retry import Patience
from kubemr_shell.waits.threads import in_threads
from kubemr_shell.waits.waiter import NOBODY, Waiter

NAMES_AT_ONCE = 8
"""The number of names that are listed at the same time."""
UNREADABLE_ENCODINGS = ("br", "deflate", "dcb", "dcz", "exi", "pack200-gzip")
"""The encodings of HTTP that are neither decoded nor recognised by their first bytes."""
LEFT_OUT = "names that begin with _ or . are left out"
"""The explanation in messages about names without objects."""

Found = list[Listed] | KubemrError
"""The result for one name: its objects, or the error."""


def find_objects(
    names: Iterable[str], config: S3Config, patience: Patience, cancel_fd: int = NOBODY
) -> dict[str, Found]:
    """Return the objects of each name in the order of keys, or the error for the name. Raise Cancelled."""
    finder, waiter = _Finder(client_for(config), patience), Waiter(cancel_fd)
    places: dict[str, tuple[str, str]] = {}
    found: dict[str, Found] = {}
    for name in dict.fromkeys(names):
        try:
            places[name] = split_uri(name)
        except UsageError as error:
            found[name] = InputNotFound(str(error))
    found |= finder.literal(places, waiter)
    others = [name for name in places if name not in found]
    answers = in_threads(
        lambda name, own: finder.find(name, *places[name], own), others, at_once=NAMES_AT_ONCE, waiter=waiter
    )
    found |= zip(others, answers, strict=True)
    return found


def read_object(uri: str, config: S3Config, patience: Patience, cancel_fd: int = NOBODY) -> bytes:
    """Return the content of an object, which must fit into memory.

    Raise InputNotFound, InputChanged, StorageUnavailable, Forbidden or Cancelled.
    """
    client, waiter = client_for(config), Waiter(cancel_fd)
    try:
        bucket, key = split_uri(uri)
        if not key:
            raise InputNotFound(f"{shown(uri)}: names a bucket: give the key of an object")
        head = client.call("head_object", uri=uri, patience=patience, waiter=waiter, Bucket=bucket, Key=key)
        size, etag = head["ContentLength"], head["ETag"]
        return b"".join(read_range(client, uri, 0, size, if_match=etag, waiter=waiter, patience=patience))
    except (StorageError, UsageError) as error:
        raise InputNotFound(str(error)) from error


def head_of_object(item: InputObject, size: int, s3: S3Config, patience: Patience, waiter: Waiter) -> bytes:
    """Return the first ``size`` bytes of an object of at least one byte, in the version that was listed.

    Raise InputError if the object cannot be read, InputChanged, StorageUnavailable, Forbidden or Cancelled.
    """
    check = check_encoding(item.uri) if item.codec != "none" else lambda _: None
    _, _, etag = item.fingerprint.partition(" ")
    end = min(size, item.size or 0)
    try:
        return b"".join(
            read_range(
                client_for(s3),
                item.uri,
                0,
                end,
                if_match=etag or None,
                waiter=waiter,
                patience=patience,
                check_answer=check,
            )
        )
    except StorageError as error:
        raise InputNotFound(str(error)) from error


def check_encoding(uri: str) -> Callable[[Mapping[str, Any]], None]:
    """Return a check of the answer to a GET request, as boto3 returns it.

    The check raises InputError if the Content-Encoding names an encoding that kubemr-shell cannot decode. The first
    bytes of the content show the encodings that kubemr-shell can decode, such as gzip. Other names are ignored,
    because this header often has names that are no encodings.
    """

    def check(answer: Mapping[str, Any]) -> None:
        encodings = [name.strip().lower() for name in answer.get("ContentEncoding", "").split(",")]
        if refused := [name for name in encodings if name in UNREADABLE_ENCODINGS]:
            raise InputError(
                f"{shown(uri)}: has the Content-Encoding {refused[0]}, which kubemr-shell cannot decode: decode the "
                "object with another tool, or set decompress: none (--decompress none) to read the bytes as they are"
            )

    return check


def uri_of(bucket: str, key: str) -> str:
    """Return the URI of an object or of a prefix."""
    return f"{SCHEME}{bucket}/{key}"


class _Finder:
    """A call of ``find_objects``. Several threads use it at the same time."""

    def __init__(self, client: S3Client, patience: Patience) -> None:
        self._client = client
        self._patience = patience

    def literal(self, places: dict[str, tuple[str, str]], waiter: Waiter) -> dict[str, Found]:
        """Look up the names that may be the key of an object, and return their objects or errors.

        Names that are not the key of an object are not in the result.
        """
        by_bucket: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for name, (bucket, key) in places.items():
            if key and not key.endswith("/") and not has_wildcards(key):
                by_bucket[bucket][name] = key
        found: dict[str, Found] = {}
        for bucket, keys in by_bucket.items():
            objects = look_up(self._client, bucket, keys.values(), patience=self._patience, waiter=waiter)
            for name, key in keys.items():
                answer = objects[key]
                if isinstance(answer, Listed):
                    found[name] = [answer] if answer.size else self._empty(name, bucket, answer, waiter)
                elif answer is not None:
                    found[name] = _as_input_error(answer)
        return found

    def _empty(self, name: str, bucket: str, item: Listed, waiter: Waiter) -> Found:
        """Return an object of size 0, or an error if keys below its name show that it may stand for a folder."""
        folder = f"{item.key}/"
        answer = self._client.call(
            "list_objects_v2", uri=name, patience=self._patience, waiter=waiter, Bucket=bucket, Prefix=folder, MaxKeys=1
        )
        if not answer.get("Contents"):
            return [item]
        return InputNotFound(
            f"{shown(name)}: is an empty object, and there are objects below {shown(uri_of(bucket, folder))}: name "
            f"{shown(uri_of(bucket, folder))} to read these"
        )

    def find(self, name: str, bucket: str, key: str, waiter: Waiter) -> Found:
        """Return the objects of a name that is a prefix or a glob, or the error."""
        find = self._matching if has_wildcards(key) else self._below
        try:
            if has_braces(key) and (found := self._of_braces(name, bucket, key, waiter)):
                return found
            objects = find(bucket, key, waiter)
        except TooManyNames as error:
            return InputNotFound(f"{shown(name)}: {error}")
        except (InputError, Unavailable, StorageError, Forbidden) as error:
            return _as_input_error(error)
        return objects or InputNotFound(f"{shown(name)}: {_why_empty(bucket, key)}")

    def _of_braces(self, name: str, bucket: str, key: str, waiter: Waiter) -> list[Listed]:
        """Return the objects that the expansions of the braces find, or none if no expansion finds any.

        Raise InputNotFound if an alternative finds none.
        """
        expansions = expanded(key)
        objects: dict[str, Listed] = {}
        matched = []
        for expansion in expansions:
            if found := self._matching(bucket, expansion.name, waiter):
                objects |= {item.key: item for item in found}
                matched.append(expansion)
        if matched and (alternative := missed(key, expansions, matched)):
            raise InputNotFound(
                f"{shown(name)}: no key matches the alternative {alternative} of its braces: correct or remove it"
            )
        return sorted(objects.values())

    def _below(self, bucket: str, key: str, waiter: Waiter) -> list[Listed]:
        folder = _as_folder(key)
        return self._list(bucket, folder, lambda other: is_visible(other[len(folder) :]), waiter)

    def _matching(self, bucket: str, key: str, waiter: Waiter) -> list[Listed]:
        """Return the objects of a glob. The same listing shows whether the name exists literally."""
        pattern, folder = KeyPattern(key), _as_folder(key)

        def is_literal(other: str) -> bool:
            return other == key or (other.startswith(folder) and is_visible(other[len(folder) :]))

        found = self._list(bucket, pattern.prefix, lambda other: is_literal(other) or pattern.matches(other), waiter)
        literal = [item for item in found if is_literal(item.key)]
        return [item for item in literal if item.key == key] or literal or found

    def _list(self, bucket: str, prefix: str, wanted: Callable[[str], bool], waiter: Waiter) -> list[Listed]:
        return list_objects(
            self._client,
            bucket,
            prefix,
            wanted=lambda item: (item.size > 0 or not item.key.endswith("/")) and wanted(item.key),
            waiter=waiter,
            patience=self._patience,
        )


def _as_folder(key: str) -> str:
    return key if not key or key.endswith("/") else f"{key}/"


def _as_input_error(error: KubemrError) -> KubemrError:
    """Return the error in the kinds that a planner distinguishes: not found or invalid, unavailable, not allowed."""
    return InputNotFound(str(error)) if isinstance(error, StorageError) else error


def _why_empty(bucket: str, key: str) -> str:
    if has_wildcards(key):
        return f"no key matches ({LEFT_OUT})"
    if not key:
        return f"nothing to read in this bucket ({LEFT_OUT})"
    if key.endswith("/"):
        return f"nothing to read below this prefix ({LEFT_OUT})"
    return f"no such object, and nothing to read below {shown(uri_of(bucket, key))}/ ({LEFT_OUT})"
