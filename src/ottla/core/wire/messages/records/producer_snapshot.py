"""The file beside a segment that holds what is known of producers at its start. Its CRC-32C covers what follows it."""

from __future__ import annotations

from ottla.core.wire.declaration import Body, int16, int32, int64, message, uint32


class ProducerEntry(Body):
    producer_id: int64 = 0
    epoch: int16 = 0
    last_sequence: int32 = 0
    last_offset: int64 = 0
    offset_delta: int32 = 0
    timestamp: int64 = 0
    coordinator_epoch: int32 = 0
    current_txn_first_offset: int64 = 0


@message("1")
class ProducerSnapshot(Body):
    crc: uint32 = 0
    producer_entries: list[ProducerEntry] = []
