"""What the node counts: plain attributes, added to where the work is done, read by whoever shows them.

Times are microseconds. Latencies fall into buckets by powers of two, so that a quantile costs nothing to collect:
bucket n counts times below 2**n microseconds that are not below 2**(n-1).
"""

from __future__ import annotations

from typing import Final

from ottla.core.groups.counts import GroupCounts

BUCKETS: Final = 40


class Durations:
    """How long something took, each time."""

    __slots__ = ("buckets", "total_micros")

    def __init__(self) -> None:
        self.total_micros = 0
        self.buckets = [0] * BUCKETS

    def done(self, total_micros: int) -> None:
        self.total_micros += total_micros
        power = total_micros.bit_length()
        self.buckets[power if power < BUCKETS else -1] += 1

    def add(self, other: Durations) -> None:
        self.total_micros += other.total_micros
        self.buckets = [mine + theirs for mine, theirs in zip(self.buckets, other.buckets, strict=True)]

    @property
    def count(self) -> int:
        return sum(self.buckets)

    def quantile(self, share: float) -> int:
        """Microseconds below which `share` of them lie, to the next power of two; 0 when there are none."""
        rank = share * self.count
        seen = 0
        for power, count in enumerate(self.buckets):
            seen += count
            if count and seen >= rank:
                return 1 << power
        return 0


class ApiMetrics(Durations):
    """Requests of one API. `total_micros` runs from the moment a request was taken up until its answer went to the
    socket."""

    __slots__ = (
        "errors",
        "local_micros",
        "request_bytes",
        "requests",
        "response_bytes",
        "versions",
    )

    def __init__(self) -> None:
        super().__init__()
        self.requests = 0
        self.versions: dict[int, int] = {}
        self.errors: dict[int, int] = {}
        """error code -> answers that carry it as their own (not those of single partitions)."""
        self.request_bytes = 0
        self.response_bytes = 0
        self.local_micros = 0
        """The part of the total until the answer was there, or had to be waited for."""


class TopicMetrics:
    """Traffic of one topic."""

    __slots__ = (
        "bytes_in",
        "bytes_out",
        "bytes_rejected",
        "failed_fetch_requests",
        "failed_produce_requests",
        "fetch_requests",
        "messages_in",
        "produce_requests",
    )

    def __init__(self) -> None:
        self.bytes_in = 0
        self.bytes_out = 0
        self.bytes_rejected = 0
        self.messages_in = 0
        self.produce_requests = 0
        self.fetch_requests = 0
        self.failed_produce_requests = 0
        self.failed_fetch_requests = 0

    def add(self, other: TopicMetrics) -> None:
        self.bytes_in += other.bytes_in
        self.bytes_out += other.bytes_out
        self.bytes_rejected += other.bytes_rejected
        self.messages_in += other.messages_in
        self.produce_requests += other.produce_requests
        self.fetch_requests += other.fetch_requests
        self.failed_produce_requests += other.failed_produce_requests
        self.failed_fetch_requests += other.failed_fetch_requests


class ListenerMetrics:
    """Connections of one listener."""

    __slots__ = ("accepted", "closed", "connections", "idle_closed", "refused")

    def __init__(self) -> None:
        self.connections = 0
        self.accepted = 0
        self.closed = 0
        self.refused = 0
        """Turned away: too many connections, or bytes that are no request."""
        self.idle_closed = 0


class NodeMetrics:
    """All counters of one node."""

    __slots__ = ("apis", "deleted_topics", "groups", "listeners", "topics")

    def __init__(self) -> None:
        self.apis: dict[int, ApiMetrics] = {}
        self.topics: dict[str, TopicMetrics] = {}
        self.listeners: dict[str, ListenerMetrics] = {}
        self.groups = GroupCounts()
        self.deleted_topics = TopicMetrics()
        """What topics had counted when they were deleted: sums over all topics never fall."""

    def api(self, key: int) -> ApiMetrics:
        found = self.apis.get(key)
        if found is None:
            found = self.apis[key] = ApiMetrics()
        return found

    def topic(self, name: str) -> TopicMetrics:
        found = self.topics.get(name)
        if found is None:
            found = self.topics[name] = TopicMetrics()
        return found

    def listener(self, name: str) -> ListenerMetrics:
        found = self.listeners.get(name)
        if found is None:
            found = self.listeners[name] = ListenerMetrics()
        return found

    def forget_topic(self, name: str) -> None:
        """A topic was deleted: its counts join the sum of the deleted ones."""
        gone = self.topics.pop(name, None)
        if gone is not None:
            self.deleted_topics.add(gone)
