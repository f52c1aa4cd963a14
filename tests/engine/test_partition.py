"""The partition hash: the same for ever, and even."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine import model, strategies

VECTORS = Path(__file__).parents[2] / "protocol/vectors/partition-hash.json"


def test_every_vector_of_the_protocol_holds(engine: ModuleType) -> None:
    vectors = json.loads(VECTORS.read_bytes())
    assert len(vectors["keys"]) >= 275
    for vector in vectors["keys"]:
        key = bytes.fromhex(vector["key"])
        expected = [engine.partition_of(key, partitions) for partitions in vectors["partitions"]]
        assert vector["expected"] == expected, f"key {key!r}"


@strategies.quick
@given(key=st.binary(max_size=500), partitions=st.integers(1, 2**31))
def test_any_key_goes_where_the_rule_says(engine: ModuleType, key: bytes, partitions: int) -> None:
    assert engine.partition_of(key, partitions) == model.partition_of(key, partitions)


KEYS = {
    "numbered": [b"key-%05d" % number for number in range(20_000)],
    "addresses": [b"10.%d.%d.%d" % (n // 2500, n // 50 % 50, n % 50) for n in range(20_000)],
    "plain numbers": [b"%d" % number for number in range(20_000)],
    "zeros": [bytes(length) for length in range(2_000)],
    "dates": [b"2026-%02d-%02dT%02d:%02d" % (n % 12, n % 28, n % 24, n % 60) for n in range(840)],
}


@pytest.mark.lengthy
@pytest.mark.parametrize("partitions", [2, 5, 16, 1000])
@pytest.mark.parametrize("name", KEYS)
def test_similar_keys_spread_evenly(engine: ModuleType, name: str, partitions: int) -> None:
    """No partition is further from its share than 5 standard deviations of a fair draw, and a few keys."""
    keys = KEYS[name]
    counts = Counter(engine.partition_of(key, partitions) for key in set(keys))
    share = len(set(keys)) / partitions
    bound = 5 * math.sqrt(share * (1 - 1 / partitions)) + 5
    for partition in range(partitions):
        assert abs(counts[partition] - share) <= bound, f"partition {partition} of {partitions}"


@pytest.mark.parametrize("partitions", [0, -1, 2**31 + 1])
def test_a_number_of_partitions_that_means_nothing_is_refused(engine: ModuleType, partitions: int) -> None:
    with pytest.raises(ValueError, match="partitions"):
        engine.partition_of(b"key", partitions)
