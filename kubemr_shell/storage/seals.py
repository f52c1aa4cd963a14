"""Seals: numbers that show that a file has not changed since it was written, without reading the file again.

A power cut may keep the size and the times of a file and lose its bytes. So a seal is computed from the file's device,
inode, size and modification time, and from the id of the machine's boot. After a restart no seal matches, and the
bytes have to be read.
"""

from __future__ import annotations

import os
from functools import cache
from hashlib import blake2b

UNKNOWN = 0
"""The value for "no seal": the bytes have to be read to recognize them."""
_BOOT_ID = "/proc/sys/kernel/random/boot_id"


def seal_of(status: os.stat_result) -> int:
    """Return a 64-bit number that changes when the file is written or replaced, and when the machine restarts.

    Return UNKNOWN if the system does not give a boot id.
    """
    boot = boot_id()
    if not boot:
        return UNKNOWN
    facts = f"{boot} {status.st_dev} {status.st_ino} {status.st_size} {status.st_mtime_ns}"
    return int.from_bytes(blake2b(facts.encode(), digest_size=8).digest())


@cache
def boot_id() -> str:
    """Return the id of the current boot of the machine, or an empty string if the system does not give one."""
    try:
        with open(_BOOT_ID) as file:
            return file.read().strip()
    except OSError:
        return ""
