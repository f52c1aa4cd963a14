"""How the memory of a worker is divided among its slots. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from kubemr_shell.errors import UsageError
from kubemr_shell.job.quantity import format_quantity
from kubemr_shell.job.spec import SplitSpec

MEBIBYTE = 1 << 20
INTERPRETER_BYTES = 64 * MEBIBYTE
SLOT_OVERHEAD_BYTES = 8 * MEBIBYTE
S3_CLIENT_BYTES = 40 * MEBIBYTE
"""boto3, once it is loaded."""
S3_SLOT_BYTES = 24 * MEBIBYTE
"""What is being sent while a slot goes on."""
SMALLEST_SHARE_BYTES = 32 * MEBIBYTE


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """What each of ``slots`` slots may use, in bytes."""

    slots: int
    share_bytes: int

    def largest_record_bytes(self, collectors: int) -> int:
        """Return how long a record may be where so many collectors share the memory of a slot.

        While a record is sorted and spilled, four of its length may be in memory.
        """
        return self.share_bytes // (4 * collectors)

    @property
    def read_ahead_bytes(self) -> int:
        """What may wait for a command of what comes over a network; readers take less where more would not help."""
        return self.share_bytes // 4

    def limited(self, split: SplitSpec) -> SplitSpec:
        """No larger than half of a slot's share: then what most map commands write of it is sorted without a spill."""
        return replace(split, max_bytes=min(split.max_bytes, self.share_bytes // 2))


def divide_memory(memory_bytes: int, slots: int, *, s3: bool = False) -> MemoryPlan:
    """Give every slot an equal share, with fewer slots where a share would be too small to sort in.

    ``s3``: something of the job is there.
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
