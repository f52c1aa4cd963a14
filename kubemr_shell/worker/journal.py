"""What an attempt leaves for others to read: one JSON object a committed batch.

A batch is written before its commit, under the id of the claim that commits it, so the entries of a shard's
winners can always be found; entries of attempts that did not win are ignored.
"""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace

from kubemr_shell.errors import CorruptRun
from kubemr_shell.job.counters import Counters
from kubemr_shell.shuffle.lengths import BYTES_A_PARTITION, Lengths

LEVEL = 1
"""Of compression: lengths are small numbers in eight bytes each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One finished attempt. Bytes and records are those of the command's stdin (in) and stdout (out)."""

    task: int
    attempt: int
    seconds: float = 0.0
    records_in: int = 0
    bytes_in: int = 0
    records_out: int = 0
    bytes_out: int = 0
    exit_status: int | None = None
    """Of the command, one of ``okExitCodes``; None where the attempt ran no command."""
    stderr: str = ""
    """The last of what the command wrote there but ``reporter:`` lines, a few hundred bytes."""
    counters: Counters = field(default_factory=dict)
    warnings: int = 0
    """How many things the command did that mean nothing, such as malformed ``reporter:`` lines."""
    warning: str = ""
    """The first of them."""
    lengths: Lengths = b""
    """Map tasks of a job that reduces: the length of each partition in the map output, packed."""
    requests: dict[str, int] = field(default_factory=dict)
    """S3 requests of the worker since its last attempt, by the kinds of ``net.s3_requests``."""
    crc32: int = 0
    """Tasks that write a part: the part's checksum."""
    seal: int = 0
    """The number by which the storage knows the part as long as nobody touches it."""
    heaviest_key: str = ""
    """Reduce tasks: the key with the most records (latin-1), and how many it has."""
    heaviest_records: int = 0


def encode_batch(entries: Iterable[Entry]) -> bytes:
    """Return a batch as JSON; packed lengths are compressed there, and in base64."""
    return json.dumps([_row(entry) for entry in entries], separators=(",", ":")).encode()


def decode_batch(data: bytes, source: str) -> list[Entry]:
    """Read a batch; ``source`` names it in an error."""
    try:
        rows = json.loads(data)
        return [_entry(row) for row in rows]
    except (ValueError, TypeError, KeyError, zlib.error) as error:
        raise CorruptRun(source, 0, f"the journal is not what was written ({error})") from error


def _entry(row: Mapping[str, object]) -> Entry:
    values = dict(row)
    text = values.pop("lengths", "")
    if not isinstance(text, str) or values.pop("ranges", ()):
        raise TypeError("an older version wrote it: run the job anew")
    lengths = zlib.decompress(b64decode(text, validate=True)) if text else b""
    if len(lengths) % BYTES_A_PARTITION:
        raise ValueError("lengths are cut short")
    return Entry(lengths=lengths, **values)  # type: ignore[arg-type]


def _row(entry: Entry) -> dict[str, object]:
    lengths = b64encode(zlib.compress(entry.lengths, LEVEL)).decode() if entry.lengths else ""
    return asdict(replace(entry, lengths=b"")) | {"lengths": lengths}
