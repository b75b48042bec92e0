"""A streams group while its node changes from one product to the other and back: its members go on in their epochs.

That each product reads what the other wrote of topology, targets and tasks is not enough: the hash of the topics has to be the
same, too, or the group would share anew.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import pytest

from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.messages.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from ottla.core.wire.messages.streams_group_describe import (
    DescribedGroup,
    StreamsGroupDescribeRequest,
    StreamsGroupDescribeResponse,
)
from ottla.core.wire.messages.streams_group_heartbeat import (
    EndpointRequest,
    KeyValue,
    StreamsGroupHeartbeatRequest,
    StreamsGroupHeartbeatResponse,
    TaskIdsRequest,
)
from tests import waiting
from tests.confluent import admin_api
from tests.conformance.test_describe_configs import call
from tests.nodes import Node, Product
from tests.samples import SECONDS
from tests.unit.groups.streams.talking import beat, join, leave, word_count

pytestmark = pytest.mark.timeout(300)
until = partial(waiting.until, pause=0.1)

SETTINGS = {
    "group.streams.initial.rebalance.delay.ms": "0",
    "group.streams.assignment.interval.ms": "0",
    "group.streams.num.standby.replicas": "1",
}
RETRIABLE = (14, 15, 16)
"""The coordinator loads, or is not there yet."""


@pytest.fixture
def streaming(node: Node) -> Node:
    node.properties.update(SETTINGS)
    node.write_config()
    return node


class Member:
    """Does what it is told, and says so with each heartbeat."""

    def __init__(self, node: Node, name: str) -> None:
        self.node = node
        self.name = name
        self.epoch = 0
        self.has: dict[str, list[TaskIdsRequest]] = {}
        self.changes = 0
        endpoint = EndpointRequest(host=name, port=1)
        tags = [KeyValue(key="zone", value=name), KeyValue(key="cluster", value="c")]
        self._tell(join(name, word_count(), user_endpoint=endpoint, client_tags=tags, rack_id="r"))

    def beat(self) -> None:
        self._tell(beat(self.name, self.epoch, **self.has))

    def leave(self) -> None:
        self._tell(leave(self.name))

    def _tell(self, request: StreamsGroupHeartbeatRequest) -> None:
        answer: Any = ask(self.node, ApiKey.STREAMS_GROUP_HEARTBEAT, request, StreamsGroupHeartbeatResponse)
        assert answer.error_code == 0, answer
        self.epoch = answer.member_epoch
        if answer.active_tasks is not None:
            self.changes += 1
            told = {
                "active_tasks": answer.active_tasks,
                "standby_tasks": answer.standby_tasks,
                "warmup_tasks": answer.warmup_tasks,
            }
            self.has = {
                kind: [
                    TaskIdsRequest(subtopology_id=each.subtopology_id, partitions=each.partitions)
                    for each in tasks
                ]
                for kind, tasks in told.items()
            }


def ask(node: Node, key: ApiKey, request: Any, response: Any) -> Any:
    """Asked again while the coordinator is not ready."""
    end = time.monotonic() + 2 * SECONDS
    while True:
        answer: Any = call(node.port, key, 0, request, response)
        code = answer.groups[0].error_code if key is ApiKey.STREAMS_GROUP_DESCRIBE else answer.error_code
        if code not in RETRIABLE or time.monotonic() > end:
            return answer
        call(
            node.port,
            ApiKey.FIND_COORDINATOR,
            6,
            FindCoordinatorRequest(coordinator_keys=["app"]),
            FindCoordinatorResponse,
        )
        time.sleep(0.1)


def described(node: Node) -> DescribedGroup:
    request = StreamsGroupDescribeRequest(group_ids=["app"])
    group: DescribedGroup = ask(
        node, ApiKey.STREAMS_GROUP_DESCRIBE, request, StreamsGroupDescribeResponse
    ).groups[0]
    group.members.sort(key=lambda each: each.member_id)
    for member in group.members:
        member.client_tags.sort(key=lambda each: each.key)
    assert group.topology is not None and group.topology.subtopologies is not None
    for each in group.topology.subtopologies:
        # Kafka tells how many partitions these have once the group has written something.
        for topic in (*each.state_changelog_topics, *each.repartition_source_topics):
            topic.partitions = 0
    return group


def settled(node: Node, members: list[Member]) -> DescribedGroup:
    """The group when everybody has what it is to have, and has looked at the topics."""

    def stable() -> bool:
        for each in members:
            each.beat()
        return described(node).group_state == "Stable"

    until(stable, "the group does not settle")
    return described(node)


@pytest.mark.parametrize("way", ["there", "here"])
def test_members_go_on_in_their_epochs(streaming: Node, product: Product, apache: Product, way: str) -> None:
    node = streaming
    first, second = (product, apache) if way == "there" else (apache, product)
    node.start(first)
    admin = admin_api.AdminClient({"bootstrap.servers": node.bootstrap})
    admin.create_topics([admin_api.NewTopic("words", 3, 1)])["words"].result(SECONDS)
    members = [Member(node, name) for name in ("anna", "ben")]
    before = settled(node, members)
    assert sorted(len(each.has["active_tasks"]) for each in members) == [2, 2]
    changes = [each.changes for each in members]
    for turn in (second, first):
        node.stop()
        node.start(turn)
        for _ in range(2):
            for each in members:
                each.beat()
        assert described(node) == before, f"on {turn.name}"
        assert [each.changes for each in members] == changes, "tasks were handed over"
    members[0].leave()
    after = settled(node, members[1:])
    assert [each.member_id for each in after.members] == ["ben"]
    assert sum(len(each.partitions) for each in after.members[0].assignment.active_tasks) == 6
