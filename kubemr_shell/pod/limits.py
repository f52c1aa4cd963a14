"""Reads the limits of the pod from the files of its cgroup.

The engine gets half of the memory. The other half is for the user's commands, which run in the same pod.
"""

from __future__ import annotations

import os

DEFAULT_MEMORY_BYTES = 1 << 30
"""The memory that a pod without a limit is assumed to have."""
ROOT = "/sys/fs/cgroup"
"""The folder where Linux shows the cgroup of the pod."""


def memory_bytes(root: str = ROOT) -> int:
    """Return the bytes of memory that the engine of a worker may use."""
    limit = _first(os.path.join(root, "memory.max"))
    if limit is None:  # cgroup v1
        limit = _first(os.path.join(root, "memory", "memory.limit_in_bytes"))
    has_limit = limit is not None and limit.isdecimal() and int(limit) < 1 << 60
    return (int(limit) if has_limit and limit else DEFAULT_MEMORY_BYTES) // 2


def cpus(root: str = ROOT) -> int:
    """Return the number of CPUs that the pod may keep busy, at least one."""
    quota, period = _quota(root)
    usable = len(os.sched_getaffinity(0))
    return usable if quota is None else max(1, min(usable, -(-quota // period)))


def _quota(root: str) -> tuple[int | None, int]:
    line = _first(os.path.join(root, "cpu.max"))
    if line is not None:
        quota, _, period = line.partition(" ")
    else:  # cgroup v1
        quota = _first(os.path.join(root, "cpu", "cpu.cfs_quota_us")) or ""
        period = _first(os.path.join(root, "cpu", "cpu.cfs_period_us")) or ""
    return (int(quota), int(period)) if quota.isdecimal() and period.isdecimal() else (None, 1)


def _first(path: str) -> str | None:
    try:
        with open(path) as file:
            return file.readline().strip()
    except OSError:
        return None
