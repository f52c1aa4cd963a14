"""Inputs as a user names them: what is missing, names of any bytes, stdin, one line for many workers."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.calls import KUBEMR_SHELL
from tests.support.runs import NOTE, Place, unprivileged

ONE_PART = ("-p", "1", "--quiet")


@pytest.mark.parametrize("missing", ["missing", "*.nothing", "empty", "empty/*", "file:///no/such/file"])
def test_an_input_that_is_missing_is_named_before_any_command_runs(place: Place, missing: str) -> None:
    place.write("in", "a\n")
    (place.folder / "empty").mkdir()

    done = place.run("run", "-o", "out", "-m", f"{NOTE}cat", "in", missing)

    assert done.code == 3
    assert missing.removeprefix("file://") in done.stderr
    assert "continue" not in done.stderr
    assert place.attempts() == []
    assert os.listdir(place.output) == [], "so that the same command works when the input is named as it should be"
    assert place.run("run", "-o", "out", "-m", f"{NOTE}cat", "in").code == 0


def test_an_input_that_cannot_be_read_is_named_before_any_command_runs(place: Place) -> None:
    place.write("in", "a\n")
    place.write("secret", "a\n").chmod(0)

    done = place.start("run", "-m", f"{NOTE}cat", "in", "secret", under=unprivileged()).wait()

    assert done.code == 3
    assert f"{place.folder}/secret" in done.stderr
    assert "ermission denied" in done.stderr
    assert place.attempts() == []


def test_an_input_that_changes_while_the_job_runs_ends_it(place: Place) -> None:
    """The second task finds another file of the same name."""
    place.write("in", "".join(f"{number:09d}\n" for number in range(1000)))
    change = f'{NOTE}[ "$KUBEMR_TASK" != 0 ] || (cp "$KUBEMR_INPUT" new; echo more >> new; mv new "$KUBEMR_INPUT"); cat'

    done = place.run("run", "-o", "out", "--slots", "1", "--split-bytes", "5000", "-m", change, "in")

    assert done.code == 4
    assert f"{place.folder}/in" in done.stderr
    assert "changed" in done.stderr
    assert len(place.attempts()) <= 2, "no other attempt would find it as it was"


def test_an_input_that_grows_while_the_job_runs_is_read_up_to_its_planned_size(place: Place) -> None:
    lines = "".join(f"{number:09d}\n" for number in range(1000))
    place.write("in", lines)
    grow = 'echo more >> "$KUBEMR_INPUT"; cat'

    done = place.run("run", "-o", "out", "--slots", "1", "--split-bytes", "5000", "-p", "1", "-m", grow, "in")

    assert done.code == 0, done.stderr
    assert place.parts() == {"part-00000": lines.encode()}
    notice = f"{place.folder}/in: has grown since the job was planned: only its first 10000 bytes are read"
    assert notice in done.stderr
    assert (place.folder / "in").read_text() == lines + "more\n" * 2


NAMES = [
    b"plain",
    b"sp ace",
    b"new\nline",
    b"tab\there",
    b"quo'te\"s",
    b"$HOME `id`",
    b"\xff\xfe bytes",
    b"-m",
    b"[x]*?",
]


def test_files_may_have_any_name(place: Place) -> None:
    folder = place.folder / "named"
    folder.mkdir()
    for number, name in enumerate(NAMES):
        Path(os.fsdecode(bytes(folder) + b"/" + name)).write_text(f"{number}\n")

    by_folder = place.run("run", *ONE_PART, "-m", "cat", "named")
    by_names = place.run("run", *ONE_PART, "-m", "cat", "--", *(os.fsdecode(b"named/" + name) for name in NAMES))
    paths = place.run(
        "run", *ONE_PART, "--whole-files", "-m", 'printf "%s\\0" "$KUBEMR_INPUT" | tr "\\n\\0" "/\\n"', "named"
    )

    assert by_folder.stdout == by_names.stdout == b"".join(b"%d\n" % number for number in range(len(NAMES)))
    expected = sorted(bytes(folder) + b"/" + name.replace(b"\n", b"/") for name in NAMES)
    assert paths.stdout.splitlines() == expected


def test_a_failure_shows_a_name_that_does_not_print_as_a_shell_takes_it(place: Place) -> None:
    name = os.fsdecode(b"new\nline \xff")
    (place.folder / name).write_text("a\n")

    done = place.run("run", "-o", name + "-out", "-m", "exit 1", "--max-attempts", "1", name)

    assert done.code == 4
    assert f"  input:   $'{place.folder}/new\\012line \\377'\n" in done.stderr
    [line] = [line for line in done.stderr.splitlines() if "run just this task again:" in line]
    debug = line.partition("again:")[2].replace("kubemr-shell", KUBEMR_SHELL, 1)
    again = subprocess.run([*place.environment(), "bash", "-c", debug], cwd=place.folder, check=False)
    assert again.returncode == 1


def test_stdin_is_read_once_and_given_to_every_worker(place: Place) -> None:
    words = place.write("words", "".join(f"{number % 7}\n" for number in range(5000)))
    with words.open("rb") as stdin:
        done = place.run(
            "run", *ONE_PART, "--workers", "2", "--split-bytes", "1000", "-m", "cat", "-r", "uniq -c", "-", stdin=stdin
        )
    assert done.code == 0, done.stderr
    assert done.stdout == b"".join(b"%7d %d\n" % (715 if word < 2 else 714, word) for word in range(7))


def test_stdin_may_stand_among_files(place: Place) -> None:
    place.write("first", "1")
    place.write("last", "3\n")
    with place.write("middle", "2").open("rb") as stdin:
        done = place.run("run", *ONE_PART, "-m", "cat", "first", "-", "last", stdin=stdin)
    assert done.stdout == b"1\n2\n3\n"


def test_an_empty_stdin_is_no_record(place: Place) -> None:
    done = place.run("run", *ONE_PART, "-m", "wc -c", "-")
    assert (done.code, done.stdout) == (0, b"0\n")


def test_one_line_for_four_workers(place: Place) -> None:
    place.write("in", "only\n")
    done = place.run("run", *ONE_PART, "--workers", "4", "-m", "cat", "in")
    assert (done.code, done.stdout, done.stderr) == (0, b"only\n", "")


def test_a_file_that_is_named_twice_is_read_twice(place: Place) -> None:
    place.write("in", "a\n")
    done = place.run("run", *ONE_PART, "-m", "cat", "in", "in")
    assert done.stdout == b"a\na\n"


def test_an_empty_file_makes_an_empty_part(place: Place) -> None:
    place.write("in", "")
    done = place.run("run", "-o", "out", "-p", "2", "-m", "cat", "in")
    assert done.code == 0
    assert place.parts() == {"part-00000": b"", "part-00001": b""}
