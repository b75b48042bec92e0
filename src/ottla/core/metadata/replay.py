"""What each metadata record does to the image: one small function a record type, in the order of their type numbers.

Replaying never decides. A record that cannot fit the image (a change of an unknown partition, a fence of another
broker epoch) means that the log is broken, and raises `ReplayError`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from ottla.core.metadata.delta import Delta
from ottla.core.metadata.nouns import (
    MIGRATING_DIRECTORY,
    AclImage,
    BrokerImage,
    ControllerImage,
    Endpoint,
    PartitionImage,
    QuotaEntity,
    ScramImage,
    TokenImage,
    TopicImage,
)
from ottla.core.model.ids import Uuid, uuid_text
from ottla.core.model.settings.table import ResourceType
from ottla.core.wire.messages.records import metadata as m

if TYPE_CHECKING:
    from ottla.core.metadata.image import MetadataImage

NO_LEADER_CHANGE: Final = -2
NO_RECOVERY_STATE_CHANGE: Final = -1

FENCE: Final = 1
UNFENCE: Final = -1
"""Values of `BrokerRegistrationChangeRecord.fenced`; 0 changes nothing."""


class ReplayError(Exception):
    """A record does not fit the image it is applied to: the metadata log is inconsistent."""


def quota_entity(parts: list[m.EntityData]) -> QuotaEntity:
    """The parts of a quota entity in an order of their own, so that equal entities are equal keys."""
    return tuple(sorted((part.entity_type, part.entity_name) for part in parts))


def _directories(directories: list[Uuid] | None, replicas: list[int]) -> list[Uuid]:
    if not directories or all(directory == MIGRATING_DIRECTORY for directory in directories):
        return [MIGRATING_DIRECTORY] * len(replicas)
    if len(directories) != len(replicas):
        raise ReplayError(f"{len(replicas)} replicas with {len(directories)} directories")
    return directories


def _topic(image: MetadataImage, topic_id: Uuid, record: object) -> TopicImage:
    topic = image.topics_by_id.get(topic_id)
    if topic is None:
        raise ReplayError(f"{type(record).__name__}: there is no topic with id {uuid_text(topic_id)}")
    return topic


def _broker(image: MetadataImage, broker_id: int, epoch: int, record: object) -> BrokerImage:
    broker = image.brokers.get(broker_id)
    if broker is None:
        raise ReplayError(f"{type(record).__name__}: broker {broker_id} is not registered")
    if broker.epoch != epoch:
        raise ReplayError(
            f"{type(record).__name__}: broker {broker_id} has epoch {broker.epoch}, not {epoch}"
        )
    return broker


def _put_broker(image: MetadataImage, broker: BrokerImage, delta: Delta) -> None:
    if image.brokers.get(broker.id) != broker:
        image.brokers[broker.id] = broker
        delta.changed_brokers[broker.id] = None


def _register_broker(image: MetadataImage, record: m.RegisterBrokerRecord, delta: Delta) -> None:
    broker = BrokerImage(
        id=record.broker_id,
        epoch=record.broker_epoch,
        incarnation_id=record.incarnation_id,
        endpoints={e.name: Endpoint(e.host, e.port, e.security_protocol) for e in record.end_points},
        features={f.name: (f.min_supported_version, f.max_supported_version) for f in record.features},
        rack=record.rack,
        fenced=record.fenced,
        in_controlled_shutdown=record.in_controlled_shutdown,
        directories=record.log_dirs,
        cordoned_directories=record.cordoned_log_dirs,
        is_migrating_zk_broker=record.is_migrating_zk_broker,
    )
    image.brokers[broker.id] = broker
    delta.changed_brokers[broker.id] = None


def _unregister_broker(image: MetadataImage, record: m.UnregisterBrokerRecord, delta: Delta) -> None:
    _broker(image, record.broker_id, record.broker_epoch, record)
    del image.brokers[record.broker_id]
    delta.changed_brokers[record.broker_id] = None


def _create_topic(image: MetadataImage, record: m.TopicRecord, delta: Delta) -> None:
    if record.name in image.topics_by_name:
        raise ReplayError(f"TopicRecord: topic {record.name} exists already")
    topic = TopicImage(record.name, record.topic_id)
    image.topics_by_name[record.name] = image.topics_by_id[record.topic_id] = topic
    delta.created_topics[record.topic_id] = record.name


def _partition(image: MetadataImage, record: m.PartitionRecord, delta: Delta) -> None:
    topic = _topic(image, record.topic_id, record)
    topic.partitions[record.partition_id] = PartitionImage(
        replicas=record.replicas,
        isr=record.isr,
        directories=_directories(record.directories, record.replicas),
        leader=record.leader,
        leader_epoch=record.leader_epoch,
        partition_epoch=record.partition_epoch,
        leader_recovery_state=record.leader_recovery_state,
        adding_replicas=record.adding_replicas,
        removing_replicas=record.removing_replicas,
        elr=record.eligible_leader_replicas or [],
        last_known_elr=record.last_known_elr or [],
    )
    delta.changed_partitions[(record.topic_id, record.partition_id)] = topic.name


def merge(partition: PartitionImage, change: m.PartitionChangeRecord) -> PartitionImage:
    """A partition after a change record: every change raises the partition epoch, a named leader the leader epoch."""
    replicas = partition.replicas if change.replicas is None else change.replicas
    elected = change.leader != NO_LEADER_CHANGE
    recovery_state = change.leader_recovery_state
    return PartitionImage(
        replicas=replicas,
        isr=partition.isr if change.isr is None else change.isr,
        directories=_directories(
            partition.directories if change.directories is None else change.directories, replicas
        ),
        leader=change.leader if elected else partition.leader,
        leader_epoch=partition.leader_epoch + elected,
        partition_epoch=partition.partition_epoch + 1,
        leader_recovery_state=(
            partition.leader_recovery_state if recovery_state == NO_RECOVERY_STATE_CHANGE else recovery_state
        ),
        adding_replicas=(
            partition.adding_replicas if change.adding_replicas is None else change.adding_replicas
        ),
        removing_replicas=(
            partition.removing_replicas if change.removing_replicas is None else change.removing_replicas
        ),
        elr=partition.elr if change.eligible_leader_replicas is None else change.eligible_leader_replicas,
        last_known_elr=(partition.last_known_elr if change.last_known_elr is None else change.last_known_elr),
    )


def _change_partition(image: MetadataImage, record: m.PartitionChangeRecord, delta: Delta) -> None:
    topic = _topic(image, record.topic_id, record)
    partition = topic.partitions.get(record.partition_id)
    if partition is None:
        raise ReplayError(f"PartitionChangeRecord: {topic.name} has no partition {record.partition_id}")
    topic.partitions[record.partition_id] = merge(partition, record)
    delta.changed_partitions[(record.topic_id, record.partition_id)] = topic.name


def _config(image: MetadataImage, record: m.ConfigRecord, delta: Delta) -> None:
    resource = (record.resource_type, record.resource_name)
    configs = image.configs.setdefault(resource, {})
    if record.value is None:
        configs.pop(record.name, None)
    else:
        configs[record.name] = record.value
    if not configs:
        del image.configs[resource]
    delta.changed_configs[resource] = None


def _fence_broker(image: MetadataImage, record: m.FenceBrokerRecord, delta: Delta) -> None:
    _put_broker(image, replace(_broker(image, record.id, record.epoch, record), fenced=True), delta)


def _unfence_broker(image: MetadataImage, record: m.UnfenceBrokerRecord, delta: Delta) -> None:
    _put_broker(image, replace(_broker(image, record.id, record.epoch, record), fenced=False), delta)


def _remove_topic(image: MetadataImage, record: m.RemoveTopicRecord, delta: Delta) -> None:
    topic = _topic(image, record.topic_id, record)
    del image.topics_by_id[topic.id], image.topics_by_name[topic.name]
    for partition in topic.partitions:
        delta.changed_partitions.pop((topic.id, partition), None)
    if delta.created_topics.pop(topic.id, None) is None:
        delta.deleted_topics[topic.id] = topic.name
    resource = (int(ResourceType.TOPIC), topic.name)
    if image.configs.pop(resource, None) is not None:
        delta.changed_configs[resource] = None


def _delegation_token(image: MetadataImage, record: m.DelegationTokenRecord, delta: Delta) -> None:
    image.tokens[record.token_id] = TokenImage(
        owner=record.owner,
        requester=record.requester,
        renewers=record.renewers,
        issue_timestamp=record.issue_timestamp,
        max_timestamp=record.max_timestamp,
        expiration_timestamp=record.expiration_timestamp,
        token_id=record.token_id,
    )
    delta.tokens_changed = True


def _scram_credential(image: MetadataImage, record: m.UserScramCredentialRecord, delta: Delta) -> None:
    image.scram[(record.mechanism, record.name)] = ScramImage(
        bytes(record.salt), bytes(record.stored_key), bytes(record.server_key), record.iterations
    )
    delta.scram_changed = True


def _feature_level(image: MetadataImage, record: m.FeatureLevelRecord, delta: Delta) -> None:
    # kraft.version lives in control records; old logs that carry it here are corrected by not reading it (KAFKA-18979).
    if record.name == "kraft.version":
        return
    if record.feature_level == 0 and record.name != "metadata.version":
        image.features.pop(record.name, None)
    else:
        image.features[record.name] = record.feature_level
    delta.changed_features[record.name] = None


def _client_quota(image: MetadataImage, record: m.ClientQuotaRecord, delta: Delta) -> None:
    entity = quota_entity(record.entity)
    quotas = image.client_quotas.setdefault(entity, {})
    if record.remove:
        quotas.pop(record.key, None)
    else:
        quotas[record.key] = record.value
    if not quotas:
        del image.client_quotas[entity]
    delta.quotas_changed = True


def _producer_ids(image: MetadataImage, record: m.ProducerIdsRecord, delta: Delta) -> None:
    image.next_producer_id = record.next_producer_id
    delta.producer_ids_changed = True


def _change_broker(image: MetadataImage, record: m.BrokerRegistrationChangeRecord, delta: Delta) -> None:
    broker = _broker(image, record.broker_id, record.broker_epoch, record)
    changes: dict[str, Any] = {}
    if record.fenced:
        changes["fenced"] = record.fenced == FENCE
    if record.in_controlled_shutdown:
        changes["in_controlled_shutdown"] = True
    if record.log_dirs:
        changes["directories"] = record.log_dirs
    if record.cordoned_log_dirs is not None:
        changes["cordoned_directories"] = record.cordoned_log_dirs
    _put_broker(image, replace(broker, **changes), delta)


def _acl(image: MetadataImage, record: m.AccessControlEntryRecord, delta: Delta) -> None:
    image.acls[record.id] = AclImage(
        resource_type=record.resource_type,
        resource_name=record.resource_name,
        pattern_type=record.pattern_type,
        principal=record.principal,
        host=record.host,
        operation=record.operation,
        permission_type=record.permission_type,
    )
    delta.acls_changed = True


def _remove_acl(image: MetadataImage, record: m.RemoveAccessControlEntryRecord, delta: Delta) -> None:
    image.acls.pop(record.id, None)
    delta.acls_changed = True


def _remove_scram(image: MetadataImage, record: m.RemoveUserScramCredentialRecord, delta: Delta) -> None:
    image.scram.pop((record.mechanism, record.name), None)
    delta.scram_changed = True


def _remove_token(image: MetadataImage, record: m.RemoveDelegationTokenRecord, delta: Delta) -> None:
    image.tokens.pop(record.token_id, None)
    delta.tokens_changed = True


def _register_controller(image: MetadataImage, record: m.RegisterControllerRecord, delta: Delta) -> None:
    image.controllers[record.controller_id] = ControllerImage(
        id=record.controller_id,
        incarnation_id=record.incarnation_id,
        endpoints={e.name: Endpoint(e.host, e.port, e.security_protocol) for e in record.end_points},
        features={f.name: (f.min_supported_version, f.max_supported_version) for f in record.features},
        zk_migration_ready=record.zk_migration_ready,
    )
    delta.changed_controllers[record.controller_id] = None


def _clear_elr(image: MetadataImage, record: m.ClearElrRecord, delta: Delta) -> None:
    if record.topic_name and record.topic_name not in image.topics_by_name:
        raise ReplayError(f"ClearElrRecord: there is no topic {record.topic_name}")
    names = [record.topic_name] if record.topic_name else list(image.topics_by_name)
    for topic in map(image.topics_by_name.__getitem__, names):
        for number, partition in topic.partitions.items():
            if partition.elr or partition.last_known_elr:
                epoch = partition.partition_epoch + 1
                topic.partitions[number] = replace(
                    partition, elr=[], last_known_elr=[], partition_epoch=epoch
                )
                delta.changed_partitions[(topic.id, number)] = topic.name


def _nothing(image: MetadataImage, record: object, delta: Delta) -> None:
    """Fillers, and transaction marks: what a transaction holds back is held back before it reaches the image."""


REPLAY: Final[dict[type, Callable[[MetadataImage, Any, Delta], None]]] = {
    m.RegisterBrokerRecord: _register_broker,
    m.UnregisterBrokerRecord: _unregister_broker,
    m.TopicRecord: _create_topic,
    m.PartitionRecord: _partition,
    m.ConfigRecord: _config,
    m.PartitionChangeRecord: _change_partition,
    m.FenceBrokerRecord: _fence_broker,
    m.UnfenceBrokerRecord: _unfence_broker,
    m.RemoveTopicRecord: _remove_topic,
    m.DelegationTokenRecord: _delegation_token,
    m.UserScramCredentialRecord: _scram_credential,
    m.FeatureLevelRecord: _feature_level,
    m.ClientQuotaRecord: _client_quota,
    m.ProducerIdsRecord: _producer_ids,
    m.BrokerRegistrationChangeRecord: _change_broker,
    m.AccessControlEntryRecord: _acl,
    m.RemoveAccessControlEntryRecord: _remove_acl,
    m.NoOpRecord: _nothing,
    m.ZkMigrationStateRecord: _nothing,
    m.RemoveUserScramCredentialRecord: _remove_scram,
    m.BeginTransactionRecord: _nothing,
    m.EndTransactionRecord: _nothing,
    m.AbortTransactionRecord: _nothing,
    m.RemoveDelegationTokenRecord: _remove_token,
    m.RegisterControllerRecord: _register_controller,
    m.ClearElrRecord: _clear_elr,
}
