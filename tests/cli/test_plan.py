"""Tests of the whole command ``plan``, on files. tests/benchmarks compares its S3 requests with an access log."""

import bz2
import gzip
import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.calls import call


def plan(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return call(folder, "plan", *arguments, **environment)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").write_bytes(b"x\n" * 5_000_000)
    (tmp_path / "job.yaml").write_text(
        "apiVersion: turbobytes.com/v1alpha1\nkind: MapReduceJob\nmetadata: {name: j}\n"
        "spec: {inputs: [in], mapCommand: touch ran, partitions: 3}\n"
    )
    return tmp_path


def test_says_what_a_job_would_do_and_does_nothing(folder: Path) -> None:
    done = plan(folder, "job.yaml", "-o", "out", "--slots", "2")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().splitlines() == [
        "j: 1 input, 10.0 MB",
        "map      8 tasks of up to 1.2 MB, 2 at once",
        "reduce   3 tasks, each writes a part",
        f"peak     if map writes as much as it reads, no equal lines: 10.0 MB in {folder}/out/_kubemr, "
        f"and the output in {folder}/out",
    ]
    assert sorted(os.listdir(folder)) == ["in", "job.yaml"]


def test_names_what_cannot_be_cut(folder: Path) -> None:
    with (folder / "big.bz2").open("wb") as file:
        file.write(bz2.compress(b"line\n"))
        file.truncate(120_000_000)
    done = plan(folder, "-m", "cat", "-p", "0", "big.bz2", "in")
    assert f"alone    {folder}/big.bz2, 120 MB: its bzip2 data cannot be cut, so one task reads it: 20 s or more" in (
        done.stdout.decode().splitlines()
    )
    for arguments, why in (
        (("--whole-files",), "split.wholeFiles is true"),
        (("--group", "(.)"), "split.group is set"),
        (("--header", "drop"), "with header.mode: drop, a bzip2 file is not cut"),
        (("--records", "csv"), "with records: csv, a bzip2 file is not cut"),
    ):
        done = plan(folder, "-m", "cat", "-p", "0", *arguments, "big.bz2")
        line = f"alone    {folder}/big.bz2, 120 MB: {why}, so one task reads it: 20 s or more"
        assert line in done.stdout.decode().splitlines(), done.stderr


def test_says_why_small_files_share_no_task(folder: Path) -> None:
    for name in ("a", "b"):
        (folder / name).write_text("1\n")
    done = plan(folder, "-m", "echo $map_input_file", "-p", "0", "a", "b")
    assert "map      2 tasks of up to 2 B, 2 at once, each writes a part" in done.stdout.decode()
    assert "note     no files share a map task, because mapCommand mentions map_input_file" in done.stdout.decode()
    alone = plan(folder, "-m", "echo $map_input_file", "-p", "0", "a")
    assert b"note" not in alone.stdout


def test_names_a_text_in_another_encoding_that_stays_whole(folder: Path) -> None:
    (folder / "wide.txt").write_text("1\n", encoding="utf-16")
    done = plan(folder, "-m", "cat", "-p", "0", "wide.txt")
    assert f"note     {folder}/wide.txt is in UTF-16 or UTF-32 by the byte order mark" in done.stdout.decode()


def test_a_task_has_as_many_records_as_the_user_wants(folder: Path) -> None:
    (folder / "list").write_text("".join(f"{number}\n" for number in range(5000)))
    done = plan(folder, "-m", "cat", "-p", "0", "--split-records", "1", "list")
    assert "map      5,000 tasks of up to 5 B" in done.stdout.decode()
    (folder / "list.gz").write_bytes(gzip.compress(b"1\n2\n3\n"))
    done = plan(folder, "-m", "cat", "-p", "0", "--split-records", "2", "list.gz")
    assert done.returncode == 3
    assert b"list.gz: has more records than the 2 of split.records, and a gzip file is not cut: unpack" in done.stderr


def test_files_that_belong_together_are_one_task(folder: Path) -> None:
    for name in ("a_1", "a_2", "b_1", "b_2", "other"):
        (folder / name).write_text("1\n")
    done = plan(folder, "-m", "cat", "-p", "0", "--group", "(.*)_[12]$", "a_1", "a_2", "b_1", "b_2")
    assert "map      2 tasks of up to 4 B" in done.stdout.decode()
    done = plan(folder, "-m", "cat", "-p", "0", "--group", "(.*)_[12]$", "a_1", "other")
    assert done.returncode == 3
    assert b"/other: does not match split.group (--group) (.*)_[12]$, so" in done.stderr


def test_can_be_read_by_programs(folder: Path) -> None:
    done = plan(folder, "-m", "cat", "-r", "cat", "in", "-o", "s3://bucket/out", "--output-format", "json")
    found = json.loads(done.stdout)
    assert (found["inputs"], found["bytes"], found["alone"]) == (1, 10_000_000, [])
    assert found["requests"]["put"] > 4 * found["partitions"]
    at_list_price = found["requests"]["put"] * 0.005e-3 + found["requests"]["get"] * 0.0004e-3
    assert found["dollars"] == pytest.approx(at_list_price)


def test_prices_are_a_setting(folder: Path) -> None:
    arguments = ("-m", "cat", "-r", "cat", "in", "-o", "s3://bucket/out", "--output-format", "json")
    found = json.loads(plan(folder, *arguments, KUBEMR_S3_PRICES="1,0").stdout)
    assert found["dollars"] == pytest.approx(found["requests"]["put"] / 1000)
    done = plan(folder, *arguments, KUBEMR_S3_PRICES="cheap")
    assert done.returncode == 2
    assert b"KUBEMR_S3_PRICES=cheap: write the dollars" in done.stderr


def test_what_would_end_the_run_ends_the_plan(folder: Path) -> None:
    done = plan(folder, "-m", "cat", "in", "none")
    assert done.returncode == 3
    assert b"none: no such file" in done.stderr
