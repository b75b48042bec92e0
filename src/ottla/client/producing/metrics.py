"""What a producer counts, under the names of Kafka's producer metrics."""

from __future__ import annotations

from ottla.client.producing.accumulator import Accumulator
from ottla.client.producing.delivery import Delivered


class Counters:
    """Counted once a batch or request, never per record."""

    __slots__ = (
        "batches",
        "bytes_sent",
        "failed",
        "latency_max",
        "latency_sum",
        "records",
        "requests",
        "retries",
    )

    def __init__(self) -> None:
        self.records = 0
        """Delivered, and so below."""
        self.batches = 0
        self.failed = 0
        """Records that were not delivered."""
        self.retries = 0
        """Batches sent again, as often as they were."""
        self.requests = 0
        self.bytes_sent = 0
        self.latency_sum = 0
        self.latency_max = 0

    def ended(self, delivered: Delivered) -> None:
        """A batch has reached its end."""
        if delivered.error is None:
            self.records += delivered.count
            self.batches += 1
        else:
            self.failed += delivered.count

    def sent(self, size: int) -> None:
        """A request with `size` bytes of batches has left."""
        self.requests += 1
        self.bytes_sent += size

    def answered(self, took: int) -> None:
        """Its answer came after `took` ms."""
        self.latency_sum += took
        self.latency_max = max(self.latency_max, took)


def metrics_of(counters: Counters, batches: Accumulator, in_flight: int) -> dict[str, float]:
    """Totals since the producer began, and how things stand now. Sizes in bytes, times in ms."""
    memory = batches.settings.buffer_memory
    return {
        "record-send-total": counters.records,
        "record-error-total": counters.failed,
        "record-retry-total": counters.retries,
        "request-total": counters.requests,
        "outgoing-byte-total": counters.bytes_sent,
        "records-per-batch-avg": counters.records / max(counters.batches, 1),
        "batch-size-avg": counters.bytes_sent / max(counters.batches, 1),
        "request-latency-avg": counters.latency_sum / max(counters.requests, 1),
        "request-latency-max": counters.latency_max,
        "requests-in-flight": in_flight,
        "buffer-total-bytes": memory,
        "buffer-available-bytes": max(memory - batches.buffered, 0),
        "waiting-threads": len(batches.room),
    }
