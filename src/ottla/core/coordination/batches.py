"""Records of a coordinator to bytes and back: the batches of its topic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ottla.core.coordination.contract import Producer, Record
from ottla.core.coordination.newest import Newest
from ottla.core.model.errors import KafkaError
from ottla.core.records.batch import BatchHeader
from ottla.core.records.control import end_transaction_marker
from ottla.core.records.record import Record as RawRecord
from ottla.core.records.record import records
from ottla.core.wire.codec import DecodeError
from ottla.core.wire.coordinator_records import (
    RecordType,
    UnknownKey,
    decode_key,
    decode_value,
    encode_key,
    encode_value,
)
from ottla.core.wire.declaration import Body


class Replayed(NamedTuple):
    """A record read back."""

    key: Body
    value: Body | None
    producer: Producer | None
    offset: int


class Ended(NamedTuple):
    """A transaction's marker read back."""

    producer_id: int
    committed: bool


class Unreadable(NamedTuple):
    """A record of a kind or version that is not known here: it is passed over and stays in the log."""

    offset: int
    reason: str


def encode(record: Record) -> tuple[bytes, bytes | None]:
    """Key and value as they lie in the log. Raises EncodeError."""
    value = None if record.value is None else encode_value(record.value, record.version)
    return encode_key(record.key), value


def read(
    batch: bytes | memoryview,
    header: BatchHeader,
    types: Mapping[int, RecordType],
    newest: Newest | None = None,
) -> Iterator[Replayed | Ended | Unreadable]:
    """What a batch of the topic says, in order, but for what `newest` keeps for later. Raises KafkaError for a batch that
    cannot be read."""
    if header.is_control:
        marker = end_transaction_marker(batch, header)
        if marker is not None:
            yield Ended(header.producer_id, marker.committed)
        return
    producer = Producer(header.producer_id, header.producer_epoch) if header.is_transactional else None
    found = records(batch, header) if newest is None else newest.sift(batch, header)
    yield from decoded(found, types, producer)


def decoded(
    found: Iterable[RawRecord], types: Mapping[int, RecordType], producer: Producer | None = None
) -> Iterator[Replayed | Unreadable]:
    """What these records say."""
    for record in found:
        try:
            if record.key is None:
                raise DecodeError("it has no key")
            key = decode_key(record.key, types)
            if isinstance(key, UnknownKey):
                yield Unreadable(record.offset, f"its type {key.type} is not known")
                continue
            value = None if record.value is None else decode_value(record.value, key, types)
        except (DecodeError, KafkaError) as error:
            yield Unreadable(record.offset, str(error))
            continue
        yield Replayed(key, value, producer, record.offset)
