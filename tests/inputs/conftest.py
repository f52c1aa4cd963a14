"""Fixtures for tests of inputs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kubemr_shell.net import http_connection


@pytest.fixture
def fresh_authorities() -> Iterator[None]:
    """Have the certificates of authorities read again, before the test and after it."""
    http_connection._tls_context.cache_clear()
    yield
    http_connection._tls_context.cache_clear()
