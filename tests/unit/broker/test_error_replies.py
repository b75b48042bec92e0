"""Every API that is served can say that a whole request failed, in every version."""

from __future__ import annotations

from typing import Any

import pytest

from ottla.broker.apis import CONTROLLER_HANDLERS, HANDLERS
from ottla.broker.error_replies import error_reply
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.apis import API, ApiKey
from ottla.core.wire.codec import decode, encode
from ottla.core.wire.declaration import Body, Field, shape_of
from ottla.core.wire.messages.alter_replica_log_dirs import (
    AlterReplicaLogDir,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirTopic,
)
from ottla.core.wire.messages.delete_topics import DeleteTopicsRequest
from ottla.core.wire.messages.produce import ProduceRequest

SERVED = sorted({*HANDLERS, *CONTROLLER_HANDLERS})
WITHOUT_A_PLACE = {
    ApiKey.DESCRIBE_LOG_DIRS: range(1, 3),
}
"""Answers that can only be empty: an error code came later."""


def filled(cls: type[Body], version: int) -> Body:
    """A message with one element in each of its lists."""
    made: Any = cls()
    for field in shape_of(cls):
        if not field.versions.includes(version):
            continue
        if field.array:
            setattr(made, field.name, [element(field, version)])
    return made


def element(field: Field, version: int) -> Any:
    if isinstance(field.kind, type):
        return filled(field.kind, version)
    name = field.kind if isinstance(field.kind, str) else field.kind.name
    return {"string": "x", "uuid": bytes(16), "bytes": b""}.get(name.lower(), 3)


def codes(message: Any) -> list[int]:
    names = ("error_code", "partition_error_code")
    found = [getattr(message, name) for name in names if hasattr(message, name)]
    for name in message.__struct_fields__:
        value = getattr(message, name)
        if isinstance(value, list):
            found += [code for each in value if isinstance(each, Body) for code in codes(each)]
    return found


@pytest.mark.parametrize("key", SERVED, ids=lambda key: key.name.lower())
def test_an_error_is_told_in_every_version(key: ApiKey) -> None:
    api = API[key]
    error = KafkaError(ErrorCode.CLUSTER_AUTHORIZATION_FAILED, "not you")
    for version in range(api.min_version, api.max_stable_version + 1):
        request = filled(api.request, version)
        if isinstance(request, ProduceRequest):
            request.acks = 1
        reply = error_reply(api, request, version, error)
        assert reply is not None, version
        assert decode(api.response, encode(reply, version), version) is not None
        if version not in WITHOUT_A_PLACE.get(key, ()):
            assert int(error.code) in codes(reply), version


def test_what_was_asked_for_is_named_beside_the_error() -> None:
    error = KafkaError(ErrorCode.KAFKA_STORAGE_ERROR)
    topics = [AlterReplicaLogDirTopic(name="orders", partitions=[0, 4])]
    request = AlterReplicaLogDirsRequest(dirs=[AlterReplicaLogDir(path="/data", topics=topics)])
    reply: Any = error_reply(API[ApiKey.ALTER_REPLICA_LOG_DIRS], request, 2, error)
    (topic,) = reply.results
    assert topic.topic_name == "orders"
    assert [(each.partition_index, each.error_code) for each in topic.partitions] == [(0, 56), (4, 56)]
    names: Any = error_reply(API[ApiKey.DELETE_TOPICS], DeleteTopicsRequest(topic_names=["a", "b"]), 5, error)
    assert [each.name for each in names.responses] == ["a", "b"]


def test_acks_0_hears_nothing() -> None:
    assert (
        error_reply(API[ApiKey.PRODUCE], ProduceRequest(acks=0), 9, KafkaError(ErrorCode.INVALID_REQUEST))
        is None
    )
