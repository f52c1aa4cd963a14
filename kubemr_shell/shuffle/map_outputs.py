"""The interface of map outputs, and map outputs in a local folder.

Map tasks write map outputs, and reduce tasks gather them by partition. In a local folder, a map output is the run file
of the engine, and reduce tasks read their ranges of this file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from kubemr_shell import engine
from kubemr_shell.board.steps import Attempt
from kubemr_shell.errors import CorruptRun, FolderRemoved, MapOutputLost, ObjectNotFound, OutOfSpace, Sequel
from kubemr_shell.job import names
from kubemr_shell.shuffle.lengths import Lengths
from kubemr_shell.shuffle.manifests import Manifests
from kubemr_shell.shuffle.map_manifest import MapRange
from kubemr_shell.storage.os_errors import explained


class Gathering(Protocol):
    """The gathering of one partition for a reduce task. Call ``sources`` once, and ``close`` at the end."""

    def sources(self, cancel: int) -> list[engine.Source]:
        """Return the sorted ranges of the partition in local files, which exist until ``close``.

        Raise MapOutputLost if a map output is missing or damaged. Raise Cancelled soon after ``cancel`` becomes
        readable.
        """
        ...

    def lost_output(self, error: CorruptRun | ObjectNotFound) -> MapOutputLost | None:
        """Return the map output that an error names, or None if the error names another file."""
        ...

    def close(self) -> None:
        """Remove the local files."""
        ...


class MapOutputs(Protocol):
    """The map outputs of one job, for all slots of a worker."""

    def write(self, attempt: Attempt, collector: engine.Collector) -> tuple[engine.OutputFacts, Lengths]:
        """Write the output of a map attempt. Raise FolderRemoved if the folder of the map outputs is gone."""
        ...

    def gather(self, manifests: Sequence[str], partition: int) -> Gathering:
        """Return the gathering of a partition. ``manifests`` are the URIs of the manifests of all closed shards."""
        ...

    def together(self) -> int:
        """Return the number of partitions that one worker should gather together. So many cost hardly more than one."""
        ...

    def close(self) -> None:
        """Release the resources."""
        ...


class LocalMapOutputs(MapOutputs):
    """Map outputs in a local folder."""

    def __init__(self, manifests: Manifests, folder: str) -> None:
        self._manifests = manifests
        self._folder = folder

    def write(self, attempt: Attempt, collector: engine.Collector) -> tuple[engine.OutputFacts, Lengths]:
        path = self._path(*attempt)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
        except FileNotFoundError as error:
            raise FolderRemoved(self._folder, sequel=Sequel.BEGINS_ANEW) from error
        try:
            facts = write_run(collector, descriptor, path)
        finally:
            os.close(descriptor)
        return facts, facts.lengths

    def gather(self, manifests: Sequence[str], partition: int) -> Gathering:
        return _InPlace(lambda: self._manifests.ranges(manifests, [partition])[partition], self._path)

    def together(self) -> int:
        return 1

    def close(self) -> None:
        """There is nothing to close."""

    def _path(self, task: int, attempt: int) -> str:
        return f"{self._folder}/{names.attempt_name(task, attempt)}"


class _InPlace(Gathering):
    def __init__(self, ranges: Callable[[], Iterable[MapRange]], path: Callable[[int, int], str]) -> None:
        self._ranges = ranges
        self._path = path
        self._sources: list[engine.Source] = []

    def sources(self, cancel: int) -> list[engine.Source]:  # noqa: ARG002 - nothing takes long here
        self._sources = [
            engine.Source(self._path(place.task, place.attempt), place.offset, place.length) for place in self._ranges()
        ]
        return self._sources

    def lost_output(self, error: CorruptRun | ObjectNotFound) -> MapOutputLost | None:
        paths = (source.path for source in self._sources)
        if isinstance(error, CorruptRun):
            path = next((path for path in paths if path == error.path), None)
        else:
            path = next((path for path in paths if not os.path.exists(path)), None)
        return None if path is None else MapOutputLost(*names.parse_attempt_name(os.path.basename(path)), str(error))

    def close(self) -> None:
        """There is nothing to close."""


def write_run(collector: engine.Collector, descriptor: int, path: str) -> engine.OutputFacts:
    """Write the run file of a collector. Errors name the path."""
    try:
        return collector.write_output(descriptor)
    except OutOfSpace as error:
        raise OutOfSpace(f"{path}: {error}") from error
    except OSError as error:
        raise explained(error, path) from error
