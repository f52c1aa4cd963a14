"""Tests of whole runs whose commands get files in their folder."""

from __future__ import annotations

import pytest

from tests.support.runs import Place

READ = 'cat; while read -r name; do echo "$name $(cat "$name")"; done < "$KUBEMR_INPUT_FILES"'


def test_a_command_reads_the_files_of_its_group_also_in_debug(place: Place) -> None:
    for name in ("s1_1", "s1_2", "s2_1", "s2_2"):
        (place.folder / name).write_text(f"in {name}\n")
    arguments = ("--group", "(.*)_[12]$", "--feed", "files", "-m", READ, "s1_1", "s1_2", "s2_1", "s2_2")
    done = place.run("run", "--keep-tmp", "-p", "0", "-o", "out", *arguments)
    assert done.code == 0, done.stderr
    assert (place.folder / "out" / "part-00001").read_text() == "s2_1 in s2_1\ns2_2 in s2_2\n"
    assert place.run("debug", "out", "map/1").stdout == b"s2_1 in s2_1\ns2_2 in s2_2\n"


def test_a_file_whose_name_is_taken_fails_the_job_and_is_named(place: Place) -> None:
    (place.folder / "a").write_text("1\n")
    (place.folder / "x").mkdir()
    (place.folder / "x" / "a").write_text("2\n")
    done = place.run("run", "--feed", "files", "--file", "a", "-m", READ, "x/a")
    assert done.code != 0
    assert "x/a: the folder of the attempt already has a file a" in done.stderr


@pytest.mark.parametrize("feed", ["stdin", "files"])
def test_a_file_of_the_job_with_the_name_of_the_list_is_not_overwritten(place: Place, feed: str) -> None:
    for name in ("a_1", "a_2"):
        (place.folder / name).write_text("1\n")
    precious = place.folder / ".kubemr-inputs"
    precious.write_text("precious\n")
    done = place.run("run", "--group", "(a)", "--feed", feed, "--file", ".kubemr-inputs", "-m", "cat", "a_1", "a_2")
    assert done.code != 0
    assert precious.read_text() == "precious\n"
    assert ".kubemr-inputs: is the name of a file or an archive of the job, and of the list of inputs" in done.stderr
