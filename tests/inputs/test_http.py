"""Tests of reads from a real server: ranges, cuts, refusals, versions, slow answers, redirects, proxies, TLS."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from kubemr_shell.errors import InputChanged, InputNotFound, StorageUnavailable
from kubemr_shell.inputs.http import RemoteFile, RemoteObject, probe, read_whole
from kubemr_shell.inputs.http_answer import Version
from kubemr_shell.net import http_connection
from kubemr_shell.waits.retry import Patience
from kubemr_shell.waits.waiter import NOBODY, Cancelled, Waiter
from tests.support.feeding import CERTIFICATE, HASTY, TRIES, soon_over
from tests.support.http_server import Resource, Server, serving

CONTENT = bytes(range(256)) * 4000


def file_of(
    server: Server,
    path: str = "/x",
    *,
    size: int | None = len(CONTENT),
    fingerprint: str = 'etag "1"',
    patience: Patience = HASTY,
    cancel_fd: int = NOBODY,
) -> RemoteFile:
    return RemoteFile(server.url(path), size=size, fingerprint=fingerprint, patience=patience, waiter=Waiter(cancel_fd))


def ranges(server: Server) -> list[str | None]:
    return [request.headers.get("Range") for request in server.requests]


@pytest.mark.parametrize(("start", "end"), [(0, len(CONTENT)), (0, 10), (7, 12), (1000, len(CONTENT)), (5, 5)])
@pytest.mark.parametrize("has_ranges", [True, False])
def test_a_range_is_read(start: int, end: int, has_ranges: bool) -> None:
    with serving({"/x": Resource(CONTENT, has_ranges=has_ranges)}) as server:
        assert b"".join(file_of(server).read(start, end)) == CONTENT[start:end]


@pytest.mark.parametrize("etag", ['"1"', 'W/"1"', None])
def test_an_answer_that_is_cut_goes_on_where_it_stopped(etag: str | None) -> None:
    resource = Resource(CONTENT, etag=etag, cuts=[1000, 0, 50, None])
    with serving({"/x": resource}) as server:
        fingerprint = f"etag {etag}" if etag else ""
        assert b"".join(file_of(server, fingerprint=fingerprint).read(10, 5000)) == CONTENT[10:5000]
        assert ranges(server) == ["bytes=10-4999", "bytes=1010-4999", "bytes=1010-4999", "bytes=1060-4999"]
        conditions = {request.headers.get("If-Range") for request in server.requests}
    assert conditions == {'"1"' if etag == '"1"' else None}


def test_a_date_serves_as_a_version_too() -> None:
    date = "Sun, 06 Nov 1994 08:49:37 GMT"
    with serving({"/x": Resource(CONTENT, etag=None, modified=date, cuts=[1000])}) as server:
        assert b"".join(file_of(server, fingerprint=f"modified {date}").read(0, 5000)) == CONTENT[:5000]
        assert server.requests[1].headers["If-Range"] == date
        server.resources["/x"].modified = "Mon, 07 Nov 1994 08:49:37 GMT"
        with pytest.raises(InputChanged):
            list(file_of(server, fingerprint=f"modified {date}").read(0, 5000))


def test_a_server_without_ranges_is_read_again_from_the_start_and_nothing_comes_twice() -> None:
    with serving({"/x": Resource(CONTENT, has_ranges=False, cuts=[1000, 400, 300_000, None])}) as server:
        assert b"".join(file_of(server).read(0, len(CONTENT))) == CONTENT
        assert len(server.requests) == 4


def test_a_server_that_gives_up_ranges_is_still_read_right() -> None:
    with serving({"/x": Resource(CONTENT, first_range_only=True, cuts=[700])}) as server:
        assert b"".join(file_of(server).read(100, 2000)) == CONTENT[100:2000]


def test_content_of_unknown_length_is_read_to_its_end() -> None:
    for resource in (
        Resource(CONTENT, is_chunked=True, has_ranges=False),
        Resource(CONTENT, says_length=False, has_ranges=False, etag=None),
        Resource(b"", is_chunked=True, has_ranges=False),
    ):
        with serving({"/x": resource}) as server:
            assert probe(server.url("/x"), HASTY).size is None
            fingerprint = 'etag "1"' if resource.etag else ""
            file = file_of(server, size=None, fingerprint=fingerprint)
            assert b"".join(file.read(0, None)) == resource.content


def test_a_cut_in_content_of_unknown_length_is_noticed_and_mended_by_its_version() -> None:
    with serving({"/x": Resource(CONTENT, is_chunked=True, has_ranges=False, cuts=[1000, None])}) as server:
        assert b"".join(file_of(server, size=None).read(0, None)) == CONTENT


def test_a_cut_in_content_without_length_or_version_is_an_error_and_never_a_mixture() -> None:
    with serving({"/x": Resource(CONTENT, is_chunked=True, has_ranges=False, etag=None, cuts=[1000, None])}) as server:
        url = server.url("/x")
        with pytest.raises(StorageUnavailable, match=f"{url}: the answer was cut.* after 1000 bytes"):
            list(file_of(server, size=None, fingerprint="").read(0, None))


@pytest.mark.parametrize("has_ranges", [True, False])
def test_another_version_is_an_error(has_ranges: bool) -> None:
    message = r'^http://\S+/x: changed .* \(etag "1" became etag "2"\)'
    with (
        serving({"/x": Resource(CONTENT, has_ranges=has_ranges, etag='"2"')}) as server,
        pytest.raises(InputChanged, match=message),
    ):
        list(file_of(server).read(100, 200))


def test_a_version_that_changes_in_the_middle_is_an_error() -> None:
    with serving({"/x": Resource(CONTENT, cuts=[1000])}) as server:
        chunks = file_of(server).read(0, 5000)
        assert len(next(chunks)) == 1000
        server.resources["/x"] = Resource(CONTENT[::-1], etag='"2"')
        with pytest.raises(InputChanged):
            list(chunks)


@pytest.mark.parametrize("has_ranges", [True, False])
@pytest.mark.parametrize("size", [len(CONTENT) - 1, len(CONTENT) + 1])
def test_another_size_is_an_error(has_ranges: bool, size: int) -> None:
    with (
        serving({"/x": Resource(CONTENT, has_ranges=has_ranges, etag=None)}) as server,
        pytest.raises(InputChanged, match=f"has {len(CONTENT)} bytes, and had {size} when the job was planned"),
    ):
        list(file_of(server, size=size, fingerprint="").read(0, size))


def test_a_content_that_became_too_short_for_a_range_is_an_error() -> None:
    with serving({"/x": Resource(b"short")}) as server, pytest.raises(InputChanged, match="is shorter than when"):
        list(file_of(server).read(1000, 2000))


def test_a_server_that_cuts_every_answer_is_asked_as_long_as_it_sends_something() -> None:
    with serving({"/x": Resource(CONTENT, cuts=[100 for _ in range(3 * TRIES)])}) as server:
        chunks = file_of(server, patience=soon_over()).read(0, 300 * TRIES)
        assert b"".join(chunks) == CONTENT[: 300 * TRIES]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_server_in_trouble_is_asked_again(status: int) -> None:
    with serving({"/x": Resource(CONTENT, statuses=[status, status])}) as server:
        assert probe(server.url("/x"), HASTY).size == len(CONTENT)
        server.resources["/x"].statuses = [status]
        assert b"".join(file_of(server).read(0, 10)) == CONTENT[:10]


def test_a_server_that_stays_in_trouble_is_given_up() -> None:
    with serving({"/x": Resource(CONTENT, statuses=[503] * 10_000)}) as server:
        with pytest.raises(StorageUnavailable, match=f"{server.url('/x')}: the server answered 503"):
            probe(server.url("/x"), soon_over())
        assert len(server.requests) == TRIES


def test_a_server_that_wants_more_time_than_there_is_is_given_up_at_once() -> None:
    with serving({"/x": Resource(CONTENT, statuses=[503] * 9, retry_after="3600")}) as server:
        with pytest.raises(StorageUnavailable):
            probe(server.url("/x"), HASTY)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "more"), [(400, ""), (401, "login"), (403, "login"), (404, ""), (410, ""), (501, "")]
)
def test_a_refusal_is_final_and_one_line(status: int, more: str) -> None:
    with serving({"/x": Resource(CONTENT, statuses=[status, status])}) as server:
        with pytest.raises(
            InputNotFound, match=f"^{server.url('/x')}: the server answered {status} .*{more}"
        ) as caught:
            probe(server.url("/x"), HASTY)
        with pytest.raises(InputNotFound):
            list(file_of(server).read(0, 10))
        assert len(server.requests) == 2
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://no-such-host.invalid/x", "no such host"),
        ("http://127.0.0.1:port/x", "this URL cannot be read"),
        ("http://[::1/x", "this URL cannot be read"),
        ("http:///x", "this URL cannot be read"),
        ("http://" + "a" * 70 + ".example/x", "this URL cannot be read"),
    ],
)
def test_a_url_that_cannot_be_right_is_an_error_at_once(url: str, message: str) -> None:
    with pytest.raises((InputNotFound, StorageUnavailable), match=message):
        probe(url, soon_over())


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """Give a URL whose server sends the same bytes as the answer to every request."""

    def answer_always() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(1 << 16)
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer_always)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/x"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 206 OK\r\nContent-Length: 0\r\n\r\n"])
def test_a_server_that_talks_nonsense_or_hangs_up_is_given_up(answer: bytes) -> None:
    with answering(answer) as url, pytest.raises(StorageUnavailable, match=f"^{url}: "):
        probe(url, soon_over())


def test_a_server_that_sends_another_range_than_asked_for_is_not_believed() -> None:
    answer = b"HTTP/1.1 206 OK\r\nContent-Length: 5\r\nContent-Range: bytes 0-4/100\r\n\r\nhello"
    with answering(answer) as url:
        file = RemoteFile(url, size=100, fingerprint="", patience=soon_over(), waiter=Waiter(NOBODY))
        with pytest.raises(StorageUnavailable, match="asked for byte 5, the server sent byte 0"):
            list(file.read(5, 10))


def test_a_server_that_sends_nothing_for_too_long_is_asked_again() -> None:
    hold = threading.Event()
    with serving({"/x": Resource(CONTENT, hold=hold)}) as server:
        chunks = file_of(server, patience=Patience(budget=60, first_pause=0.001, idle=0.05)).read(0, 100_000)
        received = next(chunks)
        while len(received) < 50_000:
            received += next(chunks)
        while len(server.requests) < 2:
            received += next(chunks)
            server.resources["/x"].hold = None
        hold.set()
        assert received + b"".join(chunks) == CONTENT[:100_000]


def test_waiting_for_a_slow_server_ends_when_it_is_cancelled() -> None:
    cancel = os.eventfd(0)
    try:
        with serving({"/x": Resource(CONTENT, hold=threading.Event())}) as server:
            chunks = file_of(server, cancel_fd=cancel).read(0, len(CONTENT))
            received = len(next(chunks))
            while received < len(CONTENT) // 2:
                received += len(next(chunks))
            os.eventfd_write(cancel, 1)
            with pytest.raises(Cancelled):
                next(chunks)
    finally:
        os.close(cancel)


def test_a_redirect_is_followed_with_its_range_but_without_its_password() -> None:
    with serving({"/y": Resource(CONTENT)}) as target:
        with serving({"/x": Resource(b"", location=target.url("/y"))}) as server:
            url = f"http://user:pass%20word@{server.address}/x"
            file = RemoteFile(url, size=len(CONTENT), fingerprint="", patience=HASTY, waiter=Waiter(NOBODY))
            assert b"".join(file.read(5, 10)) == CONTENT[5:10]
            assert server.requests[0].headers["Authorization"] == "Basic dXNlcjpwYXNzIHdvcmQ="
        assert ranges(target) == ["bytes=5-9"]
        assert "Authorization" not in target.requests[0].headers


def test_redirects_in_a_circle_are_an_error() -> None:
    with serving({"/x": Resource(b"", location="/x")}) as server, pytest.raises(InputNotFound, match="302"):
        probe(server.url("/x"), HASTY)


def test_a_password_is_never_shown() -> None:
    with serving({}) as server, pytest.raises(InputNotFound) as caught:
        probe(f"http://user:secret@{server.address}/x", HASTY)
    assert str(caught.value).startswith(server.url("/x"))
    assert "secret" not in str(caught.value)


def test_a_path_is_sent_as_it_is_but_for_what_http_forbids() -> None:
    with serving({"/a%2Fb%20c%C3%A9%FF?d=e%20f&g=/h": Resource(b"12")}) as server:
        assert probe(server.url("/a%2Fb cé\udcff?d=e f&g=/h#fragment"), HASTY).size == 2


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving({"http://example.invalid/x": Resource(b"from the proxy")}) as proxy:
        monkeypatch.setenv("http_proxy", f"http://{proxy.address}")
        monkeypatch.setenv("no_proxy", "")
        assert read_whole("http://example.invalid/x", HASTY) == b"from the proxy"


def test_where_the_system_has_no_authorities_ours_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert http_connection._authorities() is None
    nowhere = SimpleNamespace(cafile=None, capath=None)
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: nowhere)
    ours = http_connection._authorities()
    assert ours is not None
    assert ssl.create_default_context(cafile=ours).cert_store_stats()["x509_ca"] > 50


@pytest.mark.usefixtures("fresh_authorities")
def test_tls_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with serving({"/x": Resource(CONTENT, cuts=[None, 1000])}, tls=context) as server:
        with pytest.raises(
            InputNotFound, match=f"^{server.url('/x')}: the server's certificate is not trusted"
        ) as caught:
            probe(server.url("/x"), HASTY)
        assert len(str(caught.value).splitlines()) == 1
        http_connection._tls_context.cache_clear()
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        assert probe(server.url("/x"), HASTY) == RemoteObject(
            url=server.url("/x"), size=len(CONTENT), version=Version(etag='"1"'), has_ranges=True, head=CONTENT[:512]
        )
        assert b"".join(file_of(server).read(0, len(CONTENT))) == CONTENT


def test_plain_http_where_tls_is_expected_is_an_error_that_names_the_url() -> None:
    with serving({"/x": Resource(CONTENT)}) as server:
        url = server.url("/x").replace("http:", "https:")
        with pytest.raises(StorageUnavailable, match=f"^{url}: "):
            probe(url, soon_over())
