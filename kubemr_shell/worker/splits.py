"""The files of a job's plan: the splits of its map tasks, in chunks that each fit into little memory.

A split of packed small files may have 1,000 pieces, so the number of pieces in a chunk is limited too. The first chunk
begins with a line that has the number of the first task of each chunk. So the first chunk is written last, and every
reader of a chunk reads the first chunk too.
"""

from __future__ import annotations

import json
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping

from kubemr_shell.errors import CorruptRun
from kubemr_shell.job.split import Split
from kubemr_shell.storage.required_files import job_files_required
from kubemr_shell.worker.checked import checked, with_checksum
from kubemr_shell.worker.workspace import Workspace

SPLITS_A_CHUNK = 1000
"""The greatest number of splits in a chunk."""
PIECES_A_CHUNK = 4000
"""The greatest number of pieces in a chunk: about a megabyte, as most URIs have 50 to 200 bytes."""
CHUNKS_KEPT = 4
"""The number of chunks that a worker keeps in memory."""
_STARTS = "chunks begin with the tasks "


def chunked(splits: Iterable[Split]) -> Iterator[list[Split]]:
    """Group neighbouring splits into chunks. Only a single split with more pieces makes a chunk exceed the limit."""
    chunk: list[Split] = []
    pieces = 0
    for split in splits:
        if chunk and (len(chunk) == SPLITS_A_CHUNK or pieces + len(split.pieces) > PIECES_A_CHUNK):
            yield chunk
            chunk, pieces = [], 0
        chunk.append(split)
        pieces += len(split.pieces)
    if chunk:
        yield chunk


def write_splits(workspace: Workspace, plan_id: str, splits: Iterable[Split]) -> int:
    """Write the plan and return the number of its splits."""
    starts: list[int] = []
    total = 0
    first: list[str] = []
    for number, chunk in enumerate(chunked(splits)):
        starts.append(total)
        total += len(chunk)
        lines = [split.to_json() for split in chunk]
        if number == 0:
            first = lines
        else:
            _write_chunk(workspace, plan_id, number, lines)
    if starts:
        _write_chunk(workspace, plan_id, 0, [_STARTS + json.dumps(starts), *first])
    return total


def write_headers(workspace: Workspace, plan_id: str, headers: Mapping[str, bytes]) -> None:
    """Write the headers that tasks get from the plan. Their names are those of ``Split.header``."""
    for name, header in headers.items():
        workspace.write(_header_uri(workspace, plan_id, name), with_checksum(header))


class PlannedSplits:
    """The splits of a job's plan, which threads may share.

    ``plan_id``: returns the id of the plan. It is called at the first read.
    """

    def __init__(self, workspace: Workspace, plan_id: Callable[[], str]) -> None:
        self._workspace = workspace
        self._plan_id = plan_id
        self._lock = threading.Lock()
        self._starts: list[int] = []
        self._chunks: OrderedDict[int, list[str]] = OrderedDict()

    def of_task(self, task: int) -> Split:
        """Return the split of a map task."""
        with self._lock:
            chunk = bisect_right(self._all_starts(), task) - 1
            return Split.from_json(self._lines(chunk)[task - self._starts[chunk]])

    def header_of(self, split: Split) -> bytes:
        """Return the header that the plan has for a split, or no bytes if the command gets none from the plan."""
        if not split.header:
            return b""
        uri = _header_uri(self._workspace, self._plan_id(), split.header)
        with job_files_required():
            return checked(self._workspace.storage.read(uri), uri)

    def __iter__(self) -> Iterator[Split]:
        """Yield all splits in the order of their tasks. The plan has at least one."""
        with self._lock:
            chunks = len(self._all_starts())
        for chunk in range(chunks):
            with self._lock:
                lines = self._lines(chunk)
            yield from map(Split.from_json, lines)

    def _all_starts(self) -> list[int]:
        if not self._starts:
            self._lines(0)
        return self._starts

    def _lines(self, chunk: int) -> list[str]:
        if chunk not in self._chunks:
            self._chunks[chunk] = self._read(chunk)
            while len(self._chunks) > CHUNKS_KEPT:
                self._chunks.popitem(last=False)
        self._chunks.move_to_end(chunk)
        return self._chunks[chunk]

    def _read(self, chunk: int) -> list[str]:
        uri = _uri(self._workspace, self._plan_id(), chunk)
        with job_files_required():
            lines = checked(self._workspace.storage.read(uri), uri).decode().splitlines()
        if chunk > 0:
            return lines
        if not lines[0].startswith(_STARTS):
            raise CorruptRun(uri, 0, "an older version wrote the plan: start the job again")
        self._starts = json.loads(lines[0].removeprefix(_STARTS))
        return lines[1:]


def _write_chunk(workspace: Workspace, plan_id: str, chunk: int, lines: list[str]) -> None:
    workspace.write(_uri(workspace, plan_id, chunk), with_checksum("\n".join(lines).encode()))


def _header_uri(workspace: Workspace, plan_id: str, name: str) -> str:
    return f"{workspace.temporaries}/plan/{plan_id}.header-{name}"


def _uri(workspace: Workspace, plan_id: str, chunk: int) -> str:
    return f"{workspace.temporaries}/plan/{plan_id}.splits-{chunk:05d}.jsonl"
