"""Settings that hold for all tests: the same examples every time, and no limit on the time of one; the servers."""

import pytest
from hypothesis import HealthCheck, settings

from tests.support.cluster import cluster, namespace
from tests.support.pods import base_image, quiet_site, site
from tests.support.s3_server import bucket, s3_server, s3_test_client
from tests.support.settings import developer_environment, developer_signals
from tests.support.skips import summary

__all__ = [
    "base_image",
    "bucket",
    "cluster",
    "developer_environment",
    "developer_signals",
    "namespace",
    "quiet_site",
    "s3_server",
    "s3_test_client",
    "site",
]

settings.register_profile("ours", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ours")

BUILD_SECONDS = 1800


@pytest.hookimpl(tryfirst=True)  # before pytest selects by markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need the base image, since the first of them builds it, and those that need an S3 server."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "base_image" in fixtures:
            item.add_marker(pytest.mark.timeout(BUILD_SECONDS))
        if "s3_server" in fixtures:
            item.add_marker(pytest.mark.s3)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line for each reason which tests were skipped."""
    for line in summary(terminalreporter.stats.get("skipped", ())):
        terminalreporter.write_line(line)
