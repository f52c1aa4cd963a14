"""Environment variables and signals of the tests, so that no setting of the developer decides a test."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping

import pytest

KEPT = ("KUBEMR_TEST_", "AWS_CA_BUNDLE")
"""Variables with these prefixes say where the servers of the tests are, and which certificates they have."""
LOCAL = "127.0.0.1,localhost,::1"
"""Hosts on which tests start servers."""

# Credentials that no server knows: a test that needs a server gets those of the server (``s3_server``).
SIGNALS = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM)

OURS = {
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nothing",
    "AWS_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "KUBECONFIG": os.devnull,
    "LC_ALL": "C.UTF-8",
}


@pytest.fixture(scope="session", autouse=True)
def developer_environment() -> Iterator[Mapping[str, str]]:
    """Set the environment of all tests, and give the developer's own."""
    theirs = dict(os.environ)  # noqa: TID251 - tests are told here
    with pytest.MonkeyPatch.context() as environment:
        for name in theirs:
            if name.startswith(("AWS_", "KUBEMR_")) and not name.startswith(KEPT):
                environment.delenv(name)
        for name, value in OURS.items():
            environment.setenv(name, value)
        for name in ("no_proxy", "NO_PROXY"):
            environment.setenv(name, ",".join(filter(None, (theirs.get(name), LOCAL))))
        yield theirs


@pytest.fixture(scope="session", autouse=True)
def developer_signals() -> None:
    """Let programs that tests start begin with no signal ignored, also under ``nohup`` and in the background.

    An ignored signal stays ignored in a program that is started; one with a handler does not.
    """
    for number in SIGNALS:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
