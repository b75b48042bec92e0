"""The inputs that cost most: as many of the smallest things as fit, for decoders in which something is counted.

`test_growth.py` feeds them in two sizes and wants the time to grow as the size does.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from ottla.core.log.index import AbortedTransaction, pack_aborted
from ottla.core.records.batch import BatchHeader, pack_header
from ottla.core.records.compression import Codec, compress
from ottla.core.records.lz4 import _HEAD, _short_xxh32
from ottla.core.wire.primitives import varint

Flood = Callable[[int], bytes]


def of(piece: bytes, *, before: bytes = b"", after: bytes = b"") -> Flood:
    """`piece` again and again, between what opens and what ends it."""
    return lambda size: before + piece * (size // len(piece)) + after


def batch(payload: bytes, count: int, attributes: int = 0) -> bytes:
    """A batch whose header fits its payload."""
    header = BatchHeader(0, 49 + len(payload), 0, 2, 0, attributes, count - 1, 0, 0, -1, -1, -1, count)
    return pack_header(header, payload) + payload


def smallest_records(size: int) -> bytes:
    record = b"\x0c\0\0\0\1\1\0"
    return batch(record * (size // len(record)), size // len(record))


def many_headers(size: int) -> bytes:
    """One record with nothing but headers, each of an empty name and no value."""
    count = size // 2
    body = b"\0\0\0\1\1" + _zigzag(count) + b"\0\1" * count
    return batch(_zigzag(len(body)) + body, 1)


def _zigzag(value: int) -> bytes:
    return varint(value << 1)


def empty_batches(size: int) -> bytes:
    return batch(b"", 1) * (size // 61)


def largest_lz4_frames(size: int) -> bytes:
    head = bytes((0x60, 0x70))
    frame = struct.pack("<I", 0x184D2204) + head + bytes((_short_xxh32(head) >> 8 & 0xFF,)) + bytes(4)
    return frame * (size // len(frame))


def tagged_fields(size: int) -> bytes:
    """A request header that carries as many unknown tagged fields as fit."""
    tags = [varint(tag) + b"\0" for tag in range(size // 3)]
    return struct.pack(">hhih", 18, 3, 7, -1) + varint(len(tags)) + b"".join(tags)


def offset_lines(size: int) -> bytes:
    count = size // 7
    return b"0\n%d\n" % count + b"a 0 0\n" * count


FLOODS: Final[tuple[tuple[str, Flood], ...]] = (
    ("compression gzip", of(compress(Codec.GZIP, b""))),
    ("compression gzip", of(compress(Codec.GZIP, b"a"))),
    ("compression snappy", of(compress(Codec.SNAPPY, b""))),
    ("compression snappy", of(bytes(4), before=compress(Codec.SNAPPY, b""))),
    ("compression lz4", of(compress(Codec.LZ4, b"a"))),
    ("compression lz4", of(struct.pack("<I", 1 | 1 << 31) + b"a", before=_HEAD, after=bytes(4))),
    ("compression lz4", largest_lz4_frames),
    ("compression zstd", of(compress(Codec.ZSTD, b"a"))),
    ("compression zstd", of(struct.pack("<II", 0x184D2A50, 0))),
    ("records list", smallest_records),
    ("records list", many_headers),
    ("records walk", smallest_records),
    ("records walk", many_headers),
    ("records validate-deep", smallest_records),
    ("records validate-compacted", smallest_records),
    ("records validate-converted", smallest_records),
    ("records validate-stamped", smallest_records),
    ("records validate-aged", smallest_records),
    ("records headers", empty_batches),
    ("records fetched", empty_batches),
    ("records recovery", empty_batches),
    ("records compaction", smallest_records),
    ("network request-header", tagged_fields),
    ("network frames", of(bytes(4))),
    ("network frames", of(b"\0\0\0\1\0")),
    ("network metrics-http", of(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")),
    ("network metrics-http", of(b"\r\n")),
    ("file offset-checkpoint", offset_lines),
    ("file meta.properties", of(b"a=b\n")),
    ("file transaction-index", of(pack_aborted(AbortedTransaction(0, 0, 0, 0)))),
    ("file quorum-state", of(b"[")),
    ("people properties", of(b"a\\\n")),
    ("people properties", of(b"\\\n")),
    ("people properties", of(b"\\", after=b"=")),
    ("people properties", of(b"a=b\n")),
    ("people properties", of(b" ", before=b"a")),
    ("people topic-config", of(b"9", before=b"min.cleanable.dirty.ratio=", after=b"x")),
    ("people topic-config", of(b" ", before=b"cleanup.policy=a", after=b"b")),
    ("people topic-config", of(b"a,", before=b"cleanup.policy=")),
    ("people topic-config", of(b"1:1,", before=b"leader.replication.throttled.replicas=")),
    ("people servers", of(b"a:1,")),
    ("people servers", of(b":")),
    ("people offsets", of(b":", before=b"@")),
    ("people output-template", of(b"%k")),
    ("people input-template", of(b"%k:", after=b"%v\0x")),
    ("people controllers", of(b"1@h:1:AAECAwQFBgcICQoLDA0ODw,")),
    ("people uuid", of(b"A")),
)
"""(decoder, flood). The wire's messages flood themselves, see `test_growth.py`."""
