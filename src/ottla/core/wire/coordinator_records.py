"""The records of the coordinators' topics: `__consumer_offsets`, `__transaction_state`, `__share_group_state`.

    key    int16 record type, then the key
    value  int16 version, then the value in that version; no value is a tombstone

The type in the key decides which value belongs to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct
from typing import Final, NamedTuple

from ottla.core.wire.codec import DecodeError, decode, encode
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages.records import (
    consumer_groups,
    offsets,
    share_group_state,
    share_groups,
    streams_groups,
    transaction_state,
)

_PREFIX: Final = Struct(">h")
_KEY_VERSION: Final = 0


class RecordType(NamedTuple):
    """The two halves of a coordinator's record."""

    key: type[Body]
    value: type[Body]


class UnknownKey(NamedTuple):
    """The key of a record type from the future, with its bytes."""

    type: int
    raw: bytes


def _by_type(*modules: object) -> dict[int, RecordType]:
    declared = {
        name: each
        for module in modules
        for name, each in vars(module).items()
        if name.endswith(("Key", "Value"))
    }
    keys = {name: each for name, each in declared.items() if name.endswith("Key")}
    return {each.wire.key: RecordType(each, declared[f"{name[:-3]}Value"]) for name, each in keys.items()}


CONSUMER_OFFSETS: Final[Mapping[int, RecordType]] = _by_type(
    offsets, consumer_groups, share_groups, streams_groups
)
TRANSACTION_STATE: Final[Mapping[int, RecordType]] = _by_type(transaction_state)
SHARE_GROUP_STATE: Final[Mapping[int, RecordType]] = _by_type(share_group_state)


def encode_key(key: Body) -> bytes:
    """The key of a log record. Raises EncodeError."""
    assert key.wire.key is not None, f"{type(key).__name__} is no key of a coordinator's record"
    return _PREFIX.pack(key.wire.key) + encode(key, _KEY_VERSION)


def encode_value(value: Body, version: int) -> bytes:
    """The value of a log record. Raises EncodeError."""
    return _PREFIX.pack(version) + encode(value, version)


def decode_key(data: bytes, types: Mapping[int, RecordType]) -> Body | UnknownKey:
    """The key of a record in the topic with these types. Raises DecodeError."""
    number = _prefix(data, "key")
    known = types.get(number)
    return decode(known.key, data, _KEY_VERSION, _PREFIX.size) if known else UnknownKey(number, data)


def decode_value(data: bytes, key: Body, types: Mapping[int, RecordType]) -> Body:
    """The value that goes with `key`. Raises DecodeError, also for a version not known here."""
    assert key.wire.key is not None, f"{type(key).__name__} is no key of a coordinator's record"
    version = _prefix(data, "value")
    return decode(types[key.wire.key].value, data, version, _PREFIX.size)


def _prefix(data: bytes, what: str) -> int:
    if len(data) < _PREFIX.size:
        raise DecodeError(f"the {what} of a coordinator's record has {len(data)} bytes, too few for its type")
    number: int = _PREFIX.unpack_from(data)[0]
    return number
