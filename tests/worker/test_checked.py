import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubemr_shell.errors import CorruptRun
from kubemr_shell.worker.checked import checked, with_checksum

STORED = with_checksum(b"one\ntwo")


@given(st.binary())
def test_what_is_stored_is_read(data: bytes) -> None:
    assert checked(with_checksum(data), "f") == data


@pytest.mark.parametrize("position", range(len(STORED)))
def test_a_block_of_zeros_is_found(position: int) -> None:
    damaged = STORED[:position] + b"\0" + STORED[position + 1 :]
    with pytest.raises(CorruptRun, match=r"^f: byte 0: it is damaged"):
        checked(damaged, "f")


@pytest.mark.parametrize("length", range(len(STORED)))
def test_a_file_that_was_cut_is_found(length: int) -> None:
    with pytest.raises(CorruptRun):
        checked(STORED[:length], "f")


def test_a_file_of_an_older_version_has_no_checksum_and_the_message_says_so() -> None:
    with pytest.raises(CorruptRun, match=r"older version of kubemr-shell wrote it: its checksum is missing$"):
        checked(b'["a line of a plan"]\n["another line, longer than a checksum"]', "f")
    with pytest.raises(CorruptRun, match=r"it is damaged: its checksum is that of other bytes$"):
        checked(STORED.replace(b"two", b"TWO"), "f")
