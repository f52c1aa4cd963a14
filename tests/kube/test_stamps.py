"""Tests of the time stamps of Kubernetes."""

from __future__ import annotations

from kubemr_shell.kube.stamps import seconds_of, stamp_of


def test_a_stamp_is_in_utc_and_to_a_second() -> None:
    assert stamp_of(1_800_000_000.9) == "2027-01-15T08:00:00Z"
    assert seconds_of("2027-01-15T08:00:00Z") == seconds_of("2027-01-15T09:00:00+01:00") == 1_800_000_000
