"""Tests of limits of the machine or the container: the error names the limit and the remedy, and is never a bug."""

from __future__ import annotations

import ctypes
import os
import struct
import subprocess
from pathlib import Path

import pytest

from kubemr_shell.cli.main import exit_code
from tests.support.calls import KUBEMR_SHELL

WORKERS = pytest.mark.parametrize("workers", ["1", "2"])
LARGE_STACKS = "ulimit -s 8000000; ulimit -v 4000000; "
"""A thread's stack is larger than the address space may be, so no thread can be started."""
PIDFD_OPEN = 434
EPERM, ENOSYS = 1, 38


def shell(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    (folder / "in").write_bytes(b"a\n")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "K": KUBEMR_SHELL}  # noqa: TID251 - PATH alone is kept
    return subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, check=False, text=True, env=environment)


@WORKERS
def test_a_machine_that_starts_no_thread_is_no_bug(tmp_path: Path, workers: str) -> None:
    done = shell(tmp_path, f'{LARGE_STACKS} exec "$K" run -q --workers {workers} -m cat -o out in')
    assert done.returncode == 1
    assert done.stderr == (
        "kubemr-shell: the system starts no more threads: raise the limit of processes (ulimit -u; pids of a "
        "container) or of memory, or give fewer --slots\n"
    )


def test_a_full_memory_is_no_bug(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def full(path: str) -> object:
        raise MemoryError

    monkeypatch.setattr("kubemr_shell.cli.yaml_file.read_yaml", full)
    assert exit_code(["validate", "job.yaml"]) == 1
    assert capsys.readouterr().err == (
        "kubemr-shell: there is no memory left: give a smaller --memory or fewer --slots, or raise the limit "
        "(ulimit -v; memory of a container)\n"
    )


def test_a_pod_leaves_what_its_machine_has_refused_as_its_last_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> object:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("kubemr_shell.kube.client.KubeClient.of_program", full)
    log = tmp_path / "log"
    line = "worker --job j --uid u --namespace n --name w --workers 1 --output s3://b/o --scratch / --termination-log"
    assert exit_code([*line.split(), str(log)]) == 1
    assert log.read_text().startswith("the system starts no more threads")


def refuse_pidfds(error: int) -> None:
    """Make the kernel refuse ``pidfd_open`` to this process and its children, as the filter of a container does."""
    load, equal, answer = 0x20, 0x15, 0x06
    allow, refuse = 0x7FFF0000, 0x00050000 | error
    steps = [(load, 0, 0, 0), (equal, 0, 1, PIDFD_OPEN), (answer, 0, 0, refuse), (answer, 0, 0, allow)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    filter_ = ctypes.create_string_buffer(struct.pack("HL", len(steps), ctypes.addressof(program)))
    libc = ctypes.CDLL(None, use_errno=True)
    set_no_new_privileges, set_seccomp, mode_filter = 38, 22, 2
    assert libc.prctl(set_no_new_privileges, 1, 0, 0, 0) == 0
    assert libc.prctl(set_seccomp, mode_filter, filter_, 0, 0) == 0


@WORKERS
@pytest.mark.parametrize(
    ("error", "reason"), [(EPERM, "Operation not permitted"), (ENOSYS, "Function not implemented")]
)
def test_a_container_that_refuses_pidfds_is_named_before_any_command_runs(
    tmp_path: Path, workers: str, error: int, reason: str
) -> None:
    (tmp_path / "in").write_bytes(b"a\n")
    done = subprocess.run(
        [KUBEMR_SHELL, "run", "-q", "--workers", workers, "-m", "touch ../../../../../ran; cat", "-o", "out", "in"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},  # noqa: TID251 - PATH alone is kept
        preexec_fn=lambda: refuse_pidfds(error),
    )
    assert done.returncode == 1
    assert done.stderr == (
        f"kubemr-shell: pidfd_open: {reason}: commands cannot be watched here. Use Linux 5.3 or newer, and in a "
        "container Docker 20.10, containerd 1.5 or newer, or a seccomp profile that allows pidfd_open\n"
    )
    assert not list(tmp_path.glob("**/ran"))
