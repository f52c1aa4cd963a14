"""Fixtures for tests of inputs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kubemr_shell.net import http_connection


@pytest.fixture
def fresh_authorities() -> Iterator[None]:
    """Clear the cached certificates of authorities before and after the test."""
    http_connection._tls_context.cache_clear()
    yield
    http_connection._tls_context.cache_clear()
