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
from ottla.core.wire.declaration import NEVER, Body, Field, shape_of

K = ApiKey

_TOPICS: Final = (("topics", "topics"), ("partitions", "partitions"))
_RESOURCES: Final = (("resources", "responses"),)
_SHARE_PARTITIONS: Final = (("topics", "results"), ("partitions", "partitions"))

LEVELS: Final[dict[ApiKey, tuple[tuple[str, str], ...]]] = {
    K.PRODUCE: (("topic_data", "responses"), ("partition_data", "partition_responses")),
    K.FETCH: (("topics", "responses"), ("partitions", "partitions")),
    K.LIST_OFFSETS: _TOPICS,
    K.METADATA: (("topics", "topics"),),
    K.OFFSET_COMMIT: _TOPICS,
    K.OFFSET_FETCH: (("groups", "groups"),),
    K.DESCRIBE_GROUPS: (("groups", "groups"),),
    K.DELETE_GROUPS: (("groups_names", "results"),),
    K.DESCRIBE_TRANSACTIONS: (("transactional_ids", "transaction_states"),),
    K.WRITE_TXN_MARKERS: (
        ("markers", "markers"),
        ("topics", "topics"),
        ("partition_indexes", "partitions"),
    ),
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
    K.ALTER_PARTITION_REASSIGNMENTS: (("topics", "responses"), ("partitions", "partitions")),
    K.ALTER_CLIENT_QUOTAS: (("entries", "entries"),),
    K.ALTER_USER_SCRAM_CREDENTIALS: (("users", "results"),),
    K.DESCRIBE_PRODUCERS: (("topics", "topics"), ("partition_indexes", "partitions")),
    K.DESCRIBE_TOPIC_PARTITIONS: (("topics", "topics"),),
    K.CONSUMER_GROUP_DESCRIBE: (("group_ids", "groups"),),
    K.SHARE_GROUP_DESCRIBE: (("group_ids", "groups"),),
    K.STREAMS_GROUP_DESCRIBE: (("group_ids", "groups"),),
    K.DESCRIBE_SHARE_GROUP_OFFSETS: (("groups", "groups"),),
    K.INITIALIZE_SHARE_GROUP_STATE: _SHARE_PARTITIONS,
    K.READ_SHARE_GROUP_STATE: _SHARE_PARTITIONS,
    K.WRITE_SHARE_GROUP_STATE: _SHARE_PARTITIONS,
    K.DELETE_SHARE_GROUP_STATE: _SHARE_PARTITIONS,
    K.READ_SHARE_GROUP_STATE_SUMMARY: _SHARE_PARTITIONS,
}

OLDER_LEVELS: Final[dict[ApiKey, tuple[int, tuple[tuple[str, str], ...]]]] = {
    K.OFFSET_FETCH: (8, (("topics", "topics"), ("partition_indexes", "partitions"))),
    K.ADD_PARTITIONS_TO_TXN: (
        4,
        (("v3_and_below_topics", "results_by_topic_v3_and_below"), ("partitions", "results_by_partition")),
    ),
}
"""Before that version the request named things in other lists."""

_BESIDE: Final[dict[ApiKey, dict[str, Any]]] = {
    K.INIT_PRODUCER_ID: {"producer_epoch": -1},
    K.FIND_COORDINATOR: {"node_id": -1, "port": -1},
    K.DESCRIBE_CLIENT_QUOTAS: {"entries": None},
}
"""Fields beside the error that do not hold their default then."""

_TWICE: Final = frozenset({K.METADATA, K.ELECT_LEADERS, K.ALTER_PARTITION_REASSIGNMENTS})
"""Answers that say the error for the whole and beside each thing named."""

_OUTCOMES: Final = frozenset(
    {"num_partitions", "replication_factor", "state_epoch", "leader_epoch", "start_offset"}
)
"""Fields of an answer that tell what was done, though a request has them too."""

_SAME: Final = {"partition": "partition_index", "name": "topic_name", "index": "partition_index"}
"""Fields that are called one thing in a request and another in its answer."""
_FOR_A_NAME: Final = ("user", "key", "name", "group_id", "transactional_id")
_FOR_A_NUMBER: Final = ("partition_index", "partition_id", "partition")


WORDY: Final = frozenset(
    {
        K.FIND_COORDINATOR,
        K.DESCRIBE_ACLS,
        K.ADD_RAFT_VOTER,
        K.REMOVE_RAFT_VOTER,
        K.DESCRIBE_SHARE_GROUP_OFFSETS,
        K.ALTER_SHARE_GROUP_OFFSETS,
        K.DELETE_SHARE_GROUP_OFFSETS,
        K.INITIALIZE_SHARE_GROUP_STATE,
        K.READ_SHARE_GROUP_STATE,
        K.WRITE_SHARE_GROUP_STATE,
        K.DELETE_SHARE_GROUP_STATE,
        K.READ_SHARE_GROUP_STATE_SUMMARY,
    }
)
"""Answers that put every error into words. The others leave it at the code when nobody said more."""


def error_reply(api: Api, request: Body, version: int, error: KafkaError) -> Body | None:
    """What `api` answers when the whole request fails; None when it has no way to say so (acks=0)."""
    cls = api.response
    if api.key is ApiKey.PRODUCE and cast(Any, request).acks == 0:
        return None
    own = next((field for field in shape_of(cls) if field.name == "error_code"), None)
    response = cls()
    if own is not None and own.versions.includes(version):
        response = cls(**_verdict(api.key, cls, version, error), **_BESIDE.get(api.key, {}))
        if api.key not in _TWICE:
            return response
    levels = _levels(api.key, version)
    if levels is None:
        return None if own is None else cls()  # as Kafka: empty in versions before it could be said
    setattr(
        response,
        levels[0][1],
        list(_mirror(api.key, levels, _named(api.key, request, levels[0][0]), cls, version, error)),
    )
    return response


def _levels(key: ApiKey, version: int) -> tuple[tuple[str, str], ...] | None:
    until, older = OLDER_LEVELS.get(key, (0, ()))
    return older if version < until else LEVELS.get(key)


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
    key: ApiKey,
    levels: tuple[tuple[str, str], ...],
    items: list[Any],
    parent: type[Body],
    version: int,
    error: KafkaError,
) -> Iterator[Body]:
    shape = {field.name: field for field in shape_of(parent)}
    cls = cast(type[Body], shape[levels[0][1]].kind)
    fields = {field.name: field for field in shape_of(cls)}
    for item in items:
        made = cls(**_verdict(key, cls, version, error), **_carried(item, fields, version))
        if len(levels) > 1:
            inner = list(_mirror(key, levels[1:], getattr(item, levels[1][0]), cls, version, error))
            setattr(made, levels[1][1], inner)
        yield made


def _verdict(key: ApiKey, cls: type[Body], version: int, error: KafkaError) -> dict[str, Any]:
    fields = {field.name: field for field in shape_of(cls) if field.versions.includes(version)}
    verdict: dict[str, Any] = {}
    wordless = error.message is None and key not in WORDY
    for name in ("error_code", "partition_error_code"):
        if name in fields:
            verdict[name] = int(error.code)
    if "error_message" in fields:
        verdict["error_message"] = (
            None if wordless and fields["error_message"].nullable != NEVER else error.text
        )
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
