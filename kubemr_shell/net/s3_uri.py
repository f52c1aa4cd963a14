"""URIs ``s3://bucket/key``. All bytes after the slash that ends the bucket are the key; nothing is percent-decoded."""

from __future__ import annotations

import re

from kubemr_shell.errors import UsageError
from kubemr_shell.shown import shown

SCHEME = "s3://"
"""The beginning of every URI in S3."""
LONGEST_KEY_BYTES = 1024
"""The largest length of a key: S3's limit."""
BELOW_BYTES = 128
"""The bytes that are enough for every name that a job makes below a prefix."""
FOLDED = frozenset({"", ".", ".."})
"""Names in a path that do not name a folder of their own."""
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")


def is_s3(uri: str) -> bool:
    """Return whether the scheme of the URI is ``s3``."""
    return uri[: len(SCHEME)].lower() == SCHEME


def as_prefix(uri: str) -> str:
    """Return the URI of an output without slashes at its end, so that a slash and a name can be added.

    An input may have any key that a server lists. But an output has to be found again under the key that was written,
    so some keys are refused. Raise UsageError for such a key, and as ``split_uri`` does.
    """
    prefix = SCHEME + uri[len(SCHEME) :].rstrip("/")
    _, key = split_uri(prefix)
    if FOLDED.intersection(key.split("/")) and key:
        raise UsageError(
            f"{shown(prefix)}: a name between slashes is empty, '.' or '..'. Some servers resolve such a name like a "
            "step in a path, and then write to another place than they list: remove the name"
        )
    size, longest = len(key.encode()), LONGEST_KEY_BYTES - BELOW_BYTES
    if size > longest:
        raise UsageError(
            f"{shown(prefix)}: the prefix has {size} bytes: give one of at most {longest}, for names below it"
        )
    return prefix


def split_uri(uri: str) -> tuple[str, str]:
    """Return the bucket and the key of an S3 URI. The key may be empty.

    Raise UsageError if ``uri`` is not an S3 URI, or if S3 does not allow the name of the bucket or the key.
    """
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
