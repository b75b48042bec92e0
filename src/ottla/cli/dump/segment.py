"""Segments and snapshots: batches one by one, as they lie in the file."""

from __future__ import annotations

from collections.abc import Iterator

from ottla.cli.dump.decoders import contents
from ottla.cli.dump.plain import plain
from ottla.cli.dump.rows import Broken, Options, Row
from ottla.core.model.errors import KafkaError
from ottla.core.records.batch import (
    HEADER_SIZE,
    LOG_OVERHEAD,
    MAGIC_POSITION,
    BatchHeader,
    TimestampType,
    batch_size,
    crc_matches,
    read_header,
)
from ottla.core.records.control import control_message, control_type, end_transaction_marker
from ottla.core.records.record import Record, records
from ottla.world.doors import File


def segment_rows(file: File, options: Options) -> Iterator[Row]:
    """A row for each batch, and with `deep` one for each record. Raises Broken where the file breaks off."""
    position = 0
    end = file.size()
    while position < end:
        batch = read_batch(file, position, end)
        header = read_header(batch)
        valid = crc_matches(batch, header)
        yield batch_row(header, position, valid=valid)
        if options.deep:
            if not valid:
                raise Broken(position, "the CRC does not match the batch; its records are not shown")
            yield from record_rows(batch, header, position, options)
        elif not valid:
            raise Broken(position, "the CRC does not match the batch")
        position += header.size


def read_batch(file: File, position: int, end: int) -> bytes:
    """One whole batch. Its announced size is held against the file before anything is read."""
    left = end - position
    head = file.read(min(left, HEADER_SIZE), position)
    if not any(head) and not any(file.read(min(left, 4096), position)):
        raise Broken(position, f"{left} bytes of zeros: the file was preallocated, or its end never written")
    if len(head) <= MAGIC_POSITION:
        raise Broken(position, f"{left} bytes are left, too few for a batch: a torn write")
    try:
        size = batch_size(head, 0, len(head))
    except KafkaError as error:
        raise Broken(position, error.text) from error
    if size is None or size > left or left < HEADER_SIZE:
        announced = size if size is not None else LOG_OVERHEAD
        raise Broken(position, f"a batch of {announced} bytes is announced, {left} are left: a torn write")
    return file.read(size, position)


def batch_row(header: BatchHeader, position: int, *, valid: bool) -> Row:
    log_append = header.timestamp_type == TimestampType.LOG_APPEND_TIME
    codec = header.attributes & 0x07
    return {
        "kind": "batch",
        "position": position,
        "size": header.size,
        "base_offset": header.base_offset,
        "last_offset": header.last_offset,
        "count": header.count,
        "leader_epoch": header.leader_epoch,
        "timestamp_type": "LogAppendTime" if log_append else "CreateTime",
        "max_timestamp": header.max_timestamp,
        "codec": header.codec.name.lower() if codec <= 4 else f"unknown {codec}",
        "producer_id": header.producer_id,
        "producer_epoch": header.producer_epoch,
        "base_sequence": header.base_sequence,
        "last_sequence": header.last_sequence,
        "transactional": header.is_transactional,
        "control": header.is_control,
        "delete_horizon": header.delete_horizon,
        "crc": header.crc,
        "valid": valid,
    }


def record_rows(batch: bytes, header: BatchHeader, position: int, options: Options) -> Iterator[Row]:
    """A row for each record of a batch. Raises Broken for contents that are not what the header says."""
    try:
        for index, record in enumerate(records(batch, header)):
            row: Row = {
                "kind": "record",
                "offset": record.offset,
                "timestamp": record.timestamp,
                "key_size": -1 if record.key is None else len(record.key),
                "value_size": -1 if record.value is None else len(record.value),
                "sequence": header.base_sequence + index if header.base_sequence >= 0 else -1,
                "headers": [name for name, _ in record.headers],
            }
            if header.is_control:
                row |= control_contents(batch, header, record)
            elif options.print_data:
                row |= contents(record, options.decoder)
            yield row
    except KafkaError as error:
        raise Broken(position, f"the records of this batch cannot be read: {error.text}") from error


def control_contents(batch: bytes, header: BatchHeader, record: Record) -> Row:
    """What a control record says, by name."""
    kind = control_type(record)
    if kind is None:
        return {"type": "unknown control record"}
    message = control_message(record)
    if message is not None:
        return {"type": type(message).__name__, "data": plain(message)}
    marker = end_transaction_marker(batch, header)
    epoch = marker.coordinator_epoch if marker else None
    return {"type": "EndTxnMarker", "data": {"kind": kind.name.lower(), "coordinator_epoch": epoch}}
