"""Where the bytes of one job are: names under its temporaries, its output, and this machine's scratch space.

The temporaries and the output have a Storage each: an output is staged in the storage in which it is to appear, and may
be elsewhere than the temporaries. Scratch space (folders of attempts, spills, what is fetched or about to be sent) is
always local.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from kubemr_shell.errors import CorruptRun, LeaseLost, ObjectNotFound
from kubemr_shell.job import names
from kubemr_shell.job.state import Phase
from kubemr_shell.net.s3_config import S3Config
from kubemr_shell.storage.interface import Storage
from kubemr_shell.storage.needed import needed
from kubemr_shell.worker.checked import checked, with_checksum
from kubemr_shell.worker.journal import Entry, decode_batch, encode_batch
from kubemr_shell.worker.requests import for_each


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """The places of one job."""

    storage: Storage
    """Of the temporaries."""
    temporaries: str
    """URI of the job's own folder for the plan, the journal and the map outputs."""
    scratch: str
    """A local folder that is gone with the worker."""
    logs: str
    """A local folder for what commands write to stderr."""
    output_storage: Storage
    output: str
    """URI of the folder where the parts appear."""
    stage: str
    """URI of the job's own folder for outputs that are not yet published, in ``output_storage``."""
    s3: S3Config = field(default=S3Config())
    """How this worker reaches what else is in S3."""

    @property
    def map_outputs(self) -> str:
        return f"{self.temporaries}/map"

    def shard_manifest(self, phase: Phase, epoch: int, shard: int) -> str:
        return f"{self.temporaries}/journal/{phase.value}-{shard:05d}.{epoch}.manifest"

    def staged(self, task: int, attempt: int) -> str:
        return f"{self.stage}/{names.attempt_name(task, attempt)}"

    def staged_success(self, claim_id: str) -> str:
        return f"{self.stage}/{names.SUCCESS}.{claim_id}"

    def part(self, name: str) -> str:
        return f"{self.output}/{name}"

    @property
    def success(self) -> str:
        return f"{self.output}/{names.SUCCESS}"

    def log(self, phase: Phase, task: int, attempt: int) -> str:
        return f"{self.logs}/{phase.value}-{names.attempt_name(task, attempt)}"

    def write_batch(self, phase: Phase, shard: int, claim_id: str, entries: list[Entry]) -> None:
        self.write(f"{self.journal(phase, shard)}.{claim_id}.json", with_checksum(encode_batch(entries)))

    def read_batches(self, phase: Phase, shard: int) -> Iterator[Entry]:
        """The entries of a shard. A damaged batch has none, as if it were gone: its attempts have to run again."""
        uris = [item.uri for item in self.storage.list(self.journal(phase, shard) + ".") if item.uri.endswith(".json")]
        with needed():
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
        return f"{self.temporaries}/journal/{phase.value}-{shard:05d}"

    def write(self, uri: str, data: bytes | bytearray) -> None:
        """Write a temporary; when the job's folder is gone, so is the claim that wanted it."""
        try:
            self.storage.write(uri, data)
        except ObjectNotFound as error:
            raise LeaseLost(str(error)) from error
