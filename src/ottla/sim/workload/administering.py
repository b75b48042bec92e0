"""Administrators: topics come and go, settings change, old records are deleted."""

from __future__ import annotations

from typing import Final

from ottla.core.model.errors import ErrorCode
from ottla.core.model.ids import Uuid
from ottla.core.wire.messages.alter_replica_log_dirs import (
    AlterReplicaLogDir,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirsResponse,
    AlterReplicaLogDirTopic,
)
from ottla.core.wire.messages.create_topics import (
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
    CreateTopicsResponse,
)
from ottla.core.wire.messages.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsResponse,
    DeleteRecordsTopic,
)
from ottla.core.wire.messages.delete_topics import (
    DeleteTopicsRequest,
    DeleteTopicsResponse,
    DeleteTopicState,
)
from ottla.core.wire.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResponse,
)
from ottla.core.wire.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)
from ottla.core.wire.messages.metadata import MetadataRequest, MetadataResponse
from ottla.sim.chance import SeededChance
from ottla.sim.judge.cluster import Being, TopicFacts
from ottla.sim.judge.facts import Violation
from ottla.sim.workload.client import Client, Unanswered

TOPIC_RESOURCE: Final = 2
NAMES: Final = ("amber", "birch", "cedar", "delta", "ember")

_KINDS: Final[dict[str, dict[str, str]]] = {
    "plain": {},
    "flushed": {"flush.messages": "1"},
    "flushed in time": {"flush.ms": "1000"},
    "compacted": {
        "cleanup.policy": "compact",
        "min.cleanable.dirty.ratio": "0.01",
        "delete.retention.ms": "500",
    },
    "retained": {"retention.bytes": "8000"},
    "repacked": {"compression.type": "lz4"},
    "stamped": {"message.timestamp.type": "LogAppendTime"},
}
_CHANGES: Final = (
    ("flush.messages", ("1", "1000000")),
    ("segment.ms", ("100", "604800000")),
    ("internal.segment.bytes", ("5000", "200000")),
    ("max.message.bytes", ("1048588", "2000000")),
    ("flush.ms", ("1000", "9223372036854775807")),
)


def some_configs(chance: SeededChance) -> dict[str, str]:
    """Settings of a new topic."""
    configs = dict(_KINDS[chance.one(tuple(_KINDS))])
    configs["internal.segment.bytes"] = chance.one(("5000", "12000", "1000000"))
    if chance.often(0.5):
        configs["index.interval.bytes"] = chance.one(("0", "100", "4096"))
    if chance.often(0.3):
        configs["file.delete.delay.ms"] = chance.one(("0", "100", "60000"))
    return configs


async def create_topic(client: Client) -> None:
    """One of a few names, unless it is taken."""
    chance, facts = client.chance, client.facts
    name = chance.one(NAMES)
    if facts.topic(name) is not None:
        return
    topic = facts.create(name, some_configs(chance), chance.between(1, 2))
    wish = CreatableTopic(
        name=name,
        num_partitions=len(topic.partitions),
        replication_factor=1,
        configs=[CreatableTopicConfig(name=key, value=value) for key, value in topic.configs.items()],
    )
    client.note(f"creates {name} {topic.configs}")
    answer = await client.call(CreateTopicsRequest(topics=[wish], timeout_ms=15_000), CreateTopicsResponse)
    result = answer.topics[0]
    client.note(f"hears {result.error_code} of the creation of {name}")
    if result.error_code == ErrorCode.NONE:
        topic.id = result.topic_id
        topic.being = Being.THERE
    elif result.error_code == ErrorCode.REQUEST_TIMED_OUT:
        return
    elif client.must_succeed:
        raise Violation(f"{topic} was refused: {ErrorCode(result.error_code).name} {result.error_message}")
    else:
        topic.being = Being.GONE


async def delete_topic(client: Client, topic: TopicFacts) -> None:
    topic.being = Being.LEAVING
    client.note(f"deletes {topic.name}")
    answer = await client.call(
        DeleteTopicsRequest(
            topics=[DeleteTopicState(name=topic.name)], topic_names=[topic.name], timeout_ms=15_000
        ),
        DeleteTopicsResponse,
    )
    code = answer.responses[0].error_code
    if code == ErrorCode.NONE:
        topic.being = Being.GONE
    elif client.must_succeed:
        raise Violation(f"the deletion of {topic} was refused: {ErrorCode(code).name}")


async def change_config(client: Client, topic: TopicFacts) -> None:
    key, values = client.chance.one(_CHANGES)
    value = client.chance.one(values)
    topic.change_asked(key)
    if key == "flush.messages":
        topic.always_flushed = False
    client.note(f"sets {key}={value} of {topic.name}")
    resource = AlterConfigsResource(
        resource_type=TOPIC_RESOURCE,
        resource_name=topic.name,
        configs=[AlterableConfig(name=key, config_operation=0, value=value)],
    )
    answer = await client.call(
        IncrementalAlterConfigsRequest(resources=[resource]), IncrementalAlterConfigsResponse
    )
    code = answer.responses[0].error_code
    topic.change_answered(key, None if code else value)
    if not topic.usable:
        return
    topic.flush_ms_since = client.now
    if code and client.must_succeed:
        raise Violation(f"{key}={value} of {topic} was refused: {ErrorCode(code).name}")


async def delete_records(client: Client, topic: TopicFacts) -> None:
    """Up to some offset that is known to be readable."""
    if topic.compacted:
        return
    partition = client.chance.one(topic.partitions)
    if partition.end <= partition.start:
        return
    offset = client.chance.between(partition.start, partition.end)
    topic.may_shrink = True
    client.note(f"deletes records of {partition} below {offset}")
    wish = DeleteRecordsTopic(
        name=topic.name, partitions=[DeleteRecordsPartition(partition_index=partition.index, offset=offset)]
    )
    answer = await client.call(DeleteRecordsRequest(topics=[wish], timeout_ms=15_000), DeleteRecordsResponse)
    result = answer.topics[0].partitions[0]
    if not topic.usable:
        return
    if result.error_code == ErrorCode.NONE:
        partition.deleted(max(result.low_watermark, partition.start), client.now)
        if result.low_watermark < offset:
            raise partition.wrong(
                f"records below {offset} were deleted, the low watermark is {result.low_watermark}"
            )
    elif client.must_succeed:
        raise partition.wrong(f"DeleteRecords was answered {ErrorCode(result.error_code).name}")


async def move_log(client: Client, topic: TopicFacts, directories: list[str]) -> None:
    """Let a partition lie in another directory: it is copied while it is used."""
    partition = client.chance.one(topic.partitions)
    path = client.chance.one(directories)
    client.note(f"moves {partition} to {path}")
    wish = AlterReplicaLogDirTopic(name=topic.name, partitions=[partition.index])
    answer = await client.call(
        AlterReplicaLogDirsRequest(dirs=[AlterReplicaLogDir(path=path, topics=[wish])]),
        AlterReplicaLogDirsResponse,
    )
    code = answer.results[0].partitions[0].error_code
    if code and topic.usable and client.must_succeed:
        raise partition.wrong(f"its move to {path} was answered {ErrorCode(code).name}")


async def topics_there(client: Client) -> dict[str, Uuid]:
    """Every topic that the metadata names. Raises Unanswered, Violation."""
    answer = await client.call(
        MetadataRequest(topics=None, allow_auto_topic_creation=False), MetadataResponse
    )
    for topic in answer.topics:
        if topic.error_code:
            raise Violation(f"the metadata of {topic.name} says {ErrorCode(topic.error_code).name}")
    return {topic.name or "": topic.topic_id for topic in answer.topics}


async def check_configs(client: Client, topic: TopicFacts) -> None:
    """What was set is what is told. Raises Unanswered, Violation."""
    resource = DescribeConfigsResource(
        resource_type=TOPIC_RESOURCE, resource_name=topic.name, configuration_keys=None
    )
    answer = await client.call(DescribeConfigsRequest(resources=[resource]), DescribeConfigsResponse)
    if answer.results[0].error_code:
        raise Unanswered(f"the configs of {topic}: {answer.results[0].error_message}")
    told = {each.name: each.value for each in answer.results[0].configs}
    topic.configs_told(told)
    for key, value in topic.configs.items():
        if key in told and told[key] != value:
            raise Violation(f"{key} of {topic} was set to {value} and is {told[key]}")
