"""``s3://bucket/key``: what stands after the bucket is the key, byte for byte; nothing is percent-decoded."""

from __future__ import annotations

import re

from kubemr_shell.errors import UsageError
from kubemr_shell.shown import shown

SCHEME = "s3://"
LONGEST_KEY_BYTES = 1024
BELOW_BYTES = 128
"""Enough for every name that a job makes below a prefix."""
FOLDED = frozenset({"", ".", ".."})
"""Names in a path that stand for no folder of their own."""
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")


def is_s3(uri: str) -> bool:
    return uri[: len(SCHEME)].lower() == SCHEME


def as_prefix(uri: str) -> str:
    """The URI in the form that names below it are added to with a slash; UsageError as for ``split_uri``.

    What is read may have any key that a server lists. What is written has to be found again where it was written.
    """
    prefix = SCHEME + uri[len(SCHEME) :].rstrip("/")
    _, key = split_uri(prefix)
    if FOLDED.intersection(key.split("/")) and key:
        raise UsageError(
            f"{shown(prefix)}: some servers take what stands between two slashes for a step in a path where it is "
            "nothing, '.' or '..', and write to another place than they list: leave it out"
        )
    size, longest = len(key.encode()), LONGEST_KEY_BYTES - BELOW_BYTES
    if size > longest:
        raise UsageError(
            f"{shown(prefix)}: the prefix has {size} bytes: give one of at most {longest}, for names below it"
        )
    return prefix


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key; the key may be empty. UsageError for what can be no name in S3."""
    bucket, _, key = uri[len(SCHEME) :].partition("/")
    if not is_s3(uri) or not _BUCKET.fullmatch(bucket):
        raise UsageError(
            f"{shown(uri)}: write s3://bucket/key; a bucket's name has 3 to 255 letters, digits, '.', '-' and '_'"
        )
    try:
        size = len(key.encode())
    except UnicodeEncodeError as error:
        raise UsageError(f"{shown(uri)}: the key of an S3 object must be UTF-8") from error
    if size > LONGEST_KEY_BYTES:
        raise UsageError(f"{shown(uri)}: the key has {size} bytes, S3 allows {LONGEST_KEY_BYTES}")
    return bucket, key
