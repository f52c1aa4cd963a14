"""Packs the local files that a job names into a ConfigMap, which pods see as a folder."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kubemr_shell.board.stores.documents import JOB_LABEL
from kubemr_shell.client.cluster_spec import is_absolute, is_local, look_at_inputs
from kubemr_shell.errors import InputError, Problem
from kubemr_shell.job.names import file_location, file_name
from kubemr_shell.job.spec import JobSpec
from kubemr_shell.kube.marks import FILES_FOLDER, MANAGED_BY_LABEL, MANAGER, files_name
from kubemr_shell.kube.owners import reference_to_job
from kubemr_shell.shown import shown
from kubemr_shell.storage.local import path_of
from kubemr_shell.storage.regular_file import open_regular

MOST_BYTES = 900 << 10
"""The most bytes of all files together: a ConfigMap holds 1 MiB, names included."""
ELSEWHERE = "give s3:// or http(s):// URIs, which each worker fetches, or put them into an image"
"""The advice for files that are too large."""
INPUTS_FROM = "kubemr-inputs-from"
"""The name of the list of inputs in the ConfigMap."""
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")


@dataclass(slots=True, kw_only=True)
class Package:
    """The files that have to travel with a job, and the fields of the spec that name them."""

    data: dict[str, bytes] = field(default_factory=dict)
    """The contents of the files, by their names in the ConfigMap."""
    spec: dict[str, Any] = field(default_factory=dict)
    """The fields of the spec, as in YAML, that replace those of the user."""
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def config_map(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """Return the ConfigMap with the files of ``job``. The job owns it, so both are deleted together."""
        metadata = job["metadata"]
        return {
            "metadata": {
                "name": files_name(metadata["name"]),
                "labels": labels_of_files(metadata["name"]),
                "ownerReferences": [reference_to_job(metadata["name"], metadata["uid"])],
            },
            "binaryData": self.encoded(),
        }

    def encoded(self) -> dict[str, str]:
        """Return the files in base64, by their names, as ``binaryData`` of a ConfigMap has them."""
        return {name: base64.b64encode(data).decode() for name, data in self.data.items()}


def labels_of_files(job: str) -> dict[str, str]:
    """Return the labels of the ConfigMap with the files of a job."""
    return {JOB_LABEL: job, MANAGED_BY_LABEL: MANAGER}


def pack(written: JobSpec, resolved: JobSpec, folder: str) -> Package:
    """Read the local files of a job, and return the package. Errors become problems of the package.

    ``written`` is the spec as the user wrote it. ``resolved`` is the same spec with absolute paths, and with the
    scripts that commands begin with. A relative ``inputsFrom`` is relative to ``folder``.
    """
    packer = _Packer()
    files = [packer.place(path, "files", index, written.files) for index, path in enumerate(resolved.files)]
    archives = [packer.place(path, "archives", index, written.archives) for index, path in enumerate(resolved.archives)]
    package = packer.package
    if files:
        package.spec["files"] = files
    if archives:
        package.spec["archives"] = archives
    if written.inputs_from is not None and is_local(written.inputs_from):
        package.spec["inputsFrom"] = packer.place_list(written.inputs_from, folder)
    packer.read()
    return package


class _Packer:
    def __init__(self) -> None:
        self.package = Package()
        self._paths: dict[str, tuple[str, str]] = {}
        """The local path of each file, and its place in the spec, by the names in the ConfigMap."""

    def place(self, path: str, field_name: str, index: int, written: tuple[str, ...]) -> str:
        """Add a file to the package, and return the path at which pods find it. Return a remote URI unchanged."""
        if not is_local(path):
            return path
        where = f"spec.{field_name}[{index}]" if index < len(written) else f"the script {shown(os.path.basename(path))}"
        name, entry, path = file_name(path), path, file_location(path)
        if not os.path.exists(path):
            self._missing(path, where, named=written[index])
            return entry
        if os.path.isdir(path):
            message = f"{shown(path)} is a folder: pack it with tar, and name that in archives"
            self.package.problems.append(Problem(path=where, message=message))
        elif not _KEY.fullmatch(name) or name.startswith(".."):
            message = f"{shown(name)} is not a name that a ConfigMap allows: use letters, digits, -, _ and . alone"
            self.package.problems.append(Problem(path=where, message=message))
        elif name in self._paths and self._paths[name][0] != path:
            message = f"has the same name, {name}, as {self._paths[name][0]}: rename one of them"
            self.package.problems.append(Problem(path=where, message=message))
        else:
            self._paths[name] = (path, where)
        return f"{FILES_FOLDER}/{name}"

    def place_list(self, uri: str, folder: str) -> str:
        """Add the list of inputs to the package, and return the path at which pods find it."""
        path = os.path.join(folder, path_of(uri))
        if not os.path.exists(path):
            return self._missing(path, "spec.inputsFrom", named=uri)
        self._paths[INPUTS_FROM] = (path, "spec.inputsFrom")
        return f"{FILES_FOLDER}/{INPUTS_FROM}"

    def read(self) -> None:
        """Read all files, unless they are too large together."""
        sizes = {name: _size(path) for name, (path, _) in self._paths.items()}
        if sum(sizes.values()) > MOST_BYTES:
            largest = max(sizes, key=lambda name: sizes[name])
            path, where = self._paths[largest]
            message = (
                f"{shown(path)} has {sizes[largest]:,} bytes; files from this machine may have {MOST_BYTES:,} "
                f"({MOST_BYTES >> 10} KiB) in all, and have {sum(sizes.values()):,}: {ELSEWHERE}"
            )
            self.package.problems.append(Problem(path=where, message=message))
            return
        for name, (path, where) in self._paths.items():
            try:
                # The list of inputs may be a pipe, such as a process substitution.
                with open(path if name == INPUTS_FROM else open_regular(path), "rb") as file:
                    data = self.package.data[name] = file.read(MOST_BYTES + 1)
                if len(data) > MOST_BYTES:
                    message = f"{shown(path)} has more than {MOST_BYTES:,} bytes: {ELSEWHERE}"
                    self.package.problems.append(Problem(path=where, message=message))
                    return
            except OSError as error:
                message = f"{shown(path)} cannot be read: {error.strerror or error}"
                self.package.problems.append(Problem(path=where, message=message))
        self._look_at_list()

    def _look_at_list(self) -> None:
        from kubemr_shell.inputs.input_list import text_of_list

        try:
            data = text_of_list([self.package.data.get(INPUTS_FROM, b"")], self._paths.get(INPUTS_FROM, ("", ""))[0])
        except InputError as error:
            self.package.problems.append(Problem(path="spec.inputsFrom", message=str(error)))
            return
        text = data.decode(errors="surrogateescape")
        lines = tuple(line.removesuffix("\r") for line in text.split("\n") if line.strip())
        problems, warnings = look_at_inputs(lines, "spec.inputsFrom, line of input ")
        self.package.problems += problems[:1]
        self.package.warnings += warnings[:1]

    def _missing(self, path: str, where: str, *, named: str) -> str:
        """Report a file that is missing on this machine. An absolute path may exist in the image: warn only."""
        if is_absolute(named):
            self.package.warnings.append(f"{where}: {shown(path)} is not on this machine: the image has to have it")
        else:
            self.package.problems.append(Problem(path=where, message=f"there is no {shown(path)}"))
        return path


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0  # the attempt to read the file reports the reason
