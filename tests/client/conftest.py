"""The fixture that gives each test the desk of a user."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cluster import Cluster
from tests.support.desk import Desk, opened
from tests.support.s3_server import Bucket


@pytest.fixture
def desk(cluster: Cluster, namespace: str, bucket: Bucket, tmp_path: Path) -> Iterator[Desk]:
    with opened(cluster, namespace, bucket, tmp_path) as desk:
        yield desk
