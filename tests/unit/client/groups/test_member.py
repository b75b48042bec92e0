"""A member of a classic group, and one of the new protocol, over a scripted coordinator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ottla.client.cluster import Cluster
from ottla.client.groups.heartbeat_member import HeartbeatMember, Target
from ottla.client.groups.member import GroupMember
from ottla.client.groups.owner import Generation, JoinedMember, MemberSettings
from ottla.client.settings import ConnectionSettings
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import Uuid
from ottla.core.wire.messages.consumer_group_heartbeat import (
    Assignment,
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse,
    TopicPartitionsResponse,
)
from ottla.core.wire.messages.find_coordinator import (
    Coordinator,
    FindCoordinatorRequest,
    FindCoordinatorResponse,
)
from ottla.core.wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from ottla.core.wire.messages.join_group import JoinGroupRequest, JoinGroupResponse, JoinGroupResponseMember
from ottla.core.wire.messages.leave_group import LeaveGroupRequest, LeaveGroupResponse
from ottla.core.wire.messages.metadata import MetadataRequest
from ottla.core.wire.messages.sync_group import SyncGroupRequest, SyncGroupResponse
from tests.unit.client.scripted import ScriptedBroker, ScriptedWorld, metadata

SETTINGS = MemberSettings(
    "workers", protocol_type="connect", session_timeout_ms=6_000, heartbeat_interval_ms=1_000
)


class Coordinating:
    """Brokers 1 and 2; the coordinator is the one in `home`. `beats` are the answers to heartbeats, in order."""

    def __init__(self) -> None:
        self.world = ScriptedWorld()
        self.brokers = [self.world.broker(1), self.world.broker(2)]
        self.home = 1
        self.generation = 0
        self.beats: list[ErrorCode] = []
        self.joins: list[ErrorCode] = []
        for broker in self.brokers:
            broker.answers[MetadataRequest] = metadata(self.brokers)
            broker.answers[FindCoordinatorRequest] = self.found
            broker.answers[JoinGroupRequest] = self.joined
            broker.answers[SyncGroupRequest] = self.synced
            broker.answers[HeartbeatRequest] = lambda request: HeartbeatResponse(
                error_code=self.beats.pop(0) if self.beats else 0
            )
            broker.answers[LeaveGroupRequest] = lambda request: LeaveGroupResponse()

    def found(self, request: FindCoordinatorRequest) -> FindCoordinatorResponse:
        return FindCoordinatorResponse(
            coordinators=[Coordinator(key=key, node_id=self.home) for key in request.coordinator_keys]
        )

    def joined(self, request: JoinGroupRequest) -> JoinGroupResponse:
        if self.joins:
            return JoinGroupResponse(error_code=self.joins.pop(0))
        if not request.member_id:
            return JoinGroupResponse(error_code=ErrorCode.MEMBER_ID_REQUIRED, member_id="m1")
        self.generation += 1
        return JoinGroupResponse(
            generation_id=self.generation,
            protocol_name=request.protocols[0].name,
            leader="m1",
            member_id=request.member_id,
            members=[JoinGroupResponseMember("m1", None, request.protocols[0].metadata)],
        )

    def synced(self, request: SyncGroupRequest) -> SyncGroupResponse:
        return SyncGroupResponse(assignment=request.assignments[0].assignment)

    def asked(self, kind: type[Any]) -> list[Any]:
        return [each for broker in self.brokers for each in broker.asked_for(kind)]

    def run(self, scenario: Callable[[Cluster], Any]) -> None:
        async def inside() -> None:
            chosen = ConnectionSettings(bootstrap_servers=(self.brokers[0].address,))
            async with Cluster(self.world.doors, chosen) as cluster:
                await scenario(cluster)

        self.world.run(inside())


class Owner:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.living = True
        self.has: Target = {}

    def protocols(self) -> list[tuple[str, bytes]]:
        return [("even", b"metadata")]

    async def prepare(self, generation: Generation | None) -> None:
        self.events.append(("prepare", generation.id if generation else None))

    async def lead(self, protocol: str, members: list[JoinedMember]) -> dict[str, bytes]:
        assert (protocol, [each.metadata for each in members]) == ("even", [b"metadata"])
        return {each.member_id: b"work" for each in members}

    async def assigned(self, generation: Generation, assignment: bytes) -> None:
        self.events.append(("assigned", generation.id, assignment))

    async def lost(self) -> None:
        self.events.append("lost")
        self.has = {}
        self.living = True

    def alive(self) -> bool:
        return self.living

    def failed(self, error: Exception) -> None:
        assert isinstance(error, KafkaError)
        self.events.append(error.code)

    # -- of the new protocol

    def subscription(self) -> tuple[list[str] | None, str | None]:
        return ["orders"], None

    def owned(self) -> Target:
        return self.has

    async def reconcile(self, target: Target) -> None:
        self.has = target
        self.events.append(("has", {bytes(topic): sorted(each) for topic, each in target.items()}))


def test_from_the_first_join_to_the_goodbye() -> None:
    place, owner = Coordinating(), Owner()

    async def scenario(cluster: Cluster) -> None:
        member = GroupMember(cluster, SETTINGS, owner)
        member.start()
        await place.world.clock.sleep(2_500)
        assert owner.events == [("prepare", None), ("assigned", 1, b"work")]
        assert member.is_leader
        assert len(place.asked(HeartbeatRequest)) == 2
        await member.close()
        (goodbye,) = place.asked(LeaveGroupRequest)
        assert [each.member_id for each in goodbye.members] == ["m1"]
        assert place.asked(JoinGroupRequest)[-1].protocol_type == "connect"

    place.run(scenario)


def test_a_rebalance_and_a_wish_for_one() -> None:
    place, owner = Coordinating(), Owner()
    place.beats = [ErrorCode.REBALANCE_IN_PROGRESS]

    async def scenario(cluster: Cluster) -> None:
        member = GroupMember(cluster, SETTINGS, owner)
        member.start()
        await place.world.clock.sleep(1_500)
        assert owner.events[2:] == [("prepare", 1), ("assigned", 2, b"work")]
        member.rejoin("there is more to do")
        await place.world.clock.sleep(100)
        assert owner.events[4:] == [("prepare", 2), ("assigned", 3, b"work")]
        assert place.asked(JoinGroupRequest)[-1].reason == "there is more to do"
        await member.close()

    place.run(scenario)


def test_a_member_that_was_forgotten_says_so_and_joins_anew() -> None:
    place, owner = Coordinating(), Owner()
    place.beats = [ErrorCode.UNKNOWN_MEMBER_ID]

    async def scenario(cluster: Cluster) -> None:
        member = GroupMember(cluster, SETTINGS, owner)
        member.start()
        await place.world.clock.sleep(1_500)
        assert owner.events[2:] == ["lost", ("prepare", None), ("assigned", 2, b"work")]
        assert [each.member_id for each in place.asked(JoinGroupRequest)] == ["", "m1", "", "m1"]
        await member.close()

    place.run(scenario)


def test_a_coordinator_that_moves_or_breaks_off_costs_no_rebalance() -> None:
    place, owner = Coordinating(), Owner()

    def gone(request: HeartbeatRequest) -> bytes:
        place.home = 2
        return ScriptedBroker.LOSE

    place.brokers[0].answers[HeartbeatRequest] = gone

    async def scenario(cluster: Cluster) -> None:
        member = GroupMember(cluster, SETTINGS, owner)
        member.start()
        await place.world.clock.sleep(5_000)
        assert owner.events == [("prepare", None), ("assigned", 1, b"work")]
        assert place.brokers[1].asked_for(HeartbeatRequest)
        await member.close()

    place.run(scenario)


def test_an_owner_without_progress_leaves_until_it_makes_some() -> None:
    place, owner = Coordinating(), Owner()

    async def scenario(cluster: Cluster) -> None:
        member = GroupMember(cluster, SETTINGS, owner)
        member.start()
        await place.world.clock.sleep(500)
        owner.living = False
        await place.world.clock.sleep(1_000)
        assert len(place.asked(LeaveGroupRequest)) == 1
        assert owner.events[2:] == ["lost", ("prepare", None), ("assigned", 2, b"work")]
        await member.close()

    place.run(scenario)


def test_a_refusal_for_good_ends_the_membership() -> None:
    place, owner = Coordinating(), Owner()
    place.joins = [ErrorCode.GROUP_AUTHORIZATION_FAILED]

    async def scenario(cluster: Cluster) -> None:
        member = GroupMember(cluster, SETTINGS, owner)
        member.start()
        await place.world.clock.sleep(500)
        assert owner.events == [("prepare", None), ErrorCode.GROUP_AUTHORIZATION_FAILED]
        assert len(place.asked(JoinGroupRequest)) == 1
        await member.close()
        assert not place.asked(LeaveGroupRequest)

    place.run(scenario)


TOPIC = Uuid(b"orders".ljust(16, b"."))


def share(*partitions: int) -> Assignment:
    return Assignment([TopicPartitionsResponse(TOPIC, list(partitions))])


def test_one_heartbeat_says_and_learns_everything() -> None:
    place, owner = Coordinating(), Owner()
    answers = [
        ConsumerGroupHeartbeatResponse(member_epoch=1, heartbeat_interval_ms=2_000, assignment=share(0, 1)),
        ConsumerGroupHeartbeatResponse(member_epoch=1, heartbeat_interval_ms=2_000),
        ConsumerGroupHeartbeatResponse(member_epoch=2, heartbeat_interval_ms=2_000, assignment=share(1)),
    ]
    same = ConsumerGroupHeartbeatResponse(member_epoch=2, heartbeat_interval_ms=2_000)
    for broker in place.brokers:
        broker.answers[ConsumerGroupHeartbeatRequest] = lambda request: answers.pop(0) if answers else same

    async def scenario(cluster: Cluster) -> None:
        member = HeartbeatMember(cluster, SETTINGS, owner)
        member.start()
        await place.world.clock.sleep(5_000)
        assert owner.events == [("has", {TOPIC: [0, 1]}), ("has", {TOPIC: [1]})]
        first, told, third, told_again, *rest = place.asked(ConsumerGroupHeartbeatRequest)
        assert (first.member_epoch, first.subscribed_topic_names, first.topic_partitions) == (
            0,
            ["orders"],
            [],
        )
        assert (told.member_epoch, told.subscribed_topic_names) == (1, None)
        assert [each.partitions for each in told.topic_partitions] == [[0, 1]]
        assert third.topic_partitions is None
        assert [each.partitions for each in told_again.topic_partitions] == [[1]]
        assert all(each.topic_partitions is None for each in rest)
        assert len({each.member_id for each in (first, told, third)}) == 1
        await member.close()
        assert place.asked(ConsumerGroupHeartbeatRequest)[-1].member_epoch == -1

    place.run(scenario)


def test_a_member_that_is_fenced_joins_with_nothing() -> None:
    place, owner = Coordinating(), Owner()
    well = ConsumerGroupHeartbeatResponse(member_epoch=1, heartbeat_interval_ms=2_000, assignment=share(0))
    fenced = ConsumerGroupHeartbeatResponse(error_code=ErrorCode.FENCED_MEMBER_EPOCH)
    answers = [well, well, fenced]
    for broker in place.brokers:
        broker.answers[ConsumerGroupHeartbeatRequest] = lambda request: answers.pop(0) if answers else well

    async def scenario(cluster: Cluster) -> None:
        member = HeartbeatMember(cluster, SETTINGS, owner)
        member.start()
        await place.world.clock.sleep(3_000)
        assert owner.events == [("has", {TOPIC: [0]}), "lost", ("has", {TOPIC: [0]})]
        joins = [each for each in place.asked(ConsumerGroupHeartbeatRequest) if each.member_epoch == 0]
        assert len(joins) == 2
        assert joins[1].topic_partitions == []
        await member.close()

    place.run(scenario)
