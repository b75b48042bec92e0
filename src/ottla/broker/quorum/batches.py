"""Batches of the metadata log and of its checkpoints: metadata records as values without keys, control records apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, cast

import msgspec

from ottla.core.metadata.records import record_version
from ottla.core.model.errors import KafkaError
from ottla.core.records.batch import check_crc, headers
from ottla.core.records.build import Builder
from ottla.core.records.control import ControlMessage, control_messages
from ottla.core.records.record import records as records_of
from ottla.core.wire.codec import DecodeError
from ottla.core.wire.declaration import Body
from ottla.core.wire.metadata_frame import UnknownRecord, decode_metadata_record, encode_metadata_record

MAX_BATCH_BYTES: Final = 64 << 10
"""A checkpoint's batches are cut at this size: building one is short enough for the loop of a running node."""


class MetadataLogError(Exception):
    """The metadata log or a checkpoint cannot be read: damaged, or not ours."""


class MetadataBatch(msgspec.Struct, frozen=True):
    """One decoded batch: either `records` or `control`."""

    base_offset: int
    last_offset: int
    epoch: int
    timestamp: int
    size: int
    records: list[object]
    control: list[ControlMessage]
    is_control: bool


def build_batch(
    records: Iterable[object], *, base_offset: int, epoch: int, timestamp: int, metadata_version: int
) -> bytes:
    """One batch of metadata records."""
    builder = Builder()
    for record in records:
        _add(builder, record, timestamp, metadata_version)
    return builder.finish(base_offset=base_offset, leader_epoch=epoch)


def build_batches(
    records: Iterable[object], *, base_offset: int, epoch: int, timestamp: int, metadata_version: int
) -> Iterator[bytes]:
    """As many batches as it takes to stay below `MAX_BATCH_BYTES` each."""
    builder = Builder()
    for record in records:
        _add(builder, record, timestamp, metadata_version)
        if builder.size >= MAX_BATCH_BYTES:
            yield builder.finish(base_offset=base_offset, leader_epoch=epoch)
            base_offset += builder.count
            builder = Builder()
    if builder.count:
        yield builder.finish(base_offset=base_offset, leader_epoch=epoch)


def _add(builder: Builder, record: object, timestamp: int, metadata_version: int) -> None:
    if isinstance(record, UnknownRecord):
        value = encode_metadata_record(record, record.version)
    else:
        value = encode_metadata_record(cast("Body", record), record_version(record, metadata_version))
    builder.append(timestamp, None, value)


def read_batches(data: bytes | memoryview, where: str) -> Iterator[MetadataBatch]:
    """The batches in `data`, checked and decoded. Raises MetadataLogError, naming `where`."""
    view = memoryview(data)
    try:
        for position, header in headers(data):
            check_crc(view, header, position)
            batch = view[position : position + header.size]
            yield MetadataBatch(
                base_offset=header.base_offset,
                last_offset=header.last_offset,
                epoch=header.leader_epoch,
                timestamp=header.max_timestamp,
                size=header.size,
                records=[] if header.is_control else _decoded(batch),
                control=control_messages(batch, header) if header.is_control else [],
                is_control=header.is_control,
            )
    except (KafkaError, DecodeError, ValueError) as error:
        raise MetadataLogError(f"{where} cannot be read: {error}") from error


def _decoded(batch: memoryview) -> list[object]:
    return [decode_metadata_record(record.value or b"") for record in records_of(batch)]
