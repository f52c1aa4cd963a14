"""What a pod may use, as its cgroup says: by the files of either version, or by none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kubemr_shell.pod.limits import DEFAULT_MEMORY_BYTES, cpus, memory_bytes

HERE = len(os.sched_getaffinity(0))
V1_QUOTA, V1_PERIOD = "cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"


def root(folder: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text + "\n")
    return str(folder)


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({"memory.max": "3000000000"}, 3_000_000_000),
        ({"memory.max": "max"}, DEFAULT_MEMORY_BYTES),
        ({"memory/memory.limit_in_bytes": "3000000000"}, 3_000_000_000),
        ({"memory/memory.limit_in_bytes": "9223372036854771712"}, DEFAULT_MEMORY_BYTES),  # version 1 for: none
        ({}, DEFAULT_MEMORY_BYTES),
    ],
)
def test_half_of_the_memory_is_the_commands(tmp_path: Path, files: dict[str, str], limit: int) -> None:
    assert memory_bytes(root(tmp_path, files)) == limit // 2


@pytest.mark.parametrize(
    ("files", "allowed"),
    [
        ({"cpu.max": "150000 100000"}, 2),
        ({"cpu.max": "20000 100000"}, 1),
        ({"cpu.max": "100000000 100000"}, HERE),
        ({"cpu.max": "max 100000"}, HERE),
        ({V1_QUOTA: "150000", V1_PERIOD: "100000"}, 2),
        ({V1_QUOTA: "-1", V1_PERIOD: "100000"}, HERE),
        ({}, HERE),
    ],
)
def test_a_part_of_a_cpu_counts_as_one_and_no_more_are_used_than_there_are(
    tmp_path: Path, files: dict[str, str], allowed: int
) -> None:
    assert cpus(root(tmp_path, files)) == min(allowed, HERE)
