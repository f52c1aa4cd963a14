"""Tests that compare each answer with the plan and with its own head: ends, sizes, versions, encodings."""

from __future__ import annotations

import gzip
import ssl
from pathlib import Path

import pytest

from kubemr_shell.errors import InputChanged, InputError, InputNotFound, StorageUnavailable
from kubemr_shell.inputs.download import download
from kubemr_shell.inputs.http import RemoteFile, probe, read_whole
from kubemr_shell.inputs.splits import plan_splits
from kubemr_shell.job.spec_mappings import SplitSpec
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.waits.waiter import NOBODY, Waiter
from tests.support.feeding import CERTIFICATE, HASTY, fed, listed, soon_over
from tests.support.http_server import Resource, Server, serving

CONTENT = b"".join(b"line %d\n" % number for number in range(20_000))


def planned(server: Server, path: str = "/x") -> RemoteFile:
    """Return the file as a worker reads it after a planner has probed it."""
    remote = probe(server.url(path), HASTY)
    return RemoteFile(
        server.url(path),
        size=remote.size,
        fingerprint=remote.version.fingerprint,
        patience=soon_over(),
        waiter=Waiter(NOBODY),
    )


def size_of(server: Server) -> int | None:
    return probe(server.url("/x"), HASTY).size


@pytest.mark.parametrize("etag", ['"1"', None])
@pytest.mark.parametrize("has_ranges", [True, False])
def test_a_body_that_ends_early_is_never_taken_for_the_whole(has_ranges: bool, etag: str | None) -> None:
    resource = Resource(CONTENT, says_total=False, has_ranges=has_ranges, etag=etag)
    with serving({"/x": resource}) as server:
        file = planned(server)
        resource.cuts = [100_000]
        if etag or not has_ranges:
            assert b"".join(file.read(0, size_of(server))) == CONTENT
            return
        with pytest.raises(StorageUnavailable, match=r"ended 108890 bytes early after 100000 bytes\. The server tells"):
            list(file.read(0, None))


def test_an_input_whose_size_is_not_known_is_read_whole_however_often_it_is_cut() -> None:
    resource = Resource(CONTENT, says_total=False)
    with serving({"/x": resource}) as server:
        (split,) = plan_splits(listed([server.url("/x")]), split=SplitSpec(), parallelism=1)
        resource.cuts = [100_000, 0, 7]
        assert fed(split) == CONTENT


def test_a_list_of_inputs_and_a_file_of_the_job_that_are_cut_are_read_on(tmp_path: Path) -> None:
    resource = Resource(CONTENT, says_total=False, etag=None, has_ranges=False)
    with serving({"/x": resource}) as server:
        resource.cuts = [None, 1000]
        assert read_whole(server.url("/x"), HASTY) == CONTENT
        resource.cuts = [None, 1000]
        download(server.url("/x"), str(tmp_path / "x"), s3=S3Config(), patience=HASTY, reading_patience=HASTY)
        assert (tmp_path / "x").read_bytes() == CONTENT


@pytest.mark.parametrize("says_total", [True, False])
def test_a_server_that_gives_less_than_a_range_is_asked_for_the_rest(says_total: bool) -> None:
    with serving({"/x": Resource(CONTENT, says_total=says_total, longest_range=50_000)}) as server:
        assert b"".join(planned(server).read(0, size_of(server))) == CONTENT


@pytest.mark.usefixtures("fresh_authorities")
def test_a_body_over_tls_without_a_length_is_whole_only_if_the_server_says_that_it_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    resource = Resource(CONTENT, says_length=False, has_ranges=False, etag=None)
    with serving({"/x": resource}, tls=context) as server:  # its sockets are closed without a word, as a cut would do
        with pytest.raises(StorageUnavailable, match=r"after 208890 bytes\. The server tells no size"):
            list(planned(server).read(0, None))
        resource.ends_tls = True
        assert b"".join(planned(server).read(0, None)) == CONTENT


def test_ranges_and_whole_answers_of_different_encodings_are_never_mixed() -> None:
    resource = Resource(CONTENT, packs_whole=True)
    with serving({"/x": resource}) as server:
        file = planned(server)
        resource.cuts = [100]
        assert b"".join(file.read(0, len(CONTENT))) == CONTENT


@pytest.mark.parametrize("has_ranges", [True, False])
def test_an_answer_in_another_encoding_is_asked_for_again(has_ranges: bool) -> None:
    resource = Resource(CONTENT, has_ranges=has_ranges)
    with serving({"/x": resource}) as server:
        file = planned(server)
        resource.packed_answers = 2
        assert b"".join(file.read(5, 500)) == CONTENT[5:500]


def test_a_content_that_is_sent_in_another_encoding_from_now_on_is_an_error() -> None:
    resource = Resource(gzip.compress(CONTENT), encoding="gzip")
    with serving({"/x": resource}) as server:
        file = planned(server)
        resource.encoding = None
        with pytest.raises(StorageUnavailable, match="sends the content as it is, and as gzip when the job"):
            list(file.read(0, len(resource.content)))
        resource.encoding = "zstd"
        with pytest.raises(StorageUnavailable, match="sends the content as zstd, and as gzip when"):
            list(file.read(0, len(resource.content)))


def test_an_encoding_that_nobody_can_read_is_an_error_and_no_data(tmp_path: Path) -> None:
    with serving({"/x": Resource(CONTENT, encoding="br"), "/y": Resource(CONTENT, encoding="identity")}) as server:
        message = f"^{server.url('/x')}: the server sends the content with the encoding br"
        with pytest.raises(InputNotFound, match=message):
            listed([server.url("/x")])
        with pytest.raises(InputNotFound, match=message):
            read_whole(server.url("/x"), HASTY)
        with pytest.raises(InputNotFound, match=message):
            download(server.url("/x"), str(tmp_path / "x"), s3=S3Config(), patience=HASTY)
        assert read_whole(server.url("/y"), HASTY) == CONTENT
        (item,) = listed([server.url("/x")], decompress="none")
        assert item.codec == "none"


@pytest.mark.parametrize("status", [201, 202, 204, 207])
def test_an_answer_of_success_that_is_not_the_content_is_an_error_and_no_data(status: int, tmp_path: Path) -> None:
    says_length = status != 204
    resource = Resource(b"the export is being made\n", has_ranges=False, status=status, says_length=says_length)
    with serving({"/x": resource}) as server:
        message = f"^{server.url('/x')}: the server answered {status}: the body of such an answer is not the content"
        with pytest.raises(InputNotFound, match=message):
            listed([server.url("/x")])
        with pytest.raises(InputNotFound, match=message):
            read_whole(server.url("/x"), HASTY)
        with pytest.raises(InputNotFound, match=message):
            download(server.url("/x"), str(tmp_path / "x"), s3=S3Config(), patience=HASTY)
        resource.status = 200
        file = planned(server)
        resource.status = status
        with pytest.raises(InputNotFound, match=message):
            list(file.read(0, len(resource.content)))


def test_a_length_that_is_repeated_in_one_line_is_a_length() -> None:
    length = f"{len(CONTENT)}, {len(CONTENT)}"
    resource = Resource(CONTENT, has_ranges=False, headers={"Content-Length": length})
    with serving({"/x": resource}) as server:
        file = planned(server)
        assert size_of(server) == len(CONTENT)
        resource.cuts = [100_000]
        assert b"".join(file.read(0, len(CONTENT))) == CONTENT


@pytest.mark.parametrize("length", ["+208890", "208,890", "0x32FFA", "208890.0", "-1"])
def test_a_length_that_cannot_be_is_an_error(length: str) -> None:
    resource = Resource(CONTENT, has_ranges=False, headers={"Content-Length": length})
    with serving({"/x": resource}) as server, pytest.raises(StorageUnavailable, match="an impossible length"):
        probe(server.url("/x"), soon_over())


@pytest.mark.parametrize("coding", ["gzip, chunked", "gzip", "identity"])
def test_a_transfer_coding_that_cannot_be_decoded_is_an_error_and_no_data(coding: str) -> None:
    resource = Resource(CONTENT, has_ranges=False, is_chunked=True, headers={"Transfer-Encoding": coding})
    with serving({"/x": resource}) as server, pytest.raises(InputNotFound, match=f"transfer coding {coding}, which"):
        probe(server.url("/x"), HASTY)


def test_the_unit_of_a_range_is_read_in_any_case() -> None:
    resource = Resource(CONTENT, headers={"Content-Range": f"Bytes 0-0/{len(CONTENT)}"})
    with serving({"/x": resource}) as server:
        assert size_of(server) == len(CONTENT)


def test_a_list_that_only_the_server_has_compressed_is_decompressed() -> None:
    with serving({"/x": Resource(gzip.compress(CONTENT), encoding="gzip")}) as server:
        assert read_whole(server.url("/x"), HASTY) == CONTENT


@pytest.mark.parametrize(("etag", "modified"), [('W/"1"', None), (None, "Sun, 06 Nov 1994 08:49:37 GMT")])
def test_an_answer_that_no_longer_says_its_version_is_not_believed(etag: str | None, modified: str | None) -> None:
    resource = Resource(CONTENT, etag=etag, modified=modified, has_ranges=False)
    with serving({"/x": resource}) as server:
        file = planned(server)
        resource.etag = resource.modified = None
        name = "ETag" if etag else "Last-Modified"
        with pytest.raises(StorageUnavailable, match=f"the answer has no {name}, and had one before"):
            list(file.read(0, 10))


def test_a_version_that_only_a_later_answer_names_holds_from_then_on() -> None:
    resource = Resource(CONTENT, says_total=False, etag=None)
    with serving({"/x": resource}) as server:
        chunks = planned(server).read(0, None)
        resource.cuts = [1000]
        resource.etag = '"1"'
        assert len(next(chunks)) == 1000
        server.resources["/x"] = Resource(CONTENT[::-1], says_total=False, etag='"2"')
        with pytest.raises(InputChanged):
            list(chunks)


@pytest.mark.parametrize("size", [len(CONTENT) - 1, len(CONTENT) + 1])
def test_a_whole_answer_without_a_length_is_counted(size: int) -> None:
    with serving({"/x": Resource(CONTENT, has_ranges=False, is_chunked=True, etag=None)}) as server:
        file = RemoteFile(server.url("/x"), size=size, fingerprint="", patience=HASTY, waiter=Waiter(NOBODY))
        with pytest.raises(InputChanged, match=f"and had {size} when the job was planned"):
            list(file.read(0, size))


def test_what_became_empty_is_an_error() -> None:
    resource = Resource(CONTENT, etag=None)
    with serving({"/x": resource}) as server:
        file = planned(server)
        resource.content = b""
        with pytest.raises(InputError, match="has 0 bytes, and had 208890 when the job was planned"):
            list(file.read(0, len(CONTENT)))
