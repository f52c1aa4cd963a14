"""The division of the memory of a worker among its slots. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from kubemr_shell.errors import UsageError
from kubemr_shell.job.quantity import format_quantity
from kubemr_shell.job.spec_mappings import SplitSpec

MEBIBYTE = 1 << 20
"""The bytes of a mebibyte."""
INTERPRETER_BYTES = 64 * MEBIBYTE
"""The memory of the interpreter with the modules of a worker, in bytes."""
SLOT_OVERHEAD_BYTES = 8 * MEBIBYTE
"""The memory of a slot without its share, in bytes."""
S3_CLIENT_BYTES = 40 * MEBIBYTE
"""The memory of boto3 after its import, in bytes."""
S3_SLOT_BYTES = 24 * MEBIBYTE
"""The memory of a slot for data that is sent to S3 while the slot continues, in bytes."""
SMALLEST_SHARE_BYTES = 32 * MEBIBYTE
"""The smallest share of a slot that is enough for sorting, in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """The number of slots of a worker, and the memory that each slot may use, in bytes."""

    slots: int
    share_bytes: int

    def largest_record_bytes(self, collectors: int) -> int:
        """Return the largest size of a record in bytes, if ``collectors`` collectors share the memory of a slot.

        While a record is sorted and spilled, up to four times its size may be in memory.
        """
        return self.share_bytes // (4 * collectors)

    @property
    def read_ahead_bytes(self) -> int:
        """Return the bytes from a network that may wait for a command. Readers take less if more does not help."""
        return self.share_bytes // 4

    def limited(self, split: SplitSpec) -> SplitSpec:
        """Return the split size, limited to half of a share. So the outputs of most map commands need no spill."""
        return replace(split, max_bytes=min(split.max_bytes, self.share_bytes // 2))


def divide_memory(memory_bytes: int, slots: int, *, s3: bool = False) -> MemoryPlan:
    """Divide the memory equally among ``slots`` slots, or fewer if a share would be too small for sorting.

    ``s3``: whether the job has any bytes in S3. Raise UsageError if the memory is too little for one slot.
    """
    process = INTERPRETER_BYTES + (S3_CLIENT_BYTES if s3 else 0)
    overhead = SLOT_OVERHEAD_BYTES + (S3_SLOT_BYTES if s3 else 0)
    for count in range(slots, 0, -1):
        share = (memory_bytes - process) // count - overhead
        if share >= SMALLEST_SHARE_BYTES:
            return MemoryPlan(slots=count, share_bytes=share)
    least = process + overhead + SMALLEST_SHARE_BYTES
    raise UsageError(
        f"--memory {format_quantity(memory_bytes)} (of a pod: half of its limit) is too little for one slot: "
        f"give at least {least // MEBIBYTE}Mi"
    )
