"""Predicts what a job will do, and what its S3 requests cost, before the job spends anything. Pure.

The forecast assumes that no request is repeated and that each part of the output fits into one request. How often a
worker commits depends on the duration of its commands. The forecast counts one commit for each task, which holds if
each command takes 0.3 s or more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from kubemr_shell.board.layout import Layout
from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.range_feed import range_of
from kubemr_shell.job.split import Codec, Piece, Split
from kubemr_shell.net.s3_read import request_count
from kubemr_shell.net.s3_requests import DELETE, GET, PUT
from kubemr_shell.net.s3_uri import is_s3
from kubemr_shell.shuffle.map_manifest import read_requests
from kubemr_shell.shuffle.remote_map_outputs import CELLS, partitions_a_batch
from kubemr_shell.worker.splits import chunked

BYTES_PER_SECOND: dict[Codec, float] = {
    "none": 1e9,
    "auto": 1e9,
    "tar": 1e9,
    "lz4": 300e6,
    "zstd": 150e6,
    "gzip": 60e6,
    "zip": 60e6,
    "xz": 17e6,
    "lzma": 17e6,
    "bzip2": 6e6,
}
"""The bytes of a stored (compressed) file that one processor reads in a second, by codec.

Measured with text; see docs/performance.md.
"""

Requests = Counter[str]
"""A count of S3 requests by kind. The kinds are those of ``net.s3_requests``."""

_OUTPUT_REQUESTS = Requests({PUT: 8, GET: 6, DELETE: 2})
"""The requests of one job to look at its output, to own it and to remove the staged parts, whatever it holds."""
_PART_REQUESTS = Requests({PUT: 4, GET: 2})
"""The requests for one part or ``_SUCCESS``: begin, send, receipt, complete; read the receipt, look at the target."""
_TEMPORARIES_REQUESTS = Requests({PUT: 3, GET: 3, DELETE: 1})
"""The requests to test that temporaries can be written, and to remove them."""
_COMMIT_REQUESTS = Requests({PUT: 1, GET: 1})
"""The requests for one batch of the journal: the write, and the read when the shard of the batch is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunShape:
    """The properties of a run on which its number of requests depends."""

    partitions: int
    at_once: int
    """The number of tasks that run at once, in all workers together."""
    workers: int
    read_memory: int
    """The bytes that a task may read ahead."""
    output_in_s3: bool
    temporaries_in_s3: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsplittableInput:
    """A large input that is not cut, so that one task has to read it."""

    item: InputObject
    seconds: float
    """The least time that decompressing the input takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The prediction for one job. Bytes are counted as stored, before decompression."""

    inputs: int
    bytes: int
    unknown_sizes: int
    """The number of inputs whose size their server does not tell. They are not counted in ``bytes``."""
    maps: int
    largest_split: int
    reduces: int
    unsplittable: tuple[UnsplittableInput, ...]
    """The large inputs that are not cut, slowest first."""
    requests: Requests


def forecast(objects: Sequence[InputObject], splits: Sequence[Split], shape: RunShape, listing: Requests) -> Forecast:
    """Return the forecast of a job. ``listing`` counts the requests that finding the objects has taken."""
    sizes = [item.size for item in objects if item.size is not None]
    return Forecast(
        inputs=len(objects),
        bytes=sum(sizes),
        unknown_sizes=len(objects) - len(sizes),
        maps=len(splits),
        largest_split=max((_split_bytes(split) for split in splits), default=0),
        reduces=shape.partitions,
        unsplittable=_unsplittable(objects, splits),
        requests=listing + _requests(splits, shape),
    )


def cost(requests: Requests, put_price: float, get_price: float) -> float:
    """Return the cost of requests, in the currency of the prices for 1,000 requests. Deletions are free."""
    return (requests[PUT] * put_price + requests[GET] * get_price) / 1000


def _requests(splits: Sequence[Split], shape: RunShape) -> Requests:
    total = Requests()
    for split in splits:
        total[GET] += sum(_reads(piece, shape.read_memory) for piece in split.pieces)
    if shape.output_in_s3:
        parts = shape.partitions or len(splits)
        total += _OUTPUT_REQUESTS
        total += _times(_PART_REQUESTS, parts + 1)
    if shape.temporaries_in_s3:
        total += _temporaries_requests(splits, shape)
    return total


def _temporaries_requests(splits: Sequence[Split], shape: RunShape) -> Requests:
    """Return the requests for plan, journal, manifests and shuffle. Assume that each cell of the shuffle holds data."""
    maps, chunks = len(splits), sum(1 for _ in chunked(splits))
    total = _TEMPORARIES_REQUESTS + Requests({PUT: chunks, GET: chunks * shape.workers})
    phases = [maps, shape.partitions] if shape.partitions else [maps]
    phases.append(_shards(phases[-1], shape))  # the publish phase has one task for each shard of parts
    for tasks, pieces in zip(phases, [shape.partitions, 1, 1], strict=False):
        shards = _shards(tasks, shape, pieces)
        total += _times(_COMMIT_REQUESTS, tasks) + Requests({PUT: 2 * shards})  # list the journal, write the manifest
    total[PUT] -= _shards(phases[-1], shape)  # the shards of the publish phase have no manifests
    total[GET] += 2 * phases[-1]  # the publishing worker and the finisher both read the manifests of parts
    if shape.partitions:
        total += _shuffle_requests(maps, shape)
    return total


def _shuffle_requests(maps: int, shape: RunShape) -> Requests:
    batches = -(-shape.partitions // partitions_a_batch(maps, shape.partitions, CELLS))
    shards = _shards(maps, shape, shape.partitions)
    manifest = read_requests(-(-maps // shards), shape.partitions, -(-batches // shape.workers))
    return Requests({PUT: maps, GET: batches * maps + shards * shape.workers * manifest})


def _shards(tasks: int, shape: RunShape, pieces: int = 1) -> int:
    return Layout.of(tasks, shape.workers, pieces=pieces).shards


def _reads(piece: Piece, memory: int) -> int:
    if not is_s3(piece.uri) or not piece.size:
        return 0
    return request_count(*range_of(piece, piece.size), memory)


def _unsplittable(objects: Sequence[InputObject], splits: Sequence[Split]) -> tuple[UnsplittableInput, ...]:
    """Return the inputs that were not cut although they are larger than the usual split."""
    usual = max((_split_bytes(split) for split in splits if split.pieces[0].codec == "none"), default=0)
    usual = max(usual, 64 << 20)
    whole = {piece.uri for split in splits for piece in split.pieces if piece.is_whole}
    found = [
        UnsplittableInput(item=item, seconds=item.size / BYTES_PER_SECOND[item.codec])
        for item in objects
        if item.size is not None and item.size > usual and item.uri in whole
        if item.codec != "none" or not item.splittable
    ]
    return tuple(sorted(found, key=lambda alone: -alone.seconds))


def _split_bytes(split: Split) -> int:
    return sum((piece.end if piece.end is not None else piece.size or 0) - piece.start for piece in split.pieces)


def _times(requests: Requests, factor: int) -> Requests:
    return Requests({kind: count * factor for kind, count in requests.items()})
