"""Kafka's tool for share groups while there are members, and after them.

What it says of groups without members, and of what is not there, is compared word for word in `test_java_admin.py`. The
members here are heartbeats: what they take from a topic is not this test's business.
"""

from __future__ import annotations

import re
import uuid
from functools import partial

import pytest

from ottla.core.model.errors import ErrorCode
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.messages.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from ottla.core.wire.messages.share_group_heartbeat import (
    ShareGroupHeartbeatRequest,
    ShareGroupHeartbeatResponse,
)
from tests import waiting
from tests.conformance.broker import Broker
from tests.conformance.checks import covers
from tests.conformance.test_describe_configs import call
from tests.conformance.test_group_tools import GROUPS, table
from tests.conformance.test_java_tools import CLIENT, CONFIGS, TOPICS, ask, write
from tests.samples import SECONDS

pytestmark = pytest.mark.timeout(180)
until = partial(waiting.until, seconds=SECONDS, pause=0.2)

SHARE_GROUPS = "org.apache.kafka.tools.consumer.group.ShareGroupCommand"


class Beating:
    """A member of a share group that sends heartbeats when it is told to."""

    def __init__(self, broker: Broker, group: str, *topics: str) -> None:
        self.broker = broker
        self.group = group
        self.id = str(uuid.uuid4())
        self.epoch = 0
        self.heartbeat_interval_ms = 0
        self.partitions: list[int] = []
        """Of all its topics."""
        self.topics: list[str] | None = list(topics)
        until(self._joined, "the coordinator is not there")

    def _joined(self) -> bool:
        # The first question makes the coordinator's topic.
        find = FindCoordinatorRequest(coordinator_keys=[self.group])
        call(self.broker.node.port, ApiKey.FIND_COORDINATOR, 6, find, FindCoordinatorResponse)
        return self.beat() is ErrorCode.NONE

    def beat(self) -> ErrorCode:
        request = ShareGroupHeartbeatRequest(
            group_id=self.group,
            member_id=self.id,
            member_epoch=self.epoch,
            subscribed_topic_names=self.topics,
        )
        answer = call(
            self.broker.node.port, ApiKey.SHARE_GROUP_HEARTBEAT, 1, request, ShareGroupHeartbeatResponse
        )
        assert isinstance(answer, ShareGroupHeartbeatResponse)
        if not answer.error_code:
            self.epoch, self.topics = answer.member_epoch, None
            self.heartbeat_interval_ms = answer.heartbeat_interval_ms
            if answer.assignment is not None:
                self.partitions = [
                    index for topic in answer.assignment.topic_partitions for index in topic.partitions
                ]
        return ErrorCode(answer.error_code)

    def leave(self) -> None:
        self.epoch = -1
        assert self.beat() is ErrorCode.NONE


def settled(*members: Beating, sizes: list[int]) -> bool:
    for member in members:
        assert member.beat() is ErrorCode.NONE
    return sorted(len(member.partitions) for member in members) == sizes


@covers(CLIENT, "group-admin")
def test_share_groups_with_members(broker: Broker) -> None:
    topic, group = broker.topic(3), f"sharers-{uuid.uuid4()}"
    first, second = (Beating(broker, group, topic) for _ in range(2))
    until(lambda: settled(first, second, sizes=[1, 2]), "the partitions are not shared out")
    about = ["--describe", "--group", group]
    shown = ask(broker, SHARE_GROUPS, *about, "--members", "--verbose")
    # The members said no client id: nothing stands in that column.
    held = {line[1]: line[-3:] for line in map(str.split, shown.splitlines()) if line and line[0] == group}
    assert held.keys() == {first.id, second.id}
    assert sorted(count for count, _, _ in held.values()) == ["1", "2"]
    assert {epoch for _, epoch, _ in held.values()} == {str(first.epoch)}
    assert all(assignment.startswith(f"{topic}:") for _, _, assignment in held.values())
    state = ask(broker, SHARE_GROUPS, *about, "--state")
    assert re.search(rf"^{group}\s+\S+\s+\(1\)\s+Stable\s+2\s*$", state, re.MULTILINE)
    assert group in ask(broker, SHARE_GROUPS, "--list", "--state", "Stable")
    assert re.search(rf"^{group}\s+Share\s+share\s*$", ask(broker, GROUPS, "--list"), re.MULTILINE)
    lines = table(ask(broker, SHARE_GROUPS, *about, "--offsets"))
    assert [(line["TOPIC"], line["PARTITION"], line["START-OFFSET"]) for line in lines] == [
        (topic, str(index), "-") for index in range(3)
    ]
    refused = ask(broker, SHARE_GROUPS, "--delete", "--group", group, check=False)
    assert "is not EMPTY" in refused or "GroupNotEmpty" in refused, refused
    reset = ["--group", group, "--reset-offsets", "--to-earliest", "--topic", topic, "--execute"]
    refused = ask(broker, SHARE_GROUPS, *reset, check=False)
    assert "not empty" in refused.lower(), refused
    first.leave()
    until(lambda: settled(second, sizes=[3]), "what the other had is not taken over")
    second.leave()
    assert re.search(
        rf"^{group}\s+\S+\s+\(1\)\s+Empty\s+0\s*$",
        ask(broker, SHARE_GROUPS, *about, "--state"),
        re.MULTILINE,
    )
    assert "was successful" in ask(broker, SHARE_GROUPS, "--delete", "--group", group)


def test_offsets_of_share_groups(broker: Broker) -> None:
    topic, group = broker.topic(), f"sharers-{uuid.uuid4()}"
    write(broker, topic, [f"line {n}" for n in range(10)])
    to = ["--group", group, "--reset-offsets", "--topic", topic, "--execute"]
    (moved,) = table(ask(broker, SHARE_GROUPS, *to, "--to-latest"))
    assert moved["NEW-OFFSET"] == "10"
    about = ["--describe", "--group", group]
    (line,) = table(ask(broker, SHARE_GROUPS, *about))
    assert (line["START-OFFSET"], line["LAG"]) == ("10", "0")
    ask(broker, SHARE_GROUPS, *to, "--to-earliest")
    (line,) = table(ask(broker, SHARE_GROUPS, *about))
    assert (line["START-OFFSET"], line["LAG"]) == ("0", "10")
    member = Beating(broker, group, topic)
    until(lambda: settled(member, sizes=[1]), "the partition is not assigned")
    member.leave()
    (line,) = table(ask(broker, SHARE_GROUPS, *about))
    assert (line["START-OFFSET"], line["LAG"]) == ("0", "10"), "who comes and goes changes nothing"
    gone = ask(broker, SHARE_GROUPS, "--delete-offsets", "--group", group, "--topic", topic)
    assert re.search(rf"^{topic}\s+Successful", gone, re.MULTILINE)
    assert "no offset information" in ask(broker, SHARE_GROUPS, *about)
    assert "was successful" in ask(broker, SHARE_GROUPS, "--delete", "--group", group)


def test_what_is_set_for_a_share_group(broker: Broker) -> None:
    topic, group = broker.topic(), f"sharers-{uuid.uuid4()}"
    member = Beating(broker, group, topic)
    assert member.heartbeat_interval_ms == 5_000
    on_group = ["--entity-type", "groups", "--entity-name", group]
    ask(broker, CONFIGS, *on_group, "--alter", "--add-config", "share.heartbeat.interval.ms=7000")

    def heard() -> bool:
        member.beat()
        return member.heartbeat_interval_ms == 7_000

    until(heard, "the group's own interval does not count")
    member.leave()


def test_offsets_go_with_their_topic(broker: Broker) -> None:
    topic, group = broker.topic(), f"sharers-{uuid.uuid4()}"
    to = ["--group", group, "--reset-offsets", "--topic", topic, "--execute", "--to-earliest"]
    ask(broker, SHARE_GROUPS, *to)
    about = ["--describe", "--group", group]
    assert topic in ask(broker, SHARE_GROUPS, *about)
    ask(broker, TOPICS, "--delete", "--topic", topic)
    until(
        lambda: "no offset information" in ask(broker, SHARE_GROUPS, *about),
        "the offsets of a topic that is gone are still there",
    )
    ask(broker, TOPICS, "--create", "--topic", topic)
    assert "no offset information" in ask(broker, SHARE_GROUPS, *about), "another topic of that name"
    assert "was successful" in ask(broker, SHARE_GROUPS, "--delete", "--group", group)
