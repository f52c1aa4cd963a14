"""Tests of the merge of a user's pod template over ours."""

from __future__ import annotations

from typing import Any

import pytest

from kubemr_shell.operator.merge import merged


def test_items_of_the_same_name_are_merged_and_others_are_added() -> None:
    ours = {"containers": [{"name": "worker", "image": "ours", "env": [{"name": "A", "value": "1"}]}]}
    theirs = {"containers": [{"name": "side"}, {"name": "worker", "env": [{"name": "B", "value": "2"}]}]}
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    assert merged(ours, theirs) == {"containers": [{"name": "worker", "image": "ours", "env": env}, {"name": "side"}]}


def test_null_removes() -> None:
    assert merged({"a": 1, "b": 2}, {"a": None}) == {"b": 2}


@pytest.mark.parametrize("name", [["worker"], {"worker": 1}, None, 7])
def test_a_name_that_is_no_text_tells_nothing_apart(name: Any) -> None:
    """Then the template replaces the whole list, and the API server reports the error."""
    theirs = {"containers": [{"name": name}]}
    assert merged({"containers": [{"name": "worker"}]}, theirs) == theirs
