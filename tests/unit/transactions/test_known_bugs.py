"""Bugs that Kafka's transactions had, one by one: what went wrong there must not go wrong here.

The names are those of Kafka's issue tracker. What the coordinator decides is tested on the machine; what a partition
does, on a broker whose transaction coordinator says what the test wants it to say.
"""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ottla.broker.coordination.transactions import mark
from ottla.broker.producer_ids import ProducerIds
from ottla.core.coordination.contract import Producer
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.transactions.requests import AddPartitions, Ended, Verified
from ottla.core.transactions.transaction import Status
from ottla.core.wire.messages.allocate_producer_ids import AllocateProducerIdsResponse
from ottla.core.wire.messages.produce import ProduceRequest, ProduceResponse
from ottla.world.real import real_world
from tests.unit.broker.bench import Bench, Client, batch, on_bench
from tests.unit.broker.test_produce_fetch import produce
from tests.unit.transactions.driving import PLACES, V2, Transactions, code

PLACE = ("orders", 0)
V1_PRODUCE, V2_PRODUCE = 11, 12


class Scripted:
    """A transaction coordinator that says what the test wants. `script` holds what the next questions hear; then `NONE`."""

    def __init__(self, *script: ErrorCode | Callable[[], Any]) -> None:
        self.script = list(script)
        self.asked: list[Any] = []

    def partition_of(self, image: Any, name: str) -> int:
        return 0

    def ask(self, image: Any, name: str, request: Any) -> Future[Any]:
        self.asked.append(request.body)
        answer: Future[Any] = asyncio.get_running_loop().create_future()
        next_word = self.script.pop(0) if self.script else ErrorCode.NONE
        asyncio.get_running_loop().create_task(self._answer(answer, request.body, next_word))
        return answer

    async def _answer(self, answer: Future[Any], body: Any, word: Any) -> None:
        if callable(word):
            word = await word()
        if word:
            answer.set_exception(KafkaError(word))
        elif isinstance(body, AddPartitions):
            answer.set_result(None)
        else:
            answer.set_result(Verified(dict.fromkeys(body.partitions, ErrorCode.NONE)))


def part(sequence: int, epoch: int = 0, producer_id: int = 9) -> ProduceRequest:
    """One record of a transaction."""
    data = batch(
        b"x",
        producer_id=producer_id,
        producer_epoch=epoch,
        base_sequence=sequence,
        transactional=True,
    )
    request = produce("orders", data)
    request.transactional_id = "t"
    return request


class Case:
    """A broker with one partition, and a connection to it."""

    def __init__(self, bench: Bench, client: Client, *script: Any) -> None:
        self.services: Any = bench.services
        self.coordinator = Scripted(*script)
        self.services.transactions = self.coordinator
        self.client = client
        self.topic = bench.metadata.create("orders")

    async def write(self, sequence: int, epoch: int = 0, version: int = V2_PRODUCE) -> ErrorCode:
        answer = await self.client.ask(part(sequence, epoch), ProduceResponse, version)
        return ErrorCode(answer.responses[0].partition_responses[0].error_code)

    async def mark(self, epoch: int, version: int = V2) -> ErrorCode:
        return await mark(self.services, PLACE, Producer(9, epoch), 0, True, version)

    @property
    def stable(self) -> bool:
        """No transaction is open in the log."""
        log = self.services.partitions.get(*PLACE).log
        return bool(log.producers.first_unstable is None)


def on_case(path: Path, scenario: Callable[[Case], Any], *script: Any) -> None:
    async def inside(bench: Bench) -> None:
        await scenario(Case(bench, await bench.client(), *script))

    on_bench(path, inside)


# -- KAFKA-17754: what was sent for one transaction arrives during the next


@pytest.mark.parametrize("committed", [True, False])
def test_kafka_17754_a_late_end_does_not_end_the_next_transaction(committed: bool) -> None:
    each = Transactions()
    old = each.ongoing()
    each.end(True, old)
    each.mark()
    assert each.ask(AddPartitions("t", 100, 1, PLACES, V2)) is None
    assert code(each.end(committed, old)) == ErrorCode.PRODUCER_FENCED
    assert each.one.status is Status.ONGOING


def test_kafka_17754_late_partitions_do_not_join_the_next_transaction() -> None:
    each = Transactions()
    old = each.ongoing()
    each.end(True, old)
    each.mark()
    assert code(each.ask(AddPartitions("t", *old, PLACES, V2))) == ErrorCode.PRODUCER_FENCED
    assert each.one.status is Status.COMPLETE_COMMIT


def test_kafka_17754_a_late_batch_is_not_written_into_the_next_transaction(tmp_path: Path) -> None:
    async def scenario(case: Case) -> None:
        assert await case.write(0) == ErrorCode.NONE
        assert await case.mark(epoch=1) == ErrorCode.NONE
        assert await case.write(1) == ErrorCode.INVALID_PRODUCER_EPOCH
        assert case.stable

    on_case(tmp_path, scenario)


# -- KIP-890: batches behind their marker


def test_kip_890_a_batch_behind_its_marker_opens_no_transaction(tmp_path: Path) -> None:
    """With version 1 the epoch stays, so only the coordinator can tell."""

    async def scenario(case: Case) -> None:
        assert await case.write(0, version=V1_PRODUCE) == ErrorCode.NONE
        assert await case.mark(epoch=0, version=0) == ErrorCode.NONE
        assert await case.write(1, version=V1_PRODUCE) == ErrorCode.TRANSACTION_ABORTABLE
        assert case.stable

    on_case(tmp_path, scenario, ErrorCode.NONE, ErrorCode.TRANSACTION_ABORTABLE)


def test_kafka_14884_a_marker_between_the_answer_and_the_append_voids_the_answer(tmp_path: Path) -> None:
    async def scenario(case: Case) -> None:
        async def aborted_meanwhile() -> ErrorCode:
            assert await case.mark(epoch=0, version=0) == ErrorCode.NONE
            return ErrorCode.NONE

        case.coordinator.script = [aborted_meanwhile]
        assert await case.write(0, version=V1_PRODUCE) == ErrorCode.INVALID_TXN_STATE
        assert case.stable

    on_case(tmp_path, scenario)


# -- KAFKA-14904: the first batch of a transaction


@pytest.mark.parametrize("version", [V1_PRODUCE, V2_PRODUCE])
def test_kafka_14904_a_later_batch_does_not_overtake_the_first(tmp_path: Path, version: int) -> None:
    async def scenario(case: Case) -> None:
        assert await case.write(0, version=version) == ErrorCode.NOT_ENOUGH_REPLICAS, "it is tried again"
        assert await case.write(1, version=version) == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
        assert await case.write(0, version=version) == ErrorCode.NONE
        assert await case.write(1, version=version) == ErrorCode.NONE

    on_case(tmp_path, scenario, ErrorCode.NOT_COORDINATOR)


def test_kafka_14904_a_transaction_of_version_2_begins_with_its_first_batch(tmp_path: Path) -> None:
    async def scenario(case: Case) -> None:
        assert await case.write(5) == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
        assert await case.write(5, version=V1_PRODUCE) == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
        assert await case.write(0) == ErrorCode.NONE

    on_case(tmp_path, scenario)


def test_kafka_14904_older_producers_may_go_on_where_records_were_deleted(tmp_path: Path) -> None:
    async def scenario(case: Case) -> None:
        assert await case.write(5, version=V1_PRODUCE) == ErrorCode.NONE

    on_case(tmp_path, scenario)


# -- KAFKA-18575, KAFKA-18654: the next transaction begins while the one before is being marked


def test_kafka_18575_the_broker_asks_again_while_the_transaction_before_completes(tmp_path: Path) -> None:
    async def scenario(case: Case) -> None:
        assert await case.write(0) == ErrorCode.NONE
        assert len(case.coordinator.asked) == 3

    busy = ErrorCode.CONCURRENT_TRANSACTIONS
    on_case(tmp_path, scenario, busy, busy)


def test_kafka_18654_the_marker_of_the_transaction_before_does_not_void_the_question(tmp_path: Path) -> None:
    async def scenario(case: Case) -> None:
        assert await case.write(0) == ErrorCode.NONE

        async def still_marking() -> ErrorCode:
            assert await case.mark(epoch=1) == ErrorCode.NONE
            return ErrorCode.CONCURRENT_TRANSACTIONS

        case.coordinator.script = [still_marking]
        assert await case.write(0, epoch=1) == ErrorCode.NONE
        assert not case.stable, "the next transaction is open"

    on_case(tmp_path, scenario)


def test_kafka_18575_a_client_hears_of_it_when_it_takes_long(tmp_path: Path) -> None:
    async def scenario(case: Case) -> None:
        assert await case.write(0) == ErrorCode.NOT_ENOUGH_REPLICAS
        assert await case.write(0, version=V1_PRODUCE) == ErrorCode.NOT_ENOUGH_REPLICAS

    on_case(tmp_path, scenario, *[ErrorCode.CONCURRENT_TRANSACTIONS] * 100)


# -- KAFKA-18464: an abort without anything to abort


def test_kafka_18464_an_empty_abort_does_not_fence_its_producer() -> None:
    each = Transactions()
    each.begin_producer()
    assert each.end(False, (100, 0)) == Ended(100, 1)
    each.mark()
    assert each.ask(AddPartitions("t", 100, 1, PLACES, V2)) is None
    assert each.end(True, (100, 1)) == Ended(100, 2)


# -- KAFKA-20031, KAFKA-20058, KAFKA-20114: producer ids


class Controller:
    """Gives blocks, loses answers, and refuses now and then."""

    def __init__(self) -> None:
        self.next = 0
        self.asked = 0

    async def request(self, *_: Any) -> AllocateProducerIdsResponse:
        self.asked += 1
        start, self.next = self.next, self.next + 10
        await asyncio.sleep(0)
        if self.asked % 3 == 0:
            return AllocateProducerIdsResponse(error_code=ErrorCode.REQUEST_TIMED_OUT)
        return AllocateProducerIdsResponse(producer_id_start=start, producer_id_len=10)


def test_kafka_20031_no_producer_id_is_given_twice() -> None:
    async def scenario() -> None:
        controller = Controller()
        world = real_world()
        nodes = [ProducerIds(world.clock, controller, node, 0) for node in (1, 2)]  # type: ignore[arg-type]
        taken = await asyncio.gather(
            *(nodes[number % 2].take() for number in range(200)), return_exceptions=True
        )
        given = [each for each in taken if isinstance(each, int)]
        assert len(given) > 100
        assert len(set(given)) == len(given)
        refused = [each for each in taken if not isinstance(each, int)]
        assert {type(each) for each in refused} <= {KafkaError}
        assert controller.asked < 60, "everybody who waits shares a request"

    asyncio.run(scenario())
