"""Jobs with a short timeoutSeconds whose commands are slow, but never idle."""

from __future__ import annotations

import gzip

import pytest

from tests.support.runs import Place

READS_STEADILY = """
import os, time
for page in range(24):
    time.sleep(0.25)
    os.read(0, 4096)
while os.read(0, 262144):
    pass
print("read")
"""
LINES = b"".join(b"%099d\n" % number for number in range(30_000))
"""Three times what a pipe holds."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "commands",
    [
        ("-m", "cat", "--combine", "python3 reads.py", "-r", "cat"),
        ("-m", "cat", "-r", "python3 reads.py"),
        ("-m", "python3 reads.py", "-r", "cat"),
    ],
    ids=["combine", "reduce", "map"],
)
def test_a_command_that_only_reads_steadily_is_not_stopped(place: Place, commands: tuple[str, ...]) -> None:
    """Each page that is read is replaced at once, so the pipe is as full at every look."""
    place.write("in.gz", gzip.compress(LINES, 1))  # one split, whatever the number of slots
    place.write("reads.py", READS_STEADILY)
    limits = ("-p", "1", "--timeout", "3", "--max-attempts", "1", "--file", "reads.py")
    done = place.run("run", "-o", "out", *commands, *limits, "in.gz")
    assert done.code == 0, done.stderr
    assert set(place.parts().values()) == {b"read\n"}
