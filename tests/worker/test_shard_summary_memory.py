"""Test of the memory for closing a shard: it is small, however many partitions the job has.

The peak is VmHWM of a child process, because ru_maxrss of a child begins with the value of its parent.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kubemr_shell.board.layout import Layout

TASKS, PARTITIONS = 300, 20_000
TASKS_A_BATCH = 10
MOST_BYTES = 40 << 20
"""The limit: half for a million ranges of 24 bytes each, the rest for one journal batch and the interpreter."""

CLOSE_IN_CHILD = """
import json, sys
from kubemr_shell.board.steps import Attempt
from kubemr_shell.shuffle.lengths import packed
from kubemr_shell.worker.shard_summary import entries_of_winners, shard_manifest
from kubemr_shell.worker.journal import Entry, decode_batch, encode_batch

folder, tasks, partitions, of_a_batch = sys.argv[1], *map(int, sys.argv[2:])

def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM"))

def entry(task):
    lengths = packed(500 + (number * 7919 + task) % 1000 for number in range(partitions))
    return Entry(task=task, attempt=0, lengths=lengths)

for first in range(0, tasks, of_a_batch):
    with open(f"{folder}/{first}", "wb") as file:
        file.write(encode_batch(entry(task) for task in range(first, min(first + of_a_batch, tasks))))
before = peak()
entries = {}
for first in range(0, tasks, of_a_batch):
    with open(f"{folder}/{first}", "rb") as file:
        entries |= {Attempt(one.task, one.attempt): one for one in decode_batch(file.read(), "batch")}
manifest = shard_manifest(entries_of_winners(entries, first=0, winners=[0] * tasks), with_ranges=True)
print(json.dumps({"bytes": peak() - before, "manifest": len(manifest)}))
"""


@pytest.mark.lengthy
def test_a_shard_of_a_job_with_many_partitions_is_closed_in_little_memory(tmp_path: Path) -> None:
    tasks = Layout.of(TASKS, 1, pieces=PARTITIONS).shard_size
    arguments = [str(tmp_path), str(tasks), str(PARTITIONS), str(TASKS_A_BATCH)]
    done = subprocess.run([sys.executable, "-c", CLOSE_IN_CHILD, *arguments], capture_output=True, check=True)
    report = json.loads(done.stdout)
    assert report["manifest"] > 16 * tasks * PARTITIONS
    assert report["bytes"] < MOST_BYTES, report
