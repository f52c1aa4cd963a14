"""Each image of images/: a YAML of image, replicas and inputs runs, and gives what the same job gives outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.calls import call
from tests.support.containers import PREFIX, Folder, build, run
from tests.support.language_jobs import IMAGES, JOBS


def test_every_image_is_tested_and_explained() -> None:
    folders = {path.parent.name for path in IMAGES.glob("*/Dockerfile")}
    assert folders == set(JOBS)
    for name in folders:
        assert (IMAGES / name / "README.md").read_text().startswith(f"# {name}: ")
        assert f"[{name}]({name})" in (IMAGES / "README.md").read_text()


LONG_TO_BUILD = {"java", "node", "rust"}
"""Two minutes and a half that go with fetching compilers; go stands for what is compiled."""


@pytest.mark.cluster
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in LONG_TO_BUILD else ()) for name in JOBS]
)
def test_an_image_brings_its_commands_and_gives_what_they_give_outside(
    name: str, base_image: str, folder: Folder, tmp_path: Path
) -> None:
    build(f"image-{name}")
    job = JOBS[name]
    (folder.path / "in").write_bytes(job.inputs)
    document = {
        "apiVersion": "turbobytes.com/v1alpha1",
        "kind": "MapReduceJob",
        "metadata": {"name": name},
        "spec": {"image": f"{PREFIX}/{name}", "replicas": 2, "inputs": ["in"]},
    }
    (folder.path / "job.yaml").write_text(json.dumps(document))

    inside = run(name, "run", "job.yaml", "-q", "-o", "out", folder=folder)
    outside = call(
        folder.path, "run", "-q", "-m", job.map, "-r", job.reduce, "-p", "2", "in", "-o", str(tmp_path / "outside")
    )

    assert inside.returncode == 0, inside.stderr.decode(errors="replace")
    assert outside.returncode == 0, outside.stderr.decode(errors="replace")
    parts = folder.parts()
    assert len(parts) == 2
    assert min(map(len, parts.values())) > 0
    assert parts == Folder(tmp_path).parts("outside")
