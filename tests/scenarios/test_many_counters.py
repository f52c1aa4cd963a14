"""More counters than the document of a job can hold: the job is complete, and what is kept of them is exact."""

from __future__ import annotations

from kubemr_shell.job.counters import MOST_COUNTERS
from tests.support.runs import Place

FILES = 120
COUNTERS = 119
"""The counters of each task, besides the one that all tasks have."""
COUNT = (
    f"awk -v n={COUNTERS}"
    """ '{ print "reporter:counter:all,tasks,1" > "/dev/stderr"; for (i = 0; i < n; i++) """
    """printf "reporter:counter:names,%s%0120d,1\\n", $1, i > "/dev/stderr" }'"""
)


def test_the_job_is_complete_and_the_first_that_was_dropped_is_named(place: Place) -> None:
    (place.folder / "in").mkdir()
    for number in range(FILES):
        place.write(f"in/{number:03d}", f"{number:03d}\n")

    done = place.run("run", "-o", "out", "--whole-files", "-m", COUNT, "-r", "cat", "-p", "1", "in")

    assert done.code == 0, done.stderr
    success = place.success()
    group, name = success["countersDroppedFrom"]
    names = [f"{number:03d}{counter:0120d}" for number in range(FILES) for counter in range(COUNTERS)]
    assert success["counters"] == {"all": {"tasks": FILES}, "names": {one: 1 for one in names if one < name}}
    assert 100 < len(success["counters"]["names"]) < MOST_COUNTERS
    assert f"{group}: {name} and all that follow it" in done.stderr.splitlines()[-1]
