"""What the codec costs: microseconds per message, best of several rounds.

    .venv/bin/python benchmarks/micro_codec.py

Messages that a busy broker sees all day, at sizes it sees them in. Figures are for reading, not for asserting.
"""

from __future__ import annotations

import timeit
from collections.abc import Callable
from typing import Any

from ottla.core.wire.codec import decode, encode, encode_parts
from ottla.core.wire.declaration import Body
from ottla.core.wire.frames import SIZE, FrameReader
from ottla.core.wire.messages import api_versions, fetch, heartbeat, metadata, produce


def microseconds(work: Callable[[], Any]) -> float:
    """Best of seven rounds of about 30 ms each."""
    timer = timeit.Timer(work)
    once = timer.timeit(1)
    number = max(1, int(0.03 / max(once, 1e-7)))
    return min(timer.repeat(7, number)) / number * 1e6


def produce_request() -> Body:
    data = produce.PartitionProduceData(index=3, records=bytes(16 * 1024))
    topic = produce.TopicProduceData(topic_id=bytes(range(16)), partition_data=[data])
    return produce.ProduceRequest(acks=-1, timeout_ms=30_000, topic_data=[topic])


def fetch_request(partitions: int) -> Body:
    asked = [
        fetch.FetchPartition(partition=n, fetch_offset=1000 * n, partition_max_bytes=1 << 20)
        for n in range(partitions)
    ]
    topic = fetch.FetchTopic(topic="orders", partitions=asked)
    return fetch.FetchRequest(max_wait_ms=500, min_bytes=1, topics=[topic], rack_id="a")


def fetch_response(partitions: int) -> Body:
    answers = [
        fetch.PartitionData(
            partition_index=n, high_watermark=10_000, last_stable_offset=10_000, records=bytes(1024)
        )
        for n in range(partitions)
    ]
    return fetch.FetchResponse(responses=[fetch.FetchableTopicResponse(topic="orders", partitions=answers)])


def metadata_response(topics: int, partitions: int) -> Body:
    """Three replicas a partition."""
    brokers = [
        metadata.MetadataResponseBroker(node_id=n, host=f"broker-{n}.example", port=9092) for n in range(3)
    ]
    described = [
        metadata.MetadataResponseTopic(
            name=f"topic-{t}",
            topic_id=bytes(range(16)),
            partitions=[
                metadata.MetadataResponsePartition(
                    partition_index=p,
                    leader_id=p % 3,
                    leader_epoch=5,
                    replica_nodes=[0, 1, 2],
                    isr_nodes=[0, 1, 2],
                )
                for p in range(partitions)
            ],
        )
        for t in range(topics)
    ]
    return metadata.MetadataResponse(brokers=brokers, cluster_id="cluster", controller_id=1, topics=described)


CASES: list[tuple[str, Body, int]] = [
    (
        "ApiVersions request",
        api_versions.ApiVersionsRequest(client_software_name="x", client_software_version="1"),
        4,
    ),
    (
        "ApiVersions response, 60 APIs",
        api_versions.ApiVersionsResponse(api_keys=[api_versions.ApiVersion(k, 0, 9) for k in range(60)]),
        4,
    ),
    (
        "Heartbeat request",
        heartbeat.HeartbeatRequest(group_id="group", generation_id=5, member_id="member-1"),
        4,
    ),
    ("Produce request, 16 kB", produce_request(), 13),
    ("Fetch request, 10 partitions", fetch_request(10), 12),
    ("Fetch response, 10 partitions", fetch_response(10), 12),
    ("Metadata response, 50 x 6", metadata_response(50, 6), 12),
    ("Metadata response, 100 x 10", metadata_response(100, 10), 12),
]


def main() -> None:
    print(f"{'':34} {'version':>7} {'bytes':>8} {'decode µs':>10} {'encode µs':>10} {'parts µs':>10}")
    for name, message, version in CASES:
        data = encode(message, version)
        cls = type(message)
        assert encode(decode(cls, data, version), version) == data
        read = microseconds(lambda: decode(cls, data, version))  # noqa: B023 (called at once)
        write = microseconds(lambda: encode(message, version))  # noqa: B023
        parts = microseconds(lambda: encode_parts(message, version))  # noqa: B023
        print(f"{name:34} {version:7} {len(data):8} {read:10.2f} {write:10.2f} {parts:10.2f}")
    for size, reception in ((100, 64 * 1024), (1 << 20, 256 * 1024)):
        print(
            f"{f'frames of {size} B':34} {'':7} {size:8} {microseconds(frames(size, reception)):10.2f}  (each)"
        )


def frames(size: int, reception: int) -> Callable[[], None]:
    """One frame, received in pieces of at most `reception` bytes (many frames in one, when they are small)."""
    many = max(1, reception // (size + 4))
    stream = (SIZE.pack(size) + bytes(size)) * many
    reader = FrameReader(100 << 20)

    def receive() -> None:
        at = 0
        while at < len(stream):
            room = reader.buffer()
            count = min(len(room), reception, len(stream) - at)
            room[:count] = stream[at : at + count]
            reader.filled(count)
            at += count

    receive()
    return receive


if __name__ == "__main__":
    main()
