"""The quorum's own settings, taken out of the node's."""

from __future__ import annotations

from collections.abc import Mapping

from ottla.broker.config.node_settings import NodeSettings
from ottla.broker.quorum.registration import RegisteredListener
from ottla.broker.quorum.settings import QuorumSettings
from ottla.broker.quorum.snapshots import SnapshotPolicy
from ottla.core.log.config import LogConfig
from ottla.core.metadata.state import ControllerSettings
from ottla.core.raft.voters import ReplicaKey, Voter, VoterEndpoint, VoterSet


def metadata_log_config(settings: NodeSettings) -> LogConfig:
    """How `__cluster_metadata-0` is kept: never cleaned by time or size, only below its oldest checkpoint."""
    return LogConfig(
        segment_bytes=settings["internal.metadata.log.segment.bytes"]
        or settings["metadata.log.segment.bytes"],
        segment_ms=settings["metadata.log.segment.ms"],
        retention_ms=-1,
        retention_bytes=-1,
        max_message_bytes=settings["internal.metadata.max.batch.size.in.bytes"],
        file_delete_delay_ms=settings["internal.metadata.delete.delay.millis"],
    )


def controller_settings(settings: NodeSettings, cluster_id: str) -> ControllerSettings:
    return ControllerSettings(
        node_id=settings.node_id,
        cluster_id=cluster_id,
        num_partitions=settings["num.partitions"],
        default_replication_factor=settings["default.replication.factor"],
        min_insync_replicas=settings["min.insync.replicas"],
        delete_topic_enable=settings["delete.topic.enable"],
        broker_session_timeout_ms=settings["broker.session.timeout.ms"],
        leader_imbalance_check_interval_ms=settings["leader.imbalance.check.interval.seconds"] * 1_000,
        auto_leader_rebalance_enable=settings["auto.leader.rebalance.enable"],
    )


def controller_endpoints(
    settings: NodeSettings, hostname: str, ports: Mapping[str, int] | None = None
) -> tuple[RegisteredListener, ...]:
    """Where this controller is found. `ports`: what was opened where port 0 was asked for."""
    return tuple(
        RegisteredListener(each.name, each.host, each.port, each.security_protocol)
        for each in settings.advertisement.controllers(hostname, dict(ports or {}))
    )


def broker_endpoints(
    settings: NodeSettings, hostname: str, ports: Mapping[str, int] | None = None
) -> tuple[RegisteredListener, ...]:
    """Where this broker is found."""
    return tuple(
        RegisteredListener(each.name, each.host, each.port, each.security_protocol)
        for each in settings.advertisement.registered(hostname, dict(ports or {}))
    )


def quorum_settings(
    settings: NodeSettings, cluster_id: str, endpoints: tuple[RegisteredListener, ...]
) -> QuorumSettings:
    """`endpoints`: this node's controller listeners as others reach them."""
    static = None
    if settings.voters:
        listener: str = settings["controller.listener.names"][0]
        static = VoterSet.of(
            Voter(ReplicaKey(each.id), (VoterEndpoint(listener, each.host, each.port),))
            for each in settings.voters
        )
    return QuorumSettings(
        cluster_id=cluster_id,
        node_id=settings.node_id,
        static_voters=static,
        endpoints=tuple(VoterEndpoint(each.name, each.host, each.port) for each in endpoints),
        min_insync_replicas=settings["min.insync.replicas"],
        max_idle_interval_ms=settings["metadata.max.idle.interval.ms"],
        fetch_max_bytes=settings["controller.quorum.fetch.max.bytes"],
        fetch_snapshot_max_bytes=settings["controller.quorum.fetch.snapshot.max.bytes"],
        snapshots=SnapshotPolicy(
            max_bytes_between=settings["metadata.log.max.record.bytes.between.snapshots"],
            max_interval_ms=settings["metadata.log.max.snapshot.interval.ms"],
            retention_bytes=settings["metadata.max.retention.bytes"],
            retention_ms=settings["metadata.max.retention.ms"],
        ),
    )
