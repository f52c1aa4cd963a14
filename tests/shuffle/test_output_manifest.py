import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubemr_shell.errors import CorruptRun
from kubemr_shell.shuffle.output_manifest import StagedPart, decode_output_manifest, encode_output_manifest

U32, U64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)


@given(st.integers(0, 10**6), st.lists(st.tuples(U32, U64, U64, U32)))
def test_what_is_encoded_is_decoded(first: int, rows: list[tuple[int, int, int, int]]) -> None:
    parts = [
        StagedPart(task=first + index, attempt=attempt, bytes=size, records=records, crc32=crc32)
        for index, (attempt, size, records, crc32) in enumerate(rows)
    ]
    assert decode_output_manifest(encode_output_manifest(first, parts), "m") == parts


DATA = encode_output_manifest(3, [StagedPart(task=3, attempt=1, bytes=10, records=2, crc32=99)])


@pytest.mark.parametrize("position", range(len(DATA)))
def test_a_flipped_byte_is_refused(position: int) -> None:
    damaged = bytearray(DATA)
    damaged[position] ^= 1
    with pytest.raises(CorruptRun, match="not what was written"):
        decode_output_manifest(bytes(damaged), "m")


@pytest.mark.parametrize("length", range(len(DATA)))
def test_a_manifest_cut_short_is_refused(length: int) -> None:
    with pytest.raises(CorruptRun):
        decode_output_manifest(DATA[:length], "m")
