"""Requests to stop."""

from __future__ import annotations

from kubemr_shell.command.cancel import Cancel
from tests.support.waiting import is_ready


def is_readable(cancel: Cancel) -> bool:
    return is_ready(cancel.fd, 0)


def test_a_request_stays_until_it_is_cleared() -> None:
    cancel = Cancel()
    assert not cancel.is_set()
    assert not is_readable(cancel)
    cancel.set()
    cancel.set()
    assert cancel.is_set()
    assert is_readable(cancel)
    cancel.clear()
    cancel.clear()
    assert not cancel.is_set()
    assert not is_readable(cancel)
    cancel.close()


def test_a_request_that_comes_too_late_harms_nobody() -> None:
    cancel = Cancel()
    cancel.close()
    cancel.close()
    cancel.set()
    assert cancel.is_set()
