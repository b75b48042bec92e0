"""What a client can be told: one struct a kind of client, under Kafka's names (dots become underscores).

Times are in ms, sizes in bytes, and defaults are those of Kafka's Java clients. `properties.settings_from` makes the
structs from what people write.
"""

from __future__ import annotations

import msgspec

from ottla.world.doors import Address


class SettingRefused(ValueError):
    """A client setting that is wrong or not built; `hint` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class ConnectionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the cluster is, and how patient a client is with it. Every kind of client has these."""

    bootstrap_servers: tuple[Address, ...] = (Address("localhost", 9092),)
    client_id: str = "ottla"
    request_timeout_ms: int = 30_000
    socket_connection_setup_timeout_ms: int = 10_000
    retry_backoff_ms: int = 100
    retry_backoff_max_ms: int = 1_000
    metadata_max_age_ms: int = 300_000
    default_api_timeout_ms: int = 60_000
    receive_message_max_bytes: int = 100_000_000
    """No answer longer than this is accepted (librdkafka's name; the Java client has no such limit)."""


class AdminSettings(ConnectionSettings, frozen=True, kw_only=True):
    """Settings of an Admin: those of its connections."""


class ProducerSettings(ConnectionSettings, frozen=True, kw_only=True):
    """Settings of a Producer."""

    acks: int = -1
    compression_type: str = "none"
    compression_gzip_level: int = -1
    compression_lz4_level: int = 9
    compression_zstd_level: int = 3
    linger_ms: int = 5
    batch_size: int = 16_384
    max_request_size: int = 1_048_576
    buffer_memory: int = 33_554_432
    max_block_ms: int = 60_000
    max_in_flight_requests_per_connection: int = 5
    delivery_timeout_ms: int = 120_000
    enable_idempotence: bool = True
    retries: int = 2_147_483_647
    partitioner_ignore_keys: bool = False
    transactional_id: str | None = None
    transaction_timeout_ms: int = 60_000

    @property
    def idempotent(self) -> bool:
        """Whether a batch that is tried again is written once: only all of the in-sync replicas can promise it."""
        return (
            self.enable_idempotence
            and self.acks == -1
            and self.retries > 0
            and self.max_in_flight_requests_per_connection <= 5
        )

    @property
    def compression_level(self) -> int | None:
        """The level of the chosen codec, None for the codec's own choice."""
        levels = {
            "gzip": (self.compression_gzip_level, -1),
            "lz4": (self.compression_lz4_level, 9),
            "zstd": (self.compression_zstd_level, 3),
        }
        level, default = levels.get(self.compression_type, (0, 0))
        return None if level == default else level


class ConsumerSettings(ConnectionSettings, frozen=True, kw_only=True):
    """Settings of a Consumer, alone or in a group."""

    fetch_min_bytes: int = 1
    fetch_max_bytes: int = 52_428_800
    fetch_max_wait_ms: int = 500
    max_partition_fetch_bytes: int = 1_048_576
    max_poll_records: int = 500
    isolation_level: str = "read_uncommitted"
    auto_offset_reset: str = "latest"
    check_crcs: bool = True
    client_rack: str = ""
    allow_auto_create_topics: bool = True
    exclude_internal_topics: bool = True

    group_id: str | None = None
    group_instance_id: str | None = None
    group_protocol: str = "classic"
    group_remote_assignor: str | None = None
    partition_assignment_strategy: tuple[str, ...] = ("range", "cooperative-sticky")
    session_timeout_ms: int = 45_000
    heartbeat_interval_ms: int = 3_000
    max_poll_interval_ms: int = 300_000
    enable_auto_commit: bool = True
    auto_commit_interval_ms: int = 5_000


class ShareConsumerSettings(ConnectionSettings, frozen=True, kw_only=True):
    """Settings of a ShareConsumer. Where a group begins to read, and how long its locks last, are configs of the group."""

    group_id: str | None = None
    share_acknowledgement_mode: str = "implicit"
    share_acquire_mode: str = "batch_optimized"
    max_poll_records: int = 500
    max_poll_interval_ms: int = 300_000
    fetch_min_bytes: int = 1
    fetch_max_bytes: int = 52_428_800
    fetch_max_wait_ms: int = 500
    check_crcs: bool = True
    client_rack: str = ""
