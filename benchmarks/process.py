"""What a process costs, as the kernel counts it."""

from __future__ import annotations

import os
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of the process, and of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    children = sum(int(each) for each in fields[13:15]) / TICKS
    # The process's own clock counts nanoseconds where /proc counts hundredths: clock_getcpuclockid(3).
    return time.clock_gettime(~pid << 3 | 2) + children


def busy_cores(seconds: float) -> float:
    """How many cores the machine is busy with from now for so long, by the kernel's count of idle time."""
    before, began = _idle_seconds(), time.monotonic()
    time.sleep(seconds)
    elapsed = time.monotonic() - began
    cores = os.sysconf("SC_NPROCESSORS_ONLN")
    return max(0.0, cores - (_idle_seconds() - before) / elapsed)


def _idle_seconds() -> float:
    """Of all cores together, waiting for a disk included."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return (int(fields[4]) + int(fields[5])) / TICKS


def read_from_disk_bytes(pid: int) -> int:
    """What the process has had to fetch from the disk, because no page cache held it."""
    for line in Path(f"/proc/{pid}/io").read_text().splitlines():
        if line.startswith("read_bytes:"):
            return int(line.split()[1])
    raise RuntimeError(f"the kernel does not count what process {pid} reads")


def memory_mb(pid: int, *, peak: bool = False) -> float:
    """Resident memory now, or the most it has been."""
    name = "VmHWM:" if peak else "VmRSS:"
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {pid} has gone")
