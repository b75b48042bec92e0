"""Consumer groups to drive: members that speak in a line, and act on what they hear."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ottla.core.groups.consumer.describing import DescribeConsumer
from ottla.core.groups.consumer.group import ConsumerGroup, Visible
from ottla.core.groups.consumer.heartbeat import Beat
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.consumer_group_describe import DescribedGroup
from ottla.core.wire.messages.consumer_group_heartbeat import (
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse,
    TopicPartitionsRequest,
)
from tests.unit.coordination.driving import World
from tests.unit.groups.driving import Groups

GROUP = "readers"
INTERVAL_MS = 1_000


class Consumers(Groups):
    """The group "readers", whose assignments may follow each other at once unless a test says otherwise."""

    def __init__(self, world: World | None = None, *, may_see: Visible = set, **settings: Any) -> None:
        super().__init__(world, **{"group_consumer_assignment_interval_ms": 0, **settings})
        self.may_see = may_see

    def beat(self, member_id: str, epoch: int = 0, **said: Any) -> Any:
        """The answer to a heartbeat, or the error."""
        if epoch == 0:
            said = {"rebalance_timeout_ms": 60_000, "topic_partitions": [], **said}
            if "subscribed_topic_regex" not in said:
                said.setdefault("subscribed_topic_names", ["orders"])
        has = said.pop("has", None)
        if has is not None:
            said["topic_partitions"] = [
                TopicPartitionsRequest(topic_id=self.world.topics[name].id, partitions=list(partitions))
                for name, partitions in has.items()
            ]
        body = ConsumerGroupHeartbeatRequest(group_id=GROUP, member_id=member_id, member_epoch=epoch, **said)
        return self.ask(Beat(body, self.may_see), version=1)

    def refused(self, member_id: str, epoch: int = 0, **said: Any) -> ErrorCode:
        """The error of a heartbeat."""
        answer = self.beat(member_id, epoch, **said)
        assert isinstance(answer, KafkaError), answer
        return answer.code

    def member(self, member_id: str, **said: Any) -> Client:
        """A member that has joined."""
        client = Client(self, member_id)
        client.join(**said)
        return client

    @property
    def group(self) -> ConsumerGroup:
        group = self.state.groups[GROUP]
        assert isinstance(group, ConsumerGroup)
        return group

    def described(self) -> DescribedGroup:
        answer: DescribedGroup = self.ask(DescribeConsumer(GROUP), version=1)
        return answer

    def new_partitions(self, topic: str, count: int) -> None:
        """The topic is new, or has so many partitions now."""
        known = self.world.topics.get(topic)
        if known is None:
            self.world.topics.update(World(**{topic: count}).topics)
            fresh = bytes([len(self.world.topics)]) * 16
            self.world.topics[topic] = self.world.topics[topic]._replace(id=fresh)  # type: ignore[arg-type]
        else:
            self.world.topics[topic] = known._replace(partitions=count)
        self.take(self.machine.topics_changed(self.moment, frozenset({topic}), frozenset()))


class Client:
    """What a consumer does: it keeps what it was told to have, and gives up the rest at the next heartbeat."""

    def __init__(self, groups: Consumers, member_id: str) -> None:
        self.groups = groups
        self.id = member_id
        self.epoch = 0
        self.has: dict[str, set[int]] = {}

    def join(self, **said: Any) -> ConsumerGroupHeartbeatResponse:
        self.has = {}
        return self._hear(self.groups.beat(self.id, 0, **said))

    def beat(self, **said: Any) -> ConsumerGroupHeartbeatResponse:
        """A heartbeat that says what the member has."""
        return self._hear(self.groups.beat(self.id, self.epoch, has=self.has, **said))

    def leave(self, **said: Any) -> ConsumerGroupHeartbeatResponse:
        answer = self.groups.beat(self.id, -1, **said)
        assert isinstance(answer, ConsumerGroupHeartbeatResponse), answer
        return answer

    def _hear(self, answer: Any) -> ConsumerGroupHeartbeatResponse:
        assert isinstance(answer, ConsumerGroupHeartbeatResponse), answer
        self.epoch = answer.member_epoch
        if answer.assignment is not None:
            self.has = {}
            for each in answer.assignment.topic_partitions:
                topic = self.groups.world.with_id(each.topic_id)
                assert topic is not None
                self.has[topic.name] = set(each.partitions)
        return answer


def settle(clients: Iterable[Client], rounds: int = 8) -> None:
    """Heartbeats of everybody until nothing changes any more."""
    members = list(clients)
    for _ in range(rounds):
        for each in members:
            each.beat()
