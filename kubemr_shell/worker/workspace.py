"""The places of the bytes of one job: its temporaries, its output, and the scratch space on this machine.

The temporaries and the output each have a Storage, and these may differ: parts are staged in the storage of the output.
Scratch space is always local. It has the folders of attempts, spills, fetched files, and data that waits to be sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from kubemr_shell.errors import CorruptRun, JobFolderGone, ObjectNotFound
from kubemr_shell.job import names
from kubemr_shell.job.state import Phase
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.storage.interface import Storage
from kubemr_shell.storage.required_files import job_files_required
from kubemr_shell.worker.checked import checked, with_checksum
from kubemr_shell.worker.for_each import for_each
from kubemr_shell.worker.journal import Entry, decode_batch, encode_batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """The places of one job, as one worker reaches them."""

    storage: Storage
    """The storage of the temporaries."""
    temporaries: str
    """The URI of the job's own folder for the plan, the journal and the map outputs."""
    scratch: str
    """A local folder that is removed with the worker."""
    logs: str
    """A local folder for the stderr of commands."""
    output_storage: Storage
    """The storage of the output and the staged parts."""
    output: str
    """The URI of the folder where the parts appear."""
    stage: str
    """The URI of the job's own folder for staged parts, in ``output_storage``."""
    s3: S3Config = field(default=S3Config())
    """The configuration for other objects in S3, such as inputs."""

    @property
    def map_outputs(self) -> str:
        """Return the URI of the folder of the map outputs."""
        return f"{self.temporaries}/map"

    def shard_manifest(self, phase: Phase, epoch: int, shard: int) -> str:
        """Return the URI of the manifest of a shard in an epoch."""
        return f"{self.temporaries}/journal/{phase.value}-{shard:05d}.{epoch}.manifest"

    def staged(self, task: int, attempt: int) -> str:
        """Return the URI of the staged part of an attempt."""
        return f"{self.stage}/{names.attempt_name(task, attempt)}"

    def staged_success(self, claim_id: str) -> str:
        """Return the URI of the staged ``_SUCCESS`` of a finisher's claim."""
        return f"{self.stage}/{names.SUCCESS}.{claim_id}"

    def part(self, name: str) -> str:
        """Return the final URI of a part."""
        return f"{self.output}/{name}"

    @property
    def success(self) -> str:
        """Return the final URI of ``_SUCCESS``."""
        return f"{self.output}/{names.SUCCESS}"

    def log(self, phase: Phase, task: int, attempt: int) -> str:
        """Return the path of the log with the stderr of an attempt's command."""
        return f"{self.logs}/{phase.value}-{names.attempt_name(task, attempt)}"

    def write_batch(self, phase: Phase, shard: int, claim_id: str, entries: list[Entry]) -> None:
        """Write a batch of the journal. Raise JobFolderGone if the folder of the job is gone."""
        self.write(f"{self.journal(phase, shard)}.{claim_id}.json", with_checksum(encode_batch(entries)))

    def read_batches(self, phase: Phase, shard: int) -> Iterator[Entry]:
        """Yield the journal's entries of a shard. Skip a damaged batch, whose tasks then run again."""
        uris = [item.uri for item in self.storage.list(self.journal(phase, shard) + ".") if item.uri.endswith(".json")]
        with job_files_required():
            batches = for_each(self._read_batch, uris, self.storage)
        for batch in batches:
            yield from batch

    def _read_batch(self, uri: str) -> list[Entry]:
        data = self.storage.read(uri)
        try:
            return decode_batch(checked(data, uri), uri)
        except CorruptRun:
            return []

    def journal(self, phase: Phase, shard: int) -> str:
        """Return the common prefix of the URIs of a shard's batches."""
        return f"{self.temporaries}/journal/{phase.value}-{shard:05d}"

    def write(self, uri: str, data: bytes | bytearray) -> None:
        """Write a temporary. Raise JobFolderGone if the folder of the job is gone."""
        try:
            self.storage.write(uri, data)
        except ObjectNotFound as error:
            raise JobFolderGone(str(error)) from error
