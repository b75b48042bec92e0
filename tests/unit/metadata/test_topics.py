from __future__ import annotations

import pytest

from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.messages.create_partitions import (
    CreatePartitionsAssignment,
    CreatePartitionsRequest,
    CreatePartitionsTopic,
)
from ottla.core.wire.messages.create_topics import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreatableTopicConfig,
    CreatableTopicResult,
    CreateTopicsRequest,
)
from ottla.core.wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicState
from tests.unit.metadata.cluster import Cluster


def wanted(name: str, partitions: int = 1, replicas: int = 1, **configs: str | None) -> CreatableTopic:
    return CreatableTopic(
        name=name,
        num_partitions=partitions,
        replication_factor=replicas,
        configs=[CreatableTopicConfig(name=k.replace("_", "."), value=v) for k, v in configs.items()],
    )


def create(
    cluster: Cluster, *topics: CreatableTopic, validate_only: bool = False
) -> list[CreatableTopicResult]:
    request = CreateTopicsRequest(topics=list(topics), validate_only=validate_only)
    results: list[CreatableTopicResult] = cluster.ask(request).topics
    return results


def test_a_created_topic_is_answered_with_what_it_became() -> None:
    cluster = Cluster()
    (result,) = create(cluster, wanted("t", 6, 2, retention_ms="5"))
    assert (result.error_code, result.error_message, result.num_partitions, result.replication_factor) == (
        0,
        None,
        6,
        2,
    )
    topic = cluster.image.topics_by_name["t"]
    assert topic.id == result.topic_id and len(topic.partitions) == 6
    assert {c.name: (c.value, c.config_source) for c in result.configs or []} == {
        "min.insync.replicas": ("1", 5),
        "retention.ms": ("5", 1),
        "unclean.leader.election.enable": ("false", 5),
    }
    assert [type(r).__name__ for r in cluster.written[:3]] == [
        "TopicRecord",
        "ConfigRecord",
        "PartitionRecord",
    ]
    leaders = [p.leader for p in topic.partitions.values()]
    assert sorted(leaders.count(broker) for broker in (1, 2, 3)) == [2, 2, 2]
    assert all(p.leader == p.replicas[0] and p.isr == p.replicas for p in topic.partitions.values())


def test_minus_one_takes_the_defaults() -> None:
    cluster = Cluster(num_partitions=4, default_replication_factor=3)
    (result,) = create(cluster, wanted("t", -1, -1))
    assert (result.num_partitions, result.replication_factor) == (4, 3)


def test_validating_writes_nothing_and_answers_the_same() -> None:
    cluster = Cluster()
    (result,) = create(cluster, wanted("t", 2), validate_only=True)
    assert result.error_code == 0 and result.num_partitions == 2
    assert cluster.written == [] and "t" not in cluster.image.topics_by_name


@pytest.mark.parametrize(
    ("topic", "code", "text"),
    [
        (
            wanted("t", 0),
            ErrorCode.INVALID_PARTITIONS,
            "Number of partitions was set to an invalid non-positive value.",
        ),
        (
            wanted("t", 1, 0),
            ErrorCode.INVALID_REPLICATION_FACTOR,
            "Replication factor must be larger than 0, or -1 to use the default value.",
        ),
        (
            wanted("t", 1, 4),
            ErrorCode.INVALID_REPLICATION_FACTOR,
            "Unable to replicate the partition 4 time(s): The target replication factor of 4 cannot be reached because "
            "only 3 broker(s) are registered or some brokers have all their log directories cordoned.",
        ),
        (wanted("."), ErrorCode.INVALID_TOPIC_EXCEPTION, "Topic name is invalid: '.' is not allowed"),
        (
            wanted(""),
            ErrorCode.INVALID_TOPIC_EXCEPTION,
            "Topic name is invalid: the empty string is not allowed",
        ),
        (
            wanted("a b"),
            ErrorCode.INVALID_TOPIC_EXCEPTION,
            "Topic name is invalid: 'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'",
        ),
        (wanted("old"), ErrorCode.TOPIC_ALREADY_EXISTS, "Topic 'old' already exists."),
        (
            wanted("o.ld"),
            ErrorCode.INVALID_TOPIC_EXCEPTION,
            "Topic 'o.ld' collides with existing topic: o_ld",
        ),
        (
            wanted("__cluster_metadata"),
            ErrorCode.INVALID_REQUEST,
            "Creation of internal topic __cluster_metadata is prohibited.",
        ),
        (wanted("t", retention_ms="x"), ErrorCode.INVALID_CONFIG, "retention.ms is not a number"),
        (
            wanted("t", retention_ms=None),
            ErrorCode.INVALID_CONFIG,
            "Null value not supported for topic configs: retention.ms",
        ),
    ],
)
def test_what_cannot_be_created_is_refused_in_kafkas_words(
    topic: CreatableTopic, code: ErrorCode, text: str
) -> None:
    cluster = Cluster()
    create(cluster, wanted("old"), wanted("o_ld"))
    (result,) = create(cluster, topic)
    assert (result.error_code, result.error_message) == (code, text)
    assert cluster.written == []


def test_one_bad_topic_does_not_harm_another() -> None:
    cluster = Cluster()
    results = create(cluster, wanted("twice"), wanted("good"), wanted("twice"))
    assert [(r.name, r.error_code) for r in results] == [("good", 0), ("twice", ErrorCode.INVALID_REQUEST)]
    assert list(cluster.image.topics_by_name) == ["good"]


def test_two_topics_of_one_request_may_not_collide() -> None:
    first, second = create(Cluster(), wanted("a.b"), wanted("a_b"))
    assert first.error_code == 0
    assert second.error_message == "Topic 'a_b' collides with existing topic: a.b"


def assigned(*replicas: list[int], numbers: list[int] | None = None) -> CreatableTopic:
    return CreatableTopic(
        name="t",
        num_partitions=-1,
        replication_factor=-1,
        assignments=[
            CreatableReplicaAssignment(partition_index=number, broker_ids=ids)
            for number, ids in zip(numbers or range(len(replicas)), replicas, strict=True)
        ],
    )


def test_a_manual_assignment_is_taken_as_it_is() -> None:
    cluster = Cluster()
    (result,) = create(cluster, assigned([2, 1], [3, 2]))
    assert result.error_code == 0
    partitions = cluster.image.topics_by_name["t"].partitions
    assert [p.replicas for p in partitions.values()] == [[2, 1], [3, 2]]


@pytest.mark.parametrize(
    ("topic", "text"),
    [
        (assigned([]), "The manual partition assignment includes an empty replica list."),
        (
            assigned([9]),
            "The manual partition assignment includes broker 9, but no such broker is registered.",
        ),
        (assigned([1, 1]), "The manual partition assignment includes the broker 1 more than once."),
        (
            assigned([1], [1, 2]),
            "The manual partition assignment includes a partition with 2 replica(s), but this is not consistent with "
            "previous partitions, which have 1 replica(s).",
        ),
        (assigned([1], numbers=[3]), "partitions should be a consecutive 0-based integer sequence"),
        (assigned([1], [2], numbers=[0, 0]), "Found multiple manual partition assignments for partition 0"),
    ],
)
def test_a_wrong_manual_assignment_is_refused(topic: CreatableTopic, text: str) -> None:
    (result,) = create(Cluster(), topic)
    assert (result.error_code, result.error_message) == (ErrorCode.INVALID_REPLICA_ASSIGNMENT, text)


def test_a_fenced_broker_takes_no_leadership() -> None:
    cluster = Cluster(brokers=2)
    cluster.heartbeat(2, fence=True)
    create(cluster, wanted("t", 4, 2))
    partitions = cluster.image.topics_by_name["t"].partitions.values()
    assert {p.leader for p in partitions} == {1} and all(p.isr == [1] for p in partitions)


def test_too_many_partitions_at_once_are_refused() -> None:
    with pytest.raises(KafkaError) as caught:
        create(Cluster(), wanted("t", 10_001))
    assert caught.value.code == ErrorCode.POLICY_VIOLATION


def delete(cluster: Cluster, *states: DeleteTopicState) -> list[tuple[str | None, int]]:
    reply = cluster.ask(DeleteTopicsRequest(topics=list(states)))
    return [(r.name, r.error_code) for r in reply.responses]


def test_topics_are_deleted_by_name_and_by_id() -> None:
    cluster = Cluster()
    create(cluster, wanted("a", retention_ms="5"), wanted("b"))
    by_id = DeleteTopicState(topic_id=cluster.image.topics_by_name["b"].id)
    assert sorted(delete(cluster, DeleteTopicState(name="a"), by_id), key=str) == [("a", 0), ("b", 0)]
    assert cluster.image.topics_by_name == {} == cluster.image.topics_by_id
    assert (2, "a") not in cluster.image.configs


def test_a_topic_named_in_two_ways_is_kept() -> None:
    cluster = Cluster()
    create(cluster, wanted("a"))
    same = DeleteTopicState(topic_id=cluster.image.topics_by_name["a"].id)
    assert delete(cluster, DeleteTopicState(name="a"), same) == [("a", ErrorCode.INVALID_REQUEST)]
    assert "a" in cluster.image.topics_by_name


def test_deletions_that_cannot_be() -> None:
    cluster = Cluster()
    strange = Uuid(b"s" * 16)
    assert delete(
        cluster,
        DeleteTopicState(name="no"),
        DeleteTopicState(topic_id=strange),
        DeleteTopicState(topic_id=ZERO_UUID),
        DeleteTopicState(name="x", topic_id=strange),
    ) == [
        (None, ErrorCode.INVALID_REQUEST),
        ("x", ErrorCode.INVALID_REQUEST),
        (None, ErrorCode.UNKNOWN_TOPIC_ID),
        ("no", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
    ]


def test_deletion_can_be_switched_off() -> None:
    cluster = Cluster(delete_topic_enable=False)
    with pytest.raises(KafkaError) as caught:
        delete(cluster, DeleteTopicState(name="a"))
    assert caught.value.code == ErrorCode.TOPIC_DELETION_DISABLED
    with pytest.raises(KafkaError) as caught:
        cluster.ask(DeleteTopicsRequest(topic_names=["a"]), version=2)
    assert caught.value.code == ErrorCode.INVALID_REQUEST


def grow(cluster: Cluster, count: int, assignments: list[list[int]] | None = None) -> tuple[int, str | None]:
    topic = CreatePartitionsTopic(name="t", count=count, assignments=None)
    if assignments is not None:
        topic.assignments = [CreatePartitionsAssignment(broker_ids=ids) for ids in assignments]
    (result,) = cluster.ask(CreatePartitionsRequest(topics=[topic])).results
    return result.error_code, result.error_message


def test_partitions_are_added() -> None:
    cluster = Cluster()
    create(cluster, wanted("t", 2, 2))
    assert grow(cluster, 4) == (0, None)
    assert grow(cluster, 5, [[3, 1]]) == (0, None)
    assert cluster.image.topics_by_name["t"].partitions[4].replicas == [3, 1]
    assert len(cluster.image.topics_by_name["t"].partitions) == 5


def test_partitions_that_cannot_be_added() -> None:
    cluster = Cluster()
    create(cluster, wanted("t", 2))
    assert grow(cluster, 2) == (ErrorCode.INVALID_PARTITIONS, "Topic already has 2 partition(s).")
    assert grow(cluster, 1) == (
        ErrorCode.INVALID_PARTITIONS,
        "The topic t currently has 2 partition(s); 1 would not be an increase.",
    )
    assert grow(cluster, 4, [[1]]) == (
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.",
    )
    assert grow(cluster, 3, [[1, 2]])[0] == ErrorCode.INVALID_REPLICA_ASSIGNMENT


def test_a_request_that_would_write_too_many_records_writes_none() -> None:
    cluster = Cluster()
    for number in range(2):
        (result,) = create(cluster, wanted(f"t{number}", 6_000))
        assert result.error_code == 0
    growing = [
        CreatePartitionsTopic(name=f"t{number}", count=12_000, assignments=None) for number in range(2)
    ]
    with pytest.raises(KafkaError, match="Unable to perform excessively large batch operation") as caught:
        cluster.ask(CreatePartitionsRequest(topics=growing))
    assert caught.value.code == ErrorCode.POLICY_VIOLATION
    (one,) = cluster.ask(CreatePartitionsRequest(topics=growing[:1])).results
    assert one.error_code == 0


def test_partitions_without_number_are_refused_before_they_are_placed() -> None:
    cluster = Cluster()
    create(cluster, wanted("t", 1))
    growing = CreatePartitionsTopic(name="t", count=2**31 - 1, assignments=None)
    with pytest.raises(KafkaError) as caught:
        cluster.ask(CreatePartitionsRequest(topics=[growing]))
    assert caught.value.code == ErrorCode.POLICY_VIOLATION
