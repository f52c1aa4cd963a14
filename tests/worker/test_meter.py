from pathlib import Path

from kubemr_shell.job.state import Phase
from kubemr_shell.worker.meter import REPORT_SECONDS, Meter, Status, read_meters


class Busy:
    """What runs in a worker, as the test says."""

    def __init__(self, moved: int, status: Status | None) -> None:
        self._moved = moved
        self._status = status

    def moved(self) -> int:
        return self._moved

    def status(self) -> Status | None:
        return self._status


def report(path: Path, busy: Busy, finished: int) -> str:
    now = [0.0]
    meter = Meter(str(path), busy, lambda: now[0])
    meter.add(Phase.MAP, finished)
    now[0] = REPORT_SECONDS
    meter.report(Phase.MAP)
    return str(path)


def test_the_reports_of_all_workers_are_added_up_and_the_latest_status_is_shown(tmp_path: Path) -> None:
    paths = [
        report(tmp_path / "a", Busy(5, Status(3.0, "map/1: later")), 100),
        report(tmp_path / "b", Busy(6, Status(2.0, "map/2: earlier")), 200),
        report(tmp_path / "c", Busy(7, None), 300),
        str(tmp_path / "not yet there"),
    ]
    meters = read_meters(paths)
    assert (meters.bytes_done(Phase.MAP), meters.bytes_done(Phase.REDUCE), meters.status) == (618, 0, "map/1: later")


def test_nobody_has_said_anything(tmp_path: Path) -> None:
    assert read_meters([]).status == ""
