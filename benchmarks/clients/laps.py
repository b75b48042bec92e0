"""The same work several times: two laps to warm up, then laps that count, by the wall clock and the process's own.

Only the standard library is used here: the client is measured, and what it needs is to be its own.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

BATCH_BYTES = 131_072
LINGER_MS = 5
CHUNK = 1000
"""Records handed over, or asked for, in one call."""
FETCH_BYTES, PARTITION_BYTES = 52_428_800, 1_048_576


@dataclass
class Asked:
    """`records` a lap at most; how many there are in truth, the warm-up tells: a lap lasts about `seconds`."""

    bootstrap: str
    topic: str
    size: int
    records: int
    warm: int
    seconds: float
    laps: int
    measured: list[tuple[int, float, float]] = field(default_factory=list)
    """Of each lap: records, seconds, seconds of processor time."""
    total: int = 0
    """Records of all laps, the warm-up included."""

    @property
    def values(self) -> list[bytes]:
        return [bytes(i % 251 for i in range(self.size))] * CHUNK

    def rounds(self) -> Iterator[int]:
        """For each lap how many records it has; what the caller does until it asks for the next is the lap."""
        count = min(self.warm, self.records)
        yield from self._lap(count)  # connects, and has the topic's leader looked up
        seconds, _ = yield from self._lap(count)
        fitting = int(count / seconds * self.seconds) // CHUNK * CHUNK
        count = max(CHUNK, min(self.records, fitting))
        for _ in range(self.laps):
            self.measured.append((count, *(yield from self._lap(count))))

    def _lap(self, count: int) -> Generator[int, None, tuple[float, float]]:
        began, worked = time.perf_counter(), time.process_time()
        yield count
        self.total += count
        return time.perf_counter() - began, time.process_time() - worked


def check(asked: Asked, seen: int, count: int) -> None:
    """Every value read was looked at: `seen` is the bytes of `count` records."""
    if seen != count * asked.size:
        raise RuntimeError(f"{count} records of {asked.size} bytes are not {seen} bytes")


def memory_mb() -> float:
    """The most this process has had resident. (getrusage would count what its parent had when it forked.)"""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def main(ways: Mapping[str, Callable[[Asked], object]]) -> None:
    """Go the way that the command line names, and print the medians of its laps."""
    asked = Asked(**json.loads(sys.argv[2]))
    ways[sys.argv[1]](asked)
    told = {
        "rate": statistics.median(count / seconds for count, seconds, _ in asked.measured),
        "cpu": statistics.median(worked / count * 1e6 for count, _, worked in asked.measured),
        "memory": memory_mb(),
        "total": asked.total,
    }
    print(json.dumps(told), flush=True)
