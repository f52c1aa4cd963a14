"""Tests of the size limit for the facts of a failure."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from kubemr_shell.board.failure_facts import MOST_BYTES, bounded

values = st.text(max_size=6000) | st.integers() | st.none() | st.lists(st.text(max_size=900), max_size=9)


@given(st.dictionaries(st.text(min_size=1, max_size=12), values, max_size=8))
def test_is_bounded(facts: dict[str, object]) -> None:
    assert len(json.dumps(bounded(facts))) <= MOST_BYTES


def test_short_facts_are_kept_and_long_ones_keep_their_end() -> None:
    facts = {"task": "map/17", "exitStatus": 1, "stderr": "é" * 100_000 + "the end"}
    kept = bounded(facts)
    assert kept["task"] == "map/17"
    assert kept["exitStatus"] == 1
    assert str(kept["stderr"]).endswith("the end")
    assert len(json.dumps(kept)) > MOST_BYTES / 2
