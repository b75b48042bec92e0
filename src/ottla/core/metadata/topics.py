"""Creating and deleting topics (CreateTopics, DeleteTopics)."""

from __future__ import annotations

from collections import Counter
from typing import Final

from ottla.core.metadata.assignments import manual_partition, placed_partitions
from ottla.core.metadata.configs import config_records
from ottla.core.metadata.nouns import PartitionImage
from ottla.core.metadata.snapshot import partition_record
from ottla.core.metadata.state import Command, State
from ottla.core.metadata.topic_names import check_topic_name, metric_name
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import METADATA_TOPIC, ZERO_UUID, Uuid
from ottla.core.model.machine import Outcome
from ottla.core.model.settings.table import ResourceType
from ottla.core.wire.messages.create_topics import (
    CreatableTopic,
    CreatableTopicConfigs,
    CreatableTopicResult,
    CreateTopicsRequest,
    CreateTopicsResponse,
)
from ottla.core.wire.messages.delete_topics import (
    DeletableTopicResult,
    DeleteTopicsRequest,
    DeleteTopicsResponse,
)
from ottla.core.wire.messages.records.metadata import RemoveTopicRecord, TopicRecord

MAX_PARTITIONS_PER_BATCH: Final = 10_000
"""One CreateTopics request may ask for no more partitions than this."""

SET: Final = 0
"""The operation of IncrementalAlterConfigs that a topic's own configs amount to."""


def create_topics(
    state: State, now: int, command: Command, request: CreateTopicsRequest
) -> Outcome[object, CreateTopicsResponse]:
    """Each topic succeeds or fails by itself; with `validate_only` nothing is written."""
    _check_partition_count(state, request)
    times = Counter(topic.name for topic in request.topics)
    colliding = {metric_name(name): name for name in state.image.topics_by_name if "." in name or "_" in name}
    records: list[object] = []
    results: list[CreatableTopicResult] = []
    duplicates: dict[str, None] = {}
    for topic in request.topics:
        if times[topic.name] > 1:
            duplicates[topic.name] = None
            continue
        try:
            new_records, result = _create_topic(state, command, topic, colliding)
        except KafkaError as error:
            results.append(_failed(topic.name, error))
        else:
            records += new_records
            results.append(result)
    duplicate = KafkaError(ErrorCode.INVALID_REQUEST, "Duplicate topic name.")
    results += [_failed(name, duplicate) for name in duplicates]
    return Outcome([] if request.validate_only else records, CreateTopicsResponse(topics=results))


def _failed(name: str, error: KafkaError) -> CreatableTopicResult:
    return CreatableTopicResult(name=name, error_code=error.code, error_message=error.text)


def _check_partition_count(state: State, request: CreateTopicsRequest) -> None:
    total = 0
    for topic in request.topics:
        if topic.assignments:
            total += len(topic.assignments)
        elif topic.num_partitions == -1:
            total += state.settings.num_partitions
        else:
            total += max(0, topic.num_partitions)
    if total > MAX_PARTITIONS_PER_BATCH:
        raise KafkaError(ErrorCode.POLICY_VIOLATION, "Excessively large number of partitions per request.")


def _create_topic(
    state: State, command: Command, topic: CreatableTopic, colliding: dict[str, str]
) -> tuple[list[object], CreatableTopicResult]:
    _check_name(state, topic.name, colliding)
    overrides = _overrides(topic)
    configs = config_records(
        state,
        (int(ResourceType.TOPIC), topic.name),
        {name: (SET, value) for name, value in overrides.items()},
        new_resource=True,
        forwarded=command.forwarded,
    )
    partitions = _partitions(state, topic)
    topic_id = state.new_id()
    records: list[object] = [TopicRecord(name=topic.name, topic_id=topic_id), *configs]
    records += [partition_record(topic_id, number, partition) for number, partition in partitions.items()]
    return records, _created(state, topic.name, topic_id, partitions, overrides)


def _check_name(state: State, name: str, colliding: dict[str, str]) -> None:
    if name == METADATA_TOPIC:
        raise KafkaError(
            ErrorCode.INVALID_REQUEST, f"Creation of internal topic {METADATA_TOPIC} is prohibited."
        )
    if name in state.image.topics_by_name:
        raise KafkaError(ErrorCode.TOPIC_ALREADY_EXISTS, f"Topic '{name}' already exists.")
    check_topic_name(name)
    if "." in name or "_" in name:
        other = colliding.setdefault(metric_name(name), name)
        if other != name:
            raise KafkaError(
                ErrorCode.INVALID_TOPIC_EXCEPTION, f"Topic '{name}' collides with existing topic: {other}"
            )


def _overrides(topic: CreatableTopic) -> dict[str, str]:
    empty = [config.name for config in topic.configs if config.value is None]
    if empty:
        raise KafkaError(
            ErrorCode.INVALID_CONFIG, f"Null value not supported for topic configs: {','.join(empty)}"
        )
    return {config.name: config.value for config in topic.configs if config.value is not None}


def _partitions(state: State, topic: CreatableTopic) -> dict[int, PartitionImage]:
    if topic.assignments:
        return _assigned_partitions(state, topic)
    if topic.replication_factor < -1 or topic.replication_factor == 0:
        raise KafkaError(
            ErrorCode.INVALID_REPLICATION_FACTOR,
            "Replication factor must be larger than 0, or -1 to use the default value.",
        )
    if topic.num_partitions < -1 or topic.num_partitions == 0:
        raise KafkaError(
            ErrorCode.INVALID_PARTITIONS, "Number of partitions was set to an invalid non-positive value."
        )
    settings = state.settings
    count = settings.num_partitions if topic.num_partitions == -1 else topic.num_partitions
    factor = (
        settings.default_replication_factor if topic.replication_factor == -1 else topic.replication_factor
    )
    try:
        return dict(enumerate(placed_partitions(state, count, factor)))
    except KafkaError as error:
        if error.code != ErrorCode.INVALID_REPLICATION_FACTOR:
            raise
        prefix = f"Unable to replicate the partition {factor} time(s): "
        raise KafkaError(
            error.code, error.text if error.text.startswith(prefix) else prefix + error.text
        ) from error


def _assigned_partitions(state: State, topic: CreatableTopic) -> dict[int, PartitionImage]:
    for flawed, what in (
        (topic.replication_factor, "replication factor"),
        (topic.num_partitions, "numPartitions"),
    ):
        if flawed != -1:
            raise KafkaError(
                ErrorCode.INVALID_REQUEST,
                f"A manual partition assignment was specified, but {what} was not set to -1.",
            )
    partitions: dict[int, PartitionImage] = {}
    factor: int | None = None
    for assignment in topic.assignments:
        number = assignment.partition_index
        if number in partitions:
            raise KafkaError(
                ErrorCode.INVALID_REPLICA_ASSIGNMENT,
                f"Found multiple manual partition assignments for partition {number}",
            )
        partitions[number] = manual_partition(state, number, assignment.broker_ids, factor)
        factor = len(assignment.broker_ids)
    if any(number not in partitions for number in range(len(partitions))):
        raise KafkaError(
            ErrorCode.INVALID_REPLICA_ASSIGNMENT,
            "partitions should be a consecutive 0-based integer sequence",
        )
    return partitions


def _created(
    state: State, name: str, topic_id: Uuid, partitions: dict[int, PartitionImage], overrides: dict[str, str]
) -> CreatableTopicResult:
    return CreatableTopicResult(
        name=name,
        topic_id=topic_id,
        error_message=None,
        num_partitions=len(partitions),
        replication_factor=len(partitions[0].replicas),
        configs=[
            CreatableTopicConfigs(
                name=entry.name,
                value=None if entry.sensitive else entry.value,
                read_only=entry.read_only,
                config_source=entry.source,
                is_sensitive=entry.sensitive,
            )
            for entry in state.rules.topic_entries(state.image, overrides)
        ],
    )


def delete_topics(
    state: State, now: int, command: Command, request: DeleteTopicsRequest
) -> Outcome[object, DeleteTopicsResponse]:
    """Topics named by name or by id. A topic named twice, in whichever way, is not deleted."""
    if not state.settings.delete_topic_enable:
        if command.version < 3:
            raise KafkaError(ErrorCode.INVALID_REQUEST, "This version does not support topic deletion.")
        raise KafkaError(ErrorCode.TOPIC_DELETION_DISABLED)
    results: list[DeletableTopicResult] = []
    wanted = _wanted(state, request, results)
    records: list[object] = []
    for topic_id, name in wanted.items():
        records.append(RemoveTopicRecord(topic_id=topic_id))
        results.append(DeletableTopicResult(name=name, topic_id=topic_id))
    return Outcome(records, DeleteTopicsResponse(responses=results))


def _wanted(
    state: State, request: DeleteTopicsRequest, results: list[DeletableTopicResult]
) -> dict[Uuid, str]:
    """Topic id -> name of what is to be deleted; everything that is not appends its error to `results`."""

    def refuse(name: str | None, topic_id: Uuid, code: ErrorCode, text: str | None = None) -> None:
        message = code.sentence if text is None else text
        results.append(
            DeletableTopicResult(name=name, topic_id=topic_id, error_code=code, error_message=message)
        )

    names = list(request.topic_names)
    ids: list[Uuid] = []
    for topic in request.topics:
        if topic.name is not None and topic.topic_id != ZERO_UUID:
            text = "You may not specify both topic name and topic id."
            refuse(topic.name, topic.topic_id, ErrorCode.INVALID_REQUEST, text)
        elif topic.name is not None:
            names.append(topic.name)
        elif topic.topic_id == ZERO_UUID:
            refuse(None, ZERO_UUID, ErrorCode.INVALID_REQUEST, "Neither topic name nor id were specified.")
        else:
            ids.append(topic.topic_id)
    wanted: dict[Uuid, str] = {}
    for topic_id, times in Counter(ids).items():
        found = state.image.topics_by_id.get(topic_id)
        if times > 1:
            refuse(None, topic_id, ErrorCode.INVALID_REQUEST, "Duplicate topic id.")
        elif found is None:
            refuse(None, topic_id, ErrorCode.UNKNOWN_TOPIC_ID)
        else:
            wanted[topic_id] = found.name
    for name, times in Counter(names).items():
        found = state.image.topics_by_name.get(name)
        if times > 1:
            refuse(name, ZERO_UUID, ErrorCode.INVALID_REQUEST, "Duplicate topic name.")
        elif found is None:
            refuse(name, ZERO_UUID, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        elif found.id in wanted or found.id in ids:
            wanted.pop(found.id, None)
            text = "The provided topic name maps to an ID that was already supplied."
            refuse(name, found.id, ErrorCode.INVALID_REQUEST, text)
        else:
            wanted[found.id] = name
    return wanted
