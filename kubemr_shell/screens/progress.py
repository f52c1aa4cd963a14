"""Shows progress on stderr: a bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TextIO

from kubemr_shell.screens.figures import bytes_text, count_text, one_line, seconds_text, tasks_rate_text
from kubemr_shell.streams import write_message

TERMINAL_SECONDS = 0.2
"""The seconds between two updates of the bar on a terminal."""
PLAIN_SECONDS = 5.0
"""The seconds between two lines where stderr is not a terminal."""
BEFORE_TASKS = {"deploy": "waiting for workers", "plan": "looking for the inputs"}
"""The text for each phase without tasks, which says what takes the time."""
STATUS_SHOWN = 100
"""The most characters of a task's status that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The progress of a job at one moment. ``bytes_total`` is 0 if it is not known."""

    phase: str
    tasks_done: int = 0
    tasks: int = 0
    bytes_done: int = 0
    bytes_total: int = 0
    retries: int = 0
    status: str = ""
    """The last status that one of the running tasks reported."""


class Display(Protocol):
    """A place where progress is shown."""

    seconds: float
    """The seconds between two snapshots."""

    def show(self, snapshot: Snapshot, rate: float) -> None:
        """Show a snapshot. ``rate`` is in bytes a second, or in tasks a second if bytes are not counted."""
        ...

    def close(self) -> None:
        """Remove the display from the terminal."""
        ...


class PlainDisplay(Display):
    """A display that prints one line for each snapshot, for logs and pipes."""

    seconds = PLAIN_SECONDS

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def show(self, snapshot: Snapshot, rate: float) -> None:
        print(progress_line(snapshot, rate), file=self._stream, flush=True)

    def close(self) -> None:
        pass


class TerminalDisplay(Display):
    """A display that shows a bar on the last line of a terminal, drawn by ``rich``."""

    seconds = TERMINAL_SECONDS

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._progress = Progress(
            TextColumn("{task.fields[phase]:<8}", markup=False),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[text]}", markup=False),
            console=Console(file=stream),
            transient=True,
        )
        self._bar = self._progress.add_task("", total=1, phase="", text="")
        self._progress.start()

    def show(self, snapshot: Snapshot, rate: float) -> None:
        done, total = done_of_total(snapshot)
        self._progress.update(
            self._bar, completed=done, total=total or None, phase=snapshot.phase, text=progress_text(snapshot, rate)
        )

    def close(self) -> None:
        self._progress.stop()


def display_for(stream: TextIO) -> Display:
    """Return a bar if ``stream`` is a terminal, else a display of plain lines."""
    return TerminalDisplay(stream) if stream.isatty() else PlainDisplay(stream)


def show_cursor(stream: TextIO) -> None:
    """Show the cursor of a terminal again, for a run that ends at once, without closing its display."""
    if stream.isatty():
        write_message(b"\x1b[?25h\r\n")


def done_of_total(snapshot: Snapshot) -> tuple[int, int]:
    """Return the progress and its total: in bytes if they are known, because tasks differ in size, else in tasks."""
    if snapshot.bytes_total:
        return min(snapshot.bytes_done, snapshot.bytes_total), snapshot.bytes_total
    return snapshot.tasks_done, snapshot.tasks


def progress_text(snapshot: Snapshot, rate: float) -> str:
    """Return the progress as text: tasks, bytes, rate, time left, repeated attempts, and the status of a task."""
    tasks = f"{count_text(snapshot.tasks_done)}/{count_text(snapshot.tasks)} tasks"
    words = [tasks if snapshot.tasks else BEFORE_TASKS.get(snapshot.phase, "")]
    if snapshot.bytes_total:
        done, total = done_of_total(snapshot)  # limits the bytes, since repeated reads count again
        words.append(f"{bytes_text(done)} of {bytes_text(total)}")
    if rate:
        by_bytes = _counts_bytes(snapshot)
        words.append(f"{bytes_text(rate)}/s" if by_bytes else tasks_rate_text(rate))
        left = snapshot.bytes_total - snapshot.bytes_done if by_bytes else snapshot.tasks - snapshot.tasks_done
        if left > 0:
            words.append(f"{seconds_text(left / rate)} left")
    if snapshot.retries:
        words.append(f"{count_text(snapshot.retries)} repeated")
    text = ", ".join(words)
    return f"{text}; {one_line(snapshot.status, STATUS_SHOWN)}" if snapshot.status else text


def _counts_bytes(snapshot: Snapshot) -> bool:
    return bool(snapshot.bytes_total or snapshot.bytes_done)


def progress_line(snapshot: Snapshot, rate: float) -> str:
    """Return the line of a plain display for a snapshot."""
    return f"{snapshot.phase}: {progress_text(snapshot, rate)}"


class Rate:
    """The rate of the last snapshots of one phase: in bytes a second, or in tasks a second if bytes are not known."""

    WINDOW = 25
    """The number of snapshots over which the rate is measured."""

    def __init__(self) -> None:
        self._phase = ""
        self._points: list[tuple[float, int]] = []

    def after(self, now: float, snapshot: Snapshot) -> float:
        """Add a snapshot and return the rate. ``now`` is in seconds."""
        if snapshot.phase != self._phase:
            self._phase, self._points = snapshot.phase, []
        self._points = [
            *self._points[-self.WINDOW :],
            (now, snapshot.bytes_done if _counts_bytes(snapshot) else snapshot.tasks_done),
        ]
        (first, before), (last, after) = self._points[0], self._points[-1]
        return max(after - before, 0) / (last - first) if last > first else 0.0


class ProgressThread:
    """A thread that shows snapshots until it is closed. If the display breaks, only the thread ends, not the job."""

    def __init__(self, display: Display, snapshot: Callable[[], Snapshot | None], clock: Callable[[], float]) -> None:
        self._display = display
        self._snapshot = snapshot
        self._clock = clock
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        rate = Rate()
        while not self._closing.wait(self._display.seconds):
            snapshot = self._snapshot()
            if snapshot is None:
                continue
            try:
                self._display.show(snapshot, rate.after(self._clock(), snapshot))
            except OSError:
                return

    def close(self) -> None:
        """Stop the thread and close the display."""
        self._closing.set()
        self._thread.join()
        self._display.close()
