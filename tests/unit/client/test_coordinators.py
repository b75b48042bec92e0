"""Looking coordinators up, in one request or one by one, and following them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ottla.client.cluster import Cluster
from ottla.client.coordinators import GROUP, Coordinators
from ottla.client.settings import ConnectionSettings
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.messages.api_versions import ApiVersionsRequest
from ottla.core.wire.messages.find_coordinator import (
    Coordinator,
    FindCoordinatorRequest,
    FindCoordinatorResponse,
)
from ottla.core.wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from ottla.core.wire.messages.metadata import MetadataRequest
from tests.unit.client.scripted import ScriptedWorld, all_versions, metadata


class Place:
    """Two brokers; `nodes` says who coordinates which group (an ErrorCode: nobody, and why)."""

    def __init__(self) -> None:
        self.world = ScriptedWorld()
        self.brokers = [self.world.broker(1), self.world.broker(2)]
        self.nodes: dict[str, int | ErrorCode] = {"a": 1, "b": 2, "c": ErrorCode.GROUP_AUTHORIZATION_FAILED}
        for broker in self.brokers:
            broker.answers[MetadataRequest] = metadata(self.brokers)
            broker.answers[FindCoordinatorRequest] = self.found

    def found(self, request: FindCoordinatorRequest) -> FindCoordinatorResponse:
        if request.key:
            node = self.nodes[request.key]
            refused = isinstance(node, ErrorCode)
            return FindCoordinatorResponse(error_code=node if refused else 0, node_id=-1 if refused else node)
        return FindCoordinatorResponse(
            coordinators=[
                Coordinator(key=key, error_code=node)
                if isinstance(node := self.nodes[key], ErrorCode)
                else Coordinator(key=key, node_id=node)
                for key in request.coordinator_keys
            ]
        )

    def asked(self) -> list[FindCoordinatorRequest]:
        return [each for broker in self.brokers for each in broker.asked_for(FindCoordinatorRequest)]

    def run(self, scenario: Callable[[Coordinators], Any], **settings: Any) -> None:
        async def inside() -> None:
            chosen = ConnectionSettings(bootstrap_servers=(self.brokers[0].address,), **settings)
            async with Cluster(self.world.doors, chosen) as cluster:
                await scenario(Coordinators(cluster))

        self.world.run(inside())


@pytest.mark.parametrize(("newest", "requests"), [(6, 1), (3, 3)])
def test_several_keys_go_in_one_request_where_the_broker_can(newest: int, requests: int) -> None:
    place = Place()
    versions = all_versions()
    for api in versions.api_keys:
        if api.api_key == ApiKey.FIND_COORDINATOR:
            api.max_version = newest
    for broker in place.brokers:
        broker.answers[ApiVersionsRequest] = lambda request: versions

    async def scenario(coordinators: Coordinators) -> None:
        nodes, refused = await coordinators.by_node(GROUP, ["a", "b", "c"])
        assert nodes == {1: ["a"], 2: ["b"]}
        assert refused["c"].code == ErrorCode.GROUP_AUTHORIZATION_FAILED
        assert len(place.asked()) == requests
        assert await coordinators.node(GROUP, "b") == 2
        assert len(place.asked()) == requests, "what was found is kept"

    place.run(scenario)


def test_a_coordinator_that_has_moved_is_followed() -> None:
    place = Place()

    def moved(request: HeartbeatRequest) -> HeartbeatResponse:
        place.nodes["a"] = 2
        return HeartbeatResponse(error_code=ErrorCode.NOT_COORDINATOR)

    place.brokers[0].answers[HeartbeatRequest] = moved
    place.brokers[1].answers[HeartbeatRequest] = lambda request: HeartbeatResponse(
        error_code=ErrorCode.ILLEGAL_GENERATION
    )

    async def scenario(coordinators: Coordinators) -> None:
        answer = await coordinators.ask(GROUP, "a", HeartbeatRequest(group_id="a"), HeartbeatResponse)
        assert answer.error_code == ErrorCode.ILLEGAL_GENERATION
        assert len(place.brokers[0].asked_for(HeartbeatRequest)) == 1

    place.run(scenario)


def test_none_yet_is_awaited_and_one_that_is_refused_is_told() -> None:
    place = Place()
    place.nodes["a"] = ErrorCode.COORDINATOR_NOT_AVAILABLE

    async def scenario(coordinators: Coordinators) -> None:
        clock = place.world.clock
        clock.call_at(clock.now() + 700, lambda: place.nodes.update(a=2))
        assert await coordinators.node(GROUP, "a") == 2
        with pytest.raises(KafkaError, match="GROUP_AUTHORIZATION_FAILED"):
            await coordinators.node(GROUP, "c")

    place.run(scenario)


def test_a_lane_is_a_connection_of_its_own() -> None:
    place = Place()
    place.brokers[0].answers[HeartbeatRequest] = lambda request: HeartbeatResponse()

    async def scenario(coordinators: Coordinators) -> None:
        before = place.world.network.connections
        cluster = coordinators.cluster
        lane = cluster.new_lane()
        own = Coordinators(cluster, lane=lane)
        await own.ask(GROUP, "a", HeartbeatRequest(group_id="a"), HeartbeatResponse)
        await own.ask(GROUP, "a", HeartbeatRequest(group_id="a"), HeartbeatResponse)
        assert place.world.network.connections == before + 1
        shared = await cluster.connection(1)
        assert await cluster.connection(1, lane) is not shared
        cluster.close_lane(lane)
        assert shared.usable

    place.run(scenario)
