"""A place for each scenario; what every scenario must leave behind, namely nothing, is checked at its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.s3_runs import S3Place
from tests.support.runs import Place
from tests.support.s3_server import Bucket


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    try:
        yield place
    finally:
        left = place.end()
    assert left == [], "processes outlived the scenario"
    assert list(place.temporary.iterdir()) == [], "temporary files outlived the scenario"


@pytest.fixture
def s3(place: Place, bucket: Bucket) -> S3Place:
    return S3Place(place=place, bucket=bucket)
