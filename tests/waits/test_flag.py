"""Tests of the flag that threads and signal handlers set."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from kubemr_shell.waits.flag import Flag
from kubemr_shell.waits.waiter import Cancelled
from tests.support.waiting import is_ready

BUSY = """
import os, signal
from kubemr_shell.waits.flag import Flag
flag = Flag()
signal.signal(signal.SIGALRM, lambda *_: flag.set())
signal.setitimer(signal.ITIMER_REAL, 0.0001, 0.0001)
for _ in range(20_000):
    flag.clear()
    flag.wait(1)
os.write(1, b"done")
os._exit(0)
"""


def is_readable(flag: Flag) -> bool:
    return is_ready(flag.fd, 0)


def test_a_flag_stays_set_until_it_is_cleared() -> None:
    flag = Flag()
    assert not flag.is_set()
    assert not is_readable(flag)
    flag.set()
    flag.set()
    assert flag.is_set()
    assert is_readable(flag)
    flag.clear()
    flag.clear()
    assert not flag.is_set()
    assert not is_readable(flag)
    flag.close()


def test_a_flag_that_is_set_after_its_close_harms_nobody() -> None:
    flag = Flag()
    flag.close()
    flag.close()
    flag.set()
    assert flag.is_set()


def test_the_last_reference_closes_the_descriptor() -> None:
    flag = Flag()
    descriptor = flag.fd
    del flag
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_a_flag_that_is_set_is_not_waited_for() -> None:
    flag = Flag()
    flag.set()
    flag.wait()
    flag.clear()
    flag.wait(0.001)
    assert not flag.is_set()


def test_another_thread_ends_the_wait() -> None:
    flag = Flag()
    thread = threading.Thread(target=flag.set)
    thread.start()
    flag.wait()
    thread.join()
    assert flag.is_set()


@pytest.mark.lengthy
def test_a_signal_handler_may_set_a_flag_at_any_moment() -> None:
    done = subprocess.run([sys.executable, "-c", BUSY], capture_output=True, timeout=60, check=False)
    assert (done.stdout, done.returncode) == (b"done", 0)


def test_no_item_follows_once_the_flag_is_set() -> None:
    flag = Flag()
    items = flag.until_set([1, 2, 3])
    assert next(items) == 1
    flag.set()
    with pytest.raises(Cancelled):
        next(items)
