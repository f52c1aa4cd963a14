"""The ``files`` and ``archives`` of a job on the machine of a worker.

Files behind a URI are fetched once, before any command runs, and are removed with the worker. All fetched files are
executable, because neither HTTP nor S3 has a permission for this.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from kubemr_shell.command.scratch import Scratch
from kubemr_shell.errors import FileChanged
from kubemr_shell.inputs.download import download, is_remote
from kubemr_shell.job.names import file_location, file_name
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.shown import shown
from kubemr_shell.waits.waiter import NOBODY
from kubemr_shell.worker.job_context import JobContext
from kubemr_shell.worker.pins import pin_by_content


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFiles:
    """The files of a job on the machine of a worker."""

    scratch: Scratch
    """The folders in which the attempts of the worker run, with the files in them."""
    pins: Mapping[str, str]
    """The pin of each file and archive, by its URI."""
    paths: Mapping[str, str]
    """The local path of each file, by its URI."""

    def check(self, planned: Mapping[str, str]) -> None:
        """Compare the files with the pins of the plan. Raise FileChanged, which names the first file that differs."""
        for uri, pin in self.pins.items():
            if planned.get(uri, pin) != pin:
                raise FileChanged(
                    f"{shown(uri)}: this file differs from the one that the job was planned with: "
                    "give each version its own name, and start the job again"
                )


def files_of(job: JobContext, cancel_fd: int = NOBODY) -> JobFiles:
    """Fetch the files and archives of the job to this machine.

    Raise InputNotFound, StorageUnavailable or CommandNotStarted, which name the missing file. Raise Cancelled soon
    after ``cancel_fd`` becomes readable.
    """
    spec, scratch = job.spec, job.workspace.scratch
    fetched = os.path.join(scratch, "fetched")
    for folder in (fetched, os.path.join(scratch, Scratch.ARCHIVES)):  # an abandoned plan may have left them
        shutil.rmtree(folder, ignore_errors=True)
    here = _Here(fetched, job.workspace.s3, cancel_fd)
    paths = {uri: here.path(uri) for uri in spec.files}
    files = {file_name(uri): path for uri, path in paths.items()}
    archives = {file_name(uri): here.path(uri) for uri in spec.archives}
    made = Scratch(scratch, files=files, archives=archives)
    pins = {}
    for uri in (*spec.files, *spec.archives):
        pins[uri] = pin_by_content(here.path(uri)) if is_remote(uri) else job.pin(file_location(uri))
    for path in archives.values():
        if os.path.dirname(path) == fetched:
            os.unlink(path)  # ``Scratch`` has unpacked the archive
    return JobFiles(scratch=made, pins=pins, paths=paths)


class _Here:
    """The local paths of URIs. Each remote file is fetched when its path is first asked for."""

    def __init__(self, folder: str, s3: S3Config, cancel_fd: int) -> None:
        self._folder = folder
        self._s3 = s3
        self._cancel_fd = cancel_fd
        self._fetched: dict[str, str] = {}

    def path(self, uri: str) -> str:
        if not is_remote(uri):
            return file_location(uri)
        if uri not in self._fetched:
            path = os.path.join(self._folder, file_name(uri))
            with suppress(FileExistsError):
                os.mkdir(self._folder)
            download(file_location(uri), path, s3=self._s3, cancel_fd=self._cancel_fd)
            self._fetched[uri] = path
        return self._fetched[uri]
