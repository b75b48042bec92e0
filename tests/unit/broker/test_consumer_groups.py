"""The two APIs of consumer groups, on sockets: who may ask, and what is off."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from ottla.core.model.errors import ErrorCode
from ottla.core.wire.messages.consumer_group_describe import (
    ConsumerGroupDescribeRequest,
    ConsumerGroupDescribeResponse,
    DescribedGroup,
)
from ottla.core.wire.messages.consumer_group_heartbeat import (
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse,
)
from ottla.core.wire.messages.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from ottla.core.wire.permissions import Operation, ResourceType
from tests.unit.broker.bench import Bench, Client, on_bench
from tests.unit.broker.test_share_groups import Refusing

SMALL = {"offsets.topic.num.partitions": "1", "group.consumer.assignment.interval.ms": "0"}


async def ready(bench: Bench) -> Client:
    """Consumer groups are on, and the group coordinator is there."""
    bench.metadata.image.features["group.version"] = 1
    client = await bench.client()
    find = FindCoordinatorRequest(coordinator_keys=["g"])
    while (await client.ask(find, FindCoordinatorResponse, 6)).coordinators[0].error_code:
        await asyncio.sleep(0.01)
    return client


async def join(client: Client, **said: Any) -> ConsumerGroupHeartbeatResponse:
    fields = {"subscribed_topic_names": ["orders"], "topic_partitions": [], **said}
    request = ConsumerGroupHeartbeatRequest(
        group_id="g", member_id="a", rebalance_timeout_ms=60_000, **fields
    )
    return await client.ask(request, ConsumerGroupHeartbeatResponse, 1)


async def described(client: Client) -> DescribedGroup:
    request = ConsumerGroupDescribeRequest(group_ids=["g"], include_authorized_operations=True)
    return (await client.ask(request, ConsumerGroupDescribeResponse, 1)).groups[0]


def test_a_member_gets_partitions(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        client = await ready(bench)
        bench.metadata.create("orders", 2)
        answer = await join(client)
        assert (answer.error_code, answer.member_id, answer.member_epoch) == (0, "a", 2)
        assert answer.heartbeat_interval_ms == 5_000
        assert answer.assignment is not None
        (topic,) = answer.assignment.topic_partitions
        assert topic.partitions == [0, 1]
        group = await described(client)
        assert (group.error_code, group.group_state, group.assignor_name) == (0, "Stable", "uniform")
        assert group.authorized_operations > 0

    on_bench(tmp_path, scenario, SMALL)


def test_what_may_not_be_seen(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        client = await ready(bench)
        bench.metadata.create("orders", 1)
        bench.metadata.create("other", 1)
        services = bench.services
        services.authorizer = Refusing(Operation.DESCRIBE, ResourceType.TOPIC, "orders")
        assert (await join(client)).error_code == ErrorCode.TOPIC_AUTHORIZATION_FAILED
        pattern = {"subscribed_topic_names": None, "subscribed_topic_regex": "o.*"}
        assert (await join(client, **pattern)).error_code == 0
        while not (group := await described(client)).members[0].assignment.topic_partitions:
            await join(client, **pattern)
        (topic,) = group.members[0].assignment.topic_partitions
        assert topic.topic_name == "other"
        services.authorizer = Refusing(Operation.DESCRIBE, ResourceType.TOPIC, "other")
        group = await described(client)
        assert (group.error_code, group.members) == (ErrorCode.TOPIC_AUTHORIZATION_FAILED, [])
        services.authorizer = Refusing(Operation.READ, ResourceType.GROUP, "g")
        assert (await join(client)).error_code == ErrorCode.GROUP_AUTHORIZATION_FAILED
        services.authorizer = Refusing(Operation.DESCRIBE, ResourceType.GROUP, "g")
        assert (await described(client)).error_code == ErrorCode.GROUP_AUTHORIZATION_FAILED

    on_bench(tmp_path, scenario, SMALL)


def test_without_the_feature_there_are_none(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        client = await ready(bench)
        bench.metadata.image.features["group.version"] = 0
        assert (await join(client)).error_code == ErrorCode.UNSUPPORTED_VERSION
        assert (await described(client)).error_code == ErrorCode.UNSUPPORTED_VERSION

    on_bench(tmp_path, scenario, SMALL)


def test_without_the_protocol_there_are_none(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        client = await ready(bench)
        assert (await join(client)).error_code == ErrorCode.UNSUPPORTED_VERSION
        assert (await described(client)).error_code == ErrorCode.UNSUPPORTED_VERSION

    on_bench(tmp_path, scenario, {**SMALL, "group.coordinator.rebalance.protocols": "classic"})
