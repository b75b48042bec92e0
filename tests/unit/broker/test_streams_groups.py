"""The APIs of streams groups, on sockets: who may ask, and how the topics that a group needs come into being."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from ottla.broker.context import Context
from ottla.broker.streams_topics import KEPT_MAX
from ottla.core.groups.streams.statuses import StatusCode
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages.create_topics import (
    CreatableTopicResult,
    CreateTopicsRequest,
    CreateTopicsResponse,
)
from ottla.core.wire.messages.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from ottla.core.wire.messages.streams_group_describe import (
    DescribedGroup,
    StreamsGroupDescribeRequest,
    StreamsGroupDescribeResponse,
)
from ottla.core.wire.messages.streams_group_heartbeat import (
    StreamsGroupHeartbeatResponse,
    Subtopology,
    TopicInfo,
    Topology,
)
from ottla.core.wire.permissions import Operation, ResourceType
from tests.unit.broker.bench import Bench, Client, on_bench
from tests.unit.groups.streams.talking import CHANGELOG, beat, counting, join, leave, statuses, tasks_of

SMALL = {
    "offsets.topic.num.partitions": "1",
    "group.streams.initial.rebalance.delay.ms": "0",
    "group.streams.assignment.interval.ms": "0",
}


class Refusing:
    """Allows all but these operations; names say on what."""

    enabled = True

    def __init__(self, *refused: tuple[Operation, ResourceType, str]) -> None:
        self.refused = refused

    def allows(self, context: Context, operation: Operation, resource: ResourceType, name: str) -> bool:
        return (operation, resource, name) not in self.refused


async def ready(bench: Bench) -> Client:
    """Streams groups are on, the coordinator is there, and there is text to read."""
    bench.metadata.image.features["streams.version"] = 1
    bench.metadata.create("words", 2)
    client = await bench.client()
    find = FindCoordinatorRequest(coordinator_keys=["app"])
    while (await client.ask(find, FindCoordinatorResponse, 6)).coordinators[0].error_code:
        await asyncio.sleep(0.01)
    return client


async def told(client: Client, body: Body) -> StreamsGroupHeartbeatResponse:
    return await client.ask(body, StreamsGroupHeartbeatResponse, 0)


async def described(client: Client, group: str = "app") -> DescribedGroup:
    request = StreamsGroupDescribeRequest(group_ids=[group], include_authorized_operations=True)
    return (await client.ask(request, StreamsGroupDescribeResponse, 0)).groups[0]


def detail(answer: StreamsGroupHeartbeatResponse) -> str:
    (status,) = answer.status or []
    assert status.status_code == StatusCode.MISSING_INTERNAL_TOPICS
    return status.status_detail


def run(path: Path, scenario: Callable[[Bench], Coroutine[Any, Any, None]]) -> None:
    on_bench(path, scenario, SMALL)


def test_the_topics_of_a_group_are_made_and_it_runs(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        client = await ready(bench)
        first = await told(client, join("a", counting()))
        assert (first.error_code, detail(first)) == (0, f"Internal topics are missing: {CHANGELOG}")
        while CHANGELOG not in bench.metadata.image.topics_by_name:
            await asyncio.sleep(0.01)
        assert len(bench.metadata.image.topics_by_name[CHANGELOG].partitions) == 2
        answer = await told(client, beat("a", first.member_epoch))
        assert (statuses(answer), tasks_of(answer)) == ([], {"0": [0, 1]})
        group = await described(client)
        assert (group.group_state, len(group.members)) == ("Stable", 1)
        assert group.members[0].client_id == "bench"
        assert group.topology is not None and group.topology.subtopologies is not None
        (part,) = group.topology.subtopologies
        assert [(each.name, each.partitions) for each in part.state_changelog_topics] == [(CHANGELOG, 2)]
        assert group.authorized_operations > 0
        assert (await told(client, leave("a"))).error_code == 0
        assert (await described(client)).group_state == "Empty"

    run(tmp_path, scenario)


def test_a_refusal_is_told_and_not_asked_for_again_at_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(bench: Bench) -> None:
        client = await ready(bench)
        asked: list[list[str]] = []

        async def refuse(context: Context, key: ApiKey, request: Body) -> Body:
            assert isinstance(request, CreateTopicsRequest)
            asked.append([each.name for each in request.topics])
            if len(asked) > 1:
                raise KafkaError(ErrorCode.POLICY_VIOLATION, "not here")
            refused = [
                CreatableTopicResult(name=each.name, error_code=44, error_message="no room")
                for each in request.topics
            ]
            return CreateTopicsResponse(topics=refused)

        bench.metadata.request = refuse  # type: ignore[method-assign]
        epoch = (await told(client, join("a", counting()))).member_epoch
        await asyncio.sleep(0.02)
        for _ in range(3):
            answer = await told(client, beat("a", epoch))
            assert detail(answer).endswith(f"; Creation failed: {CHANGELOG} (no room).")
        assert asked == [[CHANGELOG]]
        known = bench.services.streams_topics_refused
        known[CHANGELOG] = known[CHANGELOG]._replace(until=0)
        await told(client, beat("a", epoch))
        await asyncio.sleep(0.02)
        assert detail(await told(client, beat("a", epoch))).endswith("(not here).")
        assert asked == [[CHANGELOG]] * 2
        assert not bench.services.auto_creating

    with caplog.at_level(logging.WARNING):
        run(tmp_path, scenario)
    lines = [each.getMessage() for each in caplog.records if each.name == "ottla.topics"]
    assert len(lines) == 2
    assert "no room" in lines[0]


def test_refusals_that_are_remembered_are_bounded(tmp_path: Path) -> None:
    many = [TopicInfo(name=f"log-{number}") for number in range(KEPT_MAX + 5)]
    topology = Topology(
        subtopologies=[Subtopology(subtopology_id="0", source_topics=["words"], state_changelog_topics=many)]
    )

    async def scenario(bench: Bench) -> None:
        client = await ready(bench)

        async def refuse(context: Context, key: ApiKey, request: Body) -> Body:
            raise KafkaError(ErrorCode.POLICY_VIOLATION)

        bench.metadata.request = refuse  # type: ignore[method-assign]
        epoch = (await told(client, join("a", topology))).member_epoch
        await asyncio.sleep(0.02)
        assert "and 997 more" in detail(await told(client, beat("a", epoch)))
        assert len(bench.services.streams_topics_refused) == KEPT_MAX

    run(tmp_path, scenario)


def test_who_may_not_create_topics_is_told_so(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        client = await ready(bench)
        no_cluster = (Operation.CREATE, ResourceType.CLUSTER, "kafka-cluster")
        no_topic = (Operation.CREATE, ResourceType.TOPIC, CHANGELOG)
        bench.services.authorizer = Refusing(no_cluster, no_topic)
        first = await told(client, join("a", counting()))
        assert detail(first).endswith(f"; Unauthorized to CREATE on topics {CHANGELOG}.")
        await asyncio.sleep(0.02)
        assert CHANGELOG not in bench.metadata.image.topics_by_name
        bench.services.authorizer = Refusing(no_cluster)
        await told(client, beat("a", first.member_epoch))
        await asyncio.sleep(0.02)
        assert CHANGELOG in bench.metadata.image.topics_by_name

    run(tmp_path, scenario)


def test_who_may_not_ask_at_all(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        client = await ready(bench)
        bench.metadata.create(CHANGELOG, 2)
        assert (await told(client, join("a", counting()))).error_code == 0
        bench.services.authorizer = Refusing((Operation.READ, ResourceType.GROUP, "app"))
        answer = await told(client, join("a", counting()))
        assert answer.error_code == ErrorCode.GROUP_AUTHORIZATION_FAILED
        bench.services.authorizer = Refusing((Operation.DESCRIBE, ResourceType.TOPIC, CHANGELOG))
        answer = await told(client, join("a", counting()))
        assert answer.error_code == ErrorCode.TOPIC_AUTHORIZATION_FAILED
        group = await described(client)
        assert (group.error_code, group.topology) == (ErrorCode.TOPIC_AUTHORIZATION_FAILED, None)
        bench.services.authorizer = Refusing((Operation.DESCRIBE, ResourceType.GROUP, "app"))
        assert (await described(client)).error_code == ErrorCode.GROUP_AUTHORIZATION_FAILED

    run(tmp_path, scenario)


@pytest.mark.parametrize("topic", ["__consumer_offsets", "a/b", "", "."])
def test_topics_that_cannot_be_in_a_topology(tmp_path: Path, topic: str) -> None:
    async def scenario(bench: Bench) -> None:
        client = await ready(bench)
        answer = await told(client, join("a", counting(topic)))
        assert answer.error_code == ErrorCode.STREAMS_INVALID_TOPOLOGY
        assert topic in (answer.error_message or "")

    run(tmp_path, scenario)


def test_a_cluster_without_the_feature(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        client = await ready(bench)
        bench.metadata.image.features["streams.version"] = 0
        assert (await told(client, join("a"))).error_code == ErrorCode.UNSUPPORTED_VERSION
        assert (await described(client)).error_code == ErrorCode.UNSUPPORTED_VERSION

    run(tmp_path, scenario)
