"""Finds the output that a user names: a folder or a prefix."""

from __future__ import annotations

import os

from kubemr_shell.job.spec_mappings import S3Spec
from kubemr_shell.outputs.folder_output import FolderOutput
from kubemr_shell.outputs.output import Output
from kubemr_shell.storage.local import path_of
from kubemr_shell.storage.locate import scheme_of


def output_at(uri: str, s3: S3Spec, state_home: str) -> Output:
    """Return the output that a user names. Raise UsageError for a place where nothing can be kept."""
    if scheme_of(uri) == "s3":
        from kubemr_shell.outputs.prefix_output import PrefixOutput

        return PrefixOutput(uri, s3, state_home)
    return FolderOutput(os.path.abspath(path_of(uri)), s3)
