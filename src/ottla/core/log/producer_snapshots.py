"""The file `<offset>.snapshot`: a log's producers at that offset, so that a restart reads only what comes after it.

It remembers one batch a producer; the older four are given up, as in Kafka.
"""

from __future__ import annotations

import struct
from collections.abc import Collection
from typing import Final

from ottla.core.log.producer import NO_SEQUENCE, KeptBatch, ProducerState
from ottla.core.model.ids import NO_OFFSET, NO_TIMESTAMP
from ottla.core.records.crc import crc32c

_VERSION: Final = 1
_HEAD: Final = struct.Struct(">hIi")
_ENTRY: Final = struct.Struct(">qhiqiqiq")
_CRC_STARTS: Final = 6


def pack_snapshot(producers: Collection[ProducerState]) -> bytes:
    """The contents of the file."""
    body = bytearray()
    for state in producers:
        batch = state.batches[-1] if state.batches else KeptBatch(NO_SEQUENCE, NO_OFFSET, 0, NO_TIMESTAMP)
        body += _ENTRY.pack(
            state.producer_id,
            state.epoch,
            batch.last_sequence,
            batch.last_offset,
            batch.offset_delta,
            state.timestamp,
            state.coordinator_epoch,
            state.transaction_start,
        )
    count = struct.pack(">i", len(producers))
    crc = crc32c(bytes(body), crc32c(count))
    return _HEAD.pack(_VERSION, crc, len(producers)) + bytes(body)


def read_snapshot(data: bytes) -> list[ProducerState]:
    """Every producer in a snapshot file. Raises ValueError when the bytes are no intact snapshot."""
    if len(data) < _HEAD.size:
        raise ValueError(f"producer snapshot: {len(data)} bytes are too few")
    version, crc, count = _HEAD.unpack_from(data)
    if version != _VERSION:
        raise ValueError(f"producer snapshot: version {version} is not known")
    if crc32c(data[_CRC_STARTS:]) != crc:
        raise ValueError("producer snapshot: the CRC does not match")
    if len(data) != _HEAD.size + count * _ENTRY.size:
        raise ValueError(f"producer snapshot: {count} entries are announced, {len(data)} bytes are there")
    states: list[ProducerState] = []
    for entry in _ENTRY.iter_unpack(data[_HEAD.size :]):
        producer_id, epoch, sequence, offset, delta, timestamp, coordinator_epoch, transaction_start = entry
        state = ProducerState(producer_id, epoch)
        if offset >= 0:
            state.batches.append(KeptBatch(sequence, offset, delta, timestamp))
        state.timestamp = timestamp
        state.coordinator_epoch = coordinator_epoch
        state.transaction_start = transaction_start if transaction_start >= 0 else NO_OFFSET
        states.append(state)
    return states
