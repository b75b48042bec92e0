"""What the parts of a node are told of its settings, each in its own words."""

from __future__ import annotations

from ottla.broker.config.node_settings import NodeSettings
from ottla.broker.listener import Limits
from ottla.broker.storage.cleaner import CleanerSettings
from ottla.broker.storage.settings import StoreSettings
from ottla.core.model.settings.broker_rules import per_ip_overrides


def store_settings(settings: NodeSettings) -> StoreSettings:
    """Node-wide settings of storage."""
    return StoreSettings(
        retention_check_interval_ms=settings["log.retention.check.interval.ms"],
        flush_scheduler_interval_ms=settings["log.flush.scheduler.interval.ms"],
        flush_offset_checkpoint_interval_ms=settings["log.flush.offset.checkpoint.interval.ms"],
        flush_start_offset_checkpoint_interval_ms=settings["log.flush.start.offset.checkpoint.interval.ms"],
        high_watermark_checkpoint_interval_ms=settings["replica.high.watermark.checkpoint.interval.ms"],
        producer_id_expiration_ms=settings["producer.id.expiration.ms"],
        producer_id_expiration_check_interval_ms=settings["producer.id.expiration.check.interval.ms"],
        recovery_threads_per_data_dir=settings["num.recovery.threads.per.data.dir"],
        initial_task_delay_ms=settings["log.initial.task.delay.ms"],
        cleaner=cleaner_settings(settings),
    )


def cleaner_settings(settings: NodeSettings) -> CleanerSettings:
    """How logs are compacted. All but `enable` may change while the node runs."""
    return CleanerSettings(
        enable=settings["log.cleaner.enable"],
        threads=settings["log.cleaner.threads"],
        dedupe_buffer_size=settings["log.cleaner.dedupe.buffer.size"],
        io_buffer_size=settings["log.cleaner.io.buffer.size"],
        io_buffer_load_factor=settings["log.cleaner.io.buffer.load.factor"],
        io_max_bytes_per_second=settings["log.cleaner.io.max.bytes.per.second"],
        backoff_ms=settings["log.cleaner.backoff.ms"],
    )


def listener_limits(settings: NodeSettings, listener: str) -> Limits:
    """The connection limits of one listener; its own settings beat the node's."""
    own = settings.for_listener
    return Limits(
        connections=own(listener, "max.connections"),
        creation_rate=own(listener, "max.connection.creation.rate"),
        connections_per_ip=settings["max.connections.per.ip"],
        per_ip_overrides=per_ip_overrides(settings["max.connections.per.ip.overrides"]),
        idle_ms=own(listener, "connections.max.idle.ms"),
        frame_bytes=settings["socket.request.max.bytes"],
        backlog=settings["socket.listen.backlog.size"],
    )
