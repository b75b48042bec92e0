"""Load at a steady pace, whatever the node answers: records end to end, and how long acknowledgements take.

A record goes out when it is due, not when the one before it was answered, so a node that stalls meets all that would
have come meanwhile. Times are taken by offset: the records themselves are bytes built once.
"""

from __future__ import annotations

import select
import time
from collections import deque
from typing import Any

from benchmarks import frames
from benchmarks.connection import connect, whole_answer
from benchmarks.figures import percentiles
from benchmarks.load.payload import keys, payloads

WAKING_SECONDS = 0.5
"""Not counted: the node and the generator waking up."""
WAIT_MS = 5000
FETCH_BYTES = 1 << 20


class Pace:
    """When the next record is due."""

    def __init__(self, rate: int, seconds: float) -> None:
        self.interval = 1 / rate
        self.left = int(rate * seconds)
        self.uncounted = int(rate * WAKING_SECONDS)
        self.due = time.perf_counter()

    def is_due(self, now: float) -> bool:
        if not self.left or now < self.due:
            return False
        self.left -= 1
        self.due += self.interval
        return True

    def patience(self, now: float) -> float:
        """Seconds to wait at most for something to read."""
        return max(0.0, self.due - now) if self.left else WAIT_MS / 1000


def latency(port: int, topic: str, rate: int, seconds: float, size: int = 100) -> dict[str, float]:
    """From before a record is sent until a waiting consumer has read it: `rate` records a second, one a request."""
    producing, consuming = connect(port), connect(port)
    request = frames.produce(topic, 0, frames.batch(payloads(size, 1, varied=False)))
    buffer = memoryview(bytearray(FETCH_BYTES * 2))
    pace = Pace(rate, seconds)
    total = pace.left
    sent_at: list[float] = []
    waits: list[float] = []
    consuming.sendall(frames.fetch(topic, 0, 0, wait_ms=WAIT_MS, max_bytes=FETCH_BYTES))
    while len(waits) < total:
        now = time.perf_counter()
        while pace.is_due(now):
            sent_at.append(time.perf_counter())
            producing.sendall(request)
            now = time.perf_counter()
        readable, _, _ = select.select([producing, consuming], [], [], pace.patience(now))
        if producing in readable and not producing.recv(65536):
            raise RuntimeError("the node hung up")
        if consuming not in readable:
            continue
        records = frames.fetched(whole_answer(consuming, buffer), topic)
        now = time.perf_counter()
        after = len(waits)
        for base, _, after in frames.batches(records):
            waits += [now - at for at in sent_at[base:after]]
        consuming.sendall(frames.fetch(topic, 0, after, wait_ms=WAIT_MS, max_bytes=FETCH_BYTES))
    return percentiles(waits[pace.uncounted :])


def acknowledged(
    port: int, topic: str, rate: int, seconds: float, *, size: int = 1000, count: int = 1, key_count: int = 0
) -> dict[str, Any]:
    """From before a request is sent until it is acknowledged by `acks=all`: `rate` requests of `count` records a second
    on one connection. `samples` holds when each was sent, in seconds of the machine's monotonic clock, and its wait."""
    connection = connect(port)
    records = frames.batch(payloads(size, count, varied=False), keys=keys(count, key_count))
    request = frames.produce(topic, 0, records)
    answer_bytes = frames.produce_answer_bytes(topic)
    pace = Pace(rate, seconds)
    total = pace.left
    under_way: deque[float] = deque()
    samples: list[tuple[float, float]] = []
    got = b""
    while len(samples) < total:
        now = time.perf_counter()
        while pace.is_due(now):
            under_way.append(time.perf_counter())
            connection.sendall(request)
            now = time.perf_counter()
        readable, _, _ = select.select([connection], [], [], pace.patience(now))
        if not readable:
            continue
        more = connection.recv(65536)
        now = time.perf_counter()
        got += more
        if not more or (len(got) >= answer_bytes and frames.produce_error(got, topic)):
            raise RuntimeError(f"produce answered {got[:answer_bytes]!r}")
        while len(got) >= answer_bytes:
            sent_at = under_way.popleft()
            samples.append((sent_at, now - sent_at))
            got = got[answer_bytes:]
    return {"samples": samples[pace.uncounted :], "bytes": total * count * size}


WAYS: dict[str, Any] = {"latency": latency, "acknowledged": acknowledged}
