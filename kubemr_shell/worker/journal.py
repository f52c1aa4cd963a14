"""The journal: the files in which workers record the results of attempts, one JSON file for each batch.

A batch has the attempts of one commit. It is written before the commit, under the id of the claim that commits it. So
the entries of a shard's winners can always be found. Entries of attempts that did not win are ignored.
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
"""The zlib level of the lengths. The lowest is enough, because lengths are small numbers in eight bytes each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The record of a finished attempt. Bytes and records are counted at the command's stdin (in) and stdout (out)."""

    task: int
    attempt: int
    seconds: float = 0.0
    records_in: int = 0
    bytes_in: int = 0
    records_out: int = 0
    bytes_out: int = 0
    exit_status: int | None = None
    """The exit status of the command, one of ``okExitCodes``; None if the attempt ran no command."""
    stderr: str = ""
    """The last few hundred bytes of the command's stderr, without ``reporter:`` lines."""
    counters: Counters = field(default_factory=dict)
    warnings: int = 0
    """The number of mistakes of the command that are ignored, such as malformed ``reporter:`` lines."""
    warning: str = ""
    """The first of these warnings."""
    lengths: Lengths = b""
    """The packed lengths of the partitions in a map output. Empty for other tasks, and in map-only jobs."""
    requests: dict[str, int] = field(default_factory=dict)
    """The S3 requests of the worker since its last attempt, by the kinds of ``net.s3_requests``."""
    crc32: int = 0
    """The checksum of the part, for tasks that write a part."""
    seal: int = 0
    """The number by which the storage recognizes the part as long as no one changes the part."""
    heaviest_key: str = ""
    """The key with the most records, decoded as latin-1, for reduce tasks."""
    heaviest_records: int = 0
    """The number of records with this key."""


def encode_batch(entries: Iterable[Entry]) -> bytes:
    """Return a batch as JSON, in which packed lengths are compressed and in base64."""
    return json.dumps([_row(entry) for entry in entries], separators=(",", ":")).encode()


def decode_batch(data: bytes, source: str) -> list[Entry]:
    """Return the entries of a batch. Raise CorruptRun, which names ``source``, if the batch is damaged."""
    try:
        rows = json.loads(data)
        return [_entry(row) for row in rows]
    except (ValueError, TypeError, KeyError, zlib.error) as error:
        raise CorruptRun(source, 0, f"the journal is damaged ({error})") from error


def _entry(row: Mapping[str, object]) -> Entry:
    values = dict(row)
    text = values.pop("lengths", "")
    if not isinstance(text, str) or values.pop("ranges", ()):
        raise TypeError("an older version wrote it: start the job again")
    lengths = zlib.decompress(b64decode(text, validate=True)) if text else b""
    if len(lengths) % BYTES_A_PARTITION:
        raise ValueError("lengths are cut short")
    return Entry(lengths=lengths, **values)  # type: ignore[arg-type]


def _row(entry: Entry) -> dict[str, object]:
    lengths = b64encode(zlib.compress(entry.lengths, LEVEL)).decode() if entry.lengths else ""
    return asdict(replace(entry, lengths=b"")) | {"lengths": lengths}
