"""The answer of each API to an error of the whole request.

Most answers have an error code of their own. The others repeat what the request named, level by level, and say the
error beside each: `LEVELS` tells which list of the request becomes which list of the answer; fields of the same name
are carried over.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, cast

from ottla.core.model.errors import KafkaError
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.apis import Api
from ottla.core.wire.declaration import Body, Field, shape_of

K = ApiKey

_TOPICS: Final = (("topics", "topics"), ("partitions", "partitions"))
_RESOURCES: Final = (("resources", "responses"),)

LEVELS: Final[dict[ApiKey, tuple[tuple[str, str], ...]]] = {
    K.PRODUCE: (("topic_data", "responses"), ("partition_data", "partition_responses")),
    K.FETCH: (("topics", "responses"), ("partitions", "partitions")),
    K.LIST_OFFSETS: _TOPICS,
    K.METADATA: (("topics", "topics"),),
    K.OFFSET_COMMIT: _TOPICS,
    K.FIND_COORDINATOR: (("coordinator_keys", "coordinators"),),
    K.CREATE_TOPICS: (("topics", "topics"),),
    K.DELETE_TOPICS: (("topics", "responses"),),
    K.DELETE_RECORDS: _TOPICS,
    K.OFFSET_FOR_LEADER_EPOCH: _TOPICS,
    K.TXN_OFFSET_COMMIT: _TOPICS,
    K.CREATE_ACLS: (("creations", "results"),),
    K.DELETE_ACLS: (("filters", "filter_results"),),
    K.DESCRIBE_CONFIGS: (("resources", "results"),),
    K.ALTER_CONFIGS: _RESOURCES,
    K.ALTER_REPLICA_LOG_DIRS: (("topics", "results"), ("partitions", "partitions")),
    K.CREATE_PARTITIONS: (("topics", "results"),),
    K.ELECT_LEADERS: (("topic_partitions", "replica_election_results"), ("partitions", "partition_result")),
    K.INCREMENTAL_ALTER_CONFIGS: _RESOURCES,
    K.ALTER_CLIENT_QUOTAS: (("entries", "entries"),),
    K.ALTER_USER_SCRAM_CREDENTIALS: (("users", "results"),),
    K.DESCRIBE_PRODUCERS: (("topics", "topics"), ("partition_indexes", "partitions")),
    K.DESCRIBE_TOPIC_PARTITIONS: (("topics", "topics"),),
}

_BESIDE: Final[dict[ApiKey, dict[str, Any]]] = {
    K.INIT_PRODUCER_ID: {"producer_epoch": -1},
    K.FIND_COORDINATOR: {"node_id": -1, "port": -1},
    K.DESCRIBE_CLIENT_QUOTAS: {"entries": None},
}
"""Fields beside the error that do not hold their default then."""

_TWICE: Final = frozenset({K.METADATA, K.ELECT_LEADERS})
"""Answers that say the error for the whole and beside each thing named."""

_OUTCOMES: Final = frozenset({"num_partitions", "replication_factor"})
"""Fields of an answer that tell what was done, though a request has them too."""

_SAME: Final = {"partition": "partition_index", "name": "topic_name", "index": "partition_index"}
"""Fields that are called one thing in a request and another in its answer."""
_FOR_A_NAME: Final = ("user", "key", "name")
_FOR_A_NUMBER: Final = ("partition_index", "partition_id", "partition")


def error_reply(api: Api, request: Body, version: int, error: KafkaError) -> Body | None:
    """What `api` answers when the whole request fails; None when it has no way to say so (acks=0)."""
    cls = api.response
    if api.key is ApiKey.PRODUCE and cast(Any, request).acks == 0:
        return None
    own = next((field for field in shape_of(cls) if field.name == "error_code"), None)
    response = cls()
    if own is not None and own.versions.includes(version):
        response = cls(**_verdict(cls, error), **_BESIDE.get(api.key, {}))
        if api.key not in _TWICE:
            return response
    levels = LEVELS.get(api.key)
    if levels is None:
        return None if own is None else cls()  # as Kafka: empty in versions before it could be said
    setattr(
        response,
        levels[0][1],
        list(_mirror(levels, _named(api.key, request, levels[0][0]), cls, version, error)),
    )
    return response


def _named(key: ApiKey, request: Body, name: str) -> list[Any]:
    """What the request names on its first level."""
    asked = cast(Any, request)
    if key is ApiKey.DELETE_TOPICS:
        return [*asked.topics, *asked.topic_names]
    if key is ApiKey.ALTER_REPLICA_LOG_DIRS:
        return [topic for directory in asked.dirs for topic in directory.topics]
    if key is ApiKey.ALTER_USER_SCRAM_CREDENTIALS:
        return list(dict.fromkeys(each.name for each in [*asked.deletions, *asked.upsertions]))
    return getattr(request, name) or []


def _mirror(
    levels: tuple[tuple[str, str], ...], items: list[Any], parent: type[Body], version: int, error: KafkaError
) -> Iterator[Body]:
    shape = {field.name: field for field in shape_of(parent)}
    cls = cast(type[Body], shape[levels[0][1]].kind)
    fields = {field.name: field for field in shape_of(cls)}
    for item in items:
        made = cls(**_verdict(cls, error), **_carried(item, fields, version))
        if len(levels) > 1:
            inner = list(_mirror(levels[1:], getattr(item, levels[1][0]), cls, version, error))
            setattr(made, levels[1][1], inner)
        yield made


def _verdict(cls: type[Body], error: KafkaError) -> dict[str, Any]:
    fields = {field.name for field in shape_of(cls)}
    verdict: dict[str, Any] = {}
    if "error_code" in fields:
        verdict["error_code"] = int(error.code)
    if "error_message" in fields:
        verdict["error_message"] = error.text
    return verdict


def _carried(item: Any, fields: dict[str, Field], version: int) -> dict[str, Any]:
    """The fields that name what the error is about."""
    if isinstance(item, int):
        return {next(name for name in _FOR_A_NUMBER if name in fields): item}
    if isinstance(item, str):
        return {next(name for name in _FOR_A_NAME if name in fields): item}
    carried = {}
    for name in item.__struct_fields__:
        target = name if name in fields else _SAME.get(name)
        value = getattr(item, name)
        if target not in fields or target in _OUTCOMES or fields[target].array:
            continue
        if value is not None or fields[target].nullable.includes(version):
            carried[target] = value
    return carried
