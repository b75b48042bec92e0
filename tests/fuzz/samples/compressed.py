"""Compressed data in every shape that a codec's format allows, as other writers than ours may frame it."""

from __future__ import annotations

import gzip
import struct
import sys
import zlib
from functools import cache

import cramjam

from ottla.core.records.compression import Codec, compress
from ottla.core.records.lz4 import _short_xxh32

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PLAIN = (b"", b"a", b"compressible " * 40, bytes(range(256)) * 3)


@cache
def gzipped() -> tuple[bytes, ...]:
    ours = [compress(Codec.GZIP, plain) for plain in PLAIN]
    named = zlib.compressobj(9, zlib.DEFLATED, 31)
    return (
        *ours,
        ours[2] + ours[3],
        gzip.compress(PLAIN[2], 1),
        named.compress(PLAIN[3]) + named.flush(),
        ours[1] * 3,
    )


@cache
def snapped() -> tuple[bytes, ...]:
    """Xerial streams, bare blocks, and two streams in a row."""
    ours = [compress(Codec.SNAPPY, plain) for plain in PLAIN]
    bare = [bytes(cramjam.snappy.compress_raw(plain)) for plain in PLAIN]
    return (*ours, *bare, ours[2] + ours[3])


@cache
def lz4_framed() -> tuple[bytes, ...]:
    """Ours, and frames with content size, content and block checksums, and every block size."""
    found = [compress(Codec.LZ4, plain) for plain in PLAIN]
    block = bytes(cramjam.lz4.compress_block(PLAIN[2], store_size=False))
    for flags in (0x60, 0x64, 0x68, 0x70, 0x7C):
        for size in (4, 5, 6, 7):
            head = bytes((flags, size << 4)) + (struct.pack("<Q", len(PLAIN[2])) if flags & 8 else b"")
            frame = struct.pack("<I", 0x184D2204) + head + bytes((_short_xxh32(head) >> 8 & 0xFF,))
            frame += struct.pack("<I", len(block)) + block + (b"\0" * 4 if flags & 0x10 else b"")
            frame += struct.pack("<I", 3 | 1 << 31) + b"abc" + (b"\0" * 4 if flags & 0x10 else b"")
            found.append(frame + b"\0" * 4 + (b"\0" * 4 if flags & 4 else b""))
    return (*found, found[2] + found[3])


def lz4_mended(data: bytes) -> bytes:
    """With the checksum that the first frame's descriptor should have."""
    end = 6 + (8 if len(data) > 4 and data[4] & 8 else 0)
    if len(data) <= end:
        return data
    return data[:end] + bytes((_short_xxh32(data[4:end]) >> 8 & 0xFF,)) + data[end + 1 :]


@cache
def zstd_framed() -> tuple[bytes, ...]:
    """Ours, with and without checksum and content size, with long windows, and a skippable frame."""
    found = [compress(Codec.ZSTD, plain) for plain in PLAIN]
    p = zstd.CompressionParameter
    options = ((p.checksum_flag, 1), (p.content_size_flag, 0), (p.window_log, 27), (p.window_log, 10))
    found += [zstd.compress(PLAIN[2], options={int(name): value}) for name, value in options]
    packer = zstd.ZstdCompressor()
    found.append(packer.compress(PLAIN[2]) + packer.flush())
    skippable = struct.pack("<II", 0x184D2A50, 3) + b"xyz"
    return (*found, found[2] + found[3], skippable + found[2])


SAMPLES = {Codec.GZIP: gzipped, Codec.SNAPPY: snapped, Codec.LZ4: lz4_framed, Codec.ZSTD: zstd_framed}
