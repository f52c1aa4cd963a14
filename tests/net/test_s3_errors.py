"""Tests that provoke the errors of S3: one line with the error, the place and the next step, and the exit code.

Only answers that no server of the tests can give (other regions, expired tokens) are made up in botocore's form.
"""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from kubemr_shell.errors import (
    BucketNotFound,
    CredentialsRefused,
    Forbidden,
    KubemrError,
    NoSuchRange,
    ObjectNotFound,
    StorageError,
    StorageUnavailable,
)
from kubemr_shell.net.s3_client import S3Client
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.net.s3_errors import Trouble, given_up, of_answer, of_failure
from kubemr_shell.waits.retry import Patience
from tests.support.http_server import Resource, Server, serving
from tests.support.s3_server import Bucket

HASTY = Patience(budget=0.05, first_pause=0.01)
CERTIFICATE = Path(__file__).parents[1] / "support" / "localhost.pem"


def message(
    config: S3Config, operation: str = "list_objects_v2", *, bucket: str, key: str = "", **parameters: Any
) -> tuple[type[KubemrError], int, str]:
    """Return the type, the exit code, and the message after the URI of the error that a call ends with."""
    uri = f"s3://{bucket}/{key}"
    parameters |= {"Key": key} if key else {}
    with pytest.raises(KubemrError) as raised:
        S3Client(config).call(operation, uri=uri, patience=HASTY, Bucket=bucket, **parameters)
    text = str(raised.value)
    assert text.startswith(f"{uri}: ")
    assert "\n" not in text
    said = re.sub(r", tried for \d+ s", "", text.removeprefix(f"{uri}: "))  # which depends on the machine
    return type(raised.value), raised.value.exit_code, said


@pytest.fixture
def config(bucket: Bucket) -> S3Config:
    return S3Config(endpoint=bucket.server.endpoint)


class TestNames:
    def test_no_object(self, bucket: Bucket, config: S3Config) -> None:
        for operation in ("get_object", "head_object"):
            assert message(config, operation, bucket=bucket.name, key="k") == (ObjectNotFound, 1, "no such object")

    def test_no_bucket(self, config: S3Config, bucket: Bucket) -> None:
        expected = (
            BucketNotFound,
            1,
            "there is no bucket no-such: check its name, and s3.endpoint or AWS_ENDPOINT_URL",
        )
        assert message(config, bucket="no-such") == expected
        assert message(config, "get_object", bucket="no-such", key="k") == expected
        assert message(config, "put_object", bucket="no-such", key="k", Body=b"") == expected

    def test_a_range_that_no_object_has(self, config: S3Config, bucket: Bucket) -> None:
        bucket.put("k", b"1")
        kind, code, text = message(config, "get_object", bucket=bucket.name, key="k", Range="bytes=7-9")
        assert (kind, code) == (NoSuchRange, 1)
        assert text == "ends before the bytes that were asked for"


class TestRights:
    def test_a_wrong_secret_key(self, bucket: Bucket, config: S3Config, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
        kind, code, text = message(config, bucket=bucket.name)
        assert (kind, code) == (CredentialsRefused, 7)
        assert text == (
            "the secret key does not fit the access key (SignatureDoesNotMatch): "
            "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile"
        )

    def test_an_answer_without_a_body_is_a_refusal_too(
        self, bucket: Bucket, config: S3Config, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bucket.put("k", b"1")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
        kind, code, text = message(config, "head_object", bucket=bucket.name, key="k")
        assert (kind, code) == (Forbidden, 7)
        assert text.startswith("no permission for head_object (403")

    def test_an_unknown_access_key(self, bucket: Bucket, config: S3Config, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "wrong")
        kind, code, text = message(config, bucket=bucket.name)
        assert (kind, code) == (CredentialsRefused, 7)
        assert text.startswith("the access key is not known (")

    def test_no_credentials(self, bucket: Bucket, config: S3Config, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        kind, code, text = message(config, bucket=bucket.name)
        assert (kind, code) == (CredentialsRefused, 7)
        assert text.startswith(
            "there are no credentials (Unable to locate credentials): set AWS_ACCESS_KEY_ID and AWS_"
        )
        assert text.endswith("or make a profile in ~/.aws")

    @pytest.mark.parametrize("variable", ["AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"])
    def test_credentials_with_the_line_break_of_their_file(
        self, bucket: Bucket, config: S3Config, monkeypatch: pytest.MonkeyPatch, variable: str
    ) -> None:
        """The error is not retried like an error of the network, and its message does not show the token."""
        monkeypatch.setenv(variable, "known-to-nobody\n")
        kind, code, said = message(config, bucket=bucket.name)
        assert (kind, code) == (Forbidden, 7)
        assert said.startswith("the access key or the session token has a line break in it, such as")
        assert ": check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in said
        assert "known-to-nobody" not in said

    def test_half_of_the_credentials(self, bucket: Bucket, config: S3Config, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        assert "missing: AWS_SECRET_ACCESS_KEY" in message(config, bucket=bucket.name)[2]

    def test_a_profile_that_is_not_there(
        self, bucket: Bucket, config: S3Config, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_PROFILE", "nobody")
        kind, code, text = message(config, bucket=bucket.name)
        assert (kind, code) == (Forbidden, 7)
        assert text == "The config profile (nobody) could not be found: check AWS_PROFILE and the files in ~/.aws"

    @pytest.mark.parametrize(
        ("code", "said"),
        [
            ("ExpiredToken", "the session token has expired (ExpiredToken)"),
            ("RequestTimeTooSkewed", "the clock of this machine is wrong (RequestTimeTooSkewed)"),
            ("AuthorizationHeaderMalformed", "the region is wrong: set s3.region, or AWS_REGION"),
            (
                "AccessDenied",
                "no permission for put_object (AccessDenied: no): check the credentials and the bucket's policy",
            ),
        ],
    )
    def test_what_else_servers_say(self, code: str, said: str) -> None:
        problem = of_answer(answer(403, code), "put_object", "s3://b/k")
        assert isinstance(problem, Forbidden)
        assert said in str(problem)


class TestServers:
    def test_nobody_listens(self, bucket: Bucket) -> None:
        with closing(socket.socket()) as unused:
            unused.bind(("127.0.0.1", 0))
            endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
            assert message(S3Config(endpoint=endpoint), bucket="b") == (
                StorageUnavailable,
                6,
                f"{endpoint} cannot be reached: it refuses connections: "
                "check s3.endpoint or AWS_ENDPOINT_URL, and whether it runs",
            )

    def test_no_such_host(self, bucket: Bucket) -> None:
        kind, code, text = message(S3Config(endpoint="http://no.such.host.invalid"), bucket="b")
        assert (kind, code) == (StorageUnavailable, 6)
        assert text.startswith("http://no.such.host.invalid cannot be reached: there is no such host")

    def test_connections_are_cut(self, bucket: Bucket) -> None:
        with cutting() as endpoint:
            kind, code, text = message(S3Config(endpoint=endpoint), bucket="b")
        assert (kind, code) == (StorageUnavailable, 6)
        assert text.startswith(f"{endpoint} cut the connection")

    @pytest.mark.parametrize("endpoint", ["localhost:7070", "ftp://localhost:7070"])
    def test_what_is_no_endpoint(self, bucket: Bucket, endpoint: str) -> None:
        kind, code, text = message(S3Config(endpoint=endpoint), bucket="b")
        assert (kind, code) == (StorageError, 1)
        assert text.endswith(": check s3.endpoint or AWS_ENDPOINT_URL: it begins with http:// or https://")

    def test_a_server_of_something_else(self, bucket: Bucket) -> None:
        with serving({"/b?list-type=2&encoding-type=url": Resource(content=b"<html><p>Welcome")}) as server:
            kind, code, text = message(S3Config(endpoint=f"http://{server.address}"), bucket="b")
        assert (kind, code) == (StorageUnavailable, 6)
        assert text.endswith(": try later, check s3.endpoint or AWS_ENDPOINT_URL, or look into the server's log")

    def test_a_bucket_in_another_region(self) -> None:
        elsewhere = answer(301, "PermanentRedirect", **{"x-amz-bucket-region": "eu-north-1"})
        problem = of_answer(elsewhere, "list_objects_v2", "s3://b/")
        assert isinstance(problem, StorageError)
        assert str(problem) == "s3://b/: it is in eu-north-1: set s3.region, or AWS_REGION"

    def test_an_answer_to_head_says_nothing_of_a_wrong_region(self) -> None:
        problem = of_answer(answer(400, "400"), "head_object", "s3://b/k")
        assert "often a wrong region (s3.region, AWS_REGION) or an expired session token" in str(problem)

    def test_it_is_said_how_long_it_was_tried(self) -> None:
        trouble = Trouble(reason="it is closed", advice="come later")
        assert str(given_up(trouble, "s3://b/k", 91.4)) == "s3://b/k: it is closed, tried for 91 s: come later"


class TestTls:
    @pytest.fixture
    def server(self, bucket: Bucket) -> Iterator[Server]:
        """Give a TLS server that answers a GET like S3. The tests do not use anything that it lacks."""
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(CERTIFICATE)
        with serving({"/b/k": Resource(content=b"content")}, tls) as server:
            yield server

    @pytest.fixture(autouse=True)
    def no_other_authorities(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)

    def test_a_trusted_certificate(self, server: Server) -> None:
        config = S3Config(endpoint=f"https://{server.address}", ca_bundle=str(CERTIFICATE))
        answer = S3Client(config).call("get_object", uri="s3://b/k", patience=HASTY, Bucket="b", Key="k")
        with closing(answer["Body"]) as body:
            assert body.read() == b"content"

    def test_a_certificate_that_nobody_knows(self, server: Server) -> None:
        config = S3Config(endpoint=f"https://{server.address}")
        assert message(config, "get_object", bucket="b", key="k") == (
            StorageUnavailable,
            6,
            "the server's certificate is not trusted (self-signed certificate): "
            "s3.caBundle or AWS_CA_BUNDLE can name a file of authorities to trust",
        )

    def test_a_certificate_of_another_host(self, server: Server) -> None:
        endpoint = f"https://{server.address}".replace("127.0.0.1", "localhost")
        config = S3Config(endpoint=endpoint, ca_bundle=str(CERTIFICATE))
        kind, code, text = message(config, "get_object", bucket="b", key="k")
        assert (kind, code) == (StorageUnavailable, 6)
        assert text.startswith("the server's certificate is not trusted (")
        assert "ostname" in text

    @pytest.mark.parametrize("content", [None, "no certificate"])
    def test_a_file_without_authorities(self, server: Server, tmp_path: Path, content: str | None) -> None:
        file = tmp_path / "ca.pem"
        if content is not None:
            file.write_text(content)
        config = S3Config(endpoint=f"https://{server.address}", ca_bundle=str(file))
        assert message(config, "get_object", bucket="b", key="k") == (
            StorageUnavailable,
            6,
            "the file of authorities has no certificates, or is missing: check s3.caBundle, or AWS_CA_BUNDLE",
        )

    def test_a_server_without_tls(self, bucket: Bucket) -> None:
        config = S3Config(endpoint=bucket.server.endpoint.replace("http://", "https://"))
        assert message(config, bucket=bucket.name)[2] == (
            "the server speaks no TLS: write http:// in s3.endpoint or AWS_ENDPOINT_URL"
        )


def test_an_error_that_has_nothing_to_do_with_requests_is_a_bug() -> None:
    assert of_failure(KeyError("x"), "s3://b/k") is None
    assert of_failure(TypeError("x"), "s3://b/k") is None


def test_only_what_may_be_over_soon_of_a_conflict_is_tried_again() -> None:
    assert isinstance(of_answer(answer(409, "OperationAborted"), "put_object", "s3://b/k"), Trouble)
    assert isinstance(of_answer(answer(409, "BucketAlreadyExists"), "create_bucket", "s3://b/"), StorageError)


def answer(status: int, code: str, **headers: str) -> dict[str, Any]:
    return {
        "Error": {"Code": code, "Message": "no"},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers},
    }


@contextmanager
def cutting() -> Iterator[str]:
    """Give a server that closes the connection after each request."""
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        def hang_up() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with closing(connection):
                    connection.recv(1 << 16)

        thread = threading.Thread(target=hang_up)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
