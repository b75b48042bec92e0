"""A share group while its node changes from one product to the other and back: its members, and what was delivered.

Members live in `__consumer_offsets`, what was delivered to them in `__share_group_state`. Requests are spoken by hand, so
that nothing asks a second time or joins again unseen.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from ottla.core.model.ids import Uuid
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.apis import API
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages import (
    alter_share_group_offsets as altering,
)
from ottla.core.wire.messages import (
    create_topics,
    find_coordinator,
    share_group_heartbeat,
)
from ottla.core.wire.messages import (
    describe_share_group_offsets as telling,
)
from ottla.core.wire.messages import (
    read_share_group_state as reading,
)
from ottla.core.wire.messages import (
    write_share_group_state as writing,
)
from tests.conformance.test_describe_configs import call
from tests.nodes import Node, Product
from tests.reach.test_coordinators import move
from tests.samples import SECONDS

pytestmark = pytest.mark.timeout(180)

TOPIC, GROUP, OTHER, MEMBER = "orders", "sharers", "others", "member-1"
NOT_YET = (14, 15, 16)
"""The coordinator is still loading, or not known yet."""
BATCH = writing.StateBatch(first_offset=12, last_offset=15, delivery_state=2, delivery_count=3)


class Desk:
    """A node, spoken to by hand."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.topic_id: Uuid

    def ask(self, key: ApiKey, request: Body) -> Any:
        api = API[key]
        return call(self.node.port, key, api.max_stable_version, request, api.response)

    def until(self, question: Callable[[], Any], good: Callable[[Any], bool]) -> Any:
        """What is answered, once it is good."""
        deadline = time.monotonic() + 4 * SECONDS
        while True:
            answer = question()
            if good(answer):
                return answer
            assert time.monotonic() < deadline, answer
            time.sleep(0.1)

    def create(self) -> None:
        new = create_topics.CreatableTopic(name=TOPIC, num_partitions=2, replication_factor=1)
        made = self.ask(
            ApiKey.CREATE_TOPICS, create_topics.CreateTopicsRequest(topics=[new], timeout_ms=9000)
        )
        self.topic_id = made.topics[0].topic_id
        for group in (GROUP, OTHER):
            find = find_coordinator.FindCoordinatorRequest(coordinator_keys=[group])
            self.until(
                partial(self.ask, ApiKey.FIND_COORDINATOR, find),
                lambda answer: not answer.coordinators[0].error_code,
            )

    def beat(self, epoch: int, topics: list[str] | None = None) -> Any:
        request = share_group_heartbeat.ShareGroupHeartbeatRequest(
            group_id=GROUP, member_id=MEMBER, member_epoch=epoch, subscribed_topic_names=topics
        )
        return self.until(
            lambda: self.ask(ApiKey.SHARE_GROUP_HEARTBEAT, request),
            lambda answer: answer.error_code not in NOT_YET,
        )

    def join(self) -> int:
        """The epoch of the member when it has its partitions."""
        answer = self.until(
            lambda: self.ask(
                ApiKey.SHARE_GROUP_HEARTBEAT,
                share_group_heartbeat.ShareGroupHeartbeatRequest(
                    group_id=GROUP, member_id=MEMBER, subscribed_topic_names=[TOPIC]
                ),
            ),
            lambda answer: not answer.error_code,
        )
        while not (answer.assignment and answer.assignment.topic_partitions):
            time.sleep(0.2)
            answer = self.beat(answer.member_epoch)
        assert answer.assignment.topic_partitions[0].partitions == [0, 1]
        epoch: int = answer.member_epoch
        return epoch

    def alter(self, start: int) -> None:
        each = altering.AlterShareGroupOffsetsRequestPartition(partition_index=1, start_offset=start)
        of = altering.AlterShareGroupOffsetsRequestTopic(topic_name=TOPIC, partitions=[each])
        request = altering.AlterShareGroupOffsetsRequest(group_id=OTHER, topics=[of])
        self.until(
            lambda: self.ask(ApiKey.ALTER_SHARE_GROUP_OFFSETS, request),
            lambda answer: not answer.error_code and not answer.responses[0].partitions[0].error_code,
        )

    def write(self, leader_epoch: int, *batches: writing.StateBatch) -> int:
        each = writing.PartitionData(
            partition=0,
            state_epoch=-1,
            leader_epoch=leader_epoch,
            start_offset=10,
            delivery_complete_count=4,
            state_batches=list(batches),
        )
        of = writing.WriteStateData(topic_id=self.topic_id, partitions=[each])
        request = writing.WriteShareGroupStateRequest(group_id=GROUP, topics=[of])
        answer = self.until(
            lambda: self.ask(ApiKey.WRITE_SHARE_GROUP_STATE, request),
            lambda answer: answer.results[0].partitions[0].error_code not in NOT_YET,
        )
        code: int = answer.results[0].partitions[0].error_code
        return code

    def read(self, leader_epoch: int) -> Any:
        each = reading.PartitionData(partition=0, leader_epoch=leader_epoch)
        of = reading.ReadStateData(topic_id=self.topic_id, partitions=[each])
        request = reading.ReadShareGroupStateRequest(group_id=GROUP, topics=[of])
        answer = self.until(
            lambda: self.ask(ApiKey.READ_SHARE_GROUP_STATE, request),
            lambda answer: answer.results[0].partitions[0].error_code not in NOT_YET,
        )
        return answer.results[0].partitions[0]

    def offsets(self, group: str) -> dict[int, int]:
        """Partition → where the group goes on."""
        of = telling.DescribeShareGroupOffsetsRequestGroup(group_id=group, topics=None)
        request = telling.DescribeShareGroupOffsetsRequest(groups=[of])
        answer = self.until(
            lambda: self.ask(ApiKey.DESCRIBE_SHARE_GROUP_OFFSETS, request),
            lambda answer: not answer.groups[0].error_code,
        )
        return {
            each.partition_index: each.start_offset
            for topic in answer.groups[0].topics
            for each in topic.partitions
        }


@pytest.mark.parametrize("sudden", [False, True], ids=["stopped", "killed"])
@pytest.mark.parametrize("way", ["there", "here"])
def test_a_share_group_goes_on_where_it_was(
    node: Node, product: Product, apache: Product, way: str, sudden: bool
) -> None:
    first, second = (product, apache) if way == "there" else (apache, product)
    node.start(first)
    desk = Desk(node)
    desk.create()
    desk.alter(7)
    epoch = desk.join()
    assert desk.read(5).error_code == 0
    assert desk.write(5, BATCH) == 0
    for after in (second, first):
        move(node, after, sudden)
        answer = desk.beat(epoch)
        assert (answer.error_code, answer.member_epoch) == (0, epoch), "the member has to join anew"
        assert desk.offsets(OTHER) == {1: 7}
        assert desk.offsets(GROUP)[0] == 10
        state = desk.read(5)
        assert state.start_offset == 10
        assert [(each.first_offset, each.last_offset) for each in state.state_batches] == [(12, 15)]
        assert [(each.delivery_state, each.delivery_count) for each in state.state_batches] == [(2, 3)]
        assert desk.write(4, BATCH) == 74, "an older leader is still fenced"
        assert desk.write(5) == 0
    answer = desk.beat(-1)
    assert answer.error_code == 0
    node.stop()
