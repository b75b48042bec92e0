"""What a broker asks of a client's records before they enter a log.

A produce request's records pass in two steps, as in Kafka, and fail with Kafka's error codes:

* `check_produce` asks what the request version asks: exactly one batch, magic 2, zstd only from version 7.
* `validate` asks what the topic asks. The header always: base offset 0, size, CRC, offsets and count that agree, no
  control batch, a sequence with every producer id. The records inside only when they must be seen: for a compacted
  topic (every record needs a key), for timestamps that may lie outside the topic's window, for another compression
  than the producer's; or always, in deep mode, where the number of records and their offsets are checked too.

The batch comes back as parts with what the broker may change already changed (log append time, compression); base
offset and leader epoch are stamped by the log, which alone knows them.
"""

from __future__ import annotations

from typing import Final

from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.records.batch import (
    CODEC_MASK,
    HEADER_SIZE,
    LOG_APPEND_TIME_BIT,
    LOG_OVERHEAD,
    TRANSACTIONAL_BIT,
    BatchHeader,
    TimestampType,
    batch_size,
    check_crc,
    first_header,
    pack_header,
)
from ottla.core.records.compression import Codec, compress
from ottla.core.records.errors import InvalidRecords, RecordError, invalid
from ottla.core.records.record import payload, walk
from ottla.core.records.rules import NO_BOUND, Rules
from ottla.core.records.stamping import rewrite
from ottla.core.records.varint import encode_varint

ZSTD_MIN_PRODUCE_VERSION: Final = 7
NO_TIMESTAMP: Final = -1
LAST_CODEC: Final = int(Codec.ZSTD)
"""Higher numbers mean nothing."""

RECORDS_MAX: Final = 1 << 20
"""Records of one batch. A kilobyte of zstd can hold ten million, which would keep everybody waiting for seconds; and where
nobody looks inside, a header could take two billion offsets at a time."""
SMALLEST_RECORD: Final = 7
"""Bytes of a record with neither key, value nor headers."""

_SHOWN_ERRORS: Final = 3
_ERRORS_MAX: Final = 10_000
"""Refused records that are told one by one; a batch with more of them is not read on."""


class Validated:
    """A batch that may enter the log: its header and its parts, base offset and leader epoch still the client's."""

    __slots__ = ("converted", "header", "log_append_time", "parts")

    def __init__(
        self,
        header: BatchHeader,
        parts: list[bytes | memoryview],
        log_append_time: int = NO_TIMESTAMP,
        converted: bool = False,
    ) -> None:
        self.header = header
        self.parts = parts
        self.log_append_time = log_append_time
        """-1 when the topic keeps the producer's timestamps."""
        self.converted = converted
        """The records were rebuilt, so the size may differ from what was sent."""


def check_produce(
    records: bytes | memoryview | None, version: int, *, transactional: bool = True
) -> BatchHeader:
    """The header of the one batch that a Produce request of `version` may carry for a partition.

    `transactional`: the request names a transactional id. Without one a batch of a transaction must not get in: nobody
    would ever end it. Raises KafkaError: INVALID_RECORD (no batch, several, not magic 2), CORRUPT_MESSAGE,
    UNSUPPORTED_COMPRESSION_TYPE, TRANSACTIONAL_ID_AUTHORIZATION_FAILED.
    A few bytes after the batch, too few to be another one, are tolerated as Kafka does.
    """
    end = 0 if records is None else len(records)
    try:
        header = first_header(records, end) if records is not None else None
        if records is None or header is None:
            raise invalid(
                f"Produce requests with version {version} must have at least one record batch per partition"
            )
        if version < ZSTD_MIN_PRODUCE_VERSION and header.attributes & CODEC_MASK == Codec.ZSTD:
            raise KafkaError(
                ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
                f"Produce requests with version {version} are not allowed to use ZStandard compression",
            )
        if not transactional and header.attributes & TRANSACTIONAL_BIT:
            raise KafkaError(
                ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
                "A batch of a transaction needs a request with a transactional id",
            )
        size = header.length + LOG_OVERHEAD
        if end != size:
            more = batch_size(records, size, end)
            if more is not None and more <= end - size:
                raise invalid(
                    f"Produce requests with version {version} are only allowed to contain exactly one record batch "
                    "per partition"
                )
    except KafkaError as error:
        if error.code == ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT:
            raise invalid(
                f"Produce requests with version {version} are only allowed to contain record batches with magic "
                "version 2"
            ) from error
        raise
    return header


def validate(
    records: bytes | memoryview,
    rules: Rules,
    wall: int,
    partition: str = "",
    header: BatchHeader | None = None,
) -> Validated:
    """The one batch in `records`, fit for a topic with these `rules`. `wall`: now, ms since 1970.

    `partition` ("topic-0") is named in what the client is told. `header` is what `check_produce` read, if it was asked.
    Raises KafkaError with the code Kafka gives; for single refused records it is an `InvalidRecords`.
    """
    end = len(records)
    if header is None:
        header = first_header(records, end)
        if header is None:
            raise invalid("Record batch has no batches at all")
    size = header.length + LOG_OVERHEAD
    batch = records if size == end else memoryview(records)[:size]
    check_client_header(header, rules.max_message_bytes, partition)
    check_crc(batch, header)
    check_client_contract(header, partition)
    return _fit(batch, header, rules, wall, partition)


def check_client_header(header: BatchHeader, max_message_bytes: int, partition: str = "") -> None:
    """Raises INVALID_RECORD for a base offset other than 0, MESSAGE_TOO_LARGE beyond `max_message_bytes`."""
    if header.base_offset != 0:
        raise invalid(
            f"The baseOffset of the record batch in the append to {partition} should be 0, but it is {header.base_offset}"
        )
    if header.size > max_message_bytes:
        raise KafkaError(
            ErrorCode.MESSAGE_TOO_LARGE,
            f"The record batch size in the append to {partition} is {header.size} bytes which exceeds the maximum "
            f"configured value of {max_message_bytes}).",
        )


def check_client_contract(header: BatchHeader, partition: str = "") -> None:
    """Raises INVALID_RECORD for fields that contradict each other or that no client may set."""
    last_delta, count = header.last_offset_delta, header.count
    if last_delta < 0:
        raise invalid(f"Batch has an invalid offset range: [0, {last_delta}] in topic partition {partition}")
    if count <= 0:
        raise invalid(f"Invalid reported count for record batch: {count} in topic partition {partition}")
    if last_delta + 1 != count:
        raise invalid(
            f"Inconsistent batch offset range [0, {last_delta}] and count of records {count} in topic partition {partition}"
        )
    if count > RECORDS_MAX:
        raise invalid(
            f"A record batch of {count} records in topic partition {partition}: {RECORDS_MAX} are allowed"
        )
    if count * SMALLEST_RECORD > header.size - HEADER_SIZE and not header.attributes & CODEC_MASK:
        raise invalid("Incorrect declared batch size, premature EOF reached")
    if header.is_control:
        raise invalid(f"Clients are not allowed to write control records in topic partition {partition}")
    if header.base_sequence < 0 <= header.producer_id:
        raise invalid(
            f"Invalid sequence number {header.base_sequence} in record batch with producerId {header.producer_id} in "
            f"topic partition {partition}"
        )
    if header.attributes & CODEC_MASK > LAST_CODEC:
        raise invalid(
            f"Unknown compression type id: {header.attributes & CODEC_MASK} in topic partition {partition}"
        )


def _fit(
    batch: bytes | memoryview, header: BatchHeader, rules: Rules, wall: int, partition: str
) -> Validated:
    append_time = rules.log_append_time
    converts = rules.codec is not None and rules.codec != header.attributes & CODEC_MASK
    if rules.deep or converts or rules.compacted or _timestamps_in_doubt(header, rules, wall):
        plain = payload(batch, header, rules.decompressed_limit)
        max_timestamp, in_order = _check_records(plain, header, rules, wall, partition)
        if not append_time and header.timestamp_type == TimestampType.LOG_APPEND_TIME:
            max_timestamp = header.max_timestamp
        if converts or not in_order:
            return _rebuild(plain, header, rules, wall, max_timestamp, in_order)
    else:
        max_timestamp = header.max_timestamp
    if append_time:
        parts = rewrite(batch, header, timestamp_type=TimestampType.LOG_APPEND_TIME, max_timestamp=wall)
        return Validated(header, parts, wall, False)
    if max_timestamp == header.max_timestamp and not header.attributes & LOG_APPEND_TIME_BIT:
        return Validated(header, [batch], NO_TIMESTAMP, False)
    parts = rewrite(batch, header, timestamp_type=TimestampType.CREATE_TIME, max_timestamp=max_timestamp)
    return Validated(header, parts, NO_TIMESTAMP, False)


def _timestamps_in_doubt(header: BatchHeader, rules: Rules, wall: int) -> bool:
    """Whether the header alone cannot tell that every timestamp is within the topic's window."""
    if header.attributes & LOG_APPEND_TIME_BIT:
        return True
    if rules.log_append_time:
        return False
    return rules.before_max_ms != NO_BOUND or header.max_timestamp - wall > rules.after_max_ms


def _check_records(
    plain: bytes, header: BatchHeader, rules: Rules, wall: int, partition: str
) -> tuple[int, bool]:
    """(largest timestamp, whether offsets run 0, 1, 2, …). Raises InvalidRecords naming each refused record."""
    errors: list[RecordError] = []
    bad_timestamp = False
    by_producer = not rules.log_append_time
    stamped = header.timestamp_type == TimestampType.LOG_APPEND_TIME
    earliest = max(wall - rules.before_max_ms, -NO_BOUND)
    latest = min(wall + rules.after_max_ms, NO_BOUND)
    largest = NO_TIMESTAMP
    in_order = True
    for index, span in enumerate(walk(plain, header.count)):
        if len(errors) == _ERRORS_MAX:
            break
        timestamp = header.max_timestamp if stamped else header.base_timestamp + span.timestamp_delta
        if span.offset_delta != index:
            in_order = False
        if timestamp > largest:
            largest = timestamp
        if rules.compacted and span.key_size < 0:
            errors.append(
                RecordError(
                    index, f"Compacted topic cannot accept message without key in topic partition {partition}"
                )
            )
        elif by_producer and timestamp != NO_TIMESTAMP:
            if not earliest <= timestamp <= latest:
                bad_timestamp = True
                errors.append(
                    RecordError(
                        index,
                        f"Timestamp {timestamp} of message with offset {span.offset_delta} is out of range. The timestamp "
                        f"should be within [{earliest}, {latest}]",
                    )
                )
        elif stamped:
            bad_timestamp = True
            errors.append(
                RecordError(
                    index,
                    f"Invalid timestamp type in message with offset {span.offset_delta}. Producer should not set "
                    "timestamp type to LogAppendTime.",
                )
            )
    if errors:
        raise _refusal(errors, bad_timestamp)
    return largest, in_order


def _refusal(errors: list[RecordError], bad_timestamp: bool) -> InvalidRecords:
    if bad_timestamp:
        return InvalidRecords(
            ErrorCode.INVALID_TIMESTAMP,
            "One or more records have been rejected due to invalid timestamp",
            errors,
        )
    shown = "; ".join(f"record {error.index}: {error.message}" for error in errors[:_SHOWN_ERRORS])
    return InvalidRecords(
        ErrorCode.INVALID_RECORD,
        f"One or more records have been rejected due to {len(errors)} record errors in total, and only showing the "
        f"first three errors at most: {shown}",
        errors,
    )


def _rebuild(
    plain: bytes, header: BatchHeader, rules: Rules, wall: int, max_timestamp: int, in_order: bool
) -> Validated:
    """The same records under another codec, or with their offsets put in order."""
    if not in_order:
        plain = _renumbered(plain, header.count)
    codec = header.codec if rules.codec is None else rules.codec
    packed = compress(codec, plain, rules.level)
    append_time = rules.log_append_time
    header.length = HEADER_SIZE - LOG_OVERHEAD + len(packed)
    header.attributes = header.attributes & ~(CODEC_MASK | LOG_APPEND_TIME_BIT) | codec
    if append_time:
        header.attributes |= LOG_APPEND_TIME_BIT
    header.max_timestamp = wall if append_time else max_timestamp
    if header.size > rules.max_message_bytes:
        raise KafkaError(
            ErrorCode.MESSAGE_TOO_LARGE,
            f"Message batch size is {header.size} bytes after compression with {codec.name.lower()}, which exceeds the "
            f"maximum configured size of {rules.max_message_bytes}.",
        )
    head = pack_header(header, packed)
    return Validated(header, [head, packed], wall if append_time else NO_TIMESTAMP, True)


def _renumbered(plain: bytes, count: int) -> bytes:
    """The payload with offset deltas 0, 1, 2, …, as Kafka gives them to records of clients that count differently."""
    out = bytearray()
    for index, span in enumerate(walk(plain, count)):
        body = (
            b"\0" + encode_varint(span.timestamp_delta) + encode_varint(index) + plain[span.rest : span.end]
        )
        out += encode_varint(len(body))
        out += body
    return bytes(out)
