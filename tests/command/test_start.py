"""Tests of the start of a command: which program is started, and the message if none can be started."""

from __future__ import annotations

import errno
import math
import os
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from kubemr_shell.command.start import PIPE_BYTES, start
from kubemr_shell.errors import CommandError, CommandNotStarted, FolderRemoved
from kubemr_shell.job.spec import Command
from kubemr_shell.waits.flag import Flag
from kubemr_shell.waits.retry import Patience
from kubemr_shell.waits.waiter import Cancelled
from tests.command.attempts import Attempts


@pytest.fixture
def script(attempt: Attempts) -> Path:
    return written(attempt.folder / "our-script", "#!/bin/sh\necho ours $*\n")


def written(path: Path, text: str, mode: int = 0o755) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def refusal(attempt: Attempts, command: Command) -> str:
    with pytest.raises(CommandNotStarted) as refused:
        attempt(command)
    return str(refused.value)


def test_a_file_in_the_attempts_folder_is_found_without_its_path(attempt: Attempts, script: Path) -> None:
    attempt(("our-script", "a b"))
    assert attempt.stdout == b"ours a b\n"


def test_a_file_in_the_attempts_folder_goes_before_the_systems(attempt: Attempts, script: Path) -> None:
    script.rename(attempt.folder / "ls")
    attempt(("ls",))
    assert attempt.stdout == b"ours\n"


@pytest.mark.parametrize("hide", [lambda path: path.mkdir(), lambda path: path.touch(0o644)], ids=["folder", "file"])
def test_what_cannot_be_executed_hides_no_program(attempt: Attempts, hide: Callable[[Path], None]) -> None:
    hide(attempt.folder / "true")
    assert attempt(("true",)).exit_status == 0


def test_a_relative_path_is_relative_to_the_attempts_folder(attempt: Attempts, script: Path) -> None:
    attempt(("./our-script",))
    assert attempt.stdout == b"ours\n"


def test_a_relative_place_on_path_is_relative_to_the_attempts_folder(attempt: Attempts, script: Path) -> None:
    attempt.environment = {"PATH": "/nowhere::/bin"}
    attempt(("our-script",))
    assert attempt.stdout == b"ours\n"


def test_a_program_is_told_the_name_that_was_given(attempt: Attempts) -> None:
    attempt(("sh", "-c", "echo $0"))
    assert attempt.stdout == b"sh\n"


def test_without_a_path_the_usual_places_are_searched(attempt: Attempts) -> None:
    attempt.environment = {}
    assert attempt(("true",)).exit_status == 0


def test_arguments_are_bytes_as_far_as_the_system_allows(attempt: Attempts) -> None:
    attempt(("printf", "%s", os.fsdecode(b"\xff\xfe")))
    assert attempt.stdout == b"\xff\xfe"


def test_a_missing_program_is_named(attempt: Attempts) -> None:
    message = refusal(attempt, ("no-such-program", "x"))
    assert "'no-such-program' was not found" in message
    assert "files:" in message


def test_a_first_word_with_blanks_is_explained(attempt: Attempts) -> None:
    message = refusal(attempt, ("grep -o x",))
    assert "no program called 'grep -o x'" in message
    assert "['grep', '-o', 'x']" in message


@pytest.mark.parametrize("command", [(), ("",)])
def test_an_empty_list_is_no_command(attempt: Attempts, command: Command) -> None:
    assert "empty list" in refusal(attempt, command)


def test_a_missing_path_is_named(attempt: Attempts) -> None:
    assert "'./gone' was not found" in refusal(attempt, ("./gone",))


@pytest.mark.parametrize("name", ["our-script", "./our-script"])
def test_a_missing_execute_bit_is_named(attempt: Attempts, script: Path, name: str) -> None:
    script.chmod(0o644)
    assert "chmod +x" in refusal(attempt, (name,))


def test_a_script_without_a_first_line_is_explained(attempt: Attempts, script: Path) -> None:
    written(script, "echo x\n")
    assert "#!/bin/sh" in refusal(attempt, ("our-script",))


def test_a_missing_interpreter_is_named(attempt: Attempts, script: Path) -> None:
    written(script, "#!/opt/no/python9 -u\n")
    assert "'/opt/no/python9 -u'" in refusal(attempt, ("our-script",))


def test_windows_line_ends_are_named(attempt: Attempts, script: Path) -> None:
    written(script, "#!/bin/sh\r\necho x\r\n")
    assert "Windows line ends" in refusal(attempt, ("our-script",))


def test_a_folder_is_no_program(attempt: Attempts) -> None:
    assert "cannot be executed" in refusal(attempt, ("/usr",))


def test_a_missing_folder_is_named_and_another_attempt_may_succeed(attempt: Attempts) -> None:
    attempt.folder.rmdir()
    with pytest.raises(CommandError, match=f"the folder of the attempt was removed .*: {attempt.folder}:") as refused:
        attempt("true")
    assert not isinstance(refused.value, CommandNotStarted)


def test_a_missing_folder_of_the_worker_is_named(attempt: Attempts) -> None:
    attempt.folder = attempt.folder / "worker" / "map-0.0"
    with pytest.raises(FolderRemoved, match=f"^{attempt.folder.parent} was removed"):
        attempt("true")


def test_a_command_that_is_too_long_is_explained(attempt: Attempts) -> None:
    assert "put long lists into files" in refusal(attempt, ("true", "x" * 10_000_000))


def test_a_zero_byte_in_a_command_is_explained(attempt: Attempts) -> None:
    assert "cannot be passed on" in refusal(attempt, ("true", "a\0b"))


@pytest.fixture
def last_descriptors() -> Iterator[list[int]]:
    """All descriptors that there are; close one to have it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/proc/self/fd"))) + 20, hard))
    taken: list[int] = []
    with suppress(OSError):
        while True:
            taken.append(os.open("/dev/null", os.O_RDONLY))
    yield taken
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    for descriptor in taken:
        os.close(descriptor)


def test_a_lack_of_descriptors_is_not_the_commands_fault(attempt: Attempts, last_descriptors: list[int]) -> None:
    """Wherever the last one is missing, no other is lost: as soon as there are enough, the command runs."""
    os.close(last_descriptors.pop())
    cancel = Flag()
    for _ in range(8):
        with pytest.raises(OSError, match="Too many open files"):
            attempt("true", cancel=cancel)
        os.close(last_descriptors.pop())
    assert attempt("true", cancel=cancel).exit_status == 0
    cancel.close()


def test_a_command_gets_three_descriptors_and_no_more(attempt: Attempts) -> None:
    ours, theirs = os.pipe()
    os.set_inheritable(theirs, True)
    attempt("ls /proc/$$/fd")
    os.close(ours)
    os.close(theirs)
    assert attempt.stdout.split()[:3] == [b"0", b"1", b"2"]
    assert str(theirs).encode() not in attempt.stdout.split()


def test_a_command_leads_a_group_of_its_own_and_dies_of_a_broken_pipe(attempt: Attempts) -> None:
    attempt("ps -o pgid= -p $$; grep SigIgn /proc/$$/status")
    group, ignored = attempt.stdout.split(b"\n")[:2]
    assert int(group) == attempt.group != os.getpgrp()
    assert not int(ignored.split()[1], 16) & 1 << (signal.SIGPIPE - 1)


def test_pipes_hold_a_mebibyte_and_our_ends_do_not_block(tmp_path: Path) -> None:
    started = start(("cat",), str(tmp_path), {})
    assert [os.get_blocking(end) for end in (started.stdin, started.stdout, started.stderr)] == [False] * 3
    assert os.write(started.stdin, b"x" * (4 * PIPE_BYTES)) >= PIPE_BYTES
    started.process.kill()
    started.process.wait()
    for descriptor in (started.stdin, started.stdout, started.stderr):
        os.close(descriptor)


class Crowded:
    """A system that has no room for a process as often as ``times`` says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, times: float, number: int = errno.EAGAIN) -> None:
        self.refused = 0
        popen = subprocess.Popen

        def crowded(*arguments: Any, **options: Any) -> Any:
            if self.refused < times:
                self.refused += 1
                raise OSError(number, os.strerror(number))
            return popen(*arguments, **options)

        monkeypatch.setattr(subprocess, "Popen", crowded)


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOMEM])
def test_a_system_without_room_for_a_process_is_asked_again(
    attempt: Attempts, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    crowded = Crowded(monkeypatch, 3, number)
    attempt("echo there")
    assert (attempt.stdout, crowded.refused) == (b"there\n", 3)


def test_one_that_has_none_for_long_is_an_error_after_which_another_attempt_may_succeed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Crowded(monkeypatch, math.inf)
    before = os.listdir("/proc/self/fd")
    with pytest.raises(CommandError, match=r"no process for 0.05 s: Resource temporarily .* --slots") as error:
        start("true", str(tmp_path), {}, patience=Patience(budget=0.05, first_pause=0.01))
    assert not isinstance(error.value, CommandNotStarted)
    assert os.listdir("/proc/self/fd") == before


def test_who_waits_for_room_can_be_cancelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Crowded(monkeypatch, math.inf)
    cancel = Flag()
    cancel.set()
    with pytest.raises(Cancelled):
        start("true", str(tmp_path), {}, cancel_fd=cancel.fd)
    cancel.close()
