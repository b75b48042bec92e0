"""What a topic's settings ask of the records it takes."""

from __future__ import annotations

from ottla.core.log.config import LogConfig
from ottla.core.records.batch import TimestampType
from ottla.core.records.compression import Codec
from ottla.core.records.rules import Rules


def rules_of(config: LogConfig) -> Rules:
    """Raises ValueError for a codec or timestamp type that is none."""
    codec = None if config.compression_type == "producer" else Codec.named(config.compression_type)
    levels = {
        Codec.GZIP: config.compression_gzip_level,
        Codec.LZ4: config.compression_lz4_level,
        Codec.ZSTD: config.compression_zstd_level,
    }
    return Rules(
        max_message_bytes=config.max_message_bytes,
        codec=codec,
        level=None if codec is None else levels.get(codec),
        compacted=config.compacts,
        timestamp_type=TimestampType.named(config.message_timestamp_type),
        before_max_ms=config.message_timestamp_before_max_ms,
        after_max_ms=config.message_timestamp_after_max_ms,
        deep=config.record_validation == "deep",
    )
