"""A member of the loop: reads the source, writes into the sink, and commits how far it came, all in one transaction.

Where an answer is missing it gives its producer up and begins anew, as a client that died would. What it had sent
may still arrive; sometimes it sends something more under the old epoch itself, as a client that was only thought dead.
"""

from __future__ import annotations

from typing import Final

from ottla.core.model.errors import ErrorCode
from ottla.core.records.build import build
from ottla.core.records.record import Record
from ottla.core.wire.messages.add_offsets_to_txn import AddOffsetsToTxnRequest, AddOffsetsToTxnResponse
from ottla.core.wire.messages.add_partitions_to_txn import (
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse,
    AddPartitionsToTxnTopic,
)
from ottla.core.wire.messages.end_txn import EndTxnRequest, EndTxnResponse
from ottla.core.wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from ottla.core.wire.messages.produce import (
    PartitionProduceData,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
)
from ottla.core.wire.messages.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
    TxnOffsetCommitResponse,
)
from ottla.sim.coordination.asking import LOOP, SINK, SOURCE, TRANSACTION_KEY, NotNow, check, find
from ottla.sim.coordination.facts import GroupFacts, Handover
from ottla.sim.coordination.member import OUT, Member, committed
from ottla.sim.coordination.plan import GroupPlan
from ottla.sim.coordination.reading import fetch
from ottla.sim.judge.facts import Violation
from ottla.sim.workload.client import Client, Unanswered

TIMEOUT_MS: Final = 5_000
RECORDS_MAX: Final = 6
END_TRIES: Final = 20
END_PAUSE_MS: Final = 50
OVER: Final = (
    ErrorCode.INVALID_PRODUCER_EPOCH,
    ErrorCode.PRODUCER_FENCED,
    ErrorCode.INVALID_TXN_STATE,
    ErrorCode.TRANSACTION_ABORTABLE,
    ErrorCode.INVALID_PRODUCER_ID_MAPPING,
)
"""The transaction has been ended by its coordinator, or the producer is not the newest one."""
NEWEST: Final = {1: {"produce": 11, "end": 4, "offsets": 4}, 2: {"produce": 13, "end": 5, "offsets": 5}}
"""What clients of each transaction version speak. Produce 13 names topics by id."""


class Loop:
    """One client. Its transactional id stays the same whatever becomes of its producer."""

    def __init__(self, client: Client, facts: GroupFacts, plan: GroupPlan) -> None:
        self._client = client
        self._facts = facts
        self._plan = plan
        self._name = f"tx-{client.name}"
        self._newest = NEWEST[plan.version]
        self._member = Member(client, facts, LOOP, plan.partitions)
        self._positions: dict[int, int] = {}
        self._producer: tuple[int, int] | None = None
        self._old: tuple[int, int] | None = None
        self._sequences: dict[int, int] = {}
        self._unheard = 0
        """A sequence number beyond all that were used with the producer that was given up."""

    async def step(self) -> None:
        chance, member = self._client.chance, self._member
        if chance.often(self._plan.dies):
            member.vanish()
            self._give_up()
        if self._producer is None:
            await self._begin()
        elif self._old is not None and chance.often(0.3):
            await self._haunt()
        if await member.present():
            self._positions.clear()
        if not member.share:
            raise NotNow("others have everything")
        if not self._positions:
            found = await committed(self._client, self._facts, LOOP, member.share)
            self._positions = {index: max(offset, 0) for index, offset in found.items()}
        partition = chance.one(member.share)
        found_records = await fetch(self._client, SOURCE, partition, self._positions[partition])
        if not found_records.records:
            raise NotNow("there is nothing new")
        offsets = [each.offset for each in found_records.records][: 1 + chance.below(RECORDS_MAX)]
        await self._hand_over(partition, offsets)

    # -- producers

    def _give_up(self) -> None:
        """Nobody knows what became of the transaction, or it is certain that nothing did."""
        if self._producer is not None:
            self._old, self._producer = self._producer, None
            self._unheard = max(self._sequences.values(), default=0) + RECORDS_MAX
        self._positions.clear()
        self._sequences.clear()

    async def _begin(self) -> None:
        request = InitProducerIdRequest(transactional_id=self._name, transaction_timeout_ms=TIMEOUT_MS)
        answer = await self._client.call(request, InitProducerIdResponse, newest=4)
        if answer.error_code in (ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_NOT_AVAILABLE):
            await find(self._client, TRANSACTION_KEY, self._name)
        check(f"a producer id for {self._name}", answer.error_code)
        self._producer = (answer.producer_id, answer.producer_epoch)
        self._client.note(f"is producer {self._producer}")

    async def _haunt(self) -> None:
        """One more record from the producer that was given up."""
        assert self._old is not None
        handover = self._facts.begin(self._name, [(0, -1)])
        answer = await self._send(handover, {0: handover.values()}, self._old, {0: self._unheard})
        if answer[0] == ErrorCode.NONE:
            raise Violation(f"producer {self._old} of {self._name} was shut out, and wrote all the same")
        self._facts.reached["late writes refused"] += 1
        self._old = None

    # -- one transaction

    async def _hand_over(self, partition: int, offsets: list[int]) -> None:
        handover = self._facts.begin(self._name, [(partition, offset) for offset in offsets])
        kept = not self._client.chance.often(self._plan.aborts)
        try:
            try:
                await self._write(handover)
                await self._offer(partition, offsets[-1] + 1)
            except NotNow:
                await self._end(handover, False)
                raise
            await self._end(handover, kept)
        except Unanswered:
            self._member.lose_hold()
            self._give_up()
            raise
        if kept:
            self._positions[partition] = offsets[-1] + 1
            self._facts.acked(LOOP, partition, offsets[-1] + 1)
        elif self._client.chance.often(0.5):
            self._positions.clear()  # ask again where the group is, as many clients do after an abort

    async def _write(self, handover: Handover) -> None:
        """Its values, spread over the sink. Raises NotNow where the transaction is to be aborted."""
        assert self._producer is not None
        parts: dict[int, list[bytes]] = {}
        for value in handover.values():
            parts.setdefault(self._client.chance.below(self._plan.sinks), []).append(value)
        if self._plan.version == 1:
            topics = [AddPartitionsToTxnTopic(name=SINK, partitions=sorted(parts))]
            producer_id, epoch = self._producer
            request = AddPartitionsToTxnRequest(
                v3_and_below_transactional_id=self._name,
                v3_and_below_producer_id=producer_id,
                v3_and_below_producer_epoch=epoch,
                v3_and_below_topics=topics,
            )
            answer = await self._client.call(request, AddPartitionsToTxnResponse, newest=3)
            for topic in answer.results_by_topic_v3_and_below:
                for each in topic.results_by_partition:
                    self._stands(check("adding partitions", each.partition_error_code, *OVER))
        answers = await self._send(handover, parts, self._producer, self._sequences)
        for index, code in answers.items():
            if not code:
                self._sequences[index] = self._sequences.get(index, 0) + len(parts[index])
        for code in answers.values():
            self._stands(check(f"writing {handover.name}", code, *OVER))

    async def _send(
        self,
        handover: Handover,
        parts: dict[int, list[bytes]],
        producer: tuple[int, int],
        sequences: dict[int, int],
    ) -> dict[int, ErrorCode]:
        """What each partition of the sink says to its part."""
        client, wall = self._client, self._client.world.clock.wall()
        data = [
            PartitionProduceData(
                index=index,
                records=build(
                    [Record(number, wall, None, value, []) for number, value in enumerate(values)],
                    producer_id=producer[0],
                    producer_epoch=producer[1],
                    base_sequence=sequences.get(index, 0),
                    transactional=True,
                ),
            )
            for index, values in sorted(parts.items())
        ]
        request = ProduceRequest(
            transactional_id=self._name,
            acks=-1,
            timeout_ms=10_000,
            topic_data=[TopicProduceData(name=SINK, partition_data=data)],
        )
        client.note(f"writes {handover.name} as {producer}: {handover.places}")
        answer = await client.call(request, ProduceResponse, newest=min(self._newest["produce"], 12))
        return {each.index: ErrorCode(each.error_code) for each in answer.responses[0].partition_responses}

    async def _offer(self, partition: int, offset: int) -> None:
        """How far the group has come, once the transaction is committed. Raises NotNow where it is to be aborted."""
        assert self._producer is not None
        producer_id, epoch = self._producer
        self._facts.asks(LOOP, partition, offset)
        if self._plan.version == 1:
            add = AddOffsetsToTxnRequest(
                transactional_id=self._name, producer_id=producer_id, producer_epoch=epoch, group_id=LOOP
            )
            added = await self._client.call(add, AddOffsetsToTxnResponse, newest=3)
            self._stands(check("adding offsets", added.error_code, *OVER))
        part = TxnOffsetCommitRequestPartition(partition_index=partition, committed_offset=offset)
        request = TxnOffsetCommitRequest(
            transactional_id=self._name,
            group_id=LOOP,
            producer_id=producer_id,
            producer_epoch=epoch,
            generation_id=self._member.generation,
            member_id=self._member.id,
            topics=[TxnOffsetCommitRequestTopic(name=SOURCE, partitions=[part])],
        )
        answer = await self._client.call(request, TxnOffsetCommitResponse, newest=self._newest["offsets"])
        code = check("offering offsets", answer.topics[0].partitions[0].error_code, *OUT, *OVER)
        self._member.heard(code)
        self._stands(code)

    def _stands(self, code: ErrorCode) -> None:
        if code:
            raise NotNow(f"the transaction cannot go on: {code.name}")

    async def _end(self, handover: Handover, kept: bool) -> None:
        """Raises Unanswered when nobody knows how it ended, NotNow when it ended otherwise than was wanted."""
        assert self._producer is not None
        producer_id, epoch = self._producer
        if kept:
            handover.committing()
        request = EndTxnRequest(
            transactional_id=self._name, producer_id=producer_id, producer_epoch=epoch, committed=kept
        )
        put_off = False
        for _ in range(END_TRIES):
            answer = await self._client.call(request, EndTxnResponse, newest=self._newest["end"])
            self._client.note(f"hears {answer.error_code} of the end of {handover.name}, kept={kept}")
            try:
                code = check(f"the end of {handover}", answer.error_code, *OVER)
            except NotNow:
                put_off = True  # and perhaps carried out all the same
                await self._client.world.clock.sleep(END_PAUSE_MS)
                continue
            break
        else:
            raise Unanswered(f"the end of {handover} was put off {END_TRIES} times")
        if code:
            if not put_off:
                handover.aborted()
            self._give_up()
            raise NotNow(f"the end of {handover.name}: {code.name}")
        if kept:
            handover.committed()
            self._facts.reached["transactions committed"] += 1
        else:
            handover.aborted()
            self._facts.reached["transactions aborted"] += 1
        if answer.producer_epoch >= 0:
            self._producer = (answer.producer_id, answer.producer_epoch)
            self._sequences.clear()
