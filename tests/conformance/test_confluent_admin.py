"""confluent-kafka's AdminClient: topics, partitions, configs, records, the cluster."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.confluent import admin_api, confluent_kafka, consumer, messages, producer, send
from tests.conformance.broker import Broker
from tests.conformance.checks import covers
from tests.nodes import CLUSTER_ID
from tests.samples import SAMPLES, SECONDS

CLIENT = "confluent-kafka"


@pytest.fixture(scope="module")
def admin(broker: Broker) -> Any:
    return admin_api.AdminClient({"bootstrap.servers": broker.bootstrap})


def error_of(future: Any) -> Any:
    with pytest.raises(confluent_kafka.KafkaException) as caught:
        future.result(SECONDS)
    return caught.value.args[0]


def create(admin: Any, name: str, **wanted: Any) -> Any:
    return admin.create_topics([admin_api.NewTopic(name, **wanted)])[name]


def listed(admin: Any, name: str, *, there: bool) -> None:
    """A broker shows a topic, and that it is gone, a moment after the controller agreed to it."""
    deadline = time.monotonic() + SECONDS
    while (name in admin.list_topics(timeout=SECONDS).topics) != there:
        assert time.monotonic() < deadline


@covers(CLIENT, "create-topic", "describe-topic", "delete-topic")
def test_creates_describes_and_deletes_a_topic(admin: Any, broker: Broker) -> None:
    name = broker.name()
    create(admin, name, num_partitions=5, replication_factor=1).result(SECONDS)
    listed(admin, name, there=True)
    described = admin.describe_topics(confluent_kafka.TopicCollection([name]))[name].result(SECONDS)
    assert (described.name, described.is_internal, len(described.partitions)) == (name, False, 5)
    assert [each.id for each in described.partitions] == list(range(5))
    assert {each.leader.id for each in described.partitions} == {1}
    assert [[node.id for node in each.isr] for each in described.partitions] == [[1]] * 5
    assert str(described.topic_id) != str(confluent_kafka.Uuid(0, 0))
    admin.delete_topics([name])[name].result(SECONDS)
    listed(admin, name, there=False)
    error = error_of(admin.describe_topics(confluent_kafka.TopicCollection([name]))[name])
    assert error.code() == confluent_kafka.KafkaError.UNKNOWN_TOPIC_OR_PART


def test_a_topic_made_again_is_another_topic(admin: Any, broker: Broker) -> None:
    name = broker.name()
    ids = []
    for _ in range(2):
        create(admin, name, num_partitions=1, replication_factor=1).result(SECONDS)
        listed(admin, name, there=True)
        collection = confluent_kafka.TopicCollection([name])
        ids.append(str(admin.describe_topics(collection)[name].result(SECONDS).topic_id))
        assert send(producer(broker.bootstrap), name, SAMPLES[:3]) == [0, 1, 2]
        admin.delete_topics([name])[name].result(SECONDS)
        listed(admin, name, there=False)
    assert ids[0] != ids[1]


@covers(CLIENT, "invalid-config", "partition-count")
@pytest.mark.parametrize(
    ("name", "wanted", "code"),
    [
        ("a/b", {"num_partitions": 1, "replication_factor": 1}, "TOPIC_EXCEPTION"),
        ("x" * 250, {"num_partitions": 1, "replication_factor": 1}, "TOPIC_EXCEPTION"),
        ("ok", {"num_partitions": 0, "replication_factor": 1}, "INVALID_PARTITIONS"),
        ("ok", {"num_partitions": 1, "replication_factor": 3}, "INVALID_REPLICATION_FACTOR"),
        ("ok", {"num_partitions": 1, "config": {"retention.ms": "soon"}}, "INVALID_CONFIG"),
        ("ok", {"num_partitions": 1, "config": {"no.such.key": "1"}}, "INVALID_CONFIG"),
        ("ok", {"num_partitions": 1, "config": {"cleanup.policy": "shred"}}, "INVALID_CONFIG"),
        ("ok", {"num_partitions": 2, "replica_assignment": [[1], [9]]}, "INVALID_REPLICA_ASSIGNMENT"),
    ],
)
def test_topics_that_cannot_be(
    admin: Any, broker: Broker, name: str, wanted: dict[str, Any], code: str
) -> None:
    error = error_of(create(admin, broker.name() if name == "ok" else name, **wanted))
    assert error.name() == code, error


@covers(CLIENT, "topic-exists")
def test_a_name_that_is_taken_or_collides(admin: Any, broker: Broker) -> None:
    name = broker.topic()
    again = create(admin, name, num_partitions=1, replication_factor=1)
    assert error_of(again).code() == confluent_kafka.KafkaError.TOPIC_ALREADY_EXISTS
    dotted, underscored = f"{name}.part", f"{name}_part"
    create(admin, dotted, num_partitions=1, replication_factor=1).result(SECONDS)
    collides = create(admin, underscored, num_partitions=1, replication_factor=1)
    assert error_of(collides).code() == confluent_kafka.KafkaError.TOPIC_EXCEPTION


def test_validates_without_creating(admin: Any, broker: Broker) -> None:
    name = broker.name()
    new = admin_api.NewTopic(name, 1, 1)
    admin.create_topics([new], validate_only=True)[name].result(SECONDS)
    assert name not in admin.list_topics(timeout=SECONDS).topics


def test_deletes_what_is_not_there(admin: Any, broker: Broker) -> None:
    name = broker.name()
    error = error_of(admin.delete_topics([name])[name])
    assert error.code() == confluent_kafka.KafkaError.UNKNOWN_TOPIC_OR_PART


@covers(CLIENT, "add-partitions", "partition-count")
def test_grows_a_topic_but_never_shrinks_it(admin: Any, broker: Broker) -> None:
    name = broker.topic(partitions=2)
    admin.create_partitions([admin_api.NewPartitions(name, 5)])[name].result(SECONDS)
    assert len(admin.list_topics(name, timeout=SECONDS).topics[name].partitions) == 5
    assert send(producer(broker.bootstrap), name, SAMPLES[:1], partition=4) == [0]
    error = error_of(admin.create_partitions([admin_api.NewPartitions(name, 3)])[name])
    assert error.code() == confluent_kafka.KafkaError.INVALID_PARTITIONS


def resource(kind: str, name: str) -> Any:
    return admin_api.ConfigResource(admin_api.ResourceType[kind], name)


def configs(admin: Any, kind: str, name: str) -> dict[str, Any]:
    asked = resource(kind, name)
    found: dict[str, Any] = admin.describe_configs([asked])[asked].result(SECONDS)
    return found


def alter(admin: Any, kind: str, name: str, *changes: tuple[str, str, str | None]) -> Any:
    entries = [
        admin_api.ConfigEntry(key, value, incremental_operation=admin_api.AlterConfigOpType[how])
        for how, key, value in changes
    ]
    asked = admin_api.ConfigResource(admin_api.ResourceType[kind], name, incremental_configs=entries)
    return admin.incremental_alter_configs([asked])[asked]


@covers(CLIENT, "alter-config")
def test_topic_configs_are_described_set_appended_and_removed(admin: Any, broker: Broker) -> None:
    name = broker.topic(configs={"retention.ms": "1000000", "cleanup.policy": "compact"})
    first = configs(admin, "TOPIC", name)
    assert len(first) >= 30
    assert (first["retention.ms"].value, first["retention.ms"].is_default) == ("1000000", False)
    assert first["segment.bytes"].is_default
    alter(
        admin, "TOPIC", name, ("SET", "max.message.bytes", "5000"), ("APPEND", "cleanup.policy", "delete")
    ).result(SECONDS)
    second = configs(admin, "TOPIC", name)
    assert second["max.message.bytes"].value == "5000"
    assert second["cleanup.policy"].value == "compact,delete"
    alter(
        admin, "TOPIC", name, ("DELETE", "max.message.bytes", None), ("SUBTRACT", "cleanup.policy", "compact")
    ).result(SECONDS)
    third = configs(admin, "TOPIC", name)
    assert third["max.message.bytes"].value == "1048588"
    assert third["cleanup.policy"].value == "delete"


def test_a_changed_config_acts_soon(admin: Any, broker: Broker) -> None:
    name = broker.topic()
    client = producer(broker.bootstrap)

    def sent() -> int | None:
        codes: list[int | None] = []
        client.produce(name, bytes(1000), on_delivery=lambda error, _: codes.append(error and error.code()))
        client.flush(SECONDS)
        return codes[0]

    def comes(wanted: int | None) -> None:
        deadline = time.monotonic() + SECONDS
        while (code := sent()) != wanted:
            assert time.monotonic() < deadline, code

    alter(admin, "TOPIC", name, ("SET", "max.message.bytes", "200")).result(SECONDS)
    comes(confluent_kafka.KafkaError.MSG_SIZE_TOO_LARGE)
    alter(admin, "TOPIC", name, ("SET", "max.message.bytes", "20000")).result(SECONDS)
    comes(None)


@covers(CLIENT, "invalid-config")
@pytest.mark.parametrize(
    ("key", "value"),
    [("retention.ms", "-2"), ("segment.bytes", "many"), ("compression.type", "rar"), ("nonsense", "1")],
)
def test_configs_that_cannot_be(admin: Any, broker: Broker, key: str, value: str) -> None:
    error = error_of(alter(admin, "TOPIC", broker.topic(), ("SET", key, value)))
    assert error.code() == confluent_kafka.KafkaError.INVALID_CONFIG


def becomes(admin: Any, key: str, value: str) -> None:
    """A broker acts on a change of its configs a moment after the controller agreed to it."""
    deadline = time.monotonic() + SECONDS
    while configs(admin, "BROKER", "1")[key].value != value:
        assert time.monotonic() < deadline


def test_broker_configs_and_their_dynamic_layer(admin: Any, broker: Broker) -> None:
    before = configs(admin, "BROKER", "1")
    assert before["node.id"].value == "1"
    assert before["node.id"].is_read_only
    assert before["log.dirs"].value == str(broker.node.data)
    first = before["log.cleaner.threads"].value
    alter(admin, "BROKER", "1", ("SET", "log.cleaner.threads", "2")).result(SECONDS)
    becomes(admin, "log.cleaner.threads", "2")
    alter(admin, "BROKER", "1", ("DELETE", "log.cleaner.threads", None)).result(SECONDS)
    becomes(admin, "log.cleaner.threads", first)
    error = error_of(alter(admin, "BROKER", "1", ("SET", "node.id", "2")))
    assert error.code() in (
        confluent_kafka.KafkaError.INVALID_CONFIG,
        confluent_kafka.KafkaError.INVALID_REQUEST,
    )


def test_configs_of_nobody(admin: Any, broker: Broker) -> None:
    asked = resource("TOPIC", broker.name())
    error = error_of(admin.describe_configs([asked])[asked])
    assert error.code() == confluent_kafka.KafkaError.UNKNOWN_TOPIC_OR_PART


@covers(CLIENT, "delete-records")
def test_deletes_records_before_an_offset(admin: Any, broker: Broker) -> None:
    name = broker.topic()
    send(producer(broker.bootstrap), name, SAMPLES[:20])
    asked = confluent_kafka.TopicPartition(name, 0, 7)
    assert admin.delete_records([asked])[asked].result(SECONDS).low_watermark == 7
    reader = consumer(broker.bootstrap)
    assert [each.offset() for each in messages(reader, name)] == list(range(7, 20))
    assert reader.get_watermark_offsets(confluent_kafka.TopicPartition(name, 0), SECONDS) == (7, 20)
    reader.close()
    beyond = confluent_kafka.TopicPartition(name, 0, 21)
    error = error_of(admin.delete_records([beyond])[beyond])
    assert error.code() == confluent_kafka.KafkaError.OFFSET_OUT_OF_RANGE


@covers(CLIENT, "list-offsets")
def test_lists_offsets_by_every_specification(admin: Any, broker: Broker) -> None:
    name = broker.topic()
    send(producer(broker.bootstrap), name, SAMPLES)
    partition = confluent_kafka.TopicPartition(name, 0)

    def offset(spec: Any) -> int:
        found: int = admin.list_offsets({partition: spec})[partition].result(SECONDS).offset
        return found

    assert offset(admin_api.OffsetSpec.earliest()) == 0
    assert offset(admin_api.OffsetSpec.latest()) == len(SAMPLES)
    assert offset(admin_api.OffsetSpec.max_timestamp()) == len(SAMPLES) - 1
    assert offset(admin_api.OffsetSpec.for_timestamp(SAMPLES[7].timestamp)) == 7


@covers(CLIENT, "describe-cluster")
def test_describes_the_cluster(admin: Any, broker: Broker) -> None:
    cluster = admin.describe_cluster().result(SECONDS)
    assert cluster.cluster_id == CLUSTER_ID
    assert [(each.id, f"{each.host}:{each.port}") for each in cluster.nodes] == [(1, broker.bootstrap)]
    assert cluster.controller.id == 1


def test_security_that_is_not_there_says_so(admin: Any) -> None:
    wanted = admin_api.AclBinding(
        admin_api.ResourceType.TOPIC,
        "any",
        admin_api.ResourcePatternType.LITERAL,
        "User:alice",
        "*",
        admin_api.AclOperation.READ,
        admin_api.AclPermissionType.ALLOW,
    )
    error = error_of(admin.create_acls([wanted])[wanted])
    assert error.code() == confluent_kafka.KafkaError.SECURITY_DISABLED


def test_keeps_scram_credentials(admin: Any) -> None:
    mechanism = admin_api.ScramMechanism.SCRAM_SHA_256
    new = admin_api.UserScramCredentialUpsertion(
        "alice", admin_api.ScramCredentialInfo(mechanism, 4096), b"secret"
    )
    admin.alter_user_scram_credentials([new])["alice"].result(SECONDS)
    described = admin.describe_user_scram_credentials(["alice"])["alice"].result(SECONDS)
    assert [(each.mechanism, each.iterations) for each in described.scram_credential_infos] == [
        (mechanism, 4096)
    ]
    gone = admin_api.UserScramCredentialDeletion("alice", mechanism)
    admin.alter_user_scram_credentials([gone])["alice"].result(SECONDS)
    error = error_of(admin.describe_user_scram_credentials(["alice"])["alice"])
    assert error.code() == confluent_kafka.KafkaError.RESOURCE_NOT_FOUND
