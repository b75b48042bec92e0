"""What the parts of a node are told of its settings, each in its own words."""

from __future__ import annotations

from ottla.broker.config.node_settings import NodeSettings
from ottla.broker.quorum.quorum import QuorumSettings
from ottla.broker.quorum.snapshots import SnapshotPolicy
from ottla.broker.storage.store import StoreSettings
from ottla.core.log.config import NEVER, LogConfig
from ottla.core.metadata.state import ControllerSettings
from ottla.core.raft.voters import ReplicaKey, Voter, VoterEndpoint, VoterSet


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
    )


def metadata_log_config(settings: NodeSettings) -> LogConfig:
    """The settings of `__cluster_metadata-0`; its records are dropped by checkpoints, never by retention."""
    return LogConfig(
        segment_bytes=settings["metadata.log.segment.bytes"],
        segment_ms=settings["metadata.log.segment.ms"],
        retention_ms=NEVER,
        retention_bytes=-1,
        max_message_bytes=settings["socket.request.max.bytes"],
    )


def quorum_settings(settings: NodeSettings, cluster_id: str, hostname: str) -> QuorumSettings:
    """The voters, and where this one is found."""
    name = settings.controller_listeners[0].name
    voters = None
    if settings.voters:
        voters = VoterSet.of(
            Voter(ReplicaKey(each.id), (VoterEndpoint(name, each.host, each.port),))
            for each in settings.voters
        )
    return QuorumSettings(
        cluster_id=cluster_id,
        node_id=settings.node_id,
        static_voters=voters,
        endpoints=tuple(
            VoterEndpoint(each.name, each.host, each.port)
            for each in settings.advertisement.controllers(hostname)
        ),
        min_insync_replicas=settings["min.insync.replicas"],
        max_idle_interval_ms=settings["metadata.max.idle.interval.ms"],
        snapshots=SnapshotPolicy(
            max_bytes_between=settings["metadata.log.max.record.bytes.between.snapshots"],
            max_interval_ms=settings["metadata.log.max.snapshot.interval.ms"],
            retention_bytes=settings["metadata.max.retention.bytes"],
            retention_ms=settings["metadata.max.retention.ms"],
        ),
    )


def controller_settings(settings: NodeSettings, cluster_id: str) -> ControllerSettings:
    """What the controller obeys."""
    return ControllerSettings(
        node_id=settings.node_id,
        cluster_id=cluster_id,
        num_partitions=settings["num.partitions"],
        default_replication_factor=settings["default.replication.factor"],
        delete_topic_enable=settings["delete.topic.enable"],
        broker_session_timeout_ms=settings["broker.session.timeout.ms"],
        leader_imbalance_check_interval_ms=settings["leader.imbalance.check.interval.seconds"] * 1_000,
        auto_leader_rebalance_enable=settings["auto.leader.rebalance.enable"],
        token_secret_set=settings["delegation.token.secret.key"] is not None,
    )
