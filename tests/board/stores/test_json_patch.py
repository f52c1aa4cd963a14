import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubemr_shell.board.stores import json_patch
from kubemr_shell.board.stores.documents import Document, Operation
from kubemr_shell.errors import BoardError, Conflict


def applied(document: Document, *operations: Operation) -> Document:
    return json_patch.apply(document, operations)


def sent(op: str, path: str, **value: Any) -> Operation:
    return {"op": op, "path": path, **value}


def test_all_operations_apply_in_order() -> None:
    patched = applied(
        {"next": 3, "done": "0-2", "redo": "1"},
        json_patch.test("/next", 3),
        json_patch.replace("/next", 4),
        json_patch.test("/next", 4),
        json_patch.add("/claims", {}),
        json_patch.add("/claims/w1", {"hb": 0}),
        json_patch.remove("/redo"),
    )
    assert patched == {"next": 4, "done": "0-2", "claims": {"w1": {"hb": 0}}}


def test_the_given_document_and_the_given_values_stay_as_they_were() -> None:
    document = {"a": {"b": {"c": 1}, "list": [1, [2]]}}
    value: dict[str, Any] = {"x": {}}
    before = copy.deepcopy((document, value))
    patched = applied(
        document,
        json_patch.replace("/a/b/c", 2),
        json_patch.add("/a/list/1/-", 3),
        json_patch.add("/a/new", value),
        json_patch.add("/a/new/x/y", 1),
    )
    assert (document, value) == before
    assert patched == {"a": {"b": {"c": 2}, "list": [1, [2, 3]], "new": {"x": {"y": 1}}}}


class TestDeviationsFromTheRfc:
    def test_replace_of_a_missing_key_adds_it(self) -> None:
        assert applied({}, json_patch.replace("/a", 1)) == {"a": 1}

    def test_add_overwrites(self) -> None:
        assert applied({"a": 1}, json_patch.add("/a", 2)) == {"a": 2}

    def test_null_equals_a_missing_key_and_null(self) -> None:
        assert applied({"b": None}, json_patch.test("/a", None), json_patch.test("/b", None)) == {"b": None}

    def test_null_does_not_equal_a_value_that_is_only_empty(self) -> None:
        empty: list[object] = [0, "", False, {}, []]
        for value in empty:
            with pytest.raises(Conflict):
                applied({"a": value}, json_patch.test("/a", None))

    def test_null_needs_the_parent_to_exist(self) -> None:
        with pytest.raises(Conflict, match="there is no 'claims' on the way"):
            applied({}, json_patch.test("/claims/w1", None))

    def test_null_does_not_pass_beyond_the_end_of_an_array(self) -> None:
        with pytest.raises(Conflict, match="no index '1'"):
            applied({"a": [1]}, json_patch.test("/a/1", None))

    @pytest.mark.parametrize(
        ("stored", "tested"),
        [
            (1, 1.0),
            (1, True),
            (0, False),
            (1, "1"),
            (None, "null"),
            ("é", "é"),
            ("a<b", "a<b"),
            ("a&b", "a&b"),
            ([1], [1.0]),
        ],
    )
    def test_scalars_that_are_written_differently_are_not_equal(self, stored: object, tested: object) -> None:
        with pytest.raises(Conflict):
            applied({"a": stored}, sent("test", "/a", value=tested))

    @pytest.mark.parametrize(
        ("stored", "tested"),
        [
            (1, 1),
            (1.0, 1),
            (2.5, 2.5),
            (True, True),
            ('q"\\\n', 'q"\\\n'),
            ("0-399,402", "0-399,402"),
            ({"é": 1}, {"é": 1}),
        ],
    )
    def test_values_that_are_written_alike_are_equal(self, stored: object, tested: object) -> None:
        assert applied({"a": stored}, sent("test", "/a", value=tested)) == {"a": stored}

    def test_a_negative_index_counts_from_the_end(self) -> None:
        document = {"a": [1, 2, 3]}
        assert applied(document, json_patch.remove("/a/-1")) == {"a": [1, 2]}
        assert applied(document, json_patch.add("/a/-1", 4)) == {"a": [1, 2, 3, 4]}
        with pytest.raises(Conflict):
            applied(document, json_patch.remove("/a/-4"))


@pytest.mark.parametrize(
    "operation",
    [
        sent("test", "/n", value=2),
        sent("test", "/o", value={"k": 1, "l": 2}),
        sent("test", "/o", value={"l": 1}),
        sent("test", "/o", value=[1]),
        sent("test", "/a", value=[1]),
        sent("test", "/a", value={"0": 1}),
        sent("remove", "/missing"),
        sent("remove", "/a/2"),
        sent("remove", "/a/-"),
        sent("add", "/a/3", value=1),
        sent("add", "/a/x", value=1),
        sent("replace", "/a/2", value=1),
        sent("replace", "/a/-", value=1),
        sent("add", "/missing/key", value=1),
        sent("replace", "/n/key", value=1),
        sent("add", "/null/key", value=1),
        sent("remove", "/missing/key"),
        sent("replace", "/a/9/x", value=1),
        sent("test", "/a/" + "1" * 5000, value=1),
    ],
)
def test_what_may_hold_later_is_a_conflict(operation: Operation) -> None:
    with pytest.raises(Conflict):
        applied({"n": 1, "o": {"k": 1}, "a": [1, 2], "null": None}, operation)


@pytest.mark.parametrize(
    "patch",
    [
        {"op": "add", "path": "/a", "value": 1},
        '[{"op": "remove", "path": "/n"}]',
        [{"op": "add", "path": "/a"}],
        [{"op": "test", "path": "/a"}],
        [{"op": "move", "from": "/n", "path": "/a"}],
        [{"op": "remove"}],
        [{"op": "remove", "path": ["n"]}],
        [{"op": "replace", "path": "", "value": {}}],
        [{"op": "replace", "path": "n", "value": 2}],
        ["remove"],
    ],
)
def test_what_no_document_could_accept_is_an_error_and_not_a_conflict(patch: Any) -> None:
    with pytest.raises(BoardError) as caught:
        json_patch.apply({"n": 1}, patch)
    assert not isinstance(caught.value, Conflict)


def test_array_elements_are_reached_by_index() -> None:
    document = {"a": [{"b": 1}, {"b": 2}]}
    patched = applied(
        document,
        json_patch.test("/a/1/b", 2),
        json_patch.replace("/a/1/b", 3),
        json_patch.add("/a/0", "first"),
        json_patch.add("/a/-", "last"),
        json_patch.add("/a/4", "beyond"),
        json_patch.remove("/a/1"),
    )
    assert patched == {"a": ["first", {"b": 3}, "last", "beyond"]}


def test_a_pointer_escapes_slash_and_tilde() -> None:
    document: Document = {"claims": {"a/b~1": 1, "": 2}}
    assert applied(document, json_patch.remove("/claims/a~1b~01")) == {"claims": {"": 2}}
    assert applied(document, json_patch.remove("/claims/")) == {"claims": {"a/b~1": 1}}


@given(st.text())
def test_every_key_can_be_pointed_at(key: str) -> None:
    escaped = key.replace("~", "~0").replace("/", "~1")
    patched = applied({"a": {}}, json_patch.add(f"/a/{escaped}", 1))
    assert patched == {"a": {key: 1}}


@pytest.mark.parametrize("value", [1.5, "é", "a<b", "a>b", "a&b", "line\n", "\x7f", [2.0], {"k": "é"}, b"bytes"])
def test_a_precondition_that_can_never_hold_is_not_built(value: object) -> None:
    with pytest.raises(ValueError, match="is no precondition"):
        json_patch.test("/a", value)


def test_a_conflict_names_the_path_and_both_values() -> None:
    with pytest.raises(Conflict, match="test /state/next: found 4, expected 3"):
        applied({"state": {"next": 4}}, json_patch.test("/state/next", 3))
    with pytest.raises(Conflict, match=r"found 'x{90,}\.\.\., expected 1$"):
        applied({"a": "x" * 5000}, json_patch.test("/a", 1))
