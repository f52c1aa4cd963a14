"""Chooses the cutter for a format of records."""

from __future__ import annotations

from kubemr_shell.inputs.records.cutter import ANYWHERE, BySize, Cutter
from kubemr_shell.job.records import Records
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.waits.waiter import NOBODY


def cutter_of(records: Records, *, folder: str, s3: S3Config, cancel_fd: int = NOBODY) -> Cutter:
    """Return the cutter of a format. ``folder`` is the folder of relative names."""
    match records.kind:
        case "csv":
            from kubemr_shell.inputs.csv_cutter import CsvCutter

            return CsvCutter(folder=folder, s3=s3, cancel_fd=cancel_fd)
        case "warc":
            from kubemr_shell.inputs.warc_cutter import WarcCutter

            return WarcCutter(folder=folder, s3=s3, cancel_fd=cancel_fd)
        case "bytes":
            return BySize(records.size)
    return ANYWHERE
