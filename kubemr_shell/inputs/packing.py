"""Decides whether small inputs share map tasks."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import replace

from kubemr_shell.job.mentions import absolute_paths, mention_in_commands, mentioned_variable
from kubemr_shell.job.names import file_name
from kubemr_shell.job.scripts import files_of_maps
from kubemr_shell.job.spec import JobSpec
from kubemr_shell.job.spec_mappings import SplitSpec
from kubemr_shell.shown import shown

LONGEST_SCRIPT = 1 << 20
"""The most bytes of a file that is searched as a script. A longer file is data or a compiled program."""


def with_packing(rules: SplitSpec, spec: JobSpec, paths: Mapping[str, str]) -> tuple[SplitSpec, tuple[str, ...]]:
    """Return the rules with ``pack`` decided, and notes on this decision for the user.

    ``paths`` has the local paths of the job's files, by their URIs. If the spec does not set ``pack``, small inputs
    share tasks unless a command or a script of the map phase mentions a variable of the input file.
    """
    if rules.pack is not None or rules.whole_files or rules.group is not None or rules.feed == "files":
        return rules, ()
    mention = mention_in_commands(spec) or _mention_in_scripts(spec, paths)
    if mention is None:
        return replace(rules, pack=True), ()
    where, variable = mention
    note = (
        f"no files share a map task, because {where} mentions {variable}; with split.pack: true in the YAML, "
        "small files share tasks"
    )
    return replace(rules, pack=False), (note,)


def _mention_in_scripts(spec: JobSpec, paths: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the name of the first script that mentions a variable of the input file, and the variable."""
    scripts = {file_name(uri): paths[uri] for uri in files_of_maps(spec) if uri in paths}
    for name, path in (*scripts.items(), *((path, path) for path in absolute_paths(spec))):
        if variable := mentioned_variable(_content_of_script(path)):
            return shown(name), variable
    return None


def _content_of_script(path: str) -> bytes:
    """Return the content of a file, or nothing if the file is too long for a script or cannot be read."""
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode) or found.st_size > LONGEST_SCRIPT:
            return b""
        with open(path, "rb") as file:
            return file.read(LONGEST_SCRIPT)
    except (OSError, ValueError):  # the run itself reports a file that it cannot use
        return b""
