import json
import os
from pathlib import Path
from uuid import uuid4

import pytest

from kubemr_shell.errors import UsageError
from kubemr_shell.outputs.checks import check_output, check_whole
from kubemr_shell.outputs.contents import look_at_output
from kubemr_shell.outputs.folder_output import FolderOutput


def finished(folder: Path, *parts: str) -> None:
    folder.mkdir(exist_ok=True)
    for part in parts:
        (folder / part).touch()
    (folder / "_SUCCESS").write_text(json.dumps({"parts": [{"name": part} for part in parts]}))


def unfinished(folder: Path) -> None:
    job = folder / "_kubemr" / uuid4().hex
    job.mkdir(parents=True)
    (job / "board.sqlite").touch()


def check(folder: Path, *, resume: bool = False, overwrite: bool = False) -> None:
    output = FolderOutput(str(folder))
    check_output(output, look_at_output(output), resume=resume, overwrite=overwrite)


def test_a_missing_and_an_empty_folder_are_fine(tmp_path: Path) -> None:
    check(tmp_path / "none")
    check(tmp_path)
    assert look_at_output(FolderOutput(str(tmp_path))).old_parts is None


def test_a_finished_result_needs_overwrite(tmp_path: Path) -> None:
    finished(tmp_path, "part-00000", "part-00001")
    with pytest.raises(UsageError, match="--overwrite"):
        check(tmp_path)
    check(tmp_path, overwrite=True)
    check(tmp_path, resume=True)
    assert look_at_output(FolderOutput(str(tmp_path))).old_parts == ("part-00000", "part-00001")


def test_an_unfinished_job_needs_resume_or_overwrite(tmp_path: Path) -> None:
    unfinished(tmp_path)
    with pytest.raises(UsageError, match=r"--resume .* --overwrite"):
        check(tmp_path)
    check(tmp_path, resume=True)
    check(tmp_path, overwrite=True)


def test_parts_that_a_killed_run_published_are_ours(tmp_path: Path) -> None:
    unfinished(tmp_path)
    (tmp_path / "part-00003.gz").touch()
    check(tmp_path, resume=True)
    assert look_at_output(FolderOutput(str(tmp_path))).old_parts == ("part-00003.gz",)


@pytest.mark.parametrize("name", ["notes.txt", "part-00009", "part-1"])
def test_files_of_somebody_else_are_refused_whatever_the_flags(tmp_path: Path, name: str) -> None:
    finished(tmp_path, "part-00000")
    (tmp_path / name).touch()
    for flags in ({}, {"resume": True}, {"overwrite": True}):
        with pytest.raises(UsageError, match=name):
            check(tmp_path, **flags)


@pytest.mark.parametrize("text", ["", "[]", "{}", "\xff"])
def test_a_success_file_of_another_program_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "_SUCCESS").write_text(text, encoding="latin-1")
    with pytest.raises(UsageError, match="is not a manifest of kubemr-shell"):
        check(tmp_path, overwrite=True)


def test_an_output_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file"):
        check(tmp_path / "file")


def test_a_result_is_whole_if_its_parts_exist_with_their_sizes(tmp_path: Path) -> None:
    """A part that was cut, or replaced by something that is no file, is found without a read of the parts."""
    (tmp_path / "part-00000").write_bytes(b"abc")
    (tmp_path / "_SUCCESS").write_text(json.dumps({"parts": [{"name": "part-00000", "bytes": 3, "crc32": 0}]}))
    output = FolderOutput(str(tmp_path))
    check_whole(output, look_at_output(output))
    (tmp_path / "part-00000").write_bytes(b"ab")
    with pytest.raises(UsageError, match=r"part-00000: has 2 bytes, _SUCCESS says 3: .* start again with --overwrite"):
        check_whole(output, look_at_output(output))
    (tmp_path / "part-00000").unlink()
    os.mkfifo(tmp_path / "part-00000")
    with pytest.raises(UsageError, match="part-00000: is no file, _SUCCESS says 3: "):
        check_whole(output, look_at_output(output))
    (tmp_path / "part-00000").unlink()
    with pytest.raises(UsageError, match="has no part-00000 any more"):
        check_whole(output, look_at_output(output))
