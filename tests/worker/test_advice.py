"""Tests of the advice how to continue a job, which is added once to errors that lack it."""

from __future__ import annotations

import pytest

from kubemr_shell.errors import CorruptRun, JobFailed, KubemrError, OutOfSpace, Sequel, StorageError
from kubemr_shell.worker.advice import Advice

HERE = Advice(to_continue="try here", to_start_again="begin here")
ABOVE = Advice(to_continue="try above", to_start_again="begin above")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OutOfSpace("/disk: make room"), "/disk: make room, then try here"),
        (JobFailed("mend it", sequel=Sequel.GOES_ON), "mend it, then try here"),
        (StorageError("the plan is gone", sequel=Sequel.BEGINS_ANEW), "the plan is gone: begin here"),
        (StorageError("it is so"), "it is so"),
        (CorruptRun("/run", 7, "cut"), "/run: byte 7: cut"),
    ],
)
def test_the_place_that_is_nearest_says_how_a_job_goes_on(error: KubemrError, text: str) -> None:
    with pytest.raises(type(error)) as raised, ABOVE.added_to_errors(), HERE.added_to_errors():
        raise error
    assert str(raised.value) == text
