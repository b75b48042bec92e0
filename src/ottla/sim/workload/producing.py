"""Producers: one that sends and hopes, and an idempotent one that sends again until it knows."""

from __future__ import annotations

from typing import Final, NamedTuple

from ottla.core.model.errors import ErrorCode
from ottla.core.model.ids import ZERO_UUID
from ottla.core.wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from ottla.core.wire.messages.produce import (
    PartitionProduceData,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
)
from ottla.sim.judge.cluster import TopicFacts
from ottla.sim.judge.facts import Fate, Sent, Violation
from ottla.sim.judge.partition import PartitionFacts
from ottla.sim.workload.client import Client, Unanswered
from ottla.sim.workload.contents import packed, some_records

BY_ID_SINCE: Final = 13
NEWEST: Final = 13
OLDEST: Final = 7
"""The first that takes zstd."""
PIPELINED_MAX: Final = 4

IN_DOUBT: Final = frozenset(
    {
        ErrorCode.REQUEST_TIMED_OUT,
        ErrorCode.NOT_LEADER_OR_FOLLOWER,
        ErrorCode.KAFKA_STORAGE_ERROR,
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode.UNKNOWN_TOPIC_ID,
    }
)
"""After these the batch may be in the log all the same: the partition went away, or its disk, while it waited."""


def produce_request(partition: PartitionFacts, records: bytes, acks: int) -> ProduceRequest:
    topic = partition.topic
    data = TopicProduceData(
        name=topic.name,
        topic_id=topic.id or ZERO_UUID,
        partition_data=[PartitionProduceData(index=partition.index, records=records)],
    )
    return ProduceRequest(acks=acks, timeout_ms=15_000, topic_data=[data])


def some_version(client: Client) -> int:
    return client.chance.between(OLDEST, NEWEST)


class Told(NamedTuple):
    """What an answer says of one batch."""

    code: int
    base_offset: int
    log_start: int


def told(answer: ProduceResponse) -> Told:
    data = answer.responses[0].partition_responses[0]
    return Told(data.error_code, data.base_offset, data.log_start_offset)


async def send_plain(client: Client, topic: TopicFacts) -> None:
    """One batch to a partition of `topic`, with any acks, no second try."""
    chance, facts = client.chance, client.facts
    partition = chance.one(topic.partitions)
    connection = await client.connection()
    records = some_records(chance, facts.next_batch, client.world.clock.wall(), compacted=topic.compacted)
    acks = chance.weighted({-1: 4, 1: 4, 0: 1})
    sent = facts.send(partition, f"{client.name}#{client.connections}", records, acks)
    request = produce_request(partition, packed(chance, sent), acks)
    version = some_version(client)
    client.note(f"produces {sent.name} to {partition} acks={acks} version={version}")
    if acks == 0:
        if connection.usable:
            connection.send(request, newest=version)
        return
    answer = told(await client.call_on(connection, request, ProduceResponse, newest=version))
    judge(client, sent, answer, topic)


def judge(client: Client, sent: Sent, answer: Told, topic: TopicFacts) -> None:
    """Take an answer for what it says."""
    client.note(f"hears {answer} of {sent.name}")
    if answer.code == ErrorCode.NONE:
        if topic.usable:
            sent.partition.acked(sent, answer.base_offset, client.now)
            if answer.log_start >= 0 and answer.log_start > sent.partition.start:
                sent.partition.told_start(answer.log_start)
    elif answer.code in IN_DOUBT:
        if topic.usable and client.must_succeed:
            raise Violation(f"{sent} was answered {ErrorCode(answer.code).name}, and nothing is wrong")
    else:
        sent.fate = Fate.REFUSED
        if topic.usable and client.must_succeed and answer.code != ErrorCode.RECORD_LIST_TOO_LARGE:
            # Some segments are smaller than some batches; nothing else is wrong with what we send.
            raise Violation(f"{sent} was refused: {ErrorCode(answer.code).name}")


class Idempotent:
    """A producer with an id. What has no answer is sent again, until it has one or the id is given up."""

    def __init__(self, client: Client, number: int) -> None:
        self._client = client
        self._name = f"{client.name}/{number}"
        self._id = -1
        self._epoch = -1
        self._sequences: dict[PartitionFacts, int] = {}
        self._open: list[tuple[Sent, bytes]] = []
        """Without an answer, in order: all of one partition."""

    async def step(self, topic: TopicFacts) -> None:
        """Send what is open again, or something new. Raises Unanswered."""
        if self._open and not self._open[0][0].partition.topic.usable:
            self._give_up()
        if self._id < 0:
            await self._begin()
        if not self._open:
            self._fill(topic)
        await self._send()

    def _give_up(self) -> None:
        """Nobody will ever know. A new id begins, so nothing old can come in between."""
        self._open.clear()
        self._sequences.clear()
        self._id = -1

    async def _begin(self) -> None:
        answer = await self._client.call(
            InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=60_000),
            InitProducerIdResponse,
        )
        if answer.error_code:
            raise Unanswered(f"no producer id: {answer.error_code}")
        self._id, self._epoch = answer.producer_id, answer.producer_epoch
        self._client.note(f"is producer {self._id}")

    def _fill(self, topic: TopicFacts) -> None:
        client = self._client
        chance, facts = client.chance, client.facts
        partition = chance.one(topic.partitions)
        for _ in range(chance.skewed(1, PIPELINED_MAX)):
            wall = client.world.clock.wall()
            records = some_records(chance, facts.next_batch, wall, compacted=topic.compacted)
            sent = facts.send(partition, f"{self._name}={self._id}", records, -1)
            sequence = self._sequences.get(partition, 0)
            data = packed(chance, sent, producer_id=self._id, producer_epoch=self._epoch, sequence=sequence)
            self._sequences[partition] = sequence + len(records)
            self._open.append((sent, data))

    async def _send(self) -> None:
        """Everything open, one behind the other, without waiting in between."""
        client = self._client
        partition = self._open[0][0].partition
        version = some_version(client)
        names = [sent.name for sent, _ in self._open]
        for sent, _ in self._open:
            if sent.fate is Fate.GONE:
                sent.fate = Fate.OPEN  # it was not there, and is sent again
        client.note(f"produces {names} to {partition} as {self._id} version={version}")
        connection = await client.connection()
        calls = [
            client.world.clock.spawn(
                client.call_on(
                    connection, produce_request(partition, data, -1), ProduceResponse, newest=version
                ),
                name=f"produce {sent.name}",
            )
            for sent, data in self._open
        ]
        failed: Unanswered | None = None
        for call in calls:
            try:
                answer = told(await call)
            except Unanswered as error:
                failed = error
                continue
            if failed is not None:
                continue
            if answer.code in (ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, ErrorCode.DUPLICATE_SEQUENCE_NUMBER):
                # A crash took what came before, or the memory of it: nobody can know any more.
                client.note(f"gives up the id {self._id}: {ErrorCode(answer.code).name}")
                if client.must_succeed and not client.after_crash and version >= BY_ID_SINCE:
                    # By its name an earlier batch may have gone to another topic.
                    raise Violation(f"{self._open[0][0]} is out of order, and nothing was lost")
                self._give_up()
                failed = Unanswered("the sequence is lost")
                continue
            judge(client, self._open[0][0], answer, partition.topic)
            if answer.code == ErrorCode.NONE:
                self._open.pop(0)
            else:
                self._give_up()
                failed = Unanswered("refused")
        if version < BY_ID_SINCE and not partition.topic.usable:
            self._give_up()  # the name may mean another topic by now, where the same sequences are taken
        if failed is not None:
            raise failed
