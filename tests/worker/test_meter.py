from pathlib import Path

from kubemr_shell.job.state import Phase
from kubemr_shell.worker.meter import REPORT_SECONDS, Meter, Status, read_meters


class Busy:
    """The running attempts of a worker, set by the test."""

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
    meters = read_meters(paths, now=1.0)
    assert (meters.bytes_done(Phase.MAP), meters.bytes_done(Phase.REDUCE), meters.status) == (618, 0, "map/1: later")


def test_nobody_has_said_anything(tmp_path: Path) -> None:
    assert read_meters([], now=1.0).status == ""


def test_what_a_task_of_a_dead_worker_said_is_not_shown(tmp_path: Path) -> None:
    path = report(tmp_path / "a", Busy(5, Status(0.4, "map/1: busy")), 100)
    assert read_meters([path], now=REPORT_SECONDS + 1.0).status == "map/1: busy"
    late = read_meters([path], now=REPORT_SECONDS + 100.0)
    assert (late.status, late.bytes_done(Phase.MAP)) == ("", 105)


def test_a_full_disk_loses_a_report_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a.new").symlink_to("/dev/full")
    path = report(tmp_path / "a", Busy(5, None), 100)
    assert read_meters([path], now=1.0).bytes_done(Phase.MAP) == 0
