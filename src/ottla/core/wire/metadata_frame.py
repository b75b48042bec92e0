"""How a record of the metadata log is written into the value of a log record (KIP-631).

    unsigned varint  frame version, always 1
    unsigned varint  record type
    unsigned varint  record version
    the record itself, in that version

The topic of remote log metadata (KIP-405) uses the same frame with types of its own. A type or version that nobody
here knows is kept as an `UnknownRecord`, so that it outlives snapshots and a later release can act on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from ottla.core.wire.codec import DecodeError, decode, encode
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages.records import metadata, remote_log_metadata
from ottla.core.wire.primitives import read_varint, varint

FRAME_VERSION: Final = 1


class UnknownRecord(msgspec.Struct, frozen=True):
    """A record of a type or version from the future; `raw` is its whole frame."""

    type: int
    version: int
    raw: bytes


def _by_type(module: object) -> dict[int, type[Body]]:
    return {
        declared.wire.key: declared
        for declared in vars(module).values()
        if isinstance(declared, type) and issubclass(declared, Body) and "wire" in vars(declared)
        if declared.wire.key is not None
    }


METADATA_RECORDS: Final[Mapping[int, type[Body]]] = _by_type(metadata)
REMOTE_LOG_METADATA_RECORDS: Final[Mapping[int, type[Body]]] = _by_type(remote_log_metadata)


def encode_metadata_record(record: Body | UnknownRecord, version: int) -> bytes:
    """The value of a log record. An unknown record goes back as it came, whatever `version` says.

    Raises EncodeError when the record cannot be written in this version.
    """
    if isinstance(record, UnknownRecord):
        return record.raw
    assert record.wire.key is not None, f"{type(record).__name__} is no record of a metadata log"
    return b"".join(
        (varint(FRAME_VERSION), varint(record.wire.key), varint(version), encode(record, version))
    )


def decode_metadata_record(
    value: bytes, records: Mapping[int, type[Body]] = METADATA_RECORDS
) -> Body | UnknownRecord:
    """The inverse of `encode_metadata_record`. Raises DecodeError for what is damaged or framed otherwise."""
    try:
        frame_version, at = read_varint(value, 0)
        record_type, at = read_varint(value, at)
        version, at = read_varint(value, at)
    except IndexError as error:
        raise DecodeError(f"a metadata record of {len(value)} bytes ends within its frame") from error
    if frame_version != FRAME_VERSION:
        raise DecodeError(f"a metadata record has frame version {frame_version}, not {FRAME_VERSION}")
    declared = records.get(record_type)
    if declared is None or not declared.wire.versions.includes(version):
        return UnknownRecord(record_type, version, value)
    return decode(declared, value, version, at)
