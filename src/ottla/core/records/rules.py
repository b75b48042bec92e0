"""What one topic asks of the records that enter its log, worked out of its settings."""

from __future__ import annotations

from typing import Final

from ottla.core.records.batch import TimestampType
from ottla.core.records.compression import DECOMPRESSED_LIMIT, Codec

NO_BOUND: Final = 2**63 - 1
"""`message.timestamp.before.max.ms` by default: any age will do."""

_EXPANSION: Final = 16


class Rules:
    """Sizes in bytes, times in milliseconds. Asked for every batch, so it is plain attributes; nobody changes them."""

    __slots__ = (
        "after_max_ms",
        "before_max_ms",
        "codec",
        "compacted",
        "decompressed_limit",
        "deep",
        "level",
        "log_append_time",
        "max_message_bytes",
    )

    def __init__(
        self,
        *,
        max_message_bytes: int = 1_048_588,
        codec: Codec | None = None,
        level: int | None = None,
        compacted: bool = False,
        timestamp_type: TimestampType = TimestampType.CREATE_TIME,
        before_max_ms: int = NO_BOUND,
        after_max_ms: int = 3_600_000,
        deep: bool = False,
        decompressed_limit: int | None = None,
    ) -> None:
        self.max_message_bytes = max_message_bytes
        self.codec = codec
        """None keeps what the producer chose (`compression.type=producer`)."""
        self.level = level
        self.compacted = compacted
        self.log_append_time = timestamp_type == TimestampType.LOG_APPEND_TIME
        """The broker sets the timestamps."""
        self.before_max_ms = before_max_ms
        self.after_max_ms = after_max_ms
        self.deep = deep
        """Look at every record, though the header would do."""
        if decompressed_limit is None:
            decompressed_limit = max(_EXPANSION * max_message_bytes, DECOMPRESSED_LIMIT)
        self.decompressed_limit = decompressed_limit
        """What a batch may decompress to: sixteen times `max_message_bytes`, but no less than 64 MiB."""
