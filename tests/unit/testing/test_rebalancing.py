"""A rebalance now, in groups whose members the broker assigns itself: they lose what they have and are taken back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ottla.core.model.errors import ErrorCode
from ottla.core.wire.messages.share_group_heartbeat import (
    ShareGroupHeartbeatRequest,
    ShareGroupHeartbeatResponse,
)
from ottla.core.wire.messages.streams_group_heartbeat import StreamsGroupHeartbeatResponse
from ottla.testing import Broker, BrokerFailed
from tests.unit.broker.bench import Client
from tests.unit.groups.streams.talking import beat, join
from tests.unit.testing.talking import at


def test_a_share_group() -> None:
    async def scenario(client: Client) -> None:
        async def said(epoch: int) -> ShareGroupHeartbeatResponse:
            request = ShareGroupHeartbeatRequest(
                group_id="app", member_id="a", member_epoch=epoch, subscribed_topic_names=["words"]
            )
            return await client.ask(request, ShareGroupHeartbeatResponse, 1)

        joined = await said(0)
        assert joined.error_code == 0
        await asyncio.to_thread(broker.faults.rebalance, "app")
        assert (await said(joined.member_epoch)).error_code == ErrorCode.UNKNOWN_MEMBER_ID
        back = await said(0)
        assert back.error_code == 0
        assert back.member_epoch > joined.member_epoch

    with Broker() as broker:
        broker.create_topic("words")
        at(broker, scenario)
        broker.reset()
        with pytest.raises(BrokerFailed, match="there is no group 'app'"):
            broker.faults.rebalance("app")


def test_a_streams_group() -> None:
    async def scenario(client: Client) -> None:
        async def said(request: Any) -> StreamsGroupHeartbeatResponse:
            return await client.ask(request, StreamsGroupHeartbeatResponse, 0)

        joined = await said(join("a"))
        assert joined.error_code == 0
        await asyncio.to_thread(broker.faults.rebalance, "app")
        assert (await said(beat("a", joined.member_epoch))).error_code == ErrorCode.UNKNOWN_MEMBER_ID
        assert (await said(join("a"))).error_code == 0
        await said(beat("a", -1))
        with pytest.raises(BrokerFailed, match="'app' has no members"):
            await asyncio.to_thread(broker.faults.rebalance, "app")

    with Broker() as broker:
        broker.create_topic("words")
        at(broker, scenario)
