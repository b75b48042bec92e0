"""What node-wide settings ask of storage."""

from __future__ import annotations

import msgspec

from ottla.broker.storage.cleaner import CleanerSettings
from ottla.core.log.config import NEVER


class StoreSettings(msgspec.Struct, kw_only=True):
    """Node-wide settings of storage, by Kafka's names without `log.`; times in milliseconds."""

    retention_check_interval_ms: int = 300_000
    flush_scheduler_interval_ms: int = NEVER
    flush_offset_checkpoint_interval_ms: int = 60_000
    flush_start_offset_checkpoint_interval_ms: int = 60_000
    high_watermark_checkpoint_interval_ms: int = 5_000
    producer_id_expiration_ms: int = 86_400_000
    producer_id_expiration_check_interval_ms: int = 600_000
    recovery_threads_per_data_dir: int = 2
    initial_task_delay_ms: int = 30_000
    cleaner: CleanerSettings = CleanerSettings()
