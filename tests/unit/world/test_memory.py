"""Memory of large blocks goes back to the system."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
from ottla.world.real.memory import keep_large_blocks_apart

def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096

if not keep_large_blocks_apart():
    raise SystemExit("no choice")
before = resident()
pinned = []
for _ in range(40):
    large = bytearray(b"x") * (3 << 20)
    pinned.append(bytes(100_000))  # lies behind the block, where the block lies in the heap
    del large
assert resident() - before < 12 << 20, resident() - before
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_large_blocks_leave_no_holes() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    if "no choice" in done.stderr:
        pytest.skip("this C library lets nobody choose")
    assert done.returncode == 0, done.stderr
