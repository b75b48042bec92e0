"""Metadata (key 3): brokers, topics, partitions, leaders.

Behaviour: null (from 1; an empty list in 0) asks for all topics. A topic that does not exist is created when the request
and `auto.create.topics.enable` allow it; the answer to the request that triggers it is UNKNOWN_TOPIC_OR_PARTITION.

Versions: 1 rack, controller, internal flag; 4 the client may forbid creation; 5 offline replicas; 7 leader epochs; 8
authorised operations; 10 topic ids in the answer; 12 topics may be asked for by id; 13 an error of the whole request.
Version 0 hides replicas that cannot be reached and says so (REPLICA_NOT_AVAILABLE); up to 5 a missing listener is told as
LEADER_NOT_AVAILABLE.
"""

from __future__ import annotations

from ottla.broker.authorizer import (
    CLUSTER_NAME,
    CLUSTER_OPERATIONS,
    NOT_ASKED,
    TOPIC_OPERATIONS,
    authorized_operations,
)
from ottla.broker.auto_create import create
from ottla.broker.context import Context
from ottla.broker.endpoints import brokers
from ottla.broker.services import Services
from ottla.broker.topic_metadata import INTERNAL_TOPICS, Reach, absence
from ottla.core.metadata.image import PartitionImage, TopicImage
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.messages.metadata import (
    MetadataRequest,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from ottla.core.wire.permissions import Operation, ResourceType


def handle(services: Services, context: Context, request: MetadataRequest) -> MetadataResponse:
    version = context.version
    nodes = list(brokers(services, context))
    response = MetadataResponse(
        brokers=[
            MetadataResponseBroker(node_id=each.id, host=each.host, port=each.port, rack=each.rack)
            for each in nodes
        ],
        cluster_id=services.cluster_id,
        controller_id=nodes[services.chance.below(len(nodes))].id if nodes else -1,
        topics=_topics(services, context, request),
    )
    if 8 <= version <= 10 and request.include_cluster_authorized_operations:
        response.cluster_authorized_operations = authorized_operations(
            services.authorizer, context, ResourceType.CLUSTER, CLUSTER_NAME, CLUSTER_OPERATIONS
        )
    if version >= 8 and request.include_topic_authorized_operations:
        for topic in response.topics:
            if topic.name is not None:
                topic.topic_authorized_operations = authorized_operations(
                    services.authorizer, context, ResourceType.TOPIC, topic.name, TOPIC_OPERATIONS
                )
    return response


def _topics(services: Services, context: Context, request: MetadataRequest) -> list[MetadataResponseTopic]:
    image = services.image
    reach = Reach(services, context)
    if request.topics is None or (context.version == 0 and not request.topics):
        return [
            _describe(context, reach, topic)
            for name, topic in image.topics_by_name.items()
            if services.authorizer.allows(context, Operation.DESCRIBE, ResourceType.TOPIC, name)
        ]
    if context.version < 12 and any(
        each.name is None or each.topic_id != ZERO_UUID for each in request.topics
    ):
        raise KafkaError(
            ErrorCode.INVALID_REQUEST, f"Topics are asked for by name in version {context.version}"
        )
    by_id = {each.topic_id: None for each in request.topics if each.topic_id != ZERO_UUID}
    if by_id:
        return [_by_id(services, context, reach, topic_id) for topic_id in by_id]
    names: dict[str, None] = {}
    for each in request.topics:
        if each.name is None:
            each.name = ""  # so that the answer can carry it
            raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, "A topic was asked for by neither name nor id")
        names[each.name] = None
    create_missing = request.allow_auto_topic_creation and services.settings["auto.create.topics.enable"]
    missing: list[str] = []
    answers = []
    for name in names:
        topic = image.topics_by_name.get(name)
        if not services.authorizer.allows(context, Operation.DESCRIBE, ResourceType.TOPIC, name):
            answers.append(_refusal(name, ErrorCode.TOPIC_AUTHORIZATION_FAILED))
        elif topic is not None:
            answers.append(_describe(context, reach, topic))
        else:
            code = absence(name)
            if create_missing and code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
                if _may_create(services, context, name):
                    missing.append(name)
                else:
                    code = ErrorCode.TOPIC_AUTHORIZATION_FAILED
            answers.append(_refusal(name, code))
    if missing:
        create(services, context, missing)
    return answers


def _may_create(services: Services, context: Context, name: str) -> bool:
    allows = services.authorizer.allows
    return allows(context, Operation.CREATE, ResourceType.CLUSTER, CLUSTER_NAME) or allows(
        context, Operation.CREATE, ResourceType.TOPIC, name
    )


def _by_id(services: Services, context: Context, reach: Reach, topic_id: Uuid) -> MetadataResponseTopic:
    topic = services.image.topics_by_id.get(topic_id)
    if topic is None:
        return MetadataResponseTopic(error_code=ErrorCode.UNKNOWN_TOPIC_ID, name=None, topic_id=topic_id)
    if not services.authorizer.allows(context, Operation.DESCRIBE, ResourceType.TOPIC, topic.name):
        code = ErrorCode.TOPIC_AUTHORIZATION_FAILED
        return MetadataResponseTopic(error_code=code, name=None, topic_id=topic_id)
    return _describe(context, reach, topic)


def _refusal(name: str, code: ErrorCode) -> MetadataResponseTopic:
    return MetadataResponseTopic(
        error_code=code, name=name, is_internal=name in INTERNAL_TOPICS, topic_authorized_operations=NOT_ASKED
    )


def _describe(context: Context, reach: Reach, topic: TopicImage) -> MetadataResponseTopic:
    version = context.version
    return MetadataResponseTopic(
        name=topic.name,
        topic_id=topic.id,
        is_internal=topic.name in INTERNAL_TOPICS,
        partitions=[_partition(version, reach, index, each) for index, each in topic.partitions.items()],
    )


def _partition(
    version: int, reach: Reach, index: int, partition: PartitionImage
) -> MetadataResponsePartition:
    replicas, isr = partition.replicas, partition.isr
    leader_id, code = reach.leader(partition)
    if code == ErrorCode.LISTENER_NOT_FOUND and version < 6:
        code = ErrorCode.LEADER_NOT_AVAILABLE
    if version == 0:
        replicas, isr = reach.alive(replicas), reach.alive(isr)
        if not code and (len(replicas) < len(partition.replicas) or len(isr) < len(partition.isr)):
            code = ErrorCode.REPLICA_NOT_AVAILABLE
    return MetadataResponsePartition(
        error_code=code,
        partition_index=index,
        leader_id=leader_id,
        leader_epoch=partition.leader_epoch,
        replica_nodes=replicas,
        isr_nodes=isr,
        offline_replicas=reach.offline_replicas(partition) if version >= 5 else [],
    )
