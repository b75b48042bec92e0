"""Codecs: framing in and out, damage, bombs."""

from __future__ import annotations

import gzip
import struct
import tracemalloc
import zlib

import cramjam
import pytest

from ottla.core.records import lz4, snappy
from ottla.core.records.compression import Codec, compress, decompress
from ottla.core.records.errors import CompressionError

COMPRESSING = [Codec.GZIP, Codec.SNAPPY, Codec.LZ4, Codec.ZSTD]
TEXT = b"".join(b'{"order": %d, "state": "paid"}' % number for number in range(9000))
NOISE = bytes(cramjam.snappy.compress_raw(zlib.compress(TEXT))) * 3


@pytest.mark.parametrize("codec", Codec)
@pytest.mark.parametrize("data", [b"", b"x", TEXT, NOISE, bytes(200_000)])
def test_data_come_back(codec: Codec, data: bytes) -> None:
    packed = compress(codec, data)
    assert decompress(codec, packed) == data
    assert decompress(codec, memoryview(packed), len(data)) == data


@pytest.mark.parametrize("codec", COMPRESSING)
def test_levels_differ_and_come_back(codec: Codec) -> None:
    for level in {Codec.GZIP: (1, 9), Codec.LZ4: (1, 17), Codec.ZSTD: (-5, 19)}.get(codec, ()):
        assert decompress(codec, compress(codec, TEXT, level)) == TEXT


@pytest.mark.parametrize("codec", COMPRESSING)
def test_a_bomb_stops_at_the_limit(codec: Codec) -> None:
    bomb = compress(codec, bytes(8_000_000))
    with pytest.raises(CompressionError):
        decompress(codec, bomb, 1_000_000)
    with pytest.raises(CompressionError):
        decompress(codec, bomb, 7_999_999)
    assert len(decompress(codec, bomb, 8_000_000)) == 8_000_000


@pytest.mark.parametrize("codec", COMPRESSING)
def test_a_bomb_takes_no_more_memory_than_its_limit(codec: Codec) -> None:
    bomb = compress(codec, bytes(64_000_000))
    tracemalloc.start()
    with pytest.raises(CompressionError):
        decompress(codec, bomb, 1_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000


@pytest.mark.parametrize("codec", COMPRESSING)
def test_half_a_stream_is_refused(codec: Codec) -> None:
    packed = compress(codec, TEXT)
    for cut in (1, 5, len(packed) // 2, len(packed) - 1):
        with pytest.raises(CompressionError):
            decompress(codec, packed[:-cut])


@pytest.mark.parametrize("codec", COMPRESSING)
def test_noise_is_refused(codec: Codec) -> None:
    with pytest.raises(CompressionError):
        decompress(codec, b"\xf0these bytes were never compressed")


@pytest.mark.parametrize("codec", [Codec.GZIP, Codec.LZ4, Codec.ZSTD, Codec.SNAPPY])
def test_streams_in_a_row_are_one(codec: Codec) -> None:
    assert decompress(codec, compress(codec, b"one") + compress(codec, b"two")) == b"onetwo"


def test_gzip_is_plain_gzip() -> None:
    assert gzip.decompress(compress(Codec.GZIP, TEXT)) == TEXT


def test_snappy_may_come_bare() -> None:
    assert snappy.decompress(bytes(cramjam.snappy.compress_raw(TEXT)), len(TEXT)) == TEXT


def test_snappy_is_framed_in_chunks_of_32_kib() -> None:
    packed = snappy.compress(bytes(70_000))
    assert packed.startswith(b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01")
    position, sizes = 16, []
    while position < len(packed):
        (length,) = struct.unpack_from(">i", packed, position)
        sizes.append(cramjam.snappy.decompress_raw_len(packed[position + 4 : position + 4 + length]))
        position += 4 + length
    assert sizes == [32_768, 32_768, 4_464]


def test_a_snappy_block_that_claims_gigabytes_is_not_allocated() -> None:
    with pytest.raises(CompressionError):
        decompress(Codec.SNAPPY, b"\xff\xff\xff\xff\x0f" + b"\0" * 20, 1_000_000)


def test_lz4_is_what_general_readers_read() -> None:
    assert bytes(cramjam.lz4.decompress(lz4.compress(TEXT))) == TEXT
    assert bytes(cramjam.lz4.decompress(lz4.compress(NOISE, 3))) == NOISE


def test_lz4_with_linked_blocks_is_refused_as_kafka_does() -> None:
    with pytest.raises(CompressionError, match="dependent blocks"):
        decompress(Codec.LZ4, bytes(cramjam.lz4.compress(TEXT)))


def test_lz4_takes_every_flag_that_kafka_takes() -> None:
    plain = b"plain enough to be stored"
    block = struct.pack("<I", len(plain) | 0x80000000) + plain

    def frame(
        flags: int, block_size: int, extra: bytes = b"", checksum: bytes = b"", end: bytes = b""
    ) -> bytes:
        descriptor = bytes((flags, block_size)) + extra
        check = lz4._short_xxh32(descriptor) >> 8 & 0xFF
        magic = struct.pack("<I", 0x184D2204)
        return magic + descriptor + bytes((check,)) + block + checksum + bytes(4) + end

    size = struct.pack("<Q", len(plain))
    for block_size in (0x40, 0x50, 0x60, 0x70):
        assert lz4.decompress(frame(0x60, block_size), 100) == plain
        assert lz4.decompress(frame(0x68, block_size, size), 100) == plain
        assert lz4.decompress(frame(0x7C, block_size, size, b"csum", b"csum"), 100) == plain
    for flags, block_size in ((0x61, 0x40), (0x62, 0x40), (0xA0, 0x40), (0x60, 0x30), (0x60, 0x41)):
        with pytest.raises(ValueError):
            lz4.decompress(frame(flags, block_size), 100)
    damaged = bytearray(frame(0x60, 0x40))
    damaged[6] ^= 1
    with pytest.raises(ValueError, match="descriptor"):
        lz4.decompress(bytes(damaged), 100)


def test_codecs_by_name() -> None:
    assert [Codec.named(name) for name in ("none", "uncompressed", "gzip", "snappy", "lz4", "zstd")] == [
        Codec.NONE, Codec.NONE, Codec.GZIP, Codec.SNAPPY, Codec.LZ4, Codec.ZSTD,
    ]  # fmt: skip
