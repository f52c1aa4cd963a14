"""Tests of the limits of a pod, read from files like those of the kernel."""

import os
from pathlib import Path

import pytest

from kubemr_shell.pod.limits import DEFAULT_MEMORY_BYTES, cpus, memory_bytes

USABLE = len(os.sched_getaffinity(0))


def cgroup(root: Path, **files: str) -> str:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{text}\n")
    return str(root)


@pytest.mark.parametrize("name", ["memory_dot_max", "memory__memory_dot_limit_in_bytes"])
def test_half_of_the_limit_is_the_engines(tmp_path: Path, name: str) -> None:
    assert memory_bytes(cgroup(tmp_path, **{name: str(300 << 20)})) == 150 << 20


@pytest.mark.parametrize(
    "files",
    [{}, {"memory_dot_max": "max"}, {"memory__memory_dot_limit_in_bytes": str(0x7FFFFFFFFFFFF000)}],
)
def test_without_a_limit_there_is_a_default(tmp_path: Path, files: dict[str, str]) -> None:
    assert memory_bytes(cgroup(tmp_path, **files)) == DEFAULT_MEMORY_BYTES // 2


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu_dot_max": "100000 100000"}, 1),
        ({"cpu_dot_max": "20000 100000"}, 1),
        ({"cpu_dot_max": "110000 100000"}, min(2, USABLE)),
        ({"cpu__cpu_dot_cfs_quota_us": "50000", "cpu__cpu_dot_cfs_period_us": "100000"}, 1),
        ({"cpu_dot_max": "max 100000"}, USABLE),
        ({"cpu__cpu_dot_cfs_quota_us": "-1", "cpu__cpu_dot_cfs_period_us": "100000"}, USABLE),
        ({}, USABLE),
    ],
)
def test_a_slot_for_each_cpu_that_may_be_kept_busy(tmp_path: Path, files: dict[str, str], expected: int) -> None:
    assert cpus(cgroup(tmp_path, **files)) == expected
