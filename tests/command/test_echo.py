"""Stderr of many attempts on one stream."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubemr_shell.command.echo import LONGEST_LINE_BYTES, Echo
from kubemr_shell.command.stderr import StderrLog
from tests.command.attempts import Attempts

TEXTS = st.binary(max_size=60).map(lambda data: data.replace(b"x", b"\n"))


class Stream:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)

    def content(self) -> bytes:
        return self.path.read_bytes()


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[Stream]:
    opened = Stream(tmp_path / "stream")
    yield opened
    os.close(opened.descriptor)


def echoed(stream: Stream, *pieces: bytes) -> bytes:
    os.truncate(stream.path, 0)
    attempt = Echo(stream.descriptor).of("map/17.0")
    for piece in pieces:
        attempt.write(piece)
    attempt.close()
    return stream.content()


def test_each_line_stands_after_the_attempt_that_wrote_it(stream: Stream) -> None:
    assert echoed(stream, b"one\nt", b"wo \xff\0\r\n\nthree") == (
        b"map/17.0: one\nmap/17.0: two \xff\0\r\nmap/17.0: \nmap/17.0: three\n"
    )


@given(pieces=st.lists(TEXTS))
def test_no_byte_is_lost_however_it_comes(tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]) -> None:
    stream = Stream(tmp_path_factory.mktemp("echo") / "stream")
    try:
        lines = echoed(stream, *pieces).split(b"\n")
    finally:
        os.close(stream.descriptor)
    whole = b"".join(pieces)
    assert b"\n".join(line.removeprefix(b"map/17.0: ") for line in lines) == (
        whole if whole.endswith(b"\n") or not whole else whole + b"\n"
    )


def test_a_line_that_is_too_long_becomes_several_before_its_end_has_come(stream: Stream) -> None:
    long = b"a" * LONGEST_LINE_BYTES + b"b" * LONGEST_LINE_BYTES
    attempt = Echo(stream.descriptor).of("reduce/0.1")
    attempt.write(long)
    assert stream.content() == b"reduce/0.1: %b\n" % (b"a" * LONGEST_LINE_BYTES)
    attempt.write(b"c")
    attempt.close()
    lines = stream.content().splitlines()
    assert b"".join(line.removeprefix(b"reduce/0.1: ") for line in lines) == long + b"c"


def test_lines_of_attempts_at_once_do_not_mix(stream: Stream) -> None:
    echo = Echo(stream.descriptor)

    def write(number: int) -> None:
        attempt = echo.of(f"map/{number}.0")
        for _ in range(200):
            attempt.write(b"%d\n%d" % (number, number) * 40)
        attempt.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for line in stream.content().splitlines():
        label, _, text = line.partition(b": ")
        assert set(text) == set(label[4:-2])


def test_a_stream_that_is_gone_is_no_failure() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    attempt = Echo(writing).of("map/0.0")
    attempt.write(b"text\n")
    attempt.close()
    os.close(writing)


def test_the_log_is_echoed_without_what_is_reported(stream: Stream, tmp_path: Path) -> None:
    log = StderrLog(str(tmp_path / "log"), Echo(stream.descriptor).of("map/1.0"))
    for piece in (b"one\nreporter:coun", b"ter:G,n,1\ntwo\nreporter:nonsense\nend"):
        log.write(piece)
    log.close()
    lines = [line.removeprefix(b"map/1.0: ") for line in stream.content().splitlines()]
    assert b"\n".join(lines).startswith(b"one\ntwo\nreporter:nonsense\nend\nkubemr-shell: not understood")
    assert (tmp_path / "log").read_bytes() == b"\n".join(lines) + b"\n"


def test_what_a_command_writes_is_echoed(stream: Stream, attempt: Attempts) -> None:
    attempt("echo one >&2; printf two >&2", echo=Echo(stream.descriptor).of("map/3.2"))
    assert stream.content() == b"map/3.2: one\nmap/3.2: two\n"
