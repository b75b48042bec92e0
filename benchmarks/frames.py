"""The few requests the load generators send, built once as bytes: no client, so no client's cost in the figures.

Old, inflexible versions that Kafka 4.3 still serves (Produce 7, Fetch 11, …): simple to build, simple to skip over.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import cramjam
import google_crc32c

PRODUCE, FETCH, METADATA, CREATE_TOPICS, DELETE_TOPICS = 0, 1, 3, 19, 20
BATCH_HEADER = struct.Struct(">qiibIhiqqqhii")
TIMESTAMP_MS = 1_700_000_000_000
CODECS = {"none": 0, "zstd": 4}
NO_SESSION = -1
"""The epoch of a fetch that stands alone."""


def varint(number: int) -> bytes:
    """A signed number in zigzag."""
    value = (number << 1) ^ (number >> 63)
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def batch(
    values: Iterable[bytes], *, compression: str = "none", keys: Iterable[bytes] | None = None
) -> bytes:
    """A record batch of these values, without keys unless they are given."""
    values = list(values)
    heads = [b"\x01"] * len(values) if keys is None else [varint(len(key)) + key for key in keys]
    records = bytearray()
    for delta, (head, value) in enumerate(zip(heads, values, strict=True)):
        body = b"\x00\x00" + varint(delta) + head + varint(len(value)) + value + b"\x00"
        records += varint(len(body)) + body
    stored = bytes(cramjam.zstd.compress(bytes(records))) if compression == "zstd" else bytes(records)
    count, times = len(values), (TIMESTAMP_MS, TIMESTAMP_MS)
    rest = struct.pack(">hiqqqhii", CODECS[compression], count - 1, *times, -1, -1, -1, count) + stored
    return struct.pack(">qiibI", 0, len(rest) + 9, -1, 2, google_crc32c.value(rest)) + rest


def text(word: str) -> bytes:
    raw = word.encode()
    return struct.pack(">h", len(raw)) + raw


def frame(key: int, version: int, body: bytes) -> bytes:
    whole = struct.pack(">hhi", key, version, 1) + text("benchmark") + body
    return struct.pack(">i", len(whole)) + whole


def produce(topic: str, partition: int, records: bytes, acks: int = -1) -> bytes:
    head = struct.pack(">hhii", -1, acks, 30_000, 1) + text(topic)
    return frame(PRODUCE, 7, head + struct.pack(">iii", 1, partition, len(records)) + records)


def produce_answer(topic: str, offset: int = 0) -> bytes:
    """What a node answers to `produce` when all is well; always the same size."""
    body = struct.pack(">ii", 1, 1) + text(topic) + struct.pack(">iihqqqi", 1, 0, 0, offset, -1, 0, 0)
    return struct.pack(">i", len(body)) + body


def produce_answer_bytes(topic: str) -> int:
    """The size of the answer to `produce`, its length field included."""
    return len(produce_answer(topic))


def produce_error(answer: bytes, topic: str) -> int:
    """The error code in a whole answer to `produce`."""
    code: int = struct.unpack_from(">h", answer, 4 + 4 + 4 + len(text(topic)) + 4 + 4)[0]
    return code


def fetch(topic: str, partition: int, offset: int, *, wait_ms: int, max_bytes: int) -> bytes:
    """One partition, without a session."""
    return fetch_many(topic, {partition: offset}, wait_ms=wait_ms, max_bytes=max_bytes)


def fetch_many(
    topic: str,
    offsets: dict[int, int],
    *,
    wait_ms: int,
    max_bytes: int,
    session: int = 0,
    epoch: int = NO_SESSION,
) -> bytes:
    """Partitions of one topic; with a session (KIP-227) those that are new to it or have moved."""
    head = struct.pack(">iiiibii", -1, wait_ms, 1, max_bytes, 0, session, epoch)
    wanted = struct.pack(">i", len(offsets)) + b"".join(
        struct.pack(">iiqqi", partition, -1, offset, -1, max_bytes) for partition, offset in offsets.items()
    )
    topics = struct.pack(">i", 1) + text(topic) + wanted if offsets else struct.pack(">i", 0)
    return frame(FETCH, 11, head + topics + struct.pack(">i", 0) + text(""))


class Fetched(NamedTuple):
    """What one partition of a fetch answer holds."""

    partition: int
    records: memoryview


def fetched_session(answer: memoryview) -> int:
    """The session id in a whole answer to `fetch_many`. Raises RuntimeError for an error code."""
    error, session = struct.unpack_from(">hi", answer, 4 + 4 + 4)
    if error:
        raise RuntimeError(f"fetch answered with error {error}")
    return int(session)


def fetched_many(answer: memoryview, topic: str) -> Iterator[Fetched]:
    """Every partition in a whole answer to `fetch_many`. Raises RuntimeError for an error code."""
    fetched_session(answer)
    (topics,) = struct.unpack_from(">i", answer, 4 + 4 + 4 + 2 + 4)
    if not topics:
        return
    at = 4 + 4 + 4 + 2 + 4 + 4 + len(text(topic))
    (partitions,) = struct.unpack_from(">i", answer, at)
    at += 4
    for _ in range(partitions):
        partition, error, _, _, _, aborted = struct.unpack_from(">ihqqqi", answer, at)
        if error or aborted > 0:
            raise RuntimeError(f"partition {partition} of the fetch answered with error {error}")
        (size,) = struct.unpack_from(">i", answer, at + 38)
        at += 42
        yield Fetched(partition, answer[at : at + max(size, 0)])
        at += max(size, 0)


def fetched(answer: memoryview, topic: str) -> memoryview:
    """The record batches in a whole answer to `fetch`. Raises RuntimeError for an error code."""
    return next(fetched_many(answer, topic)).records


def fetch_answer_head(topic: str, size: int) -> bytes:
    """What comes before `size` bytes of record batches in an answer to `fetch`."""
    body = struct.pack(">iihii", 1, 0, 0, 0, 1) + text(topic)
    body += struct.pack(">iihqqqiii", 1, 0, 0, 0, 0, 0, -1, -1, size)
    return struct.pack(">i", len(body) + size) + body


def batches(records: memoryview) -> Iterator[tuple[int, int, int]]:
    """(base offset, size, next offset) of every whole batch."""
    position = 0
    while position + BATCH_HEADER.size <= len(records):
        base, length = struct.unpack_from(">qi", records, position)
        if position + 12 + length > len(records):
            return
        (last_delta,) = struct.unpack_from(">i", records, position + 23)
        yield base, 12 + length, base + last_delta + 1
        position += 12 + length


def create_topic(name: str, partitions: int, settings: dict[str, str]) -> bytes:
    body = struct.pack(">i", 1) + text(name) + struct.pack(">ihii", partitions, 1, 0, len(settings))
    body += b"".join(text(key) + text(value) for key, value in settings.items())
    return frame(CREATE_TOPICS, 4, body + struct.pack(">ib", 30_000, 0))


def create_topic_error(answer: memoryview, name: str) -> int:
    code: int = struct.unpack_from(">h", answer, 4 + 4 + 4 + 4 + len(text(name)))[0]
    return code


def delete_topic(name: str) -> bytes:
    return frame(DELETE_TOPICS, 1, struct.pack(">i", 1) + text(name) + struct.pack(">i", 30_000))


def all_metadata() -> bytes:
    """Ask for every topic."""
    return frame(METADATA, 1, struct.pack(">i", -1))
