"""The job's ``files`` and ``archives`` on a worker's machine.

What is behind a URI is fetched once, before any command runs, and is gone with the worker. It may be executed: neither
HTTP nor S3 says whether it should be.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

from kubemr_shell.command.scratch import Scratch
from kubemr_shell.inputs.download import download, is_remote
from kubemr_shell.job.names import file_name
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.worker.job_context import JobContext


def scratch_of(job: JobContext) -> Scratch:
    """Where the attempts of a worker run. InputNotFound, StorageUnavailable, CommandNotStarted name what is missing."""
    spec, s3 = job.spec, job.workspace.s3
    fetched = os.path.join(job.workspace.scratch, "fetched")
    files = _here(spec.files, fetched, s3)
    archives = _here(spec.archives, fetched, s3)
    scratch = Scratch(job.workspace.scratch, files=files, archives=archives)
    for path in archives.values():
        if os.path.dirname(path) == fetched:
            os.unlink(path)  # it is unpacked
    return scratch


def _here(uris: Iterable[str], folder: str, s3: S3Config) -> dict[str, str]:
    """The name that a command sees each by, and its local path."""
    paths = {}
    for uri in uris:
        path = uri
        if is_remote(uri):
            path = os.path.join(folder, file_name(uri))
            with suppress(FileExistsError):
                os.mkdir(folder)
            download(uri, path, s3=s3)
        paths[file_name(uri)] = path
    return paths
