"""The report of the problems of a document, and the words for wrong values in its messages."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches

from kubemr_shell.errors import Problem

SHOWN_CHARACTERS = 60
"""The most characters of a value in a message."""


class Report:
    """The problems that were found so far.

    ``homes`` returns the path of every known field, by the field's name. With it, the message about a misplaced field
    says where the field belongs.
    """

    def __init__(self, homes: Callable[[], Mapping[str, str]]) -> None:
        self.problems: list[Problem] = []
        self._homes = homes

    def add(self, path: str, message: str) -> None:
        """Add a problem."""
        self.problems.append(Problem(path=path, message=message))

    def add_unknown(self, path: str, name: object, known: Collection[str]) -> None:
        """Add an unknown field, with the field that the user probably meant."""
        if not isinstance(name, str):
            self.add(below(path, shown(name)), f"the name of a field must be a string, {as_read(name)}")
            return
        self.add(below(path, name), f"there is no such field{self._meant(name, known)}")

    def _meant(self, name: str, known: Collection[str]) -> str:
        nearest = _nearest(name, known)
        if nearest:
            return f"; did you mean {nearest}?"
        homes = self._homes()
        home = _nearest(name, homes)
        return f"; did you mean {homes[home]}?" if home else f"; there are {', '.join(known)}"


def below(path: str, name: str) -> str:
    """Return the path of a field. A name with special characters is quoted, and a long name is cut."""
    plain = name if name.replace("-", "").replace("_", "").isalnum() and len(name) <= SHOWN_CHARACTERS else shown(name)
    return f"{path}.{plain}" if path else plain


def shown(value: object) -> str:
    """Return a value for a message: on one line and short."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**SHOWN_CHARACTERS:
        return "a number of very many digits"
    if isinstance(value, list | tuple | Mapping):
        return "a list" if isinstance(value, list | tuple) else "a mapping"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"


def as_read(value: object) -> str:
    """Return the reason why a value is not a string. YAML reads some words without quotes as other types."""
    match value:
        case None:
            return "but nothing stands here: give a value, or remove the line"
        case bool():
            return f"but YAML reads what stands here as {shown(value)}: put it in quotes"
        case int() | float():
            return f"but YAML reads what stands here as the number {shown(value)}: put it in quotes"
        case list() | tuple():
            return "not a list"
        case Mapping():
            return 'not a mapping; a text with ": " in it needs quotes'
        case bytes():
            return "not binary data"
        case _:
            return f"but YAML reads what stands here as {shown(value)}: put it in quotes"


def kind(value: object) -> str:
    """Return the words for the type of a wrong value, if no string was expected."""
    match value:
        case None:
            return "nothing stands here: give a value, or remove the line"
        case str():
            return f"not the string {shown(value)}"
        case list() | tuple():
            return "not a list"
        case Mapping():
            return "not a mapping"
        case _:
            return f"not {shown(value)}"


def nearest_of(word: str, words: Collection[str]) -> str:
    """Return ``; did you mean …?`` with the most similar word, or an empty string if no word is similar."""
    nearest = _nearest(word, words)
    return f"; did you mean {nearest}?" if nearest else ""


def _nearest(name: str, known: Collection[str]) -> str | None:
    """Return the most similar name. Case, ``_`` and ``-`` do not matter: ``map_command`` is mapCommand."""
    by_letters = {_letters(word): word for word in known}
    found = get_close_matches(_letters(name), by_letters, n=1, cutoff=0.7)
    return by_letters[found[0]] if found else None


def _letters(name: str) -> str:
    return name[:SHOWN_CHARACTERS].replace("_", "").replace("-", "").lower()
