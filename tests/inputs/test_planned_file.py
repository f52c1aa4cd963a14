"""Tests of the reads of several inputs while a job is planned."""

from __future__ import annotations

import threading

import pytest

from kubemr_shell.errors import Forbidden, InputError, KubemrError
from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.planned_file import READS_AT_ONCE, read_each
from kubemr_shell.waits.flag import Flag
from kubemr_shell.waits.waiter import NOBODY, Cancelled, Waiter


def inputs(*uris: str) -> list[InputObject]:
    return [InputObject(uri=uri, size=1, codec="none", fingerprint="", splittable=True) for uri in uris]


MIXED = inputs("/a", "http://host/b", "/c", "s3://bucket/d", "http://host/e")


def test_the_results_have_the_order_of_the_inputs() -> None:
    assert read_each(MIXED, lambda item, _: item.uri, Waiter(NOBODY)) == [item.uri for item in MIXED]


def test_remote_inputs_are_read_at_the_same_time() -> None:
    together = threading.Barrier(READS_AT_ONCE, timeout=60)
    items = inputs(*(f"http://host/{number}" for number in range(READS_AT_ONCE)))
    read_each(items, lambda _item, _waiter: together.wait(), Waiter(NOBODY))


def test_all_errors_are_one_error() -> None:
    def read(item: InputObject, _: Waiter) -> None:
        if item.uri != "/c":
            raise InputError(f"{item.uri}: broken")

    with pytest.raises(KubemrError, match=r"(?s)4 inputs cannot be read:.*/a: broken.*/b: broken.*/d: broken.*/e:"):
        read_each(MIXED, read, Waiter(NOBODY))


def test_a_single_error_is_raised_as_it_is() -> None:
    def read(item: InputObject, _: Waiter) -> None:
        if item.uri == "s3://bucket/d":
            raise Forbidden("no right")

    with pytest.raises(Forbidden, match=r"^no right$"):
        read_each(MIXED, read, Waiter(NOBODY))


def test_a_cancel_ends_the_reads() -> None:
    cancel = Flag()
    cancel.set()
    with pytest.raises(Cancelled):
        read_each(inputs("/a"), lambda item, _: item, Waiter(cancel.fd))
    cancel.close()
