"""What a job will do, and what its S3 requests cost, before it spends anything. Pure.

Requests are counted for a run in which none has to be sent again and every part of the output fits into one request.
How often a worker commits depends on how long commands take: here, after each task, as when each takes 0.3 s or more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from kubemr_shell.board.layout import Layout
from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.range_feed import range_of
from kubemr_shell.job.split import Piece, Split
from kubemr_shell.net.s3_read import request_count
from kubemr_shell.net.s3_requests import DELETE, GET, PUT
from kubemr_shell.net.s3_uri import is_s3
from kubemr_shell.shuffle.map_manifest import read_requests
from kubemr_shell.shuffle.remote_map_outputs import CELLS, partitions_a_batch
from kubemr_shell.worker.splits import chunked

BYTES_PER_SECOND = {"gzip": 60e6, "bzip2": 6e6, "xz": 17e6, "zstd": 150e6, "none": 1e9}
"""Of a compressed file as it is stored, one processor; measured with text (docs/performance.md)."""

Requests = Counter[str]
"""By the kinds of ``net.s3_requests``."""

_OF_THE_OUTPUT = Requests({PUT: 8, GET: 6, DELETE: 2})
"""Looking at it, owning it, and removing what was staged; whatever it holds."""
_OF_AN_OUTPUT = Requests({PUT: 4, GET: 2})
"""A part, or ``_SUCCESS``: begin, send, receipt, complete; read the receipt, look at the target."""
_OF_THE_TEMPORARIES = Requests({PUT: 3, GET: 3, DELETE: 1})
"""Looking whether they can be, and removing them."""
_OF_A_COMMIT = Requests({PUT: 1, GET: 1})
"""A batch of the journal, which is read again when its shard is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a job will be run."""

    partitions: int
    at_once: int
    """Tasks, of all workers together."""
    workers: int
    read_memory: int
    """Bytes that a task may read ahead."""
    output_in_s3: bool
    temporaries_in_s3: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone:
    """An input that one task has to read alone, for it cannot be cut."""

    item: InputObject
    seconds: float
    """To decompress it, at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What will happen. Bytes are as stored."""

    inputs: int
    bytes: int
    unknown_sizes: int
    """Inputs of which a server does not say how large they are; they are not in ``bytes``."""
    maps: int
    largest_split: int
    reduces: int
    alone: tuple[Alone, ...]
    """The slowest first."""
    requests: Requests


def forecast(objects: Sequence[InputObject], splits: Sequence[Split], shape: Shape, listing: Requests) -> Forecast:
    """``listing`` is what it took to find the objects."""
    sizes = [item.size for item in objects if item.size is not None]
    return Forecast(
        inputs=len(objects),
        bytes=sum(sizes),
        unknown_sizes=len(objects) - len(sizes),
        maps=len(splits),
        largest_split=max((_split_bytes(split) for split in splits), default=0),
        reduces=shape.partitions,
        alone=_alone(objects, splits),
        requests=listing + _requests(splits, shape),
    )


def cost(requests: Requests, put_price: float, get_price: float) -> float:
    """In the currency of the prices, which are for 1,000 requests. Deletions are free."""
    return (requests[PUT] * put_price + requests[GET] * get_price) / 1000


def _requests(splits: Sequence[Split], shape: Shape) -> Requests:
    total = Requests()
    for split in splits:
        total[GET] += sum(_reads(piece, shape.read_memory) for piece in split.pieces)
    if shape.output_in_s3:
        parts = shape.partitions or len(splits)
        total += _OF_THE_OUTPUT
        total += _times(_OF_AN_OUTPUT, parts + 1)
    if shape.temporaries_in_s3:
        total += _of_temporaries(splits, shape)
    return total


def _of_temporaries(splits: Sequence[Split], shape: Shape) -> Requests:
    """Plan, journal, manifests, and the shuffle, whose every cell may hold something."""
    maps, chunks = len(splits), sum(1 for _ in chunked(splits))
    total = _OF_THE_TEMPORARIES + Requests({PUT: chunks, GET: chunks * shape.workers})
    phases = [maps, shape.partitions] if shape.partitions else [maps]
    phases.append(_shards(phases[-1], shape))  # publishing: a task for each shard of parts
    for tasks, pieces in zip(phases, [shape.partitions, 1, 1], strict=False):
        shards = _shards(tasks, shape, pieces)
        total += _times(_OF_A_COMMIT, tasks) + Requests({PUT: 2 * shards})  # the journal listed, the manifest
    total[PUT] -= _shards(phases[-1], shape)  # what was published needs no manifest
    total[GET] += 2 * phases[-1]  # the manifests of parts, by whoever publishes and by whoever finishes
    if shape.partitions:
        total += _of_shuffle(maps, shape)
    return total


def _of_shuffle(maps: int, shape: Shape) -> Requests:
    batches = -(-shape.partitions // partitions_a_batch(maps, shape.partitions, CELLS))
    shards = _shards(maps, shape, shape.partitions)
    manifest = read_requests(-(-maps // shards), shape.partitions, -(-batches // shape.workers))
    return Requests({PUT: maps, GET: batches * maps + shards * shape.workers * manifest})


def _shards(tasks: int, shape: Shape, pieces: int = 1) -> int:
    return Layout.of(tasks, shape.workers, pieces=pieces).shards


def _reads(piece: Piece, memory: int) -> int:
    if not is_s3(piece.uri) or not piece.size:
        return 0
    return request_count(*range_of(piece, piece.size), memory)


def _alone(objects: Sequence[InputObject], splits: Sequence[Split]) -> tuple[Alone, ...]:
    """Inputs larger than a split would be, if they could be cut."""
    usual = max((_split_bytes(split) for split in splits if split.pieces[0].codec == "none"), default=0)
    usual = max(usual, 64 << 20)
    found = [
        Alone(item=item, seconds=item.size / BYTES_PER_SECOND[item.codec])
        for item in objects
        if item.size is not None and not item.splittable and item.size > usual
    ]
    return tuple(sorted(found, key=lambda alone: -alone.seconds))


def _split_bytes(split: Split) -> int:
    return sum((piece.end if piece.end is not None else piece.size or 0) - piece.start for piece in split.pieces)


def _times(requests: Requests, factor: int) -> Requests:
    return Requests({kind: count * factor for kind, count in requests.items()})
