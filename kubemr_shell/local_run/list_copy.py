"""Copies a list of inputs that can be read only once into the job's folder, because any worker may plan the job."""

from __future__ import annotations

import os
import stat

from kubemr_shell.errors import InputNotFound, UsageError
from kubemr_shell.inputs.descriptors import STANDARD_INPUT, differs_by_process
from kubemr_shell.inputs.listing import absolute_path
from kubemr_shell.job.spec import JobSpec
from kubemr_shell.shown import shown
from kubemr_shell.storage.local import LocalStorage
from kubemr_shell.storage.locate import scheme_of
from kubemr_shell.streams import STDIN, read_chunks


def check_stdin(spec: JobSpec) -> None:
    """Raise UsageError if standard input is both the list of inputs and an input."""
    if spec.inputs_from in STANDARD_INPUT and any(name in STANDARD_INPUT for name in spec.inputs):
        raise UsageError(
            "standard input cannot be both the list of inputs and an input: write the list to a file, "
            "and name it with --inputs-from FILE"
        )


def copy_list(spec: JobSpec, folder: str, path: str, *, is_lasting: bool) -> None:
    """Copy the job's list of inputs to ``path`` if it can be read only once. A resumed job already has its copy."""
    if os.path.exists(path):
        return
    content = content_of_stream(spec, folder)
    if content is not None:
        LocalStorage(is_lasting=is_lasting).write(path, content)


def content_of_stream(spec: JobSpec, folder: str) -> bytes | None:
    """Return the text of the list of inputs if the list is standard input, a pipe or another stream.

    Return None if the list can be read again.

    A list with a name such as ``/dev/fd/3`` is read here: a worker would find another file under that name.

    Raise InputNotFound if the list cannot be read, and InputError if it is no list.
    """
    name = spec.inputs_from
    if name is None or (name not in STANDARD_INPUT and scheme_of(name) != "file"):
        return None
    from kubemr_shell.inputs.input_list import text_of_list

    if name in STANDARD_INPUT:
        return text_of_list(read_chunks(STDIN), name)
    path = absolute_path(name, folder)
    try:
        mode = os.stat(path).st_mode
        if (stat.S_ISREG(mode) or stat.S_ISDIR(mode)) and not differs_by_process(path):
            return None
        with open(path, "rb", buffering=0) as stream:
            return text_of_list(read_chunks(stream.fileno()), path)
    except FileNotFoundError:
        return None  # the listing reports the missing file, together with all other missing files
    except OSError as error:
        raise InputNotFound(f"{shown(path)}: {error.strerror} (the list of inputs, inputsFrom)") from error
