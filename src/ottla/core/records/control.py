"""Control batches: what a log says to its readers about itself.

A control record's key is a version and a type, int16 each; its value is a message of `wire.messages.records.control`.
In any partition a transaction ends with a marker (one record, alone in its batch). The metadata log opens each leader
epoch with a leader change; its snapshots begin with a header and end with a footer; the quorum's own version and its
voters are control records in both.

Control records of unknown types are legal and mean nothing to those who do not know them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from enum import IntEnum
from typing import Final, TypeAlias

import msgspec

from ottla.core.records.batch import BatchHeader, read_header
from ottla.core.records.build import Builder
from ottla.core.records.errors import invalid
from ottla.core.records.record import Record, records
from ottla.core.wire.codec import DecodeError, decode_from, encode
from ottla.core.wire.messages.records.control import (
    EndTxnMarker,
    KRaftVersionRecord,
    LeaderChangeMessage,
    SnapshotFooterRecord,
    SnapshotHeaderRecord,
    VotersRecord,
)

_KEY: Final = struct.Struct(">hh")
_VERSION: Final = struct.Struct(">h")


class ControlType(IntEnum):
    """The type in a control record's key."""

    ABORT = 0
    COMMIT = 1
    LEADER_CHANGE = 2
    SNAPSHOT_HEADER = 3
    SNAPSHOT_FOOTER = 4
    KRAFT_VERSION = 5
    KRAFT_VOTERS = 6


ControlMessage: TypeAlias = (
    LeaderChangeMessage | SnapshotHeaderRecord | SnapshotFooterRecord | KRaftVersionRecord | VotersRecord
)

_TYPES: Final[dict[type[ControlMessage], ControlType]] = {
    LeaderChangeMessage: ControlType.LEADER_CHANGE,
    SnapshotHeaderRecord: ControlType.SNAPSHOT_HEADER,
    SnapshotFooterRecord: ControlType.SNAPSHOT_FOOTER,
    KRaftVersionRecord: ControlType.KRAFT_VERSION,
    VotersRecord: ControlType.KRAFT_VOTERS,
}
_MESSAGES: Final = {control_type: message for message, control_type in _TYPES.items()}
_NEWEST: Final = {ControlType.LEADER_CHANGE: 1}
"""The newest version we read where it is not 0. Kafka itself writes 0 everywhere, and so do we."""


class EndTransaction(msgspec.Struct, frozen=True):
    """What a transaction marker says."""

    committed: bool
    coordinator_epoch: int


def control_type(record: Record) -> ControlType | None:
    """The type of a control record, None for one that we do not know. Raises KafkaError (INVALID_RECORD)."""
    if record.key is None or len(record.key) < _KEY.size:
        raise invalid(f"A control record's key has {len(record.key or b'')} bytes, {_KEY.size} are needed")
    version, number = _KEY.unpack_from(record.key)
    if version < 0:
        raise invalid(f"Invalid version found for control record: {version}")
    return ControlType(number) if ControlType.ABORT <= number <= ControlType.KRAFT_VOTERS else None


def end_transaction_marker(
    batch: bytes | memoryview, header: BatchHeader | None = None
) -> EndTransaction | None:
    """What the marker in a control batch says; None when the batch holds another control record or, compacted, none.

    Raises KafkaError (INVALID_RECORD) for a damaged one.
    """
    for record in records(batch, header):
        kind = control_type(record)
        if kind is None or kind > ControlType.COMMIT:
            return None
        value = record.value or b""
        if len(value) < _VERSION.size or _VERSION.unpack_from(value)[0] < 0:
            raise invalid("The value of a transaction marker has no version")
        try:
            marker, _ = decode_from(EndTxnMarker, value, 0, _VERSION.size)
        except DecodeError as error:
            raise invalid(f"The value of a transaction marker cannot be read: {error}") from error
        return EndTransaction(kind == ControlType.COMMIT, marker.coordinator_epoch)
    return None


def build_end_transaction(
    producer_id: int, producer_epoch: int, marker: EndTransaction, timestamp: int
) -> bytes:
    """The batch that ends a transaction of this producer in one partition; offset and leader epoch are the log's."""
    builder = Builder()
    kind = ControlType.COMMIT if marker.committed else ControlType.ABORT
    value = _VERSION.pack(0) + encode(EndTxnMarker(coordinator_epoch=marker.coordinator_epoch), 0)
    builder.append(timestamp, _KEY.pack(0, kind), value)
    return builder.finish(
        producer_id=producer_id, producer_epoch=producer_epoch, transactional=True, control=True
    )


def build_control(
    messages: Iterable[ControlMessage], *, base_offset: int, leader_epoch: int, timestamp: int
) -> bytes:
    """One control batch with a record for each message, as a raft leader writes it."""
    builder = Builder()
    for message in messages:
        builder.append(timestamp, _KEY.pack(0, _TYPES[type(message)]), encode(message, message.version))
    return builder.finish(base_offset=base_offset, leader_epoch=leader_epoch, control=True)


def control_message(record: Record) -> ControlMessage | None:
    """The message of a raft control record; None for transaction markers and for types that we do not know.

    A message of a newer version than ours is read as the newest we know, as Kafka does: later versions only add to
    its end. Raises KafkaError (INVALID_RECORD) for a damaged one.
    """
    kind = control_type(record)
    if kind is None or kind not in _MESSAGES:
        return None
    value = record.value or b""
    if len(value) < _VERSION.size:
        raise invalid(f"The value of a {kind.name} control record has no version")
    (version,) = _VERSION.unpack_from(value)
    try:
        message, _ = decode_from(_MESSAGES[kind], value, max(0, min(version, _NEWEST.get(kind, 0))))
    except DecodeError as error:
        raise invalid(f"The value of a {kind.name} control record cannot be read: {error}") from error
    return message


def control_messages(batch: bytes | memoryview, header: BatchHeader | None = None) -> list[ControlMessage]:
    """All messages of a raft control batch that we know."""
    if header is None:
        header = read_header(batch)
    found = (control_message(record) for record in records(batch, header))
    return [message for message in found if message is not None]
