"""Tests that the developer's environment does not decide any test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ANY_SERVER = "tests/storage/test_s3_trees.py::test_a_server_that_knows_no_buckets_does_not_say_that_one_is_gone"
LOCAL_SERVER = "tests/inputs/test_http.py::test_a_date_serves_as_a_version_too"
JOB = "tests/cli/test_main.py::test_an_error_with_stderr_closed_has_its_exit_code"
SIGNAL = "tests/scenarios/test_signals.py::test_a_run_without_an_output_folder_leaves_nothing_when_it_is_stopped"
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
TROUBLESOME = {
    "AWS_PROFILE": "nobody",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "AWS_CONFIG_FILE": "/dev/null/none",
    "KUBEMR_MAP_COMMAND": "false",
    "http_proxy": "http://127.0.0.1:1",
    "HTTP_PROXY": "http://127.0.0.1:1",
}


@pytest.mark.parametrize("environment", [{}, TROUBLESOME], ids=["nothing", "trouble"])
def test_tests_pass_with_whatever_the_developer_has_set(tmp_path: Path, environment: dict[str, str]) -> None:
    """The shell ignores SIGINT and SIGHUP, as it does in the background and under ``nohup``."""
    tests = [ANY_SERVER, LOCAL_SERVER, JOB, SIGNAL]
    done = subprocess.run(
        ["sh", "-c", 'trap "" INT HUP; exec "$@"', "sh", *PYTEST, *tests],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **environment},  # noqa: TID251 - PATH alone is kept
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout
