"""Tests of a spec that changes while a job runs: every worker uses the spec that the plan has recorded."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kubemr_shell.board.job_state import JobView
from kubemr_shell.board.stores.json_patch import add
from kubemr_shell.board.stores.sqlite import SqliteStore
from kubemr_shell.errors import FileChanged
from kubemr_shell.job.kinds import JOB_KIND
from kubemr_shell.job.spec import JobSpec
from kubemr_shell.job.spec_mappings import SplitSpec
from kubemr_shell.job.state import JobState
from kubemr_shell.job.validate import MOST_SPEC_BYTES, spec_to_mapping
from kubemr_shell.job_folder.board import open_board
from kubemr_shell.job_folder.folder import JOB_NAME, JobFolder
from kubemr_shell.local_run.local_worker import LocalWorker, LocalWorkerOptions
from kubemr_shell.local_run.open_job import close_job, open_job
from kubemr_shell.local_run.request import RunRequest
from kubemr_shell.worker.memory import divide_memory
from tests.support.http_server import Resource, serving
from tests.support.waiting import PATIENCE_SECONDS, until

pytestmark = pytest.mark.lengthy  # each test runs whole jobs

KEYS, LINES = 50, 800
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
MEMORY = divide_memory(1 << 28, 1)
MEET = 'touch "$MEET/$KUBEMR_WORKER"; until [ "$(ls "$MEET" | wc -l)" = "$WORKERS" ]; do sleep 0.01; done; '
"""An attempt waits here until each worker has begun one."""
SPEC = JobSpec(inputs=("in",), map_command=f"{MEET}sed s/^/old-/", partitions=2, split=SplitSpec(max_bytes=600))
CHANGES: dict[str, Any] = {
    "mapCommand": f"{MEET}sed s/^/new-/",
    "combineCommand": "sort -u",
    "reduceCommand": "wc -l",
    "key": {"separator": ","},
    "partitions": 5,
    "compressOutput": "gzip",
}


@contextmanager
def opened(folder: Path, spec: JobSpec = SPEC) -> Iterator[JobFolder]:
    (folder / "in").write_text("".join(f"key-{n % KEYS},\t{n}\n" for n in range(LINES)))
    request = RunRequest(
        name="words",
        spec=spec,
        folder=str(folder),
        output=str(folder / "out"),
        state_home=str(folder / "state"),
        workers=2,
        memory=MEMORY,
        environment=ENVIRONMENT,
    )
    one = open_job(request)
    assert one is not None
    try:
        yield one.job
    finally:
        close_job(one, remove=True)


def worker(job: JobFolder, name: str, folder: Path, *, workers: int = 2) -> LocalWorker:
    meeting = folder / "meeting"
    meeting.mkdir(exist_ok=True)
    environment = {**ENVIRONMENT, "MEET": str(meeting), "WORKERS": str(workers)}
    options = LocalWorkerOptions(
        worker=name, workers=workers, memory=MEMORY, environment=environment, folder=str(folder)
    )
    return LocalWorker(job, options)


def change(job: JobFolder, changes: dict[str, Any]) -> None:
    """Change the spec of a job as ``kubectl apply`` does."""
    store = SqliteStore(job.board, create=False)
    try:
        store.patch(JOB_KIND, JOB_NAME, [add(f"/spec/{field}", value) for field, value in changes.items()])
    finally:
        store.close()


def view_of(job: JobFolder) -> JobView:
    with open_board(job) as board:
        return board.view()


def digest(folder: Path) -> str:
    data = b"".join(path.name.encode() + path.read_bytes() for path in sorted((folder / "out").glob("part-*")))
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the parts of the job under the spec that was submitted."""
    folder = tmp_path_factory.mktemp("expected")
    with opened(folder) as job:
        one = worker(job, "alone", folder, workers=1)
        try:
            assert one.run() is JobState.COMPLETE
        finally:
            one.close()
        return digest(folder)


@pytest.mark.parametrize("field", CHANGES)
def test_a_change_during_planning_never_mixes_two_jobs(tmp_path: Path, expected: str, field: str) -> None:
    """The first worker waits for the list of inputs while the spec changes and the second worker starts."""
    hold = threading.Event()
    with serving({"/list": Resource(f"{tmp_path}/in\n".encode(), hold=hold)}) as server:
        spec = replace(SPEC, inputs=(), inputs_from=server.url("/list"))
        with opened(tmp_path, spec) as job:
            early = worker(job, "early", tmp_path)
            thread = threading.Thread(target=early.run)
            thread.start()
            assert server.half_sent.wait(PATIENCE_SECONDS)
            change(job, {field: CHANGES[field]})
            late = worker(job, "late", tmp_path)
            hold.set()
            try:
                state = late.run()
            finally:
                early.stop()
                thread.join(PATIENCE_SECONDS)
                for one in (early, late):
                    one.close()
            assert state is JobState.COMPLETE
            assert sorted(path.name for path in (tmp_path / "meeting").iterdir()) == ["early", "late"]
            assert digest(tmp_path) == expected


def test_a_worker_that_is_given_another_content_of_a_file_than_was_planned_with_refuses(tmp_path: Path) -> None:
    resources = {"/prefix": Resource(b"old-", etag='"1"')}
    with serving(resources) as server:
        spec = replace(SPEC, files=(server.url("/prefix"),), map_command=f'{MEET}sed "s/^/$(cat prefix)/"')
        with opened(tmp_path, spec) as job, planning(job, tmp_path):
            until(lambda: view_of(job).plan is not None, "the plan")
            resources["/prefix"] = Resource(b"new-", etag='"2"')
            late = worker(job, "late", tmp_path)
            try:
                with pytest.raises(FileChanged, match="/prefix: this file differs from the one that the job was"):
                    late.run()
            finally:
                late.close()


def test_a_script_that_is_edited_while_the_job_runs_ends_the_job(tmp_path: Path) -> None:
    script = tmp_path / "map.sh"
    script.write_text("sed s/^/old-/")
    spec = replace(SPEC, files=(str(script),), map_command=f"{MEET}sh map.sh")
    with opened(tmp_path, spec) as job, planning(job, tmp_path):
        until((tmp_path / "meeting" / "early").exists, "an attempt")
        script.write_text("sed s/^/new-/")
        (tmp_path / "meeting" / "late").touch()
        until(lambda: view_of(job).state is JobState.FAIL, "the end")
        failure = view_of(job).failure
    assert failure is not None
    assert (failure["kind"], failure["reason"]) == (
        "FileChanged",
        f"{script}: changed since the job was planned: the results would mix two versions of the file",
    )


def test_a_job_whose_spec_is_as_large_as_a_spec_may_be_is_planned(tmp_path: Path) -> None:
    """The document of the job holds the inputs only once."""
    name = f"{'./' * 98}in"
    spec = JobSpec(inputs=(name,) * 5000, map_command="true", partitions=1)
    assert 900_000 < len(json.dumps(spec_to_mapping(spec))) < MOST_SPEC_BYTES
    with opened(tmp_path, spec) as job:
        one = worker(job, "alone", tmp_path, workers=1)
        try:
            assert one.run() is JobState.COMPLETE
        finally:
            one.close()
        plan = view_of(job).plan
    assert plan is not None
    assert plan.input_bytes == 5000 * (tmp_path / "in").stat().st_size
    assert len(plan.spec["inputs"]) == 1


@contextmanager
def planning(job: JobFolder, folder: Path) -> Iterator[None]:
    """Run the first of two workers during the block."""
    early = worker(job, "early", folder)
    thread = threading.Thread(target=early.run)
    thread.start()
    try:
        yield
    finally:
        early.stop()
        thread.join(PATIENCE_SECONDS)
        early.close()
