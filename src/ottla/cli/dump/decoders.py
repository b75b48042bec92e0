"""The contents of records by the log they lie in: metadata, offsets, transactions, share groups, or plain bytes.

A record that cannot be decoded is shown as the bytes it is, with the reason beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ottla.cli.dump.plain import plain, text_of
from ottla.cli.dump.rows import Row
from ottla.core.records.record import Record
from ottla.core.wire.coordinator_records import (
    CONSUMER_OFFSETS,
    SHARE_GROUP_STATE,
    TRANSACTION_STATE,
    RecordType,
    UnknownKey,
    decode_key,
    decode_value,
)
from ottla.core.wire.metadata_frame import UnknownRecord, decode_metadata_record
from ottla.core.wire.primitives import DecodeError

TOPICS: Final = {
    "__cluster_metadata": "metadata",
    "__consumer_offsets": "offsets",
    "__transaction_state": "transactions",
    "__share_group_state": "share",
}
"""Which decoder the records of a topic want."""


def decode_plain(record: Record) -> Row:
    return {"key": text_of(record.key), "value": text_of(record.value)}


def decode_metadata(record: Record) -> Row:
    """A record of the metadata log, by name."""
    if record.value is None:
        return decode_plain(record)
    decoded = decode_metadata_record(record.value)
    if isinstance(decoded, UnknownRecord):
        return {"type": f"unknown {decoded.type} version {decoded.version}", "data": text_of(decoded.raw)}
    return {"type": type(decoded).__name__, "data": plain(decoded)}


def coordinator_decoder(types: Mapping[int, RecordType]) -> Callable[[Record], Row]:
    """Records of a coordinator's topic, by name; a missing value is a tombstone."""

    def decode(record: Record) -> Row:
        if record.key is None:
            return decode_plain(record)
        key = decode_key(record.key, types)
        if isinstance(key, UnknownKey):
            return {"type": f"unknown {key.type}", **decode_plain(record)}
        value: Any = None if record.value is None else plain(decode_value(record.value, key, types))
        return {"type": type(key).__name__.removesuffix("Key"), "key": plain(key), "value": value}

    return decode


DECODERS: Final[dict[str, Callable[[Record], Row]]] = {
    "plain": decode_plain,
    "metadata": decode_metadata,
    "offsets": coordinator_decoder(CONSUMER_OFFSETS),
    "transactions": coordinator_decoder(TRANSACTION_STATE),
    "share": coordinator_decoder(SHARE_GROUP_STATE),
}


def contents(record: Record, decoder: str) -> Row:
    """What a record holds."""
    try:
        return DECODERS[decoder](record)
    except (DecodeError, ValueError) as error:
        return {**decode_plain(record), "undecodable": str(error)}
