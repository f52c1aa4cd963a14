"""Tests that the pauses of a failing job grow, and do not delay other jobs."""

from __future__ import annotations

from random import Random

from kubemr_shell.operator.backoff import FIRST_SECONDS, LONGEST_SECONDS, Backoff


def test_the_pauses_of_a_job_grow_up_to_a_bound_and_begin_anew_after_a_success() -> None:
    backoff: Backoff[str] = Backoff(Random(1))
    pauses = [backoff.failed("bad") for _ in range(2000)]
    for number, pause in enumerate(pauses[:7]):
        assert FIRST_SECONDS * 2**number / 2 <= pause <= FIRST_SECONDS * 2**number
    assert all(LONGEST_SECONDS / 2 <= pause <= LONGEST_SECONDS for pause in pauses[10:])
    assert backoff.failed("other") <= FIRST_SECONDS
    backoff.succeeded("bad")
    assert backoff.failed("bad") <= FIRST_SECONDS


def test_jobs_that_fail_together_do_not_come_back_together() -> None:
    backoff: Backoff[int] = Backoff(Random(1))
    assert len({round(backoff.failed(job), 6) for job in range(50)}) > 40
