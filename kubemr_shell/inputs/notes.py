"""Notes for the user on inputs that are read in another way than most. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from kubemr_shell.inputs.input_object import InputObject
from kubemr_shell.shown import shown


def notes_on(objects: Sequence[InputObject]) -> tuple[str, ...]:
    """Return a note if inputs are texts in UTF-16 or UTF-32, which have a map task of their own."""
    wide = [item.uri for item in objects if item.encoding]
    if not wide:
        return ()
    subject = f"{shown(wide[0])} is"
    if len(wide) > 1:
        subject = f"{len(wide)} inputs, of which the first is {shown(wide[0])}, are"
    return (f"{subject} in UTF-16 or UTF-32 by the byte order mark: neither cut nor packed with others",)
