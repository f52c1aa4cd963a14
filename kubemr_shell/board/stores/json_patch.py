"""JSON Patch (RFC 6902): building patches, and applying them in the same way as a kube-apiserver.

The API server (json-patch v4) deviates from RFC 6902 in four points. This module deviates in the same way; otherwise
the local store would hide bugs of the board that appear only in a cluster:

- ``replace`` of a missing key adds the key.
- ``test`` with null passes if the key is missing but its parent exists.
- Scalars are compared in the form in which server and client write them. So 1 is not 1.0, and a string with a character
  outside of ASCII does not equal itself.
- A negative index counts from the end.

``move`` and ``copy`` are refused, because the board does not use them. A precondition that fails raises Conflict. A
patch that no document could accept raises BoardError.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from kubemr_shell.board.stores.documents import Document, Operation
from kubemr_shell.errors import BoardError, Conflict

Container: TypeAlias = dict[str, Any] | list[Any]
"""A JSON value that contains others."""

_INDEX = re.compile(r"[+-]?[0-9]{1,9}")
_COMPARABLE = re.compile(r"[ -~]*")
_encode_utf8 = json.JSONEncoder(ensure_ascii=False).encode
_GO_ESCAPES = str.maketrans({c: f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"})


def test(path: str, value: object) -> Operation:
    """Return an operation that makes the patch fail unless the document has ``value`` at ``path``.

    Raise ValueError for a value that an API server never finds equal, however often the document is read again.
    """
    if not _is_comparable(value):
        raise ValueError(f"test {path}: {value!r} is no precondition; test whole numbers and plain ASCII without <>&")
    return {"op": "test", "path": path, "value": value}


def add(path: str, value: object) -> Operation:
    """Return an operation that adds a key to an object, or an item to a list."""
    return {"op": "add", "path": path, "value": value}


def replace(path: str, value: object) -> Operation:
    """Return an operation that replaces a value."""
    return {"op": "replace", "path": path, "value": value}


def remove(path: str) -> Operation:
    """Return an operation that removes a value."""
    return {"op": "remove", "path": path}


def apply(document: Document, operations: Sequence[Operation]) -> Document:
    """Return the patched document. ``document`` stays unchanged, and shares its unchanged parts with the result."""
    if not isinstance(operations, list | tuple):
        raise BoardError("a patch is a list of operations")
    draft = _Draft(document)
    for operation in operations:
        match operation:
            case {"op": "test", "path": str(path), "value": value}:
                draft.test(path, value)
            case {"op": "add", "path": str(path), "value": value}:
                draft.add(path, value)
            case {"op": "replace", "path": str(path), "value": value}:
                draft.replace(path, value)
            case {"op": "remove", "path": str(path)}:
                draft.remove(path)
            case _:
                raise BoardError(f"not an operation of a JSON Patch: {_short(operation)}")
    return draft.root


class _Draft:
    """A document that copies a container only when it changes the container or something inside."""

    def __init__(self, document: Document) -> None:
        self.root = dict(document)
        # The keys are identities. The references as values keep an address from being reused while it is a key.
        self._copied: dict[int, object] = {id(self.root): self.root}

    def test(self, path: str, value: object) -> None:
        parent, key = self._parent(path, copying=False)
        found = _get(parent, key, path)
        if not _is_equal(found, value):
            raise Conflict(f"test {path}: found {_short(found)}, expected {_short(value)}")

    def add(self, path: str, value: object) -> None:
        parent, key = self._parent(path)
        if isinstance(parent, dict):
            parent[key] = value
        elif key == "-":
            parent.append(value)
        else:
            parent.insert(_index(key, len(parent) + 1, path), value)

    def replace(self, path: str, value: object) -> None:
        parent, key = self._parent(path)
        _set(parent, key, value, path)

    def remove(self, path: str) -> None:
        parent, key = self._parent(path)
        if isinstance(parent, list):
            del parent[_index(key, len(parent), path)]
        elif key in parent:
            del parent[key]
        else:
            raise Conflict(f"remove {path}: there is nothing")

    def _parent(self, path: str, *, copying: bool = True) -> tuple[Container, str]:
        if not path.startswith("/"):
            raise BoardError(f"not a JSON Pointer below the whole document: {path!r}")
        *keys, last = path[1:].split("/") if "~" not in path else _tokens(path)
        container: Container = self.root
        for key in keys:
            child = _get(container, key, path)
            if not isinstance(child, dict | list):
                raise Conflict(f"{path}: there is no {key!r} on the way")
            if copying and id(child) not in self._copied:
                child = child.copy()
                self._copied[id(child)] = child
                _set(container, key, child, path)
            container = child
        return container, last


def _tokens(path: str) -> list[str]:
    return [token.replace("~1", "/").replace("~0", "~") for token in path[1:].split("/")]


def _get(container: Container, key: str, path: str) -> object:
    if isinstance(container, dict):
        return container.get(key)
    return container[_index(key, len(container), path)]


def _set(container: Container, key: str, value: object, path: str) -> None:
    if isinstance(container, dict):
        container[key] = value
    else:
        container[_index(key, len(container), path)] = value


def _index(key: str, length: int, path: str) -> int:
    index = int(key) if _INDEX.fullmatch(key) else length
    if not -length <= index < length:
        raise Conflict(f"{path}: there is no index {key!r}")
    return index % length


def _is_equal(stored: object, sent: object) -> bool:
    if isinstance(stored, dict):
        if not isinstance(sent, Mapping) or stored.keys() != sent.keys():
            return False
        return all(_is_equal(value, sent[key]) for key, value in stored.items())
    if isinstance(stored, list | tuple):
        if not isinstance(sent, list | tuple) or len(stored) != len(sent):
            return False
        return all(map(_is_equal, stored, sent))
    return _as_stored(stored) == json.dumps(sent)


def _as_stored(scalar: object) -> str:
    """Return a scalar as Go's encoder writes it: UTF-8, HTML characters escaped, whole floats without a fraction."""
    if isinstance(scalar, str):
        return _encode_utf8(scalar).translate(_GO_ESCAPES)
    if isinstance(scalar, float) and scalar.is_integer():
        return str(int(scalar))
    return json.dumps(scalar)


def _is_comparable(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_comparable(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_comparable, value))
    if isinstance(value, str):
        return _COMPARABLE.fullmatch(value) is not None and not any(c in value for c in "<>&")
    return value is None or isinstance(value, int)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:97]}..."
