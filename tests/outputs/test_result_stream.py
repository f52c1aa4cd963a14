import json
import os
import re
import zlib
from pathlib import Path

import pytest

from kubemr_shell.errors import JobNotFound, ObjectNotFound, StorageError
from kubemr_shell.outputs.folder_output import FolderOutput
from kubemr_shell.outputs.result_stream import write_results


def result(folder: Path, parts: dict[str, bytes]) -> str:
    for name, data in parts.items():
        (folder / name).write_bytes(data)
    listed = [{"name": name, "bytes": len(data), "crc32": zlib.crc32(data)} for name, data in parts.items()]
    (folder / "_SUCCESS").write_text(json.dumps({"parts": listed}))
    return str(folder)


def written(folder: str, target: Path) -> bytes:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT)
    try:
        write_results(FolderOutput(folder), descriptor)
    finally:
        os.close(descriptor)
    return target.read_bytes()


def test_parts_come_in_order_with_a_newline_where_one_is_missing_between_them(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    folder = result(tmp_path / "r", {"part-0": b"a\n", "part-1": b"b", "part-2": b"", "part-3": b"\xff", "part-4": b""})
    assert written(folder, tmp_path / "o") == b"a\nb\n\xff"


def test_nothing_is_added_between_compressed_parts(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    folder = result(tmp_path / "r", {"part-0.gz": b"x", "part-1.gz": b"y"})
    assert written(folder, tmp_path / "o") == b"xy"


def test_a_part_that_is_gone_or_was_changed_is_named(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    folder = result(tmp_path / "r", {"part-0": b"abc"})
    (tmp_path / "r" / "part-0").write_bytes(b"ab")
    with pytest.raises(ObjectNotFound, match="has 2 bytes, _SUCCESS says 3"):
        written(folder, tmp_path / "o")
    (tmp_path / "r" / "part-0").write_bytes(b"abd")
    with pytest.raises(ObjectNotFound, match="has another checksum than _SUCCESS says"):
        written(folder, tmp_path / "o")
    (tmp_path / "r" / "part-0").unlink()
    with pytest.raises(ObjectNotFound, match="part-0: the part is missing"):
        written(folder, tmp_path / "o")


def test_a_folder_without_a_result_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JobNotFound):
        written(str(tmp_path), tmp_path / "o")


def test_a_damaged_part_is_reported_with_the_command_that_makes_the_result_again(tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    folder = result(tmp_path / "a b", {"part-0": b"abc"})
    (tmp_path / "a b" / "part-0").write_bytes(b"ab")
    with pytest.raises(ObjectNotFound, match=re.escape(f"kubemr-shell run JOB.yaml -o '{folder}' --overwrite")):
        written(folder, tmp_path / "o")


@pytest.mark.parametrize("name", ["part-0", "_SUCCESS"])
def test_a_pipe_in_the_place_of_a_file_of_the_result_is_not_waited_for(tmp_path: Path, name: str) -> None:
    (tmp_path / "r").mkdir()
    folder = result(tmp_path / "r", {"part-0": b"abc"})
    (tmp_path / "r" / name).unlink()
    os.mkfifo(tmp_path / "r" / name)
    with pytest.raises(StorageError, match=f"{name}: a pipe stands where a file belongs: move it away"):
        written(folder, tmp_path / "o")
