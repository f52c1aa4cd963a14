"""A disk with no room left: the run ends with the path, and goes on with ``--resume`` when there is room again.

The disk is a small tmpfs in a mount namespace of its own. Where no such thing may be made, a limit on the size of files
takes its place: the kernel then takes a part of a write and refuses the next, as a full disk does.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from dataclasses import dataclass, replace

import pytest

from tests.scenarios.jobs import WordCount, assert_complete
from tests.support.calls import KUBEMR_SHELL
from tests.support.runs import Place


@dataclass(frozen=True, kw_only=True)
class Sort(WordCount):
    """Without a reduceCommand, so that the merge itself writes the parts."""

    def arguments(self, place: Place) -> list[str]:
        words = super().arguments(place)
        at = words.index("-r")
        return words[:at] + words[at + 2 :]

    def parts(self) -> dict[str, bytes]:
        counted = {name: [line.split() for line in data.splitlines()] for name, data in super().parts().items()}
        return {name: b"".join(int(count) * (word + b"\n") for count, word in lines) for name, lines in counted.items()}


JOB = WordCount(lines=60_000, words=59_999, partitions=2, split_bytes=300_000)
SORT = Sort(lines=60_000, words=59, partitions=2, split_bytes=300_000)
LARGEST_FILE_BYTES = 200_000
FULL = replace(JOB, before_reduce='head -c 9000000 /dev/zero > "$TMPDIR/large"; ')
MOUNT = ["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"]
CAN_MOUNT = subprocess.run(MOUNT, check=False, capture_output=True).returncode == 0
SMALL_DISK = """
mount -t tmpfs -o size={bytes} none out
{run}
echo $? > code
mount -o remount,size=100m out
{run} --resume
code=$?
cp -r out copy
umount out
cp -r copy/. out
exit $code
"""
SMALL_FILES = """
prlimit --fsize={bytes} {run}
echo $? > code
{run} --resume
"""


def is_filled_and_resumed(place: Place, bytes_of_disk: int, job: WordCount) -> str:
    """Return the messages of the run that met the full disk."""
    place.output.mkdir()
    run = shlex.join([KUBEMR_SHELL, *job.arguments(place)])
    if CAN_MOUNT:
        under, script = ["unshare", "-m"], SMALL_DISK.format(bytes=bytes_of_disk, run=run)
    else:
        under, script = [], SMALL_FILES.format(bytes=LARGEST_FILE_BYTES, run=run)
    done = subprocess.run(
        [*place.environment(), *under, "sh", "-c", script],
        cwd=place.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (place.folder / "code").read_text() == "1\n"
    [said, *_] = [line for line in done.stderr.splitlines() if line.startswith("kubemr-shell: ")]
    assert_complete(place, job)
    return said


@pytest.mark.parametrize(
    ("job", "bytes_of_disk"),
    [
        pytest.param(JOB, 64_000, id="no room for the board"),
        pytest.param(JOB, 420_000, id="no room for map outputs"),
        pytest.param(FULL, 6_000_000, id="no room for parts, since a command took it"),
        pytest.param(SORT, 300_000, id="no room for parts that the merge writes"),
        pytest.param(replace(SORT, flags=("--workers", "2")), 300_000, id="two workers that merge"),
        pytest.param(replace(FULL, flags=("--workers", "2")), 6_000_000, id="two workers"),
    ],
)
def test_the_path_is_named_and_the_run_goes_on_when_there_is_room(
    place: Place, job: WordCount, bytes_of_disk: int
) -> None:
    said = is_filled_and_resumed(place, bytes_of_disk, job)
    assert re.search(f"{place.output}/_kubemr/[0-9a-f]+/", said)
    assert not CAN_MOUNT or said.endswith("make room, then continue with --resume")


def test_results_that_stdout_does_not_take_can_be_had_once_more(place: Place) -> None:
    place.write("in", "b\na\n")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*place.environment(), KUBEMR_SHELL, "run", "-p", "1", "-m", "cat", "in"],
            cwd=place.folder,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "stdout: No space left on device: the output could not be written there" in done.stderr
    again = place.run("results", *shlex.split(done.stderr.partition("kubemr-shell results ")[2]))
    assert again.stdout == b"a\nb\n"
