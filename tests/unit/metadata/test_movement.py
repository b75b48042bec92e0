"""Elections, reassignments, ISR changes, directories."""

from __future__ import annotations

from typing import Any

import pytest

from ottla.core.model.errors import ErrorCode
from ottla.core.model.ids import Uuid
from ottla.core.wire.messages.alter_partition import (
    AlterPartitionRequest,
    BrokerState,
    PartitionDataRequest,
    TopicDataRequest,
)
from ottla.core.wire.messages.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    ReassignablePartition,
    ReassignableTopic,
)
from ottla.core.wire.messages.assign_replicas_to_dirs import (
    AssignReplicasToDirsRequest,
    DirectoryDataRequest,
)
from ottla.core.wire.messages.assign_replicas_to_dirs import PartitionDataRequest as DirectoryPartition
from ottla.core.wire.messages.assign_replicas_to_dirs import TopicDataRequest as DirectoryTopic
from ottla.core.wire.messages.create_topics import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreateTopicsRequest,
)
from ottla.core.wire.messages.elect_leaders import ElectLeadersRequest, TopicPartitions
from ottla.core.wire.messages.list_partition_reassignments import ListPartitionReassignmentsRequest
from tests.unit.metadata.cluster import Cluster


def with_replicas(*replicas: int, brokers: int = 3) -> Cluster:
    cluster = Cluster(brokers)
    assignment = CreatableReplicaAssignment(partition_index=0, broker_ids=list(replicas))
    topic = CreatableTopic(name="t", num_partitions=-1, replication_factor=-1, assignments=[assignment])
    assert cluster.ask(CreateTopicsRequest(topics=[topic])).topics[0].error_code == 0
    return cluster


def state(cluster: Cluster) -> tuple[list[int], list[int], int]:
    found = cluster.image.topics_by_name["t"].partitions[0]
    return found.replicas, found.isr, found.leader


def alter_isr(cluster: Cluster, sender: int, isr: list[int], **changes: Any) -> tuple[int, list[int]]:
    found = cluster.image.topics_by_name["t"].partitions[0]
    data = PartitionDataRequest(
        leader_epoch=found.leader_epoch,
        new_isr_with_epochs=[BrokerState(broker_id=i, broker_epoch=cluster.epochs[i]) for i in isr],
        partition_epoch=found.partition_epoch,
        leader_recovery_state=found.leader_recovery_state,
    )
    for name, value in changes.items():
        setattr(data, name, value)
    topic = TopicDataRequest(topic_id=cluster.image.topics_by_name["t"].id, partitions=[data])
    request = AlterPartitionRequest(broker_id=sender, broker_epoch=cluster.epochs[sender], topics=[topic])
    answer = cluster.ask(request).topics[0].partitions[0]
    return answer.error_code, answer.isr


def test_the_leader_shrinks_and_grows_its_isr() -> None:
    cluster = with_replicas(1, 2, 3)
    assert alter_isr(cluster, 1, [1, 2]) == (0, [1, 2])
    assert alter_isr(cluster, 1, [1, 2, 3]) == (0, [1, 2, 3])
    assert cluster.image.topics_by_name["t"].partitions[0].partition_epoch == 2


@pytest.mark.parametrize(
    ("sender", "isr", "changes", "code"),
    [
        (2, [2], {}, ErrorCode.INVALID_REQUEST),
        (1, [2], {}, ErrorCode.INVALID_REQUEST),
        (1, [1, 1], {}, ErrorCode.INVALID_REQUEST),
        (1, [1], {"leader_epoch": 4}, ErrorCode.NOT_CONTROLLER),
        (1, [1], {"leader_epoch": -1}, ErrorCode.FENCED_LEADER_EPOCH),
        (1, [1], {"partition_epoch": 4}, ErrorCode.NOT_CONTROLLER),
        (1, [1], {"partition_epoch": -1}, ErrorCode.INVALID_UPDATE_VERSION),
        (1, [1], {"leader_recovery_state": 1}, ErrorCode.INVALID_REQUEST),
        (1, [1], {"partition_index": 7}, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        (
            1,
            [1],
            {"new_isr_with_epochs": [BrokerState(broker_id=1), BrokerState(broker_id=2, broker_epoch=1)]},
            ErrorCode.INELIGIBLE_REPLICA,
        ),
    ],
)
def test_isr_changes_that_are_refused(
    sender: int, isr: list[int], changes: dict[str, Any], code: ErrorCode
) -> None:
    cluster = with_replicas(1, 2, 3)
    assert alter_isr(cluster, sender, isr, **changes)[0] == code
    assert cluster.written == []


def test_a_fenced_replica_may_not_join_the_isr() -> None:
    cluster = with_replicas(1, 2)
    cluster.heartbeat(2, fence=True)
    assert alter_isr(cluster, 1, [1, 2])[0] == ErrorCode.INELIGIBLE_REPLICA


def elect(cluster: Cluster, kind: int, *, everything: bool = False, name: str = "t") -> list[tuple[int, int]]:
    wanted = None if everything else [TopicPartitions(topic=name, partitions=[0])]
    reply = cluster.ask(ElectLeadersRequest(election_type=kind, topic_partitions=wanted))
    return [
        (p.partition_id, p.error_code) for r in reply.replica_election_results for p in r.partition_result
    ]


def test_the_preferred_leader_comes_back() -> None:
    cluster = with_replicas(1, 2)
    cluster.heartbeat(1, fence=True)
    assert state(cluster) == ([1, 2], [2], 2)
    assert elect(cluster, 0) == [(0, ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE)]
    cluster.heartbeat(1)
    alter_isr(cluster, 2, [1, 2])
    assert elect(cluster, 0) == [(0, 0)]
    assert state(cluster)[2] == 1
    assert elect(cluster, 0) == [(0, ErrorCode.ELECTION_NOT_NEEDED)]
    assert elect(cluster, 0, everything=True) == []
    assert elect(cluster, 1) == [(0, ErrorCode.ELECTION_NOT_NEEDED)]
    assert elect(cluster, 0, name="no") == [(0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)]


def test_leaders_are_balanced_from_time_to_time() -> None:
    cluster = with_replicas(1, 2)
    cluster.controller.activate(cluster.now)
    cluster.heartbeat(1, fence=True)
    cluster.heartbeat(1)
    alter_isr(cluster, 2, [1, 2])
    cluster.now += 300_000
    for id_ in (1, 2, 3):
        cluster.heartbeat(id_)
    cluster.tick()
    assert state(cluster)[2] == 1


def move(cluster: Cluster, replicas: list[int] | None, **changes: Any) -> tuple[int, str | None]:
    topic = ReassignableTopic(name="t", partitions=[ReassignablePartition(replicas=replicas)])
    request = AlterPartitionReassignmentsRequest(topics=[topic], **changes)
    (answer,) = cluster.ask(request).responses[0].partitions
    return answer.error_code, answer.error_message


def test_a_replica_moves_when_the_new_one_has_caught_up() -> None:
    cluster = with_replicas(1, 2)
    assert move(cluster, [1, 3]) == (0, None)
    found = cluster.image.topics_by_name["t"].partitions[0]
    assert (found.replicas, found.adding_replicas, found.removing_replicas) == ([1, 3, 2], [3], [2])
    listed = cluster.ask(ListPartitionReassignmentsRequest()).topics
    assert [(t.name, t.partitions[0].adding_replicas) for t in listed] == [("t", [3])]
    alter_isr(cluster, 1, [1, 2, 3])
    found = cluster.image.topics_by_name["t"].partitions[0]
    assert (found.replicas, found.isr, found.adding_replicas, found.removing_replicas) == (
        [1, 3],
        [1, 3],
        [],
        [],
    )
    assert cluster.ask(ListPartitionReassignmentsRequest()).topics == []


def test_a_reordering_is_done_at_once() -> None:
    cluster = with_replicas(1, 2)
    assert move(cluster, [2, 1]) == (0, None)
    assert state(cluster) == ([2, 1], [1, 2], 1)


def test_a_move_is_taken_back() -> None:
    cluster = with_replicas(1, 2)
    assert move(cluster, None)[0] == ErrorCode.NO_REASSIGNMENT_IN_PROGRESS
    move(cluster, [1, 3])
    assert move(cluster, None) == (0, None)
    found = cluster.image.topics_by_name["t"].partitions[0]
    assert (found.replicas, found.adding_replicas, found.removing_replicas) == ([1, 2], [], [])


def test_moves_that_cannot_be() -> None:
    cluster = with_replicas(1, 2)
    assert move(cluster, [1, 9]) == (
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        "The manual partition assignment includes broker 9, but no such broker is registered.",
    )
    assert move(cluster, [1], allow_replication_factor_change=False) == (
        ErrorCode.INVALID_REPLICATION_FACTOR,
        "The replication factor is changed from 2 to 1",
    )


def test_a_broker_says_where_it_put_a_replica() -> None:
    cluster = with_replicas(1)
    topic = cluster.image.topics_by_name["t"]
    second = Uuid(b"2" * 16)
    cluster.register(1, log_dirs=[Uuid(bytes([1]) * 16), second])

    def assign(topic_id: Uuid, number: int = 0, broker: int = 1) -> int:
        request = AssignReplicasToDirsRequest(
            broker_id=broker,
            broker_epoch=cluster.epochs[broker],
            directories=[
                DirectoryDataRequest(
                    id=second,
                    topics=[
                        DirectoryTopic(
                            topic_id=topic_id, partitions=[DirectoryPartition(partition_index=number)]
                        )
                    ],
                )
            ],
        )
        code: int = cluster.ask(request).directories[0].topics[0].partitions[0].error_code
        return code

    assert assign(topic.id) == 0
    assert topic.partitions[0].directories == [second] and topic.partitions[0].leader == 1
    assert assign(topic.id) == 0 and cluster.written == []
    assert assign(Uuid(b"x" * 16)) == ErrorCode.UNKNOWN_TOPIC_ID
    assert assign(topic.id, 5) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert assign(topic.id, broker=2) == ErrorCode.NOT_LEADER_OR_FOLLOWER
