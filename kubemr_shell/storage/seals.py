"""Numbers by which a file is known as the one that was written, without reading it again.

A power cut may keep the size and the times of a file and lose its bytes. So a seal is made of the file's inode, size
and time of change, and of the boot of the machine: after a restart no seal fits, and the bytes have to be read.
"""

from __future__ import annotations

import os
from functools import cache
from hashlib import blake2b

UNKNOWN = 0
"""The seal of bytes that have to be read to be known."""
_BOOT_ID = "/proc/sys/kernel/random/boot_id"


def seal_of(status: os.stat_result) -> int:
    """Return a number of 64 bits that changes when the file is written to or replaced, and when the machine starts."""
    boot = boot_id()
    if not boot:
        return UNKNOWN
    facts = f"{boot} {status.st_dev} {status.st_ino} {status.st_size} {status.st_mtime_ns}"
    return int.from_bytes(blake2b(facts.encode(), digest_size=8).digest())


@cache
def boot_id() -> str:
    """Return what tells this start of the machine from all others; empty where the system does not say."""
    try:
        with open(_BOOT_ID) as file:
            return file.read().strip()
    except OSError:
        return ""
