"""Memory follows its setting: ten times as much input, and one key with 30 % of it, stay within the bound.

Peaks are VmHWM of a child process: ru_maxrss of a child begins with what its parent had.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

import pytest

RUN_IN_CHILD = """
import importlib, json, os, sys

engine = importlib.import_module(sys.argv[1])
folder, memory_bytes, partitions = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])

def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM"))

collector = engine.Collector(
    partitions=partitions, separator=b"\\t", key_fields=1, memory_bytes=memory_bytes,
    max_record_bytes=memory_bytes // 4, spill_dir=folder,
)
report = {"before": peak()}
collector.drain(0, -1)
path = folder + "/run"
with open(path, "wb") as run:
    facts = collector.write_output(run.fileno())
report |= {"spilled": collector.spilled_bytes, "records": facts.records, "collected": peak()}
collector.close()
sources = [engine.Source(path, offset, stored) for offset, stored, _, _ in facts.partitions if stored][:1000]
merger = engine.Merger(sources * 3, memory_bytes=memory_bytes, scratch_dir=folder)
fed = merger.feed(os.open("/dev/null", os.O_WRONLY), -1)
os.unlink(path)
report |= {"fed": fed.records, "heaviest": fed.heaviest_records, "merged": peak()}
print(json.dumps(report))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A setting, and how far above the process at its start the peak may be."""

    memory_bytes: int
    peak_bytes: int


# A slot has 8 MiB besides its share. The reference only estimates what its objects cost.
BOUNDS = {
    "kubemr_shell.engine._native": Bound(memory_bytes=32 << 20, peak_bytes=40 << 20),
    "kubemr_shell.engine.reference": Bound(memory_bytes=16 << 20, peak_bytes=56 << 20),
}


def unequal_lines(total: int) -> Iterator[bytes]:
    """Unequal lines of 100 bytes, three of ten with the same key."""
    for first in range(0, total // 100, 10_000):
        yield b"".join(
            b"%-11s\t%087d\n" % (b"hot" if number % 10 < 3 else b"%011d" % (number * 7919 % 10**11), number)
            for number in range(first, first + 10_000)
        )


def long_lines(size: int, count: int) -> Iterator[bytes]:
    """Lines of one key, all of them needed at the same moment of a merge."""
    for number in range(count):
        yield b"hot\t" + b"x" * (size - 24) + b"%019d\n" % (number * 7919 % 10_007)


def report_of(
    engine: ModuleType, folder: str, memory_bytes: int, pieces: Iterator[bytes], *, partitions: int = 100
) -> dict[str, int]:
    command = [sys.executable, "-c", RUN_IN_CHILD, engine.__name__, folder, str(memory_bytes), str(partitions)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        for piece in pieces:
            child.stdin.write(piece)
        child.stdin.close()
        report: dict[str, int] = json.load(child.stdout)
    return report


@pytest.mark.slow
def test_ten_times_the_memory_passes_within_its_bound(engine: ModuleType, folder: str) -> None:
    bound = BOUNDS[engine.__name__]
    total = 10 * bound.memory_bytes
    report = report_of(engine, folder, bound.memory_bytes, unequal_lines(total))
    records = -(-total // 1_000_000) * 10_000
    assert (report["records"], report["fed"]) == (records, 3 * records)
    assert report["heaviest"] == 3 * records * 3 // 10
    assert report["spilled"] > total // 2
    assert report["collected"] - report["before"] <= bound.peak_bytes
    assert report["merged"] - report["before"] <= bound.peak_bytes


@pytest.mark.slow
def test_the_longest_lines_in_every_run_pass_within_the_bound(engine: ModuleType, folder: str) -> None:
    bound = BOUNDS[engine.__name__]
    lines = long_lines(bound.memory_bytes // 4, 40)
    report = report_of(engine, folder, bound.memory_bytes, lines)
    assert (report["records"], report["fed"], report["heaviest"]) == (40, 120, 120)
    assert report["collected"] - report["before"] <= bound.peak_bytes
    assert report["merged"] - report["before"] <= bound.peak_bytes


@pytest.mark.slow
def test_a_hundred_thousand_partitions_are_spilled_within_the_bound(folder: str) -> None:
    """The bounds of the partitions in each of a dozen runs would take three times the memory."""
    engine = importlib.import_module("kubemr_shell.engine._native")
    memory_bytes = 4 << 20
    lines = (
        b"".join(b"%d\n" % (number * 7919 % 10**9) for number in range(first, first + 10**4))
        for first in range(0, 6 * 10**5, 10**4)
    )
    report = report_of(engine, folder, memory_bytes, lines, partitions=100_000)
    assert report["records"] == 6 * 10**5
    assert report["spilled"] > 8 * memory_bytes
    # The index of the map output is in memory twice at its end: as it is written, and as it is handed over.
    assert report["collected"] - report["before"] <= memory_bytes + (6 << 20)
