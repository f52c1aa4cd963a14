from pathlib import Path

import pytest

from kubemr_shell import engine
from kubemr_shell.board.steps import Attempt
from kubemr_shell.errors import CorruptRun, ObjectNotFound
from kubemr_shell.worker.commands import spoiled_map


@pytest.mark.parametrize("folder", ["out", "12:30", "map/1.2:x", "two\nlines"])
@pytest.mark.parametrize("content", [None, b"no block"])
def test_a_lost_or_corrupt_map_output_is_known_by_its_name(tmp_path: Path, folder: str, content: bytes | None) -> None:
    output = tmp_path / folder / "map" / "17.3"
    output.parent.mkdir(parents=True)
    if content is not None:
        output.write_bytes(content)
    merger = engine.Merger([engine.Source(str(output), 0, 8)], memory_bytes=1 << 20, scratch_dir=str(tmp_path))
    with (tmp_path / "fed").open("wb") as fed, pytest.raises((CorruptRun, ObjectNotFound)) as error:
        merger.feed(fed.fileno(), -1)
    assert spoiled_map(error.value) == Attempt(17, 3)


def test_other_missing_objects_are_no_map_outputs() -> None:
    assert spoiled_map(ObjectNotFound("/out/_kubemr/uid/stage/17.3: No such file or directory")) is None
    assert spoiled_map(FileNotFoundError("/out/map/17.3: is gone")) is None
