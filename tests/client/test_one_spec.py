"""Tests of a spec that changes while a cluster worker plans: no result mixes two commands."""

from __future__ import annotations

import json
import threading

import pytest

from kubemr_shell.kube.status import status_of
from tests.support.desk import Desk
from tests.support.http_server import Resource, serving
from tests.support.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.cluster

LINES = 800


def meeting(desk: Desk, workers: int) -> str:
    """Return a command whose attempts wait until ``workers`` workers have begun one."""
    folder = desk.folder / "meeting"
    folder.mkdir(exist_ok=True)
    waits = f'until [ "$(ls {folder} | wc -l)" -ge {workers} ]; do sleep 0.01; done'
    return f'touch "{folder}/$KUBEMR_WORKER"; {waits}; '


def prefixes(desk: Desk) -> list[str]:
    """Return the prefixes of the lines of the result."""
    parts = [desk.bucket.get(key) for key in desk.bucket.keys("out/") if "/part-" in key]
    lines = b"".join(parts).decode().splitlines()
    assert len(lines) == LINES
    return sorted({line.partition("-")[0] for line in lines})


def test_a_command_that_is_changed_while_the_first_worker_plans_is_run_by_none(desk: Desk) -> None:
    """The first worker waits for an input of a slow server. The second worker starts after the change."""
    desk.bucket.put("in/lines", b"".join(b"%d\n" % number for number in range(LINES)))
    hold = threading.Event()
    with serving({"/list": Resource(f"{desk.bucket.uri}/in/lines\n".encode(), hold=hold)}) as server:
        desk.operator()
        meets = meeting(desk, 2)
        spec = {
            "inputs": None,
            "inputsFrom": server.url("/list"),
            "mapCommand": f"{meets}sed s/^/old-/",
            "reduceCommand": None,
            "split": {"maxBytes": "256"},
            "replicas": 2,
            "partitions": 2,
        }
        desk.run("submit", desk.words(**spec))
        desk.worker(name="0", workers=2)
        assert server.half_sent.wait(PATIENCE_SECONDS)
        desk.cluster.kubectl(
            *("-n", desk.namespace, "patch", "mapreducejob", "words", "--type=merge", "-p"),
            json.dumps({"spec": {"mapCommand": f"{meets}sed s/^/new-/"}}),
        )
        desk.worker(name="1", workers=2)
        hold.set()
        desk.until_state("words", "COMPLETE")
    assert sorted(path.name for path in (desk.folder / "meeting").iterdir()) == ["words-0-0", "words-0-1"]
    assert prefixes(desk) == ["old"]
    assert "old-" in status_of(desk.job())["plan"]["spec"]["mapCommand"]
