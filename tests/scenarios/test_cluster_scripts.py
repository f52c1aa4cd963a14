"""Scripts that travel with a job to pods, and change between two tries."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from kubemr_shell.job.kinds import API_VERSION, JOB_KIND
from tests.support.calls import KUBEMR_SHELL
from tests.support.pods import Site

pytestmark = pytest.mark.cluster

LINES = 800


def test_a_retry_with_another_content_of_a_script_mixes_no_two_versions(site: Site, tmp_path: Path) -> None:
    """Some maps are committed when the job fails: what the old script has written is in no part."""
    site.bucket.put("in/lines", b"".join(b"%d\n" % number for number in range(LINES)))
    script = tmp_path / "map.sh"
    script.write_text('#!/bin/sh\n[ "$KUBEMR_TASK" != 5 ] || exit 9\nsed s/^/old-/\n')
    script.chmod(0o755)
    spec = {
        "inputs": [f"{site.bucket.uri}/in/lines"],
        "output": f"{site.bucket.uri}/out",
        "mapCommand": "./map.sh",
        "partitions": 2,
        "split": {"maxBytes": 256},
        "slots": 1,
        "maxAttempts": 1,
    }
    document = {"apiVersion": API_VERSION, "kind": JOB_KIND, "metadata": {"name": "lines"}, "spec": spec}
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(document))
    call(site, tmp_path, "submit", "job.yaml")
    plan = site.until_state("lines", "FAIL")["status"]["plan"]
    assert list(plan["files"]) == ["/etc/kubemr/files/map.sh"]
    script.write_text("#!/bin/sh\nsed s/^/new-/\n")

    call(site, tmp_path, "retry", "lines", "-f", "job.yaml")

    again = site.until_state("lines", "COMPLETE")["status"]["plan"]
    assert again["files"] != plan["files"]
    lines = site.result("out").decode().splitlines()
    assert len(lines) == LINES
    assert {line.partition("-")[0] for line in lines} == {"new"}


def call(site: Site, folder: Path, *arguments: str) -> None:
    """Run ``kubemr-shell`` in a folder, for the namespace of the site."""
    place = ("-n", site.namespace, "--kubeconfig", site.cluster.kubeconfig)
    done = subprocess.run([KUBEMR_SHELL, *arguments, *place], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
