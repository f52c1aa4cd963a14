"""A job of a user's scripts in real pods, by the command line alone."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.desk import Desk, opened
from tests.pods import Site
from tests.scenarios.runs import until

pytestmark = pytest.mark.cluster


@pytest.fixture
def in_pods(site: Site, tmp_path: Path) -> Iterator[Desk]:
    folder = tmp_path / "desk"
    folder.mkdir()
    with opened(site.cluster, site.namespace, site.bucket, folder) as desk:
        yield desk


def test_scripts_and_archives_are_there_in_pods_and_what_they_say_is_in_the_logs(in_pods: Desk, site: Site) -> None:
    desk = in_pods
    script = '#!/bin/sh\necho "with $(cat data.tar/name)" >&2\ntr " " "\\n"\n'
    (desk.folder / "map.sh").write_text(script)
    (desk.folder / "name").write_text("care")
    with tarfile.open(desk.folder / "data.tar", "w") as archive:
        archive.add(desk.folder / "name", "name")
    file = desk.words(image=site.image, mapCommand="./map.sh", archives=["data.tar"])
    following = desk.start("submit", file, "--follow", "-n", desk.namespace)
    until(desk.job, "the job")
    logs = desk.start("logs", "words", "--follow", "-n", desk.namespace)
    done = following.wait(100)
    assert done.code == 0, done.stderr
    assert desk.run("results", "words").stdout == b"1 a\n2 b\n1 c\n"
    line = desk.run("logs", "words", "map/0").stdout
    assert line.startswith(b"words-0-")
    assert line.endswith(b": map/0.0: with care\n")
    assert line.count(b"\n") == 1
    assert line in logs.wait(100).stdout
    assert desk.run("delete", "words", "--wait").code == 0
    assert not desk.job()
