import io
from dataclasses import replace

from kubemr_shell.screens.progress import PlainDisplay, ProgressThread, Rate, Snapshot, done_of_total, progress_text

HALF = Snapshot(phase="map", tasks_done=3, tasks=8, bytes_done=500_000, bytes_total=1_000_000, retries=2)


def test_the_text_has_tasks_bytes_rate_time_left_and_repeats() -> None:
    assert progress_text(HALF, 100_000) == "3/8 tasks, 500 kB of 1.0 MB, 100 kB/s, 5.0 s left, 2 repeated"


def test_what_a_task_says_that_it_is_doing_is_shown_in_the_same_line() -> None:
    assert progress_text(replace(HALF, status="map/3: 7 of\t9\x1b[2J"), 0).endswith(
        ", 2 repeated; map/3: 7 of\\x099\\x1b[2J"
    )
    assert len(progress_text(replace(HALF, status="x" * 1000), 0)) < 200


def test_without_known_bytes_progress_is_by_tasks() -> None:
    unknown = Snapshot(phase="publish", tasks_done=3, tasks=8)
    assert done_of_total(unknown) == (3, 8)
    assert done_of_total(HALF) == (500_000, 1_000_000)
    assert progress_text(unknown, 0) == "3/8 tasks"


def test_before_there_are_tasks_it_says_what_takes_the_time() -> None:
    assert progress_text(Snapshot(phase="plan"), 0) == "looking for the inputs"


def test_without_known_bytes_the_rate_is_of_tasks() -> None:
    rate = Rate()
    assert rate.after(0.0, Snapshot(phase="map", tasks_done=1, tasks=10)) == 0
    assert rate.after(4.0, Snapshot(phase="map", tasks_done=3, tasks=10)) == 0.5
    unknown = Snapshot(phase="map", tasks_done=3, tasks=10, retries=1)
    assert progress_text(unknown, 0.5) == "3/10 tasks, 0.5 tasks/s, 14 s left, 1 repeated"
    assert progress_text(Snapshot(phase="map", bytes_done=500, tasks=4), 100) == "0/4 tasks, 100 B/s"


def test_more_than_everything_is_everything() -> None:
    more = Snapshot(phase="map", tasks_done=1, tasks=2, bytes_done=12, bytes_total=10)
    assert done_of_total(more) == (10, 10)
    assert progress_text(more, 0) == "1/2 tasks, 10 B of 10 B"


def test_the_rate_starts_anew_with_each_phase() -> None:
    rate = Rate()
    assert rate.after(0.0, Snapshot(phase="map", bytes_done=0)) == 0
    assert rate.after(2.0, Snapshot(phase="map", bytes_done=100)) == 50
    assert rate.after(3.0, Snapshot(phase="reduce", bytes_done=10)) == 0


class Eager(PlainDisplay):
    seconds = 0.001


class Broken(Eager):
    def show(self, snapshot: Snapshot, rate: float) -> None:
        raise BrokenPipeError


def test_snapshots_are_shown_until_it_is_closed() -> None:
    stream = io.StringIO()
    shown = iter([None, HALF])
    thread = ProgressThread(Eager(stream), lambda: next(shown, HALF), lambda: 0.0)
    while "map: 3/8 tasks" not in stream.getvalue():
        pass
    thread.close()


def test_a_display_that_breaks_does_not_end_the_job() -> None:
    asked: list[int] = []

    def snapshot() -> Snapshot:
        asked.append(1)
        return HALF

    thread = ProgressThread(Broken(io.StringIO()), snapshot, lambda: 0.0)
    while not asked:
        pass
    thread.close()
