"""The few requests the load generators send, built once as bytes: no client, so no client's cost in the figures.

Old, inflexible versions that Kafka 4.3 still serves (Produce 7, Fetch 11): simple to build, simple to skip over.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import google_crc32c

PRODUCE, FETCH, METADATA, CREATE_TOPICS = 0, 1, 3, 19
BATCH_HEADER = struct.Struct(">qiibIhiqqqhii")
TIMESTAMP_MS = 1_700_000_000_000


def varint(number: int) -> bytes:
    """A signed number in zigzag."""
    value = (number << 1) ^ (number >> 63)
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def batch(value: bytes, count: int = 1) -> bytes:
    """A record batch of `count` records without key, all with the same value."""
    records = bytearray()
    for delta in range(count):
        body = b"\x00\x00" + varint(delta) + b"\x01" + varint(len(value)) + value + b"\x00"
        records += varint(len(body)) + body
    rest = struct.pack(">hiqqqhii", 0, count - 1, TIMESTAMP_MS, TIMESTAMP_MS, -1, -1, -1, count) + records
    return struct.pack(">qiibI", 0, len(rest) + 9, -1, 2, google_crc32c.value(bytes(rest))) + rest


def text(word: str) -> bytes:
    raw = word.encode()
    return struct.pack(">h", len(raw)) + raw


def frame(key: int, version: int, body: bytes) -> bytes:
    whole = struct.pack(">hhi", key, version, 1) + text("benchmark") + body
    return struct.pack(">i", len(whole)) + whole


def produce(topic: str, partition: int, records: bytes, acks: int = -1) -> bytes:
    head = struct.pack(">hhii", -1, acks, 30_000, 1) + text(topic)
    return frame(PRODUCE, 7, head + struct.pack(">iii", 1, partition, len(records)) + records)


def produce_answer_bytes(topic: str) -> int:
    """The size of the answer to `produce`, its length field included: always the same."""
    return 4 + 4 + 4 + len(text(topic)) + 4 + (4 + 2 + 8 + 8 + 8) + 4


def produce_error(answer: bytes, topic: str) -> int:
    """The error code in a whole answer to `produce`."""
    code: int = struct.unpack_from(">h", answer, 4 + 4 + 4 + len(text(topic)) + 4 + 4)[0]
    return code


def fetch(topic: str, partition: int, offset: int, *, wait_ms: int, max_bytes: int) -> bytes:
    head = struct.pack(">iiiibii", -1, wait_ms, 1, max_bytes, 0, 0, -1)
    where = (
        struct.pack(">i", 1) + text(topic) + struct.pack(">iiiqqi", 1, partition, -1, offset, -1, max_bytes)
    )
    return frame(FETCH, 11, head + where + struct.pack(">i", 0) + text(""))


def fetched(answer: memoryview, topic: str) -> memoryview:
    """The record batches in a whole answer to `fetch`. Raises RuntimeError for an error code."""
    at = 4 + 4 + 4 + 2 + 4 + 4 + len(text(topic)) + 4
    _, error, _, _, _, aborted, _, size = struct.unpack_from(">ihqqqiii", answer, at)
    if error or aborted > 0:
        raise RuntimeError(f"fetch answered with error {error}")
    start = at + struct.calcsize(">ihqqqiii")
    return answer[start : start + max(size, 0)]


def batches(records: memoryview) -> Iterator[tuple[int, int, int]]:
    """(position, size, next offset) of every whole batch."""
    position = 0
    while position + BATCH_HEADER.size <= len(records):
        base, length = struct.unpack_from(">qi", records, position)
        if position + 12 + length > len(records):
            return
        (last_delta,) = struct.unpack_from(">i", records, position + 23)
        yield position, 12 + length, base + last_delta + 1
        position += 12 + length
