"""Which split each map task reads: the plan's chunks, a few kept in memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from kubemr_shell.job.split import Split
from kubemr_shell.worker.workspace import SPLITS_A_CHUNK, Workspace

CHUNKS_KEPT = 4


class PlannedSplits:
    """The splits of a job's plan, once ``plan_id`` knows it. Threads may share it."""

    def __init__(self, workspace: Workspace, plan_id: Callable[[], str]) -> None:
        self._workspace = workspace
        self._plan_id = plan_id
        self._lock = threading.Lock()
        self._chunks: OrderedDict[int, list[str]] = OrderedDict()

    def of_task(self, task: int) -> Split:
        return Split.from_json(self._lines(task // SPLITS_A_CHUNK)[task % SPLITS_A_CHUNK])

    def _lines(self, chunk: int) -> list[str]:
        with self._lock:
            if chunk not in self._chunks:
                self._chunks[chunk] = self._workspace.read_chunk(self._plan_id(), chunk)
                while len(self._chunks) > CHUNKS_KEPT:
                    self._chunks.popitem(last=False)
            self._chunks.move_to_end(chunk)
            return self._chunks[chunk]
