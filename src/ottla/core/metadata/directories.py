"""Which log directory of a broker holds which replica (AssignReplicasToDirs; KIP-858)."""

from __future__ import annotations

from ottla.core.metadata.change import Wish, change_partition
from ottla.core.metadata.levels import DIRECTORIES_SINCE
from ottla.core.metadata.nouns import BrokerImage
from ottla.core.metadata.state import Command, State
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import Uuid
from ottla.core.model.machine import Outcome
from ottla.core.wire.messages.assign_replicas_to_dirs import (
    AssignReplicasToDirsRequest,
    AssignReplicasToDirsResponse,
    DirectoryDataResponse,
    PartitionDataResponse,
    TopicDataResponse,
)


def assign_replicas(
    state: State, now: int, command: Command, request: AssignReplicasToDirsRequest
) -> Outcome[object, AssignReplicasToDirsResponse]:
    """Record where the broker put its replicas; each partition succeeds or fails by itself."""
    if state.image.metadata_version < DIRECTORIES_SINCE:
        raise KafkaError(ErrorCode.UNSUPPORTED_VERSION, "Directory assignment is not supported yet.")
    broker = state.check_broker_epoch(request.broker_id, request.broker_epoch)
    records: list[object] = []
    directories: list[DirectoryDataResponse] = []
    for directory in request.directories:
        answer = DirectoryDataResponse(id=directory.id)
        for topic in directory.topics:
            result = TopicDataResponse(topic_id=topic.topic_id)
            for partition in topic.partitions:
                number = partition.partition_index
                outcome = PartitionDataResponse(partition_index=number)
                try:
                    records += _assign(state, broker, directory.id, topic.topic_id, number)
                except KafkaError as error:
                    outcome.error_code = error.code
                result.partitions.append(outcome)
            answer.topics.append(result)
        directories.append(answer)
    return Outcome(records, AssignReplicasToDirsResponse(directories=directories))


def _assign(state: State, broker: BrokerImage, directory: Uuid, topic_id: Uuid, number: int) -> list[object]:
    topic = state.image.topics_by_id.get(topic_id)
    if topic is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_ID)
    partition = topic.partitions.get(number)
    if partition is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    if broker.id not in partition.replicas:
        raise KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    online = broker.has_online_directory(directory)
    isr = None if online else [replica for replica in partition.isr if replica != broker.id]

    def acceptable(broker_id: int) -> bool:
        return state.is_active(broker_id) and (online or broker_id != broker.id)

    wish = Wish(isr=isr, directories={broker.id: directory})
    rules = state.change_rules(topic, partition, acceptable)
    record = change_partition(topic_id, number, partition, wish, rules)
    return [] if record is None else [record]
