"""What a consumer fetches, from whom, and what it says when that goes wrong."""

from __future__ import annotations

import pytest

from ottla.client.consuming.consumer import Consumer
from ottla.client.errors import ClientError
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import ZERO_UUID
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages.fetch import FetchRequest
from tests.unit.client.leader import Leader, batch
from tests.unit.client.scripted import ScriptedBroker, ScriptedWorld


async def values(consumer: Consumer, count: int) -> list[tuple[int, bytes | None]]:
    """The next `count` records: (offset, value)."""
    found: list[tuple[int, bytes | None]] = []
    while len(found) < count:
        for fetched in await consumer.poll(60_000):
            found += [(record.offset, record.value) for record in fetched.records()]
    return found


def test_whole_batches_arrive_and_the_head_before_the_position_does_not() -> None:
    leader = Leader(ScriptedWorld(), [[batch(0, b"0", b"1", b"2"), batch(3, b"3")]])

    async def scenario(consumer: Consumer) -> None:
        consumer.assign({("a", 0): 1})
        assert await values(consumer, 3) == [(1, b"1"), (2, b"2"), (3, b"3")]
        assert await consumer.position("a", 0) == 4

    leader.run(scenario)


@pytest.mark.parametrize("ids", [True, False])
def test_topics_are_named_by_id_where_there_is_one(ids: bool) -> None:
    leader = Leader(ScriptedWorld(), [[batch(0, b"0")]], ids=ids)

    async def scenario(consumer: Consumer) -> None:
        consumer.assign({("a", 0): 0})
        assert await values(consumer, 1) == [(0, b"0")]
        request = leader.brokers[0].asked_for(FetchRequest)[0]
        assert (request.topics[0].topic_id != ZERO_UUID) == ids
        assert (request.topics[0].topic == "a") != ids

    leader.run(scenario)


def test_the_next_fetch_leaves_while_the_caller_works() -> None:
    leader = Leader(ScriptedWorld(), [[batch(0, b"0")]])

    async def scenario(consumer: Consumer) -> None:
        consumer.assign({("a", 0): 0})
        await values(consumer, 1)
        await leader.world.clock.sleep(1)
        offsets = [
            each.topics[0].partitions[0].fetch_offset for each in leader.brokers[0].asked_for(FetchRequest)
        ]
        assert offsets[:2] == [0, 1]

    leader.run(scenario)


def test_a_leader_that_moves_is_followed() -> None:
    leader = Leader(ScriptedWorld(), [[batch(0, b"0")]])
    leader.errors = [ErrorCode.NOT_LEADER_OR_FOLLOWER]

    async def scenario(consumer: Consumer) -> None:
        consumer.assign({("a", 0): 0})
        leader.topics["a"] = [2]
        assert await values(consumer, 1) == [(0, b"0")]
        assert leader.brokers[1].asked_for(FetchRequest)

    leader.run(scenario)


def test_a_broken_connection_is_opened_anew() -> None:
    leader = Leader(ScriptedWorld(), [[batch(0, b"0")]])
    broken = [True]

    def answer(request: FetchRequest) -> Body | bytes:
        return ScriptedBroker.LOSE if broken and broken.pop() else leader.fetched(request)

    leader.brokers[0].answers[FetchRequest] = answer

    async def scenario(consumer: Consumer) -> None:
        consumer.assign({("a", 0): 0})
        assert await values(consumer, 1) == [(0, b"0")]

    leader.run(scenario)


def test_a_broker_that_stays_away_is_told_in_the_end() -> None:
    leader = Leader(ScriptedWorld(), [[batch(0, b"0")]])
    for broker in leader.brokers:
        broker.answers[FetchRequest] = lambda request: ScriptedBroker.LOSE

    async def scenario(consumer: Consumer) -> None:
        consumer.assign({("a", 0): 0})
        began = leader.world.clock.now()
        with pytest.raises(ClientError, match="the broker closed it"):
            await values(consumer, 1)
        assert 5_000 < leader.world.clock.now() - began < 15_000

    leader.run(scenario, default_api_timeout_ms=10_000)


def test_out_of_range_goes_by_the_reset_policy() -> None:
    leader = Leader(ScriptedWorld(), [[batch(0, b"0"), batch(1, b"1")]])
    leader.start_offset = 1

    async def scenario(consumer: Consumer) -> None:
        consumer.assign({("a", 0): 0})
        assert await values(consumer, 1) == [(1, b"1")]

    leader.run(scenario, auto_offset_reset="earliest")

    async def without(consumer: Consumer) -> None:
        consumer.assign({("a", 0): 0})
        with pytest.raises(KafkaError, match="OFFSET_OUT_OF_RANGE: a-0 at offset 0"):
            await values(consumer, 1)

    leader.run(without, auto_offset_reset="none")


def test_a_damaged_batch_is_refused() -> None:
    damaged = bytearray(batch(0, b"0"))
    damaged[-1] ^= 1
    leader = Leader(ScriptedWorld(), [[bytes(damaged)]])

    async def scenario(consumer: Consumer) -> None:
        consumer.assign({("a", 0): 0})
        with pytest.raises(KafkaError, match="CORRUPT_MESSAGE"):
            await values(consumer, 1)

    leader.run(scenario)


def test_nothing_new_is_an_empty_answer_in_time() -> None:
    leader = Leader(ScriptedWorld(), [[]])

    async def scenario(consumer: Consumer) -> None:
        consumer.assign({("a", 0): 0})
        began = leader.world.clock.now()
        leader.brokers[0].answers[FetchRequest] = lambda request: None
        assert await consumer.poll(700) == []
        assert leader.world.clock.now() - began == 700

    leader.run(scenario)
