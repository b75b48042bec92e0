"""What the operating system says of this process."""

from __future__ import annotations

import os
import resource
import time
from typing import Final

from ottla.world.doors import ProcessFacts

STARTED: Final = time.time()
_PAGE: Final = resource.getpagesize()


def process_facts() -> ProcessFacts:
    """Read now. Resident memory and open files come from /proc, where there is one."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return ProcessFacts(
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        resident_bytes=_resident_bytes(),
        open_files=_open_files(),
        open_files_max=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        start_time=STARTED,
    )


def _resident_bytes() -> int | None:
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[1]) * _PAGE
    except OSError:
        return None


def _open_files() -> int | None:
    try:
        return len(os.listdir("/proc/self/fd"))
    except OSError:
        return None
