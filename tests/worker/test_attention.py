import subprocess
import sys
import threading

import pytest

from kubemr_shell.worker.attention import Attention

BUSY = """
import os, signal
from kubemr_shell.worker.attention import Attention
attention = Attention()
signal.signal(signal.SIGALRM, lambda *_: attention.set())
signal.setitimer(signal.ITIMER_REAL, 0.0001, 0.0001)
for _ in range(20_000):
    attention.clear()
    attention.wait(1)
os.write(1, b"done")
os._exit(0)
"""


def test_what_was_set_before_is_not_waited_for_and_cleared_once() -> None:
    attention = Attention()
    attention.set()
    attention.set()
    attention.wait(60)
    attention.clear()
    attention.clear()
    attention.wait(0.001)
    attention.close()


def test_another_thread_ends_the_wait() -> None:
    attention = Attention()
    thread = threading.Thread(target=attention.set)
    thread.start()
    attention.wait(60)
    thread.join()
    attention.close()


@pytest.mark.lengthy
def test_a_signal_handler_may_set_it_at_any_moment() -> None:
    done = subprocess.run([sys.executable, "-c", BUSY], capture_output=True, timeout=60, check=False)
    assert (done.stdout, done.returncode) == (b"done", 0)
