"""Every example through the installed command line, compared with what its ``expected`` folder holds."""

from __future__ import annotations

import functools
import http.server
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.calls import KUBEMR_SHELL

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/job.yaml"))
ORIGIN = "https://www.rfc-editor.org"


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        """Nobody reads the log of requests."""


@pytest.fixture
def served_inputs() -> Iterator[str]:
    """A web server for the inputs of the last example."""
    handler = functools.partial(QuietHandler, directory=str(EXAMPLES / "10-rfc-word-count" / "input"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("name", NAMES)
def test_the_example_gives_what_its_readme_promises(name: str, tmp_path: Path, served_inputs: str) -> None:
    folder = tmp_path / name
    shutil.copytree(EXAMPLES / name, folder, ignore=shutil.ignore_patterns("expected"))
    job = folder / "job.yaml"
    job.write_text(job.read_text().replace(ORIGIN, served_inputs))
    if (folder / "build.sh").exists():
        subprocess.run(["./build.sh"], cwd=folder, check=True)

    done = subprocess.run(
        [KUBEMR_SHELL, "run", "job.yaml", "-o", "out"], cwd=folder, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    parts = {path.name: path.read_bytes() for path in sorted((folder / "out").glob("part-*"))}
    expected = {path.name: path.read_bytes() for path in (EXAMPLES / name / "expected").iterdir()}
    if "result" in expected:
        parts = {"result": b"".join(sorted(b"".join(parts.values()).splitlines(keepends=True)))}
    assert parts == expected
    if name == "08-c-program":
        assert '"Malformed": 1' in (folder / "out" / "_SUCCESS").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_the_example_says_what_it_shows_and_has_an_input_and_a_result(name: str) -> None:
    folder = EXAMPLES / name
    assert (folder / "README.md").read_text().startswith("# ")
    assert f"`{name}`" in (EXAMPLES / "README.md").read_text()
    assert any((folder / "input").iterdir())
    assert any((folder / "expected").iterdir())
    assert yaml.safe_load((folder / "job.yaml").read_text())["kind"] == "MapReduceJob"
