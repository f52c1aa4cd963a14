"""More slots than the soft limit on open files has room for."""

from __future__ import annotations

import resource

import pytest

from tests.support.runs import Place

SLOTS = 300
"""Their descriptors alone are more than 1,023, the largest number that select() takes."""
SOFT_LIMIT = 1024
LIMITED = ("sh", "-c", f'ulimit -S -n {SOFT_LIMIT}; exec "$@"', "sh")
LINES = "a\nb\nc\n"
MANY = ("--slots", str(SLOTS), "--memory", "64Gi", "--split-bytes", "2")


@pytest.mark.parametrize("more", [(), ("--compress-output", "gzip")], ids=["spliced", "compressed"])
def test_parts_are_written_through_large_descriptors(place: Place, more: tuple[str, ...]) -> None:
    place.write("in", LINES)
    done = place.start("run", "-o", "out", "-m", "cat", "-p", "0", *MANY, *more, "in", under=LIMITED).wait()
    assert done.code == 0, done.stderr
    assert len(place.parts()) == 3


def test_commands_get_the_soft_limit_that_the_run_was_started_with(place: Place) -> None:
    place.write("in", LINES)
    says = "read line; ulimit -S -n; ulimit -H -n"
    done = place.start("run", "-m", says, "-r", "cat", "-p", "1", *MANY, "in", under=LIMITED).wait()
    assert done.code == 0, done.stderr
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert sorted(done.stdout.split()) == sorted([b"%d" % SOFT_LIMIT, b"%d" % hard] * 3)


def test_commands_of_few_slots_keep_the_limit(place: Place) -> None:
    place.write("in", LINES)
    says = "read line; ulimit -S -n"
    done = place.start("run", "-m", says, "-r", "cat", "-p", "1", "--slots", "2", "in", under=LIMITED).wait()
    assert (done.code, set(done.stdout.split())) == (0, {b"%d" % SOFT_LIMIT})
