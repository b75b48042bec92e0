"""ShareFetch and ShareAcknowledge over a socket, with a share coordinator in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from ottla.broker.sharing.sharing import Sharing
from ottla.broker.storage.log import Log
from ottla.core.metadata.delta import Delta
from ottla.core.model.errors import ErrorCode
from ottla.core.model.ids import Uuid
from ottla.core.records.batch import headers
from ottla.core.records.record import records
from ottla.core.wire.messages import share_acknowledge as ack_messages
from ottla.core.wire.messages.produce import ProduceResponse
from ottla.core.wire.messages.share_acknowledge import ShareAcknowledgeRequest, ShareAcknowledgeResponse
from ottla.core.wire.messages.share_fetch import (
    AcknowledgementBatch,
    FetchPartition,
    FetchTopic,
    ForgottenTopic,
    PartitionData,
    ShareFetchRequest,
    ShareFetchResponse,
)
from tests.unit.broker.bench import Bench, Client, batch, on_bench
from tests.unit.broker.test_produce_fetch import produce
from tests.unit.sharing.persister import MemoryPersister

T = Uuid(b"orders..........")
ACCEPT, RELEASE, REJECT, RENEW = 1, 2, 3, 4


def with_sharing(
    path: Path,
    scenario: Callable[[Bench, MemoryPersister], Coroutine[Any, Any, None]],
    **properties: str,
) -> None:
    """A bench with topic `orders` of two partitions, where groups begin at the start of the log."""

    async def inside(bench: Bench) -> None:
        persister = MemoryPersister()
        persister.start = 0
        bench.metadata.image.features["share.version"] = 1
        bench.metadata.create("orders", 2)
        bench.services.sharing = Sharing(bench.services, persister)
        await scenario(bench, persister)

    on_bench(path, inside, {name.replace("_", "."): value for name, value in properties.items()})


class Member:
    """A member of group `g`, on a connection of its own."""

    def __init__(self, client: Client, name: str) -> None:
        self.client = client
        self.name = name
        self.epoch = 0

    def request(
        self, *partitions: int, said: dict[int, list[Any]] | None = None, **fields: Any
    ) -> ShareFetchRequest:
        said = said or {}
        topics = [
            FetchTopic(
                topic_id=T,
                partitions=[
                    FetchPartition(
                        partition_index=each,
                        acknowledgement_batches=[
                            AcknowledgementBatch(
                                first_offset=first, last_offset=last, acknowledge_types=[kind]
                            )
                            for first, last, kind in said.get(each, [])
                        ],
                    )
                    for each in sorted({*partitions, *said})
                ],
            )
        ]
        request = ShareFetchRequest(
            group_id="g",
            member_id=self.name,
            share_session_epoch=self.epoch,
            max_wait_ms=200,
            min_bytes=1,
            max_bytes=1 << 20,
            max_records=500,
            batch_size=500,
            topics=topics if partitions or said else [],
        )
        for name, value in fields.items():
            setattr(request, name, value)
        return request

    async def fetch(self, *partitions: int, version: int = 2, **fields: Any) -> ShareFetchResponse:
        answer = await self.client.ask(self.request(*partitions, **fields), ShareFetchResponse, version)
        if not answer.error_code:
            self.epoch += 1
        return answer

    async def acknowledge(
        self, *said: tuple[int, int, int], version: int = 2, partition: int = 0, **fields: Any
    ) -> ShareAcknowledgeResponse:
        request = ShareAcknowledgeRequest(
            group_id="g",
            member_id=self.name,
            share_session_epoch=self.epoch,
            topics=[
                ack_messages.AcknowledgeTopic(
                    topic_id=T,
                    partitions=[
                        ack_messages.AcknowledgePartition(
                            partition_index=partition,
                            acknowledgement_batches=[
                                ack_messages.AcknowledgementBatch(
                                    first_offset=first, last_offset=last, acknowledge_types=[kind]
                                )
                                for first, last, kind in said
                            ],
                        )
                    ],
                )
            ],
        )
        for name, value in fields.items():
            setattr(request, name, value)
        answer = await self.client.ask(request, ShareAcknowledgeResponse, version)
        if not answer.error_code:
            self.epoch += 1
        return answer


async def member(bench: Bench, name: str) -> Member:
    return Member(await bench.client(), name)


async def put(bench: Bench, *contents: bytes, partition: int = 0) -> None:
    client = await bench.client()
    await client.ask(produce("orders", batch(*contents), partition=partition), ProduceResponse, 9)


def acquired(data: PartitionData) -> list[tuple[int, int, int]]:
    return [(each.first_offset, each.last_offset, each.delivery_count) for each in data.acquired_records]


def values(data: PartitionData) -> list[bytes]:
    raw = bytes(data.records)  # type: ignore[arg-type]
    return [
        bytes(record.value or b"")
        for position, header in headers(raw)
        for record in records(raw[position : position + header.size])
    ]


def only(answer: ShareFetchResponse) -> PartitionData:
    (topic,) = answer.responses
    (data,) = topic.partitions
    return data


def told(answer: ShareAcknowledgeResponse) -> int:
    return answer.responses[0].partitions[0].error_code


@pytest.mark.parametrize("version", [1, 2])
def test_records_are_acquired_acknowledged_and_gone(tmp_path: Path, version: int) -> None:
    async def scenario(bench: Bench, persister: MemoryPersister) -> None:
        await put(bench, b"a", b"b", b"c")
        ada = await member(bench, "ada")
        answer = await ada.fetch(0, version=version)
        assert answer.acquisition_lock_timeout_ms == 30_000
        data = only(answer)
        assert (acquired(data), values(data)) == ([(0, 2, 1)], [b"a", b"b", b"c"])
        kept = await ada.acknowledge((0, 2, ACCEPT), version=version)
        assert told(kept) == 0
        assert kept.acquisition_lock_timeout_ms == (30_000 if version > 1 else 0)
        (write,) = persister.writes
        assert [tuple(each) for each in write.batches] == [(0, 2, 2, 1)]
        assert (await ada.fetch(version=version, max_wait_ms=10)).responses == []
        assert told(await ada.acknowledge((0, 2, ACCEPT), version=version)) == 0

    with_sharing(tmp_path, scenario)


def test_two_members_get_different_records(tmp_path: Path) -> None:
    async def scenario(bench: Bench, persister: MemoryPersister) -> None:
        await put(bench, b"a", b"b")
        await put(bench, b"c", b"d")
        ada, bob = await member(bench, "ada"), await member(bench, "bob")
        one = only(await ada.fetch(0, max_records=2))
        other = only(await bob.fetch(0, max_records=2))
        assert (values(one), values(other)) == ([b"a", b"b"], [b"c", b"d"])
        assert told(await bob.acknowledge((0, 1, ACCEPT))) == ErrorCode.INVALID_RECORD_STATE

    with_sharing(tmp_path, scenario)


def test_a_parked_fetch_wakes_for_records_and_for_what_is_let_go(tmp_path: Path) -> None:
    async def scenario(bench: Bench, persister: MemoryPersister) -> None:
        ada, bob = await member(bench, "ada"), await member(bench, "bob")
        waiting = asyncio.ensure_future(ada.fetch(0, max_wait_ms=20_000))
        await asyncio.sleep(0.02)
        await put(bench, b"a")
        assert values(only(await waiting)) == [b"a"]
        waiting = asyncio.ensure_future(bob.fetch(0, max_wait_ms=20_000))
        await asyncio.sleep(0.02)
        await ada.acknowledge((0, 0, RELEASE))
        assert acquired(only(await waiting)) == [(0, 0, 2)]

    with_sharing(tmp_path, scenario)


def test_acknowledgements_travel_beside_a_fetch_and_wait_until_they_are_kept(tmp_path: Path) -> None:
    async def scenario(bench: Bench, persister: MemoryPersister) -> None:
        await put(bench, b"a")
        ada = await member(bench, "ada")
        await ada.fetch(0)
        await put(bench, b"b")
        persister.open.clear()
        waiting = asyncio.ensure_future(ada.fetch(said={0: [(0, 0, ACCEPT)], 1: [(5, 5, ACCEPT)]}))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        persister.open.set()
        answer = await waiting
        first, second = answer.responses[0].partitions
        assert (first.partition_index, first.acknowledge_error_code, values(first)) == (0, 0, [b"b"])
        assert (second.partition_index, second.acknowledge_error_code) == (
            1,
            ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        )

    with_sharing(tmp_path, scenario)


def test_what_is_not_kept_does_not_count(tmp_path: Path) -> None:
    async def scenario(bench: Bench, persister: MemoryPersister) -> None:
        await put(bench, b"a")
        ada = await member(bench, "ada")
        await ada.fetch(0)
        persister.refusal = ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
        assert told(await ada.acknowledge((0, 0, ACCEPT))) == ErrorCode.COORDINATOR_NOT_AVAILABLE
        persister.refusal = None
        assert told(await ada.acknowledge((0, 0, ACCEPT))) == 0

    with_sharing(tmp_path, scenario)


def test_a_state_that_moved_on_is_read_anew(tmp_path: Path) -> None:
    async def scenario(bench: Bench, persister: MemoryPersister) -> None:
        await put(bench, b"a")
        ada = await member(bench, "ada")
        await ada.fetch(0)
        persister.refusal = ErrorCode.FENCED_STATE_EPOCH
        answer = await ada.acknowledge((0, 0, ACCEPT))
        part = answer.responses[0].partitions[0]
        assert part.error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
        assert (part.current_leader.leader_id, [each.node_id for each in answer.node_endpoints]) == (1, [1])
        persister.refusal = None
        assert acquired(only(await ada.fetch())) == [(0, 0, 1)]

    with_sharing(tmp_path, scenario)


def test_a_state_that_cannot_be_read_is_an_error_of_its_partition(tmp_path: Path) -> None:
    async def scenario(bench: Bench, persister: MemoryPersister) -> None:
        await put(bench, b"a")
        ada = await member(bench, "ada")
        persister.refusal = ErrorCode.GROUP_ID_NOT_FOUND
        assert only(await ada.fetch(0)).error_code == ErrorCode.GROUP_ID_NOT_FOUND
        persister.refusal = None
        assert acquired(only(await ada.fetch())) == [(0, 0, 1)]

    with_sharing(tmp_path, scenario)


def test_who_disconnects_lets_everything_go(tmp_path: Path) -> None:
    async def scenario(bench: Bench, persister: MemoryPersister) -> None:
        await put(bench, b"a")
        ada, bob = await member(bench, "ada"), await member(bench, "bob")
        await bob.fetch(0, max_records=0)
        await ada.fetch(0)
        waiting = asyncio.ensure_future(bob.fetch(max_wait_ms=20_000))
        ada.client.close()
        assert acquired(only(await waiting)) == [(0, 0, 2)]
        bob.client.close()
        await asyncio.sleep(0.05)
        assert bench.services.sharing is not None and len(bench.services.sharing) == 0
        assert [tuple(each) for each in persister.writes[-1].batches] == [(0, 0, 0, 2)]

    with_sharing(tmp_path, scenario)


def test_the_last_request_of_a_session_lets_everything_go(tmp_path: Path) -> None:
    async def scenario(bench: Bench, persister: MemoryPersister) -> None:
        await put(bench, b"a", b"b")
        ada, bob = await member(bench, "ada"), await member(bench, "bob")
        await ada.fetch(0)
        answer = await ada.acknowledge((0, 0, ACCEPT), share_session_epoch=-1)
        assert told(answer) == 0
        assert acquired(only(await bob.fetch(0))) == [(1, 1, 2)]
        assert (await ada.fetch()).error_code == ErrorCode.SHARE_SESSION_NOT_FOUND
        answer_ = await bob.fetch(share_session_epoch=-1, said={0: [(1, 1, REJECT)]})
        assert (answer_.error_code, only(answer_).acknowledge_error_code) == (0, 0)

    with_sharing(tmp_path, scenario)


@pytest.mark.parametrize("goes", ["close", "disconnect"])
def test_who_forgot_a_partition_lets_go_of_it_at_the_end_all_the_same(tmp_path: Path, goes: str) -> None:
    """Else the group would go, and with it the knowledge of who had the record how often."""

    async def scenario(bench: Bench, persister: MemoryPersister) -> None:
        await put(bench, b"a", partition=1)
        ada = await member(bench, "ada")
        assert acquired(only(await ada.fetch(1))) == [(0, 0, 1)]
        forgotten = [ForgottenTopic(topic_id=T, partitions=[1])]
        await ada.fetch(forgotten_topics_data=forgotten, max_wait_ms=0)
        if goes == "close":
            await ada.fetch(share_session_epoch=-1)
        ada.client.close()
        await asyncio.sleep(0.05)
        assert bench.services.sharing is not None and len(bench.services.sharing) == 0
        assert [tuple(each) for each in persister.writes[-1].batches] == [(0, 0, 0, 1)]
        bob = await member(bench, "bob")
        assert acquired(only(await bob.fetch(1))) == [(0, 0, 2)]

    with_sharing(tmp_path, scenario)


def test_what_was_held_in_the_session_before_is_let_go_with_the_next(tmp_path: Path) -> None:
    async def scenario(bench: Bench, persister: MemoryPersister) -> None:
        await put(bench, b"a", partition=1)
        ada, bob = await member(bench, "ada"), await member(bench, "bob")
        await bob.fetch(1, max_records=0)
        assert acquired(only(await ada.fetch(1))) == [(0, 0, 1)]
        ada.epoch = 0
        await ada.fetch(0, max_wait_ms=0)
        waiting = asyncio.ensure_future(bob.fetch(max_wait_ms=20_000))
        await ada.fetch(share_session_epoch=-1)
        assert acquired(only(await waiting)) == [(0, 0, 2)]

    with_sharing(tmp_path, scenario)


def test_a_fetch_that_outlives_its_session_acquires_nothing(tmp_path: Path) -> None:
    async def scenario(bench: Bench, persister: MemoryPersister) -> None:
        ada, other, bob = [await member(bench, name) for name in ("ada", "ada", "bob")]
        await ada.fetch(0, max_records=0)
        waiting = asyncio.ensure_future(ada.fetch(max_wait_ms=300))
        await bob.fetch(0, max_records=0)
        await other.fetch(share_session_epoch=-1)
        await put(bench, b"a")
        assert (await waiting).responses == []
        assert acquired(only(await bob.fetch())) == [(0, 0, 1)]

    with_sharing(tmp_path, scenario)


def test_a_lock_ends_in_time(tmp_path: Path) -> None:
    async def scenario(bench: Bench, persister: MemoryPersister) -> None:
        bench.metadata.image.configs[32, "g"] = {"share.record.lock.duration.ms": "1000"}
        await put(bench, b"a")
        ada, bob = await member(bench, "ada"), await member(bench, "bob")
        assert (await ada.fetch(0)).acquisition_lock_timeout_ms == 1_000
        assert acquired(only(await bob.fetch(0, max_wait_ms=5_000))) == [(0, 0, 2)]
        assert told(await ada.acknowledge((0, 0, ACCEPT))) == ErrorCode.INVALID_RECORD_STATE

    with_sharing(
        tmp_path,
        scenario,
        group_share_min_record_lock_duration_ms="1000",
    )


def test_records_below_the_start_of_the_log_are_passed_over(tmp_path: Path) -> None:
    async def scenario(bench: Bench, persister: MemoryPersister) -> None:
        await put(bench, b"a", b"b")
        await put(bench, b"c")
        partition = bench.partitions.get("orders", 0)
        partition.delete_records_before(2)
        ada = await member(bench, "ada")
        assert values(only(await ada.fetch(0))) == []
        assert values(only(await ada.fetch())) == [b"c"]

    with_sharing(tmp_path, scenario)


def test_record_limit_counts_over_all_partitions(tmp_path: Path) -> None:
    async def scenario(bench: Bench, persister: MemoryPersister) -> None:
        for partition in (0, 1):
            await put(bench, b"a", b"b", b"c", partition=partition)
        ada = await member(bench, "ada")
        answer = await ada.fetch(0, 1, max_records=4, share_acquire_mode=1)
        assert [acquired(each) for each in answer.responses[0].partitions] == [[(0, 2, 1)], [(0, 0, 1)]]

    with_sharing(tmp_path, scenario)


def test_sessions_and_their_errors(tmp_path: Path) -> None:
    async def scenario(bench: Bench, persister: MemoryPersister) -> None:
        ada, bob = await member(bench, "ada"), await member(bench, "bob")
        assert (await ada.fetch(0, share_session_epoch=3)).error_code == ErrorCode.SHARE_SESSION_NOT_FOUND
        assert (await ada.fetch(0, share_session_epoch=-1)).error_code == ErrorCode.SHARE_SESSION_NOT_FOUND
        assert (await ada.acknowledge((0, 0, 1))).error_code == ErrorCode.INVALID_SHARE_SESSION_EPOCH
        assert (await ada.fetch(0, max_wait_ms=0)).error_code == 0
        assert (await ada.fetch(share_session_epoch=7)).error_code == ErrorCode.INVALID_SHARE_SESSION_EPOCH
        answer = await ada.acknowledge((0, 0, 1), share_session_epoch=7)
        assert answer.error_code == ErrorCode.INVALID_SHARE_SESSION_EPOCH
        assert (await bob.fetch(0, max_wait_ms=5)).error_code == ErrorCode.SHARE_SESSION_LIMIT_REACHED
        first = await ada.fetch(0, share_session_epoch=0, said={0: [(0, 0, 1)]})
        assert first.error_code == ErrorCode.INVALID_REQUEST
        for name in ("", "x" * 37):
            wrong = await bob.fetch(0, member_id=name)
            assert wrong.error_code == ErrorCode.INVALID_REQUEST
        assert (await bob.fetch(0, group_id=None)).error_code == ErrorCode.INVALID_REQUEST
        bench.metadata.image.features["share.version"] = 0
        assert (await bob.fetch(0)).error_code == ErrorCode.UNSUPPORTED_VERSION

    with_sharing(tmp_path, scenario, group_share_max_share_sessions="1", group_share_max_size="1")


def test_partitions_come_into_a_session_and_leave_it(tmp_path: Path) -> None:
    async def scenario(bench: Bench, persister: MemoryPersister) -> None:
        await put(bench, b"a", partition=1)
        ada = await member(bench, "ada")
        await ada.fetch(0, max_wait_ms=0)
        assert values(only(await ada.fetch(1))) == [b"a"]
        await put(bench, b"b", partition=1)
        forgotten = [ForgottenTopic(topic_id=T, partitions=[1])]
        assert (await ada.fetch(forgotten_topics_data=forgotten, max_wait_ms=20)).responses == []

    with_sharing(tmp_path, scenario)


def test_partitions_that_do_not_exist(tmp_path: Path) -> None:
    async def scenario(bench: Bench, persister: MemoryPersister) -> None:
        ada = await member(bench, "ada")
        assert only(await ada.fetch(9)).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        nowhere = [FetchTopic(topic_id=Uuid(b"?" * 16), partitions=[FetchPartition()])]
        ada.epoch = 0
        assert only(await ada.fetch(topics=nowhere)).error_code == ErrorCode.UNKNOWN_TOPIC_ID
        assert told(await ada.acknowledge((0, 0, 1), partition=9)) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        ada.epoch = 0
        await ada.fetch(0, max_wait_ms=0)
        bench.metadata.delete("orders")
        assert only(await ada.fetch()).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION

    with_sharing(tmp_path, scenario)


def test_renewals_are_answered_without_records(tmp_path: Path) -> None:
    async def scenario(bench: Bench, persister: MemoryPersister) -> None:
        await put(bench, b"a")
        ada = await member(bench, "ada")
        await ada.fetch(0)
        await put(bench, b"b")
        nothing = {"max_wait_ms": 0, "min_bytes": 0, "max_bytes": 0, "max_records": 0}
        wrong = await ada.fetch(said={0: [(0, 0, RENEW)]}, is_renew_ack=True)
        assert wrong.error_code == ErrorCode.INVALID_REQUEST
        answer = await ada.fetch(said={0: [(0, 0, RENEW)]}, is_renew_ack=True, **nothing)
        assert (values(only(answer)), only(answer).acknowledge_error_code) == ([], 0)
        assert told(await ada.acknowledge((0, 0, RENEW))) == ErrorCode.INVALID_REQUEST
        assert told(await ada.acknowledge((0, 0, RENEW), is_renew_ack=True)) == 0
        assert persister.writes == []

    with_sharing(tmp_path, scenario)


@pytest.mark.parametrize(
    "said", [(3, 1, ACCEPT), (0, 0, 5), (0, 0, -1), (0, 0, RENEW)], ids=["backwards", "5", "-1", "renew"]
)
def test_acknowledgements_that_make_no_sense(tmp_path: Path, said: tuple[int, int, int]) -> None:
    async def scenario(bench: Bench, persister: MemoryPersister) -> None:
        await put(bench, b"a")
        ada = await member(bench, "ada")
        await ada.fetch(0)
        assert told(await ada.acknowledge(said)) == ErrorCode.INVALID_REQUEST

    with_sharing(tmp_path, scenario)


def test_a_group_begins_where_its_config_says(tmp_path: Path) -> None:
    async def scenario(bench: Bench, persister: MemoryPersister) -> None:
        persister.start = -1
        await put(bench, b"a")
        configs = bench.metadata.image.configs
        for reset, expected in (
            ("latest", []),
            ("earliest", [b"a"]),
            ("by_duration:PT1H", []),
            ("by_duration:P30000D", [b"a"]),
        ):
            configs[32, "g"] = {"share.auto.offset.reset": reset}
            persister.states.clear()
            ada = await member(bench, "ada")
            answer = await ada.fetch(0, max_wait_ms=30)
            assert values(only(answer)) == expected, reset
            ada.client.close()
            await asyncio.sleep(0.02)

    with_sharing(tmp_path, scenario)


def test_a_session_moves_to_another_connection(tmp_path: Path) -> None:
    async def scenario(bench: Bench, persister: MemoryPersister) -> None:
        await put(bench, b"a")
        old, new = await member(bench, "ada"), await member(bench, "ada")
        await old.fetch(0, max_records=0)
        await new.fetch(0)
        old.client.close()
        await asyncio.sleep(0.02)
        assert told(await new.acknowledge((0, 0, ACCEPT))) == 0

    with_sharing(tmp_path, scenario)


@pytest.mark.parametrize("api", ["fetch", "acknowledge"])
def test_a_late_close_ends_no_younger_session(tmp_path: Path, api: str) -> None:
    async def scenario(bench: Bench, persister: MemoryPersister) -> None:
        await put(bench, b"a", b"b")
        old, new = await member(bench, "ada"), await member(bench, "ada")
        await old.fetch(0)
        persister.open.clear()
        if api == "fetch":
            last = asyncio.ensure_future(old.fetch(said={0: [(0, 0, ACCEPT)]}, share_session_epoch=-1))
        else:
            last = asyncio.ensure_future(old.acknowledge((0, 0, ACCEPT), share_session_epoch=-1))
        await asyncio.sleep(0.05)
        assert not last.done()
        await new.fetch(0, max_records=0)
        persister.open.set()
        assert (await last).error_code == 0
        assert (await new.fetch(max_records=0)).error_code == 0
        assert told(await new.acknowledge((1, 1, ACCEPT))) == 0

    with_sharing(tmp_path, scenario)


def test_records_that_lie_on_the_disk_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warm = iter([False, False])
    monkeypatch.setattr(Log, "is_warm", lambda self, read: next(warm, True))

    async def scenario(bench: Bench, persister: MemoryPersister) -> None:
        await put(bench, b"a" * 100_000, b"b")
        ada = await member(bench, "ada")
        assert [len(each) for each in values(only(await ada.fetch(0)))] == [100_000, 1]

    with_sharing(tmp_path, scenario)


def test_only_the_batches_with_acquired_records_are_sent(tmp_path: Path) -> None:
    async def scenario(bench: Bench, persister: MemoryPersister) -> None:
        for letter in (b"a", b"b", b"c"):
            await put(bench, letter * 50_000)
        ada, bob = await member(bench, "ada"), await member(bench, "bob")
        assert [each[:1] for each in values(only(await ada.fetch(0, max_records=1)))] == [b"a"]
        assert [each[:1] for each in values(only(await bob.fetch(0, max_records=2)))] == [b"b", b"c"]
        await ada.acknowledge((0, 0, RELEASE))
        assert [each[:1] for each in values(only(await ada.fetch(max_records=1)))] == [b"a"]

    with_sharing(tmp_path, scenario)


def test_configs_of_the_group_count_at_once(tmp_path: Path) -> None:
    async def scenario(bench: Bench, persister: MemoryPersister) -> None:
        await put(bench, b"a")
        ada, bob = await member(bench, "ada"), await member(bench, "bob")
        await ada.fetch(0)
        bench.metadata.image.configs[32, "g"] = {"share.delivery.count.limit": "2"}
        assert bench.services.sharing is not None
        bench.services.sharing.follow(bench.metadata.image, Delta(changed_configs={(32, "g"): None}))
        await ada.acknowledge((0, 0, RELEASE))
        assert acquired(only(await bob.fetch(0))) == [(0, 0, 2)]
        await bob.acknowledge((0, 0, RELEASE))
        assert (await ada.fetch(max_wait_ms=20)).responses == []
        assert [each.delivery_state for write in persister.writes for each in write.batches] == [0, 4]

    with_sharing(tmp_path, scenario)


def test_changes_are_kept_in_the_order_in_which_they_were_made(tmp_path: Path) -> None:
    async def scenario(bench: Bench, persister: MemoryPersister) -> None:
        members = [await member(bench, name) for name in ("ada", "bob", "cyd")]
        for each in members:
            await put(bench, b"a")
            await each.fetch(0)
        persister.open.clear()
        said = []
        for offset, each in enumerate(members):
            said.append(asyncio.ensure_future(each.acknowledge((offset, offset, ACCEPT))))
            await asyncio.sleep(0.02)
        assert len(persister.writes) == 1
        persister.open.set()
        assert [told(await each) for each in said] == [0, 0, 0]
        written = [[each.first_offset for each in write.batches] for write in persister.writes]
        assert written == [[0], [1, 2]]

    with_sharing(tmp_path, scenario)


def test_a_topic_goes_while_a_member_waits_for_it(tmp_path: Path) -> None:
    async def scenario(bench: Bench, persister: MemoryPersister) -> None:
        ada = await member(bench, "ada")
        waiting = asyncio.ensure_future(ada.fetch(0, max_wait_ms=300))
        await asyncio.sleep(0.02)
        bench.metadata.delete("orders")
        assert bench.services.sharing is not None
        bench.services.sharing.follow(bench.metadata.image, Delta(deleted_topics={T: "orders"}))
        assert len(bench.services.sharing) == 0
        assert only(await waiting).error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER

    with_sharing(tmp_path, scenario)
