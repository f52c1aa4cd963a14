import zlib
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubemr_shell.errors import CorruptRun
from kubemr_shell.shuffle.lengths import packed
from kubemr_shell.worker.journal import Entry, decode_batch, encode_batch

NUMBERS = st.integers(0, 2**63)
ENTRIES = st.builds(
    Entry,
    task=NUMBERS,
    attempt=NUMBERS,
    seconds=st.floats(0, 1e6),
    records_in=NUMBERS,
    bytes_in=NUMBERS,
    records_out=NUMBERS,
    bytes_out=NUMBERS,
    exit_status=st.none() | st.integers(0, 255),
    stderr=st.text(),
    warnings=NUMBERS,
    warning=st.text(),
    counters=st.dictionaries(st.text(), st.dictionaries(st.text(), st.integers())),
    lengths=st.lists(NUMBERS).map(packed),
    crc32=NUMBERS,
    heaviest_key=st.binary().map(lambda key: key.decode("latin-1")),
    heaviest_records=NUMBERS,
)


@pytest.mark.lengthy
@given(st.lists(ENTRIES))
def test_what_is_encoded_is_decoded(entries: list[Entry]) -> None:
    assert decode_batch(encode_batch(entries), "b") == entries


SHORT = b'[{"task":1,"attempt":0,"lengths":"%s"}]' % b64encode(zlib.compress(b"1234567"))


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[1]", b'[{"task":1}]', b'[{"task":1,"attempt":0,"other":2}]', b"\xff", SHORT]
)
def test_anything_else_is_refused_with_the_name_of_the_batch(data: bytes) -> None:
    if data == b"{}":
        assert decode_batch(data, "b") == []
        return
    with pytest.raises(CorruptRun, match=r"^b: "):
        decode_batch(data, "b")


def test_ranges_in_the_journal_of_an_older_version_are_refused_as_such() -> None:
    with pytest.raises(CorruptRun, match="an older version wrote it: start the job again"):
        decode_batch(b'[{"task":1,"attempt":0,"ranges":[[0,5]]}]', "b")
    assert decode_batch(b'[{"task":1,"attempt":0,"ranges":[]}]', "b") == [Entry(task=1, attempt=0)]
