"""Who is killed for holding a pipe: those who can write to it, and nobody else."""

from __future__ import annotations

import os
import signal
import subprocess

from kubemr_shell.command.leftovers import kill_writers
from kubemr_shell.command.processes import ticks_since_boot
from tests.command.attempts import is_running


def test_writers_are_killed_and_readers_are_not() -> None:
    """Another slot may be starting a command just now, which has our reading end until it is executed."""
    since = ticks_since_boot()
    reading, writing = os.pipe()
    with (
        subprocess.Popen(["sleep", "1000"], pass_fds=[reading]) as reader,
        subprocess.Popen(["sleep", "1000"], pass_fds=[writing]) as writer,
    ):
        kill_writers(reading, since)
        assert writer.wait() == -signal.SIGKILL
        assert is_running(reader.pid)
        reader.kill()
    os.close(reading)
    os.close(writing)
