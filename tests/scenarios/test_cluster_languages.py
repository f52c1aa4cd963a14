"""The first kubemr's YAML, image, replicas and inputs, with images that bring their own commands; inputs by HTTP."""

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.calls import call
from tests.support.language_jobs import JOBS
from tests.support.pods import Site, image_of, s3_endpoint_in_pods

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A folder that a web server shows, and its port."""
    folder = tmp_path / "web"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing."""

    server = http.server.ThreadingHTTPServer(("", 0), functools.partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("language", "replicas"), [("python", 10), ("perl", 2), ("go", 2)])
def test_an_image_with_its_own_commands(
    site: Site, web: tuple[Path, int], tmp_path: Path, language: str, replicas: int
) -> None:
    job, (folder, port) = JOBS[language], web
    lines = job.inputs.splitlines(keepends=True)
    for number in range(4):
        (folder / f"{number}.txt").write_bytes(b"".join(lines[number::4]))
    host = urlsplit(s3_endpoint_in_pods(site.bucket)).hostname
    site.submit(
        "job",
        image=image_of(language),
        replicas=replicas,
        inputs=[f"http://{host}:{port}/{number}.txt" for number in range(4)],
    )
    site.until_state("job", "COMPLETE", seconds=240)
    names = [str(folder / f"{number}.txt") for number in range(4)]
    here = call(tmp_path, "run", "-q", "-m", job.map, "-r", job.reduce, "-p", str(replicas), *names)
    assert here.returncode == 0, here.stderr
    assert site.result("job") == here.stdout
