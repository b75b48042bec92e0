"""Produce, Fetch, ListOffsets and the other questions about records."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from ottla.core.model.ids import Uuid
from ottla.core.records.build import build
from ottla.core.records.compression import Codec
from ottla.core.records.record import Record
from ottla.core.wire.messages import (
    delete_records,
    describe_producers,
    fetch,
    init_producer_id,
    list_offsets,
    offset_for_leader_epoch,
    produce,
)
from tests.conformance.differences.case import STAND_IN, Case, ends, id_of

MADE: Final = 1_700_000_000_000
"""When the records say they were made."""
NOBODY: Final = Uuid(STAND_IN + b"no such topic")
PRODUCE_ENDS: Final = ends(produce.ProduceRequest)
FETCH_ENDS: Final = (4, 7, 12, 13, 18)


def batch(
    count: int = 3, *, key: bytes | None = b"k", value: bytes | None = b"value", made: int = MADE, **more: int
) -> bytes:
    """A batch of like records."""
    records = [Record(index, made + index, key, value, (("h", b"1"),)) for index in range(count)]
    return build(records, **more)  # type: ignore[arg-type]


def patched(data: bytes, position: int, replacement: bytes) -> bytes:
    """Bytes of a batch overwritten; its CRC is wrong afterwards if it covers them."""
    return data[:position] + replacement + data[position + len(replacement) :]


def swapped(data: bytes) -> bytes:
    """The offset deltas of the first two of like records exchanged."""
    first, size = 61, data[61] // 2 + 1
    second = first + size
    place = 4  # behind length, attributes and a timestamp delta of one byte each
    assert (data[first + place - 1], data[second + place - 1]) == (0, 2), data[first:].hex()
    return patched(patched(data, first + place - 1, b"\2"), second + place - 1, b"\0")


def resealed(data: bytes) -> bytes:
    """The CRC made right again."""
    from ottla.core.records.crc import crc32c

    return patched(data, 17, struct.pack(">I", crc32c(data[21:])))


def producing(
    name: str,
    records: bytes | Callable[[int], bytes] | None,
    *,
    topic: str = "data",
    partition: int = 0,
    acks: int = -1,
    transactional_id: str | None = None,
    versions: Sequence[int] | None = PRODUCE_ENDS,
) -> Case:
    def request(version: int) -> produce.ProduceRequest:
        data = records(version) if callable(records) else records
        return produce.ProduceRequest(
            acks=acks,
            timeout_ms=1_000,
            transactional_id=transactional_id,
            topic_data=[
                produce.TopicProduceData(
                    name=topic,
                    topic_id=id_of(topic),
                    partition_data=[produce.PartitionProduceData(index=partition, records=data)],
                )
            ],
        )

    return Case(f"Produce: {name}", request, versions)


def produce_cases() -> Iterator[Case]:
    good = batch()
    yield producing("a batch", good, versions=None)
    yield producing("acks=1", good, acks=1)
    yield producing("acks=0", good, acks=0)
    yield producing("acks=0 to nowhere", good, acks=0, partition=9)
    yield producing("acks=2", good, acks=2)
    yield producing("unknown topic", good, topic="nowhere")
    yield producing("unknown partition", good, partition=7)
    yield producing("negative partition", good, partition=-1)
    yield producing("no records", b"")
    yield producing("null records", None, versions=(13,))
    yield producing("a torn batch", good[:-5])
    yield producing("half a header", good[:30])
    yield producing("garbage behind the batch", good + b"garbage")
    yield producing("two batches", good + good)
    yield producing("wrong CRC", patched(good, len(good) - 3, b"\xff"))
    yield producing("magic 1", patched(good, 16, b"\1"))
    yield producing("magic 0", patched(good, 16, b"\0"))
    yield producing("magic 3", patched(good, 16, b"\3"))
    yield producing("a negative length", patched(good, 8, b"\xff\xff\xff\xf0"))
    yield producing("a length beyond the end", patched(good, 8, b"\0\0\xff\xff"))
    yield producing("a count of zero", resealed(patched(good, 57, struct.pack(">i", 0))))
    yield producing("a negative count", resealed(patched(good, 57, struct.pack(">i", -1))))
    yield producing("a count too large", resealed(patched(good, 57, struct.pack(">i", 4))))
    yield producing("a last delta too large", resealed(patched(good, 23, struct.pack(">i", 9))))
    yield producing("an unknown codec", resealed(patched(good, 21, b"\0\7")))
    yield producing("a control batch", resealed(patched(good, 21, b"\0\x20")))
    yield producing("offsets that fall", resealed(swapped(good)))
    yield producing("a control batch of a transaction", resealed(patched(good, 21, b"\0\x30")))
    yield producing("a batch of a transaction outside one", resealed(patched(good, 21, b"\0\x10")))
    yield producing("a delete horizon from a client", resealed(patched(good, 21, b"\0\x40")))
    yield producing("unknown attributes", resealed(patched(good, 21, b"\x80\0")))
    yield producing("a leader epoch from a client", patched(good, 12, struct.pack(">i", 99)))
    # Kafka corrects what the header says of timestamps, we take it (docs/decisions/0009): not for a topic that is read.
    early = resealed(patched(good, 27, struct.pack(">q", -5)))
    yield producing("a first timestamp below zero", early, topic="spoiled")
    yield producing("a length of a header alone", patched(good, 8, struct.pack(">i", 49)))
    yield producing("a length of less than a header", patched(good, 8, struct.pack(">i", 13)))
    yield producing("the largest length", patched(good, 8, b"\x7f\xff\xff\xff"))
    yield producing("a transactional id for plain records", good, transactional_id="t")
    yield producing("an empty transactional id", good, transactional_id="")
    yield producing("one byte", b"\0")
    yield producing("an empty topic name", good, topic="")
    yield producing("a bad topic name", good, topic="a/b", versions=(3, 12))
    yield producing("to the metadata log", good, topic="__cluster_metadata", versions=(3, 12))
    yield producing("acks=-2", good, acks=-2)
    yield producing("acks=2 to nowhere", good, acks=2, partition=9)
    yield producing("a base offset that is not 0", patched(good, 0, struct.pack(">q", 77)))
    yield producing("LogAppendTime from a client", resealed(patched(good, 21, b"\0\x08")))
    for codec in (Codec.GZIP, Codec.SNAPPY, Codec.LZ4, Codec.ZSTD):
        yield producing(f"{codec.name.lower()}", batch(codec=codec), partition=1, versions=(3, 6, 7, 13))
    yield producing("compressed garbage", resealed(patched(good, 21, b"\0\1")), topic="spoiled")
    yield producing("no keys to a compacted topic", batch(key=None), topic="compacted")
    yield producing("keys to a compacted topic", good, topic="compacted")
    yield producing("tombstones", batch(value=None), topic="compacted")
    yield producing("too large", batch(value=b"x" * 500), topic="small")
    yield producing("too large, compressed", batch(value=b"x" * 500, codec=Codec.GZIP), topic="small")
    yield producing("too few in sync, acks=-1", good, topic="two-in-sync")
    yield producing("too few in sync, acks=1", good, topic="two-in-sync", acks=1)
    yield producing("LogAppendTime", good, topic="stamped", versions=None)
    yield producing("another compression.type", good, topic="recoded")
    yield producing("no timestamps", batch(made=-1 - 2))
    yield producing("from the far future", batch(made=MADE + (1 << 40)))
    yield producing("from too long ago", batch(made=1_000_000), topic="recent-only")
    yield producing(
        "a transaction without coordinator",
        batch(transactional=True, producer_id=7, producer_epoch=0, base_sequence=0),
        transactional_id="t",
    )
    yield from sequence_cases()


def sequence_cases() -> Iterator[Case]:
    """A producer for each version, as its number lives on from request to request."""

    def numbered(sequence: int, epoch: int = 3, count: int = 3) -> Callable[[int], bytes]:
        return lambda version: batch(
            count, producer_id=5_000 + version, producer_epoch=epoch, base_sequence=sequence
        )

    def case(name: str, records: Callable[[int], bytes]) -> Case:
        return producing(f"idempotent, {name}", records, topic="numbered")

    yield case("first", numbered(0))
    yield case("next", numbered(3))
    yield case("again", numbered(3))
    yield case("the one before again", numbered(0))
    yield case("a gap", numbered(20))
    yield case("an overlap", numbered(4))
    yield case("an old epoch", numbered(6, epoch=2))
    yield case("a new epoch not from 0", numbered(6, epoch=4))
    yield case("a new epoch", numbered(0, epoch=5))
    yield case("no sequence", numbered(-1))
    yield case("a negative sequence", numbered(-5))
    yield case("a negative epoch", numbered(3, epoch=-1))
    yield producing(
        "idempotent, unknown and not from 0",
        lambda version: batch(producer_id=6_000 + version, producer_epoch=0, base_sequence=40),
        topic="numbered",
    )


def fetching(
    name: str,
    topic: str = "data",
    partition: int = 0,
    offset: int = 0,
    *,
    versions: Sequence[int] | None = FETCH_ENDS,
    topic_id: Uuid | None = None,
    room: int = 1 << 20,
    epoch: int = -1,
    fetched_epoch: int = -1,
    max_bytes: int = 1 << 20,
    **more: int,
) -> Case:
    def request(version: int) -> fetch.FetchRequest:
        part = fetch.FetchPartition(
            partition=partition,
            fetch_offset=offset,
            partition_max_bytes=room,
            current_leader_epoch=epoch,
            last_fetched_epoch=fetched_epoch if version >= 12 else -1,
        )
        given = topic_id if topic_id is not None else id_of(topic)
        named = fetch.FetchTopic(topic=topic, topic_id=given, partitions=[part])
        return fetch.FetchRequest(max_wait_ms=20, min_bytes=1, max_bytes=max_bytes, topics=[named], **more)

    return Case(f"Fetch: {name}", request, versions)


def fetch_cases() -> Iterator[Case]:
    yield fetching("from the start", versions=None)
    yield fetching("from inside a batch", offset=1)
    yield fetching("from the end", offset=1_000_000)
    yield fetching("a negative offset", offset=-3)
    yield fetching("compressed", partition=1)
    yield fetching("unknown topic", "nowhere", topic_id=NOBODY)
    yield fetching("zero id", topic_id=Uuid(bytes(16)))
    yield fetching("unknown partition", partition=9)
    yield fetching("negative partition", partition=-1)
    yield fetching("read committed", isolation_level=1)
    yield fetching("an isolation level of 7", isolation_level=7)
    yield fetching("one byte", room=1)
    yield fetching("no bytes", room=0)
    yield fetching("negative bytes of a partition", room=-1)
    yield fetching("no bytes at all", max_bytes=0)
    yield fetching("negative bytes at all", max_bytes=-1)
    yield fetching("an old leader epoch", epoch=-1, versions=(9, 18))
    yield fetching("a leader epoch to come", epoch=5, versions=(9, 18))
    yield fetching("a last epoch to come", fetched_epoch=7, versions=(12, 18))
    yield fetching("the last epoch", fetched_epoch=0, versions=(12, 18))
    yield fetching("a follower that is none", versions=(4, 14), replica_id=77)
    yield fetching("an unknown session", versions=(7, 18), session_id=99, session_epoch=1)
    yield fetching("a session epoch without session", versions=(7, 18), session_id=0, session_epoch=4)
    yield fetching("a new session", versions=(7, 18), session_epoch=0)
    yield fetching("closing an unknown session", versions=(7, 18), session_id=99, session_epoch=-1)
    yield fetching("compacted", "compacted")
    yield fetching("numbered", "numbered")
    yield fetching("empty topic", "empty")
    yield Case("Fetch: nothing", fetch.FetchRequest(max_wait_ms=10), FETCH_ENDS)


def asking(
    name: str,
    timestamp: int,
    *,
    topic: str = "data",
    partition: int = 0,
    epoch: int = -1,
    isolation: int = 0,
    replica: int = -1,
    versions: Sequence[int] | None = (1, 4, 7, 8, 9, 10, 11),
) -> Case:
    def request(version: int) -> list_offsets.ListOffsetsRequest:
        part = list_offsets.ListOffsetsPartition(
            partition_index=partition, timestamp=timestamp, current_leader_epoch=epoch
        )
        return list_offsets.ListOffsetsRequest(
            replica_id=replica,
            isolation_level=isolation if version >= 2 else 0,
            topics=[list_offsets.ListOffsetsTopic(name=topic, partitions=[part])],
        )

    return Case(f"ListOffsets: {name}", request, versions)


def offset_cases() -> Iterator[Case]:
    yield asking("latest", -1, versions=None)
    yield asking("earliest", -2)
    yield asking("max timestamp", -3)
    yield asking("earliest local", -4)
    yield asking("latest tiered", -5)
    yield asking("earliest pending upload", -6)
    yield asking("an unknown special", -7)
    yield asking("a time", MADE + 1)
    yield asking("a time before all", 5)
    yield asking("a time after all", MADE * 2)
    yield asking("max timestamp of nothing", -3, topic="empty")
    yield asking("earliest of nothing", -2, topic="empty")
    yield asking("a time in compressed batches", MADE + 2, partition=1)
    yield asking("unknown topic", -1, topic="nowhere")
    yield asking("unknown partition", -1, partition=9)
    yield asking("read committed", -1, isolation=1)
    yield asking("a leader epoch to come", -1, epoch=4, versions=(4, 10))
    yield asking("a follower", -1, replica=1)
    yield asking("a replica of -2", -1, replica=-2)

    def twice(version: int) -> list_offsets.ListOffsetsRequest:
        part = list_offsets.ListOffsetsPartition(partition_index=0, timestamp=-1)
        topic = list_offsets.ListOffsetsTopic(name="data", partitions=[part, part])
        return list_offsets.ListOffsetsRequest(replica_id=-1, topics=[topic])

    yield Case("ListOffsets: a partition twice", twice, (1, 10))
    yield Case("ListOffsets: nothing", list_offsets.ListOffsetsRequest(replica_id=-1), (1, 10))


def other_cases() -> Iterator[Case]:
    for name, topic, partition, epoch, asked in (
        ("the epoch", "data", 0, -1, 0),
        ("an epoch to come", "data", 0, -1, 9),
        ("no epoch", "data", 0, -1, -1),
        ("unknown topic", "nowhere", 0, -1, 0),
        ("unknown partition", "data", 9, -1, 0),
        ("another current epoch", "data", 0, 4, 0),
        ("empty", "empty", 0, 0, 0),
    ):
        part = offset_for_leader_epoch.OffsetForLeaderPartition(
            partition=partition, current_leader_epoch=epoch, leader_epoch=asked
        )
        named = offset_for_leader_epoch.OffsetForLeaderTopic(topic=topic, partitions=[part])
        yield Case(
            f"OffsetForLeaderEpoch: {name}",
            offset_for_leader_epoch.OffsetForLeaderEpochRequest(replica_id=-1, topics=[named]),
            (2, 3, 4),
        )
    for name, topic, indexes in (
        ("some", "numbered", [0]),
        ("none", "data", [0, 1]),
        ("unknown topic", "nowhere", [0]),
        ("unknown partition", "data", [9]),
        ("no partitions", "data", []),
    ):
        asked_for = describe_producers.TopicRequest(name=topic, partition_indexes=indexes)
        yield Case(
            f"DescribeProducers: {name}", describe_producers.DescribeProducersRequest(topics=[asked_for])
        )
    for name, topic, partition, offset in (
        ("some", "data", 0, 2),
        ("the same again", "data", 0, 2),
        ("fewer", "data", 0, 1),
        ("beyond the end", "data", 0, 1 << 40),
        ("all", "data", 1, -1),
        ("a negative offset", "data", 0, -2),
        ("unknown topic", "nowhere", 0, 1),
        ("unknown partition", "data", 9, 1),
        ("compacted", "compacted", 0, 1),
    ):
        cut = delete_records.DeleteRecordsPartition(partition_index=partition, offset=offset)
        of = delete_records.DeleteRecordsTopic(name=topic, partitions=[cut])
        yield Case(
            f"DeleteRecords: {name}", delete_records.DeleteRecordsRequest(topics=[of], timeout_ms=2_000)
        )
    yield fetching("below the start", offset=1)
    yield asking("earliest after deletion", -2)
    asked_id = init_producer_id.InitProducerIdRequest
    yield Case("InitProducerId: new", asked_id(transactional_id=None, transaction_timeout_ms=1000))
    yield Case(
        "InitProducerId: known", asked_id(transactional_id=None, producer_id=3, producer_epoch=2), (3, 5)
    )
    yield Case("InitProducerId: id without epoch", asked_id(transactional_id=None, producer_id=3), (3, 5))
    yield Case("InitProducerId: epoch without id", asked_id(transactional_id=None, producer_epoch=3), (3, 5))
    yield Case("InitProducerId: empty transactional id", asked_id(transactional_id=""), (0, 2, 5))


def data_cases() -> list[Case]:
    return [*produce_cases(), *fetch_cases(), *offset_cases(), *other_cases()]
