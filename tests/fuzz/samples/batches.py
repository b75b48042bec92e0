"""Record batches as producers, coordinators and raft leaders write them, in every codec."""

from __future__ import annotations

import struct
from functools import cache

from ottla.core.records.batch import HEADER_SIZE, LOG_OVERHEAD
from ottla.core.records.build import Builder, build
from ottla.core.records.compression import Codec
from ottla.core.records.control import EndTransaction, build_control, build_end_transaction
from ottla.core.records.crc import crc32c
from ottla.core.records.record import Record
from ottla.core.wire.messages.records.control import (
    Endpoint,
    KRaftVersionRecord,
    LeaderChangeMessage,
    SnapshotFooterRecord,
    SnapshotHeaderRecord,
    VotersRecord,
    VotersVoter,
)

WALL = 1_700_000_000_000

RECORDS = [
    Record(0, WALL, b"key", b"value"),
    Record(1, WALL + 1, b"key", None),
    Record(2, WALL + 2, b"other", b"x" * 200, (("name", b"1"), ("name", None), ("schlüssel", b""))),
    Record(3, WALL + 300, b"", b""),
    Record(4, WALL + 4, b"key", b"last"),
]


@cache
def plain_batch() -> bytes:
    return build(RECORDS[:2], Codec.NONE)


@cache
def data_batches() -> tuple[bytes, ...]:
    """One batch in each codec, and batches of an idempotent and a transactional producer."""
    made = [build(RECORDS, codec) for codec in Codec]
    made.append(build(RECORDS, Codec.NONE, producer_id=7, producer_epoch=0, base_sequence=0))
    made.append(
        build(RECORDS, Codec.ZSTD, producer_id=8, producer_epoch=1, base_sequence=0, transactional=True)
    )
    made.append(build([Record(0, WALL, None, None)], Codec.NONE))
    made.append(unordered())
    return tuple(made)


def unordered() -> bytes:
    """Offsets that go 1, 0: a broker that looks numbers them anew."""
    builder = Builder()
    builder.append(WALL, b"k", b"1", offset_delta=1)
    builder.append(WALL, b"k", b"0", offset_delta=0)
    return builder.finish(last_offset_delta=1)


@cache
def control_batches() -> tuple[bytes, ...]:
    """Transaction markers and everything that raft writes."""
    marker = EndTransaction(committed=False, coordinator_epoch=3)
    where = Endpoint(name="CONTROLLER", host="localhost", port=9093)
    messages = (
        LeaderChangeMessage(leader_id=1),
        SnapshotHeaderRecord(last_contained_log_timestamp=WALL),
        KRaftVersionRecord(kraft_version=1),
        VotersRecord(voters=[VotersVoter(voter_id=1, endpoints=[where])]),
        SnapshotFooterRecord(),
    )
    raft = build_control(messages, base_offset=0, leader_epoch=1, timestamp=WALL)
    return (build_end_transaction(8, 1, marker, WALL), raft)


@cache
def every_batch() -> tuple[bytes, ...]:
    return data_batches() + control_batches()


@cache
def logs() -> tuple[bytes, ...]:
    """Stretches of a log: several batches in a row at rising offsets."""
    found = []
    for batches in (data_batches(), data_batches()[-3:] + control_batches(), every_batch()):
        log, offset = bytearray(), 0
        for batch in batches:
            log += struct.pack(">q", offset) + batch[8:]
            offset += struct.unpack_from(">i", batch, 23)[0] + 1
        found.append(bytes(log))
    return tuple(found)


def mended(data: bytes) -> bytes:
    """Every batch in `data` with the CRC it should have, as far as lengths lead from one to the next."""
    out = bytearray(data)
    position = 0
    while len(out) - position >= HEADER_SIZE:
        (length,) = struct.unpack_from(">i", out, position + 8)
        end = position + LOG_OVERHEAD + length
        if length < HEADER_SIZE - LOG_OVERHEAD or end > len(out):
            if position == 0:  # the one batch that a request carries: give it the length it has
                struct.pack_into(">i", out, 8, len(out) - LOG_OVERHEAD)
                end = len(out)
            else:
                break
        struct.pack_into(">I", out, position + 17, crc32c(bytes(out[position + 21 : end])))
        position = end
    return bytes(out)
