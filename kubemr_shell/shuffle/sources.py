"""The inputs of a reduce task: which range of which map output holds its partition."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kubemr_shell import engine
from kubemr_shell.shuffle.map_manifest import ReadRange, read_map_ranges


def partition_sources(
    manifests: Iterable[str],
    partition: int,
    *,
    reader: Callable[[str], ReadRange],
    map_output: Callable[[int, int], str],
) -> list[engine.Source]:
    """Read the partition's slice of every manifest; ``map_output`` names the file of a (task, attempt)."""
    return [
        engine.Source(map_output(place.task, place.attempt), place.offset, place.length)
        for manifest in manifests
        for place in read_map_ranges(reader(manifest), partition, manifest)
    ]
