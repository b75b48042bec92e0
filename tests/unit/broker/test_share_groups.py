"""The five APIs of share groups, on sockets: who may ask, and what a group and its offsets look like."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from ottla.broker.context import Context
from ottla.core.model.errors import ErrorCode
from ottla.core.wire.messages import alter_share_group_offsets as altering
from ottla.core.wire.messages import delete_share_group_offsets as forgetting
from ottla.core.wire.messages import describe_share_group_offsets as telling
from ottla.core.wire.messages import share_group_describe as describing
from ottla.core.wire.messages.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from ottla.core.wire.messages.share_group_heartbeat import (
    ShareGroupHeartbeatRequest,
    ShareGroupHeartbeatResponse,
)
from ottla.core.wire.permissions import Operation, ResourceType
from tests.unit.broker.bench import Bench, Client, batch, on_bench

SMALL = {
    "share.coordinator.state.topic.num.partitions": "2",
    "offsets.topic.num.partitions": "1",
    "group.share.assignment.interval.ms": "0",
}


class Refusing:
    """Allows all but this."""

    enabled = True

    def __init__(self, operation: Operation, resource: ResourceType, name: str) -> None:
        self.refused = (operation, resource, name)

    def allows(self, context: Context, operation: Operation, resource: ResourceType, name: str) -> bool:
        return (operation, resource, name) != self.refused


async def ready(bench: Bench) -> Client:
    """Share groups are on, and the group coordinator is there."""
    bench.metadata.image.features["share.version"] = 1
    client = await bench.client()
    find = FindCoordinatorRequest(coordinator_keys=["g"])
    while (await client.ask(find, FindCoordinatorResponse, 6)).coordinators[0].error_code:
        await asyncio.sleep(0.01)
    return client


async def beat(client: Client, epoch: int, **said: Any) -> ShareGroupHeartbeatResponse:
    fields = {"group_id": "g", "member_id": "a", **said}
    request = ShareGroupHeartbeatRequest(member_epoch=epoch, **fields)
    return await client.ask(request, ShareGroupHeartbeatResponse, 1)


def alter(topic: str, start: int) -> altering.AlterShareGroupOffsetsRequest:
    each = altering.AlterShareGroupOffsetsRequestPartition(partition_index=0, start_offset=start)
    of = altering.AlterShareGroupOffsetsRequestTopic(topic_name=topic, partitions=[each])
    return altering.AlterShareGroupOffsetsRequest(group_id="g", topics=[of])


def forget(topic: str) -> forgetting.DeleteShareGroupOffsetsRequest:
    of = forgetting.DeleteShareGroupOffsetsRequestTopic(topic_name=topic)
    return forgetting.DeleteShareGroupOffsetsRequest(group_id="g", topics=[of])


async def told(
    client: Client, topics: list[telling.DescribeShareGroupOffsetsRequestTopic] | None = None
) -> telling.DescribeShareGroupOffsetsResponseGroup:
    of = telling.DescribeShareGroupOffsetsRequestGroup(group_id="g", topics=topics)
    request = telling.DescribeShareGroupOffsetsRequest(groups=[of])
    return (await client.ask(request, telling.DescribeShareGroupOffsetsResponse, 1)).groups[0]


async def described(client: Client) -> describing.DescribedGroup:
    request = describing.ShareGroupDescribeRequest(group_ids=["g"], include_authorized_operations=True)
    return (await client.ask(request, describing.ShareGroupDescribeResponse, 1)).groups[0]


def test_a_member_gets_partitions_and_offsets_have_a_lag(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        client = await ready(bench)
        bench.metadata.create("orders", 2)
        bench.partitions.get("orders", 0).append(batch(b"one", b"two", b"three"), 1)
        altered = await client.ask(alter("orders", 1), altering.AlterShareGroupOffsetsResponse, 0)
        assert altered.responses[0].partitions[0].error_code == 0
        (topic,) = (await told(client)).topics
        assert [(each.partition_index, each.start_offset, each.lag) for each in topic.partitions] == [
            (0, 1, 2)
        ]
        joined = await beat(client, 0, subscribed_topic_names=["orders"])
        epoch = joined.member_epoch
        while True:
            answer = await beat(client, epoch)
            epoch = answer.member_epoch
            if answer.assignment is not None and answer.assignment.topic_partitions:
                break
            await asyncio.sleep(0.01)
        group = await described(client)
        assert (group.group_state, len(group.members)) == ("Stable", 1)
        assert group.members[0].client_id == "bench"
        assert group.authorized_operations > 0
        assert (await beat(client, -1)).error_code == 0
        gone = await client.ask(forget("orders"), forgetting.DeleteShareGroupOffsetsResponse, 0)
        assert gone.responses[0].error_code == 0
        assert (await told(client)).topics == []

    on_bench(tmp_path, scenario, SMALL)


def test_who_may_not_is_told_so(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        client = await ready(bench)
        bench.metadata.create("orders", 1)
        await client.ask(alter("orders", 1), altering.AlterShareGroupOffsetsResponse, 0)
        topic, group = ResourceType.TOPIC, ResourceType.GROUP

        bench.services.authorizer = Refusing(Operation.READ, group, "g")
        refused = ErrorCode.GROUP_AUTHORIZATION_FAILED
        assert (await beat(client, 0, subscribed_topic_names=["orders"])).error_code == refused
        set_anew = await client.ask(alter("orders", 1), altering.AlterShareGroupOffsetsResponse, 0)
        assert set_anew.error_code == refused
        bench.services.authorizer = Refusing(Operation.DELETE, group, "g")
        gone = await client.ask(forget("orders"), forgetting.DeleteShareGroupOffsetsResponse, 0)
        assert gone.error_code == refused
        bench.services.authorizer = Refusing(Operation.DESCRIBE, group, "g")
        assert (await told(client)).error_code == refused
        assert (await described(client)).error_code == refused

        refused = ErrorCode.TOPIC_AUTHORIZATION_FAILED
        bench.services.authorizer = Refusing(Operation.DESCRIBE, topic, "orders")
        assert (await beat(client, 0, subscribed_topic_names=["orders"])).error_code == refused
        assert (await told(client)).topics == [], "what may not be described is left out"
        named = telling.DescribeShareGroupOffsetsRequestTopic(topic_name="orders", partitions=[0])
        assert (await told(client, [named])).topics[0].partitions[0].error_code == refused
        bench.services.authorizer = Refusing(Operation.READ, topic, "orders")
        set_anew = await client.ask(alter("orders", 1), altering.AlterShareGroupOffsetsResponse, 0)
        assert set_anew.responses[0].partitions[0].error_code == refused
        gone = await client.ask(forget("orders"), forgetting.DeleteShareGroupOffsetsResponse, 0)
        assert gone.responses[0].error_code == refused

    on_bench(tmp_path, scenario, SMALL)


def test_a_group_with_topics_that_may_not_be_seen_is_not_described(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        client = await ready(bench)
        bench.metadata.create("orders", 1)
        epoch = (await beat(client, 0, subscribed_topic_names=["orders"])).member_epoch
        while True:
            answer = await beat(client, epoch)
            epoch = answer.member_epoch
            if answer.assignment is not None and answer.assignment.topic_partitions:
                break
            await asyncio.sleep(0.01)
        bench.services.authorizer = Refusing(Operation.DESCRIBE, ResourceType.TOPIC, "orders")
        group = await described(client)
        assert group.error_code == ErrorCode.TOPIC_AUTHORIZATION_FAILED
        assert not group.members

    on_bench(tmp_path, scenario, SMALL)


def test_without_the_feature_there_are_no_share_groups(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        client = await ready(bench)
        bench.metadata.image.features["share.version"] = 0
        refused = ErrorCode.UNSUPPORTED_VERSION
        assert (await beat(client, 0, subscribed_topic_names=["orders"])).error_code == refused
        assert (await described(client)).error_code == refused
        assert (await told(client)).error_code == refused
        set_anew = await client.ask(alter("orders", 1), altering.AlterShareGroupOffsetsResponse, 0)
        assert set_anew.error_code == refused
        gone = await client.ask(forget("orders"), forgetting.DeleteShareGroupOffsetsResponse, 0)
        assert gone.error_code == refused

    on_bench(tmp_path, scenario, SMALL)


def test_a_member_id_is_as_long_as_a_uuid_at_most(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        client = await ready(bench)
        for name in ("", "m" * 37):
            answer = await beat(client, 0, member_id=name, subscribed_topic_names=["orders"])
            assert answer.error_code == ErrorCode.INVALID_REQUEST

    on_bench(tmp_path, scenario, SMALL)
