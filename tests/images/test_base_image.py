"""The base image: the runtime as a folder, in a container that may do as little as a restricted pod may."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest

from tests.support.calls import call
from tests.support.containers import PREFIX, Folder, docker, options_of, run
from tests.support.s3_server import Bucket, S3Server
from tests.support.waiting import until

pytestmark = pytest.mark.cluster

TINI_FIRST: tuple[str, ...] = ()
KUBEMR_FIRST = ("--entrypoint=/opt/kubemr/kubemr-shell",)
ENTRY_POINTS = pytest.mark.parametrize("entry", [TINI_FIRST, KUBEMR_FIRST], ids=["tini", "kubemr-shell"])
TEXT = b"to be or\0not \xff\xfeto be\r\n" * 50_000 + b"no end of line"
WORDS = ("-m", "tr -cs '[:alpha:]' '\\n'", "-r", "uniq -c", "-p", "3", "-q")


def test_the_image_says_what_it_is_and_runs_as_a_user_with_a_number(base_image: str) -> None:
    (image,) = json.loads(docker("image", "inspect", f"{PREFIX}/{base_image}").stdout)
    assert image["Config"]["User"] == "65532:65532"
    assert image["Config"]["Cmd"] == ["worker"]
    version = run(base_image, "--version").stdout.decode().split()[-1]
    assert image["Config"]["Labels"]["org.opencontainers.image.version"] == version


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_job_gives_what_it_gives_outside(base_image: str, folder: Folder, tmp_path: Path, workers: str) -> None:
    (folder.path / "in").write_bytes(TEXT)
    outside = call(folder.path, "run", *WORDS, "in", "-o", str(tmp_path / "outside"))
    inside = run(base_image, "run", *WORDS, "--workers", workers, "in", "-o", "out", folder=folder)
    assert (outside.returncode, inside.returncode) == (0, 0), inside.stderr
    assert len(folder.parts()) == 3
    assert folder.parts() == Folder(tmp_path).parts("outside")
    assert b"reference" not in inside.stderr, "the native engine has to be in the image"


def test_a_result_for_stdout_needs_no_place_but_tmp(base_image: str, folder: Folder) -> None:
    (folder.path / "in").write_bytes(b"b\na\n")
    assert run(base_image, "run", "-q", "-m", "cat", "-p", "1", "in", folder=folder).stdout == b"a\nb\n"


@ENTRY_POINTS
def test_commands_get_the_environment_of_the_container(base_image: str, folder: Folder, entry: tuple[str, ...]) -> None:
    (folder.path / "in").write_bytes(b"x\n")
    options = (*entry, "--env=LD_LIBRARY_PATH=/theirs")
    for workers in ("1", "2"):
        done = run(
            *(base_image, "run", "-q", "-m", "env", "-p", "1", "--workers", workers, "in"),
            folder=folder,
            options=options,
        )
        lines = done.stdout.decode().splitlines()
        assert [line for line in lines if line.startswith(("LD_", "_PYI"))] == ["LD_LIBRARY_PATH=/theirs"]
    lines = run(base_image, "run", "-q", "-m", "env", "in", folder=folder, options=entry).stdout.decode().splitlines()
    assert [line for line in lines if line.startswith(("LD_", "_PYI"))] == []


@ENTRY_POINTS
def test_orphans_of_commands_are_reaped(base_image: str, folder: Folder, entry: tuple[str, ...]) -> None:
    (folder.path / "in").write_bytes(b"x\n")
    (folder.path / "orphans.sh").write_text(
        "for i in 1 2 3; do (setsid sh -c 'echo >> /tmp/started; sleep 0.1' >/dev/null 2>&1 &); done\n"
        'until [ "$(wc -l < /tmp/started)" -eq 3 ] 2>/dev/null; do sleep 0.05; done\n'
        "for i in 1 2 3 4 5 6 7 8 9 10; do\n"
        "  sleep 0.2; left=$(cat /proc/[0-9]*/stat 2>/dev/null | grep -cE '\\((sh|sleep)\\) Z')\n"
        "  [ $left -eq 0 ] && break\n"
        "done\n"
        "echo zombies: $left\n"
    )
    done = run(base_image, "run", "-q", "-m", "sh /data/orphans.sh", "in", folder=folder, options=entry)
    assert done.stdout == b"zombies: 0\n", done.stderr


@ENTRY_POINTS
def test_a_stopped_container_ends_at_once_and_its_command_too(
    base_image: str, folder: Folder, entry: tuple[str, ...]
) -> None:
    (folder.path / "in").write_bytes(b"x\n")
    name = f"kubemr-test-{uuid.uuid4().hex}"
    job = ("run", "-m", "trap 'echo asked > /data/asked; exit 1' TERM; echo > /data/runs; sleep 60 & wait", "in")
    started = docker("run", "--detach", f"--name={name}", *options_of(folder, entry), f"{PREFIX}/{base_image}", *job)
    try:
        assert started.returncode == 0, started.stderr
        until((folder.path / "runs").exists, lambda: docker("logs", name).stderr.decode(errors="replace"))
        docker("stop", "--time=300", name)  # then it would be killed
        assert docker("inspect", "--format={{.State.ExitCode}}", name).stdout == b"143\n"
        assert (folder.path / "asked").exists()
    finally:
        docker("rm", "--force", name)


def test_what_pods_run_is_in_the_image(base_image: str) -> None:
    done = run(base_image, "operator")
    assert done.returncode == 2
    assert done.stderr.startswith(b"kubemr-shell: this is no pod with a service account"), done.stderr


def test_s3_works_with_what_is_left_of_boto3(base_image: str, s3_server: S3Server, bucket: Bucket) -> None:
    bucket.put("in/a", TEXT)
    environment = {**s3_server.environment, "AWS_ENDPOINT_URL": s3_server.endpoint}
    options = [f"--env={name}={value}" for name, value in environment.items()]
    done = run(
        *(base_image, "run", *WORDS, f"s3://{bucket.name}/in/", "-o", f"s3://{bucket.name}/out"),
        options=options,
        network="host",
    )
    assert done.returncode == 0, done.stderr
    assert {"out/_SUCCESS", "out/part-00000", "out/part-00001", "out/part-00002"} <= set(bucket.keys())
