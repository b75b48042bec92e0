"""Reading of what is committed, and those who only watch and write."""

from __future__ import annotations

from typing import NamedTuple

from ottla.client.fetched import visible_batches
from ottla.core.records.build import build
from ottla.core.records.record import Record
from ottla.core.wire.messages.fetch import FetchPartition, FetchRequest, FetchResponse, FetchTopic
from ottla.core.wire.messages.produce import (
    PartitionProduceData,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
)
from ottla.sim.coordination.asking import SINK, SOURCE, check
from ottla.sim.coordination.facts import GroupFacts
from ottla.sim.coordination.plan import GroupPlan
from ottla.sim.judge.facts import Violation
from ottla.sim.workload.client import Client

FETCH_VERSION = 12
"""The newest one that names topics."""
READ_COMMITTED = 1


class Fetched(NamedTuple):
    """Records that a reader of committed ones may see, where it goes on, and how far all is decided."""

    records: list[Record]
    next_offset: int
    stable: int
    end: int


async def fetch(client: Client, topic: str, partition: int, offset: int) -> Fetched:
    """Raises Unanswered, NotNow, Violation."""
    part = FetchPartition(
        partition=partition, fetch_offset=offset, partition_max_bytes=client.chance.one((500, 1 << 20))
    )
    request = FetchRequest(
        max_wait_ms=client.chance.one((0, 100)),
        min_bytes=1,
        isolation_level=READ_COMMITTED,
        topics=[FetchTopic(topic=topic, partitions=[part])],
    )
    answer = await client.call(request, FetchResponse, newest=FETCH_VERSION)
    data = answer.responses[0].partitions[0]
    check(f"a fetch of {topic}-{partition} from {offset}", data.error_code)
    raw = memoryview(bytes(data.records or b""))  # type: ignore[arg-type]
    batches, next_offset = visible_batches(raw, offset, data.aborted_transactions, check_crcs=True)
    records = [record for batch in batches for record in batch.records()]
    if data.last_stable_offset > data.high_watermark:
        raise Violation(f"{topic}-{partition} is stable beyond its end: {data.last_stable_offset}")
    if records and records[-1].offset >= data.last_stable_offset:
        raise Violation(
            f"{topic}-{partition} shows offset {records[-1].offset}, stable up to {data.last_stable_offset}"
        )
    return Fetched(records, next_offset, data.last_stable_offset, data.high_watermark)


class Auditor:
    """Reads the sink on and on."""

    def __init__(self, client: Client, facts: GroupFacts, plan: GroupPlan) -> None:
        self._client = client
        self._facts = facts
        self._positions = dict.fromkeys(range(plan.sinks), 0)

    async def step(self) -> None:
        partition = self._client.chance.one(list(self._positions))
        found = await fetch(self._client, SINK, partition, self._positions[partition])
        self._positions[partition] = found.next_offset
        for record in found.records:
            self._facts.sees(record.value or b"")


class Writer:
    """Writes into the source, and does not care what becomes of it."""

    def __init__(self, client: Client, facts: GroupFacts, plan: GroupPlan) -> None:
        self._client = client
        self._plan = plan

    async def step(self) -> None:
        chance, wall = self._client.chance, self._client.world.clock.wall()
        records = [Record(number, wall, None, b"x", []) for number in range(1 + chance.below(10))]
        data = PartitionProduceData(index=chance.below(self._plan.partitions), records=build(records))
        request = ProduceRequest(
            acks=-1,
            timeout_ms=10_000,
            topic_data=[TopicProduceData(name=SOURCE, partition_data=[data])],
        )
        answer = await self._client.call(request, ProduceResponse, newest=12)
        check("writing into the source", answer.responses[0].partition_responses[0].error_code)
