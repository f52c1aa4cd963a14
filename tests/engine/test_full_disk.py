"""A disk that takes no more: every write is checked, and the error says which kind it is."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from types import ModuleType

import pytest

from kubemr_shell.errors import OutOfSpace
from tests.engine.model import Shape
from tests.engine.streams import collecting, drain_all

pytestmark = pytest.mark.lengthy  # each test starts a process with a limit

# RLIMIT_FSIZE makes the kernel take a part of a write and refuse the next one, as a full disk does.
LIMITED = """
import importlib, os, resource, sys

engine = importlib.import_module(sys.argv[1])
folder, what = sys.argv[2:]
collector = engine.Collector(
    partitions=3, separator=b"\\t", key_fields=1, memory_bytes=1 << (20 if what == "spill" else 30),
    max_record_bytes=1 << 20, spill_dir=folder,
)

stream = os.memfd_create("stream")
os.write(stream, b"".join(b"%0100d\\n" % number for number in range(40_000)))

def collect():
    os.lseek(stream, 0, os.SEEK_SET)
    collector.drain(stream, -1)

def refused(size, write):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        write()
    except OSError as error:
        print(what, error.errno)
    else:
        print(what, "was not refused")

if what == "spill":
    refused(1_000_001, collect)
else:
    collect()
    run = os.memfd_create("run")
    if what == "output":
        refused(1_000_001, lambda: collector.write_output(run))
    else:
        facts = collector.write_output(run)
        if what == "last byte":
            collector.reset()
            collect()
            second = os.memfd_create("second")
            refused(os.fstat(run).st_size - 1, lambda: collector.write_output(second))
        else:
            source = engine.Source(f"/proc/self/fd/{run}", *facts.partitions[0][:2])
            merger = engine.Merger([source] * 9, memory_bytes=1, scratch_dir=folder)
            nowhere = os.open("/dev/null", os.O_WRONLY)
            refused(1_000_001, lambda: merger.feed(nowhere, -1))
collector.close()
"""


def test_no_space_for_the_output_is_out_of_space(engine: ModuleType, folder: str) -> None:
    with collecting(engine, Shape(partitions=2), folder) as collector, open("/dev/full", "wb") as full:
        drain_all(collector, [b"line\n"])
        with pytest.raises(OutOfSpace, match="No space left on device"):
            collector.write_output(full.fileno())


@pytest.mark.parametrize("what", ["spill", "output", "last byte", "scratch"])
def test_a_write_that_the_disk_refuses_is_an_error(engine: ModuleType, folder: str, what: str) -> None:
    child = subprocess.run(
        [sys.executable, "-c", LIMITED, engine.__name__, folder, what], capture_output=True, text=True, check=True
    )
    assert child.stdout == f"{what} {errno.EFBIG}\n"
    assert os.listdir(folder) == []
