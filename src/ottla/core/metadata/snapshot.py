"""The whole image as records, in the order Kafka writes them into a checkpoint.

`metadata.version` comes first, because it decides how the rest is to be read; then the other features, brokers,
controllers, topics each followed by its partitions, configs, quotas, producer ids, ACLs, SCRAM credentials and
tokens; last what this version does not know, as it came.
"""

from __future__ import annotations

from collections.abc import Iterator

from ottla.core.metadata.image import MetadataImage
from ottla.core.metadata.levels import METADATA_VERSION
from ottla.core.metadata.nouns import BrokerImage, ControllerImage, PartitionImage
from ottla.core.model.ids import Uuid
from ottla.core.wire.messages.records import metadata as m


def broker_record(broker: BrokerImage) -> m.RegisterBrokerRecord:
    return m.RegisterBrokerRecord(
        broker_id=broker.id,
        is_migrating_zk_broker=broker.is_migrating_zk_broker,
        incarnation_id=broker.incarnation_id,
        broker_epoch=broker.epoch,
        end_points=[
            m.BrokerEndpoint(name=name, host=e.host, port=e.port, security_protocol=e.security_protocol)
            for name, e in broker.endpoints.items()
        ],
        features=[
            m.BrokerFeature(name=name, min_supported_version=low, max_supported_version=high)
            for name, (low, high) in broker.features.items()
        ],
        rack=broker.rack,
        fenced=broker.fenced,
        in_controlled_shutdown=broker.in_controlled_shutdown,
        log_dirs=broker.directories,
        cordoned_log_dirs=broker.cordoned_directories,
    )


def controller_record(controller: ControllerImage) -> m.RegisterControllerRecord:
    return m.RegisterControllerRecord(
        controller_id=controller.id,
        incarnation_id=controller.incarnation_id,
        zk_migration_ready=controller.zk_migration_ready,
        end_points=[
            m.ControllerEndpoint(name=name, host=e.host, port=e.port, security_protocol=e.security_protocol)
            for name, e in controller.endpoints.items()
        ],
        features=[
            m.ControllerFeature(name=name, min_supported_version=low, max_supported_version=high)
            for name, (low, high) in controller.features.items()
        ],
    )


def partition_record(topic_id: Uuid, number: int, partition: PartitionImage) -> m.PartitionRecord:
    """The full form of a partition. Empty ELR lists stay out of the record: they are tagged fields."""
    return m.PartitionRecord(
        partition_id=number,
        topic_id=topic_id,
        replicas=partition.replicas,
        isr=partition.isr,
        removing_replicas=partition.removing_replicas,
        adding_replicas=partition.adding_replicas,
        leader=partition.leader,
        leader_recovery_state=partition.leader_recovery_state,
        leader_epoch=partition.leader_epoch,
        partition_epoch=partition.partition_epoch,
        directories=partition.directories,
        eligible_leader_replicas=partition.elr or None,
        last_known_elr=partition.last_known_elr or None,
    )


def _feature_records(image: MetadataImage) -> Iterator[object]:
    if METADATA_VERSION in image.features:
        yield m.FeatureLevelRecord(name=METADATA_VERSION, feature_level=image.metadata_version)
    for name, level in sorted(image.features.items()):
        if name != METADATA_VERSION:
            yield m.FeatureLevelRecord(name=name, feature_level=level)


def _security_records(image: MetadataImage) -> Iterator[object]:
    for id_, acl in image.acls.items():
        yield m.AccessControlEntryRecord(
            id=id_,
            resource_type=acl.resource_type,
            resource_name=acl.resource_name,
            pattern_type=acl.pattern_type,
            principal=acl.principal,
            host=acl.host,
            operation=acl.operation,
            permission_type=acl.permission_type,
        )
    for (mechanism, user), scram in image.scram.items():
        yield m.UserScramCredentialRecord(
            name=user,
            mechanism=mechanism,
            salt=scram.salt,
            stored_key=scram.stored_key,
            server_key=scram.server_key,
            iterations=scram.iterations,
        )
    for token in image.tokens.values():
        yield m.DelegationTokenRecord(
            owner=token.owner,
            requester=token.requester,
            renewers=token.renewers,
            issue_timestamp=token.issue_timestamp,
            max_timestamp=token.max_timestamp,
            expiration_timestamp=token.expiration_timestamp,
            token_id=token.token_id,
        )


def snapshot_records(image: MetadataImage) -> Iterator[object]:
    """Every record needed to rebuild `image` from nothing."""
    yield from _feature_records(image)
    yield from (broker_record(broker) for broker in image.brokers.values())
    yield from (controller_record(controller) for controller in image.controllers.values())
    for topic in image.topics_by_id.values():
        yield m.TopicRecord(name=topic.name, topic_id=topic.id)
        for number, partition in topic.partitions.items():
            yield partition_record(topic.id, number, partition)
    for (resource_type, resource_name), configs in image.configs.items():
        for name, value in configs.items():
            yield m.ConfigRecord(
                resource_type=resource_type, resource_name=resource_name, name=name, value=value
            )
    for entity, quotas in image.client_quotas.items():
        parts = [m.EntityData(entity_type=kind, entity_name=name) for kind, name in entity]
        for key, quota in quotas.items():
            yield m.ClientQuotaRecord(entity=parts, key=key, value=quota, remove=False)
    if image.next_producer_id >= 0:
        yield m.ProducerIdsRecord(broker_id=-1, broker_epoch=-1, next_producer_id=image.next_producer_id)
    yield from _security_records(image)
    yield from image.unknown
