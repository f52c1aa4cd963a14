"""Tests of the listing of a job's inputs, and of the error that reports all problems at once."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tempfile
import threading
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import kubemr_shell
from kubemr_shell.errors import InputError, InputNotFound, StorageUnavailable
from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.inputs.listing import absolute_path, list_inputs
from kubemr_shell.waits.retry import Patience
from kubemr_shell.waits.waiter import Cancelled
from tests.support.feeding import HASTY, listed
from tests.support.http_server import Resource, serving

NOBODY_USER = 65534


def listed_from(list_name: str, folder: Path) -> list[InputObject]:
    return list_inputs(
        [], inputs_from=list_name, decompress="auto", folder=str(folder), stdin_copy=None, patience=HASTY
    )


def test_an_object_says_all_that_a_plan_needs(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"12345")
    os.utime(path, ns=(7, 7))
    (found,) = listed(["a.txt"], folder=str(tmp_path))
    version = found.fingerprint
    assert found == InputObject(uri=str(path), size=5, codec="none", fingerprint=version, splittable=True)
    assert version.split(" ") == ["5-7", f"{path.stat().st_ino:x}", f"{zlib.crc32(b'12345'):08x}"]


def test_the_first_bytes_say_how_a_file_is_compressed_unless_that_is_not_wanted(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(gzip.compress(b"x"))
    (tmp_path / "b.gz").write_bytes(b"text")
    (tmp_path / "c.gz").write_bytes(b"")
    (tmp_path / "d.log").write_text("x", encoding="utf-16")
    found = listed(["."], folder=str(tmp_path))
    assert [(item.codec, item.splittable, item.alone) for item in found] == [
        ("gzip", True, False),
        ("none", True, False),
        ("none", True, False),
        ("none", False, True),
    ]
    found = listed(["."], folder=str(tmp_path), decompress="none")
    assert [(item.codec, item.alone) for item in found] == [("none", False)] * 3 + [("none", True)]


def test_all_files_that_cannot_be_decompressed_are_named_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "a.Z").write_bytes(b"\x1f\x9d\x90")
    (tmp_path / "b").write_bytes(b"Rar!\x1a\x07\x01")
    with pytest.raises(InputNotFound, match=r"(?s)2 inputs cannot be read:.*a\.Z: is compressed.*b: is a rar"):
        listed(["."], folder=str(tmp_path))
    assert len(listed(["."], folder=str(tmp_path), decompress="none")) == 2


def test_names_are_taken_in_order_and_what_is_listed_twice_is_read_twice(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).touch()
    found = listed(["b", "a", "*", f"file://{tmp_path}/b"], folder=str(tmp_path))
    assert [os.path.basename(item.uri) for item in found] == ["b", "a", "a", "b", "c", "b"]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("x", "/here/x"),
        ("./x//y/", "/here/x/y/"),
        ("../x", "/here/../x"),
        ("/x/./y", "/x/y"),
        ("/", "/"),
        (".", "/here"),
        ("a%20b", "/here/a%20b"),
        ("file:///x%2f", "/x%2f"),
        ("file://localhost/x", "/x"),
        ("FILE:///x", "/x"),
        ("file:x", "/here/file:x"),
    ],
)
def test_a_path_is_made_absolute_and_not_decoded(name: str, path: str) -> None:
    assert absolute_path(name, "/here") == path


def test_a_name_is_arbitrary_bytes(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff\n\xc3\xa9 %41")
    (tmp_path / name).write_bytes(b"x")
    (found,) = listed([name], folder=str(tmp_path))
    assert os.fsencode(found.uri) == os.fsencode(str(tmp_path)) + b"/\xff\n\xc3\xa9 %41"


def test_everything_that_is_missing_is_said_at_once_in_one_line_each(tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/broken").symlink_to("nowhere")
    names = ["gone", "there", "*.no", "gs://bucket/key", "file://host/x", "", "a\nb", "folder", "-"]
    with serving({}) as server, pytest.raises(InputNotFound) as caught:
        listed([*names, server.url("/no")], folder=str(tmp_path))
    lines = str(caught.value).replace(f"{tmp_path}/", "").splitlines()
    assert lines[0] == "9 inputs cannot be read:"
    for line, part in zip(
        lines[1:],
        [
            "gone: no such file",
            "*.no: no file matches",
            "gs:// cannot be read",
            "file://host/x: write file://",
            "empty name",
            r"a\nb': no such file",
            "no standard input",
            "/no: the server answered 404",
            "folder/broken: no such file",
        ],
        strict=True,
    ):
        assert part in line


def test_a_file_that_may_not_be_read_is_named_before_anything_runs() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        for name in ("a", "b"):
            Path(folder, name).write_text(name)
        os.chmod(f"{folder}/b", 0)
        child = subprocess.run(
            [
                sys.executable,
                "-c",
                "import os, sys; from tests.support.feeding import listed\n"
                "os.setuid(int(sys.argv[2]))\n"
                "listed(['a', 'b'], folder=sys.argv[1], decompress='none')",
                folder,
                str(os.getuid() or NOBODY_USER),
            ],
            cwd=Path(kubemr_shell.__file__).parents[1],
            capture_output=True,
            text=True,
            check=False,
        )
    assert child.stderr.endswith(f"InputNotFound: {folder}/b: permission denied\n")


def test_very_many_missing_inputs_are_counted(tmp_path: Path) -> None:
    with pytest.raises(InputNotFound) as caught:
        listed([f"no-{number}" for number in range(1000)], folder=str(tmp_path))
    assert len(str(caught.value).splitlines()) == 22
    assert str(caught.value).endswith("and 980 more")


def test_standard_input_is_copied_once_and_never_decompressed(tmp_path: Path) -> None:
    copies: list[str] = []

    def copy() -> str:
        copies.append(str(tmp_path / "stdin.gz"))
        Path(copies[0]).write_bytes(b"data")
        return copies[0]

    found = list_inputs(["-", "/dev/stdin"], inputs_from=None, decompress="auto", folder="/", stdin_copy=copy)
    assert len(copies) == 1
    assert [(item.uri, item.codec, item.size) for item in found] == [(copies[0], "none", 4)] * 2


def test_a_list_of_inputs_has_a_name_a_line(tmp_path: Path) -> None:
    for name in (b"a", b" b ", b"\xff", b"#c"):
        (tmp_path / os.fsdecode(name)).touch()
    (tmp_path / "list").write_bytes(b"\xef\xbb\xbfa\r\n\n  \r\n b \n\xff\n#c\na")
    found = listed_from("list", tmp_path)
    assert [os.path.basename(os.fsencode(item.uri)) for item in found] == [b"a", b" b ", b"\xff", b"#c", b"a"]


def test_a_list_of_inputs_may_come_from_a_server_and_name_urls(tmp_path: Path) -> None:
    resources = {"/data": Resource(b"12")}
    with serving(resources) as server:
        server.resources["/list"] = Resource(f"{server.url('/data')}\n".encode(), has_ranges=False)
        assert [item.size for item in listed_from(server.url("/list"), tmp_path)] == [2]


@pytest.mark.parametrize(("content", "message"), [(None, "No such file"), (b"\n \r\n", "is empty")])
def test_a_list_that_is_missing_or_empty_is_an_error(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "list").write_bytes(content)
    with pytest.raises(InputNotFound, match=message):
        listed_from("list", tmp_path)


def test_a_url_says_size_version_and_whether_it_can_be_cut() -> None:
    resources = {
        "/a": Resource(b"x" * 10, etag='"7"'),
        "/c": Resource(b"abc", has_ranges=False, etag=None, modified="Sun, 06 Nov 1994 08:49:37 GMT"),
        "/d": Resource(b"abc", says_length=False, has_ranges=False, etag=None),
        "/e": Resource(b""),
        "/f": Resource(gzip.compress(b"x"), encoding="gzip"),
        "/g.gz?query": Resource(gzip.compress(b"x")),
    }
    with serving(resources) as server:
        found = listed([server.url(path) + "#part" for path in resources])
    assert [(item.size, item.codec, item.fingerprint, item.splittable) for item in found] == [
        (10, "none", 'etag "7"', True),
        (3, "none", "modified Sun, 06 Nov 1994 08:49:37 GMT", False),
        (None, "none", "", False),
        (0, "none", 'etag "1"', False),
        (21, "gzip", 'encoding gzip; etag "1"', True),
        (21, "gzip", 'etag "1"', True),
    ]


def test_a_server_that_is_down_is_unavailable_and_not_a_missing_input() -> None:
    with serving({}) as server:
        url = server.url("/x")
    hasty = Patience(budget=0.05, first_pause=0.001, longest_pause=0.01)
    with pytest.raises(StorageUnavailable, match=f"{url}: connection refused"):
        list_inputs([url], inputs_from=None, decompress="auto", folder="/", stdin_copy=None, patience=hasty)


@contextmanager
def set_at_once() -> Iterator[int]:
    """Give a cancel descriptor that is readable already."""
    descriptor = os.eventfd(1, os.EFD_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("name", ["folder", "folder/*", "folder/a", "**", "http"])
def test_listing_ends_when_it_is_cancelled(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a").touch()
    with serving({"/x": Resource(b"abc")}) as server, set_at_once() as cancel, pytest.raises(Cancelled):
        list_inputs(
            [server.url("/x") if name == "http" else name],
            inputs_from=None,
            decompress="auto",
            folder=str(tmp_path),
            stdin_copy=None,
            cancel_fd=cancel,
        )


def test_a_list_of_inputs_that_does_not_come_is_not_waited_for_when_it_is_cancelled() -> None:
    lists = {"/list": Resource(b"a\nb\n", hold=threading.Event())}
    with serving(lists) as server, set_at_once() as cancel, pytest.raises(Cancelled):
        list_inputs(
            [], inputs_from=server.url("/list"), decompress="auto", folder="/", stdin_copy=None, cancel_fd=cancel
        )


def test_a_list_of_inputs_may_be_compressed_but_no_archive(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).touch()
    (tmp_path / "list.gz").write_bytes(gzip.compress(b"a\nb\n"))
    with zipfile.ZipFile(tmp_path / "list.zip", "w") as archive:
        archive.writestr("list", "a")
    assert [Path(item.uri).name for item in inputs_in_list(tmp_path, "list.gz")] == ["a", "b"]
    with pytest.raises(InputError, match=r"list\.zip: the list of inputs \(inputsFrom\) is a zip archive"):
        inputs_in_list(tmp_path, "list.zip")


def inputs_in_list(folder: Path, name: str) -> list[InputObject]:
    return list_inputs([], inputs_from=name, decompress="auto", folder=str(folder), stdin_copy=None)
