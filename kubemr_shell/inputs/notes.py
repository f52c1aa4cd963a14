"""Notes for the user on inputs that are read in another way than most. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from kubemr_shell.inputs.file_kind import ARCHIVES
from kubemr_shell.inputs.input_object import MAY_BE_CUT, InputObject
from kubemr_shell.job.spec import JobSpec
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


def why_whole(item: InputObject, spec: JobSpec) -> str:
    """Return the reason for which a large input was not cut. The text follows the name of the input and a colon."""
    records = "lines" if spec.records is None else spec.records.kind
    if spec.split.whole_files:
        return "split.wholeFiles is true"
    if spec.split.group is not None:
        return "split.group is set"
    if item.encoding:
        return f"a text in {item.encoding} is not cut"
    if item.codec in ARCHIVES:
        return "an archive is not cut"
    if item.codec != "none":
        for field, is_reason in (
            (f"header.mode: {spec.header.mode}", spec.header.mode != "keep"),
            ("split.records", spec.split.records is not None),
            (f"records: {records}", records in ("csv", "warc", "bytes")),
        ):
            if is_reason:
                return f"with {field}, a {item.codec} file is not cut"
    if not item.splittable and item.codec in MAY_BE_CUT:
        return "its server sends no ranges of bytes"
    return "it cannot be cut" if item.codec == "auto" else f"its {item.codec} data cannot be cut"
