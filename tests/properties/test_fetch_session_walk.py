"""A fetch session that reads only what may have news answers as one that walks over all its partitions every time.

Two nodes' services stand on the same partitions. One settles what has nothing to tell; the other has an authorizer,
which keeps it from that. Both get the same requests, and whatever happens to the partitions happens to both.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ottla.broker.apis import fetch
from ottla.broker.authorizer import AllowAll
from ottla.broker.context import Context, from_within
from ottla.broker.later import Later
from ottla.broker.services import Services
from ottla.broker.waiting import Deadline, Deadlines
from ottla.broker.watching import SessionWatch
from ottla.compiled import is_compiled
from ottla.core.metadata.delta import Delta
from ottla.core.model.errors import KafkaError
from ottla.core.wire.messages.fetch import (
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    ForgottenTopic,
)
from tests.unit.broker.bench import Bench, batch

PARTITIONS = 5
BY_NAME, BY_ID = 12, 13
INDEX = st.integers(0, PARTITIONS - 1)


pytestmark = pytest.mark.skipif(
    is_compiled(), reason="a deadline of its own cannot stand in for a compiled one"
)


class Patience(Deadlines):
    """Deadlines that pass when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[Deadline] = []

    def add(self, when: int, callback: Callable[[], None]) -> Deadline:
        deadline = Deadline(self, when, callback)
        self.waiting.append(deadline)
        return deadline

    def cancelled(self) -> None:
        pass

    def run_out(self) -> None:
        waiting, self.waiting = self.waiting, []
        for each in waiting:
            callback, each.callback = each.callback, None
            if callback is not None:
                callback()


class Undecided(AllowAll):
    """Allows everything, but might not tomorrow."""

    enabled = True


SETTLE: tuple[Any, ...] = ("fetch", set(), set(), False, 0, 0, 1 << 20)
PARK: tuple[Any, ...] = ("fetch", set(), set(), False, 1_000_000, 1, 1 << 20)
SOME = st.one_of(st.just(set[int]()), st.sets(INDEX, max_size=2))
# Fetches that ask for nothing anew come often: only those leave settled partitions settled.
MOVES = st.one_of(
    st.just(SETTLE),
    st.just(SETTLE),
    st.just(PARK),
    st.tuples(st.just("append"), INDEX, st.integers(1, 3)),
    st.tuples(st.just("append"), INDEX, st.integers(1, 3)),
    st.tuples(st.just("turn")),
    st.tuples(st.just("delete records"), INDEX),
    st.tuples(st.just("lead"), INDEX, st.booleans()),
    st.tuples(st.just("recreate")),
    st.tuples(st.just("expire")),
    st.tuples(
        st.just("fetch"),
        SOME,  # asked for again, from where the reader is
        SOME,  # forgotten
        st.booleans(),  # read committed
        st.sampled_from([0, 0, 1_000_000]),  # how long it waits
        st.sampled_from([0, 1, 250]),  # min bytes
        st.sampled_from([100, 1 << 20]),  # max bytes
    ),
)


class Reader:
    """One side: its sessions and what it was told."""

    def __init__(self, services: Services, version: int) -> None:
        self.services = services
        self.services.deadlines = self.patience = Patience()
        self.version = version
        self.session_id = 0
        self.epoch = 0
        self.waiting: list[Later[FetchResponse]] = []
        self.offsets = dict.fromkeys(range(PARTITIONS), 0)
        self.told: list[Any] = []

    def ask(self, request: FetchRequest) -> None:
        request.session_id, request.session_epoch = self.session_id, self.epoch
        self.epoch += 1
        context = from_within()
        context = Context(context.caller, 1, self.version, 0, None, 0)
        answer = fetch.handle(self.services, context, request)
        if isinstance(answer, FetchResponse):
            self.hear(answer)
        else:
            assert isinstance(answer, Later)
            self.waiting.append(answer)
            answer.add_done_callback(self.hear_later)

    def hear_later(self, answer: Later[FetchResponse]) -> None:
        if not answer.cancelled():
            self.hear(answer.result())

    def hear(self, answer: FetchResponse) -> None:
        self.session_id = self.session_id or answer.session_id
        told = []
        for topic in answer.responses:
            for each in topic.partitions:
                records = b"" if each.records is None else bytes(each.records)  # type: ignore[arg-type]
                told.append(
                    (
                        each.partition_index,
                        each.error_code,
                        each.high_watermark,
                        each.last_stable_offset,
                        each.log_start_offset,
                        records,
                    )
                )
                if not each.error_code:
                    self.offsets[each.partition_index] = (
                        each.high_watermark if records else max(each.log_start_offset, 0)
                    )
        self.told.append((answer.error_code, told))


class Pair:
    def __init__(self, bench: Bench, version: int = BY_NAME) -> None:
        self.bench = bench
        self.version = version
        watching, walking = bench.services, Services(bench.world, bench.settings, "walker")
        walking.metadata, walking.partitions = watching.metadata, watching.partitions
        walking.store = watching.store
        walking.authorizer = Undecided()
        self.readers = [Reader(watching, version), Reader(walking, version)]
        bench.metadata.create("t", PARTITIONS)
        self.fetch(set(range(PARTITIONS)), set(), False, 0, 0, 1 << 20)

    def fetch(
        self, again: set[int], forgotten: set[int], committed: bool, wait_ms: int, minimum: int, most: int
    ) -> None:
        named: dict[str, Any] = {"topic": "t"}
        if self.version == BY_ID:
            named = {"topic_id": self.bench.metadata.image.topics_by_name["t"].id}
        for reader in self.readers:
            parts = [
                FetchPartition(partition=each, fetch_offset=reader.offsets[each], partition_max_bytes=1 << 20)
                for each in sorted(again)
            ]
            request = FetchRequest(
                topics=[FetchTopic(**named, partitions=parts)] if parts else [],
                forgotten_topics_data=[ForgottenTopic(**named, partitions=sorted(forgotten))],
                isolation_level=int(committed),
                max_wait_ms=wait_ms,
                min_bytes=minimum,
                max_bytes=most,
            )
            reader.ask(request)

    def append(self, index: int, count: int) -> None:
        partition = self.bench.partitions.find("t", index)
        assert partition is not None
        try:
            partition.append(batch(*[b"value"] * count), -1)
        except KafkaError:
            assert not partition.leading

    def delete_records(self, index: int) -> None:
        partition = self.bench.partitions.find("t", index)
        assert partition is not None
        if partition.leading:
            partition.delete_records_before(-1)

    def lead(self, index: int, here: bool) -> None:
        topic = self.bench.metadata.image.topics_by_name["t"]
        image = topic.partitions[index]
        topic.partitions[index] = msgspec.structs.replace(
            image, leader=1 if here else 2, leader_epoch=image.leader_epoch + 1
        )
        delta = Delta(changed_partitions={(topic.id, index): "t"})
        self.bench.metadata.follow(self.bench.metadata.image, delta)

    def expire(self) -> None:
        for reader in self.readers:
            reader.patience.run_out()

    def recreate(self) -> None:
        self.bench.metadata.delete("t")
        self.bench.metadata.create("t", PARTITIONS)


async def play(path: Path, moves: list[tuple[Any, ...]], version: int) -> None:
    bench = Bench(path)
    pair = Pair(bench, version)
    one, other = pair.readers
    try:
        await asyncio.sleep(0)  # partitions that were just made have news
        for name, *rest in moves:
            if name == "turn":
                await asyncio.sleep(0)
            else:
                getattr(pair, name.replace(" ", "_"))(*rest)
            assert one.told == other.told, name
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert one.told == other.told
        assert [each.done() for each in one.waiting] == [each.done() for each in other.waiting]
        pair.fetch(set(), set(), False, 0, 0, 1 << 20)
        assert one.told == other.told
        for reader in pair.readers:  # who leaves takes along what waits for him
            for each in reader.waiting:
                each.cancel()
            reader.epoch = -1
            reader.ask(FetchRequest())
        assert not any(each.waiters for each in bench.partitions)
    finally:
        bench.services.store.abandon()
        await asyncio.sleep(0)


APPEND_TO_BOTH: list[tuple[Any, ...]] = [("append", 3, 1), ("append", 1, 1), ("turn",)]


@settings(max_examples=60)
@given(st.lists(MOVES, min_size=15, max_size=40), st.sampled_from([BY_NAME, BY_ID]))
# The end of the old topic is heard when the new one has been read.
@example([SETTLE, ("recreate",), PARK, ("turn",)], BY_NAME)
# Answered by the first, in the order of all.
@example([SETTLE, PARK, *APPEND_TO_BOTH], BY_NAME)
@example([SETTLE, (*PARK[:5], 100, 1 << 20), *APPEND_TO_BOTH], BY_NAME)
# The log begins later than what was told.
@example([("append", 3, 1), SETTLE, ("fetch", {3}, *SETTLE[2:]), ("delete records", 3), SETTLE], BY_NAME)
# The time is over between a change and the news of it.
@example([SETTLE, ("fetch", {3}, *PARK[2:]), ("append", 3, 1), ("expire",), SETTLE], BY_ID)
def test_a_session_that_settles_answers_as_one_that_walks(moves: list[tuple[Any, ...]], version: int) -> None:
    with tempfile.TemporaryDirectory() as path:
        asyncio.run(play(Path(path), moves, version))


def test_the_one_settles_and_the_other_does_not(tmp_path: Path) -> None:
    """Else the comparison would compare nothing."""

    async def inside() -> None:
        bench = Bench(tmp_path)
        pair = Pair(bench)
        await asyncio.sleep(0)
        for _ in range(2):
            pair.fetch(set(), set(), False, 0, 0, 1 << 20)
        settled = []
        for reader in pair.readers:
            session = reader.services.fetch_sessions.begin(
                0,
                reader.session_id,
                reader.epoch,
                [],
                [],
                uses_ids=False,
                terms=(False, -1, "User:ANONYMOUS"),
            ).session
            assert session is not None
            assert isinstance(session.watch, SessionWatch)
            settled.append((len(session.watch), len(session.due)))
        assert settled == [(PARTITIONS, 0), (0, PARTITIONS)]
        bench.services.store.abandon()

    asyncio.run(inside())


def test_a_fetch_that_outlives_its_session_leaves_nothing_behind(tmp_path: Path) -> None:
    async def inside() -> None:
        bench = Bench(tmp_path)
        pair = Pair(bench)
        await asyncio.sleep(0)
        pair.fetch(set(), set(), False, 0, 0, 1 << 20)
        pair.fetch({3}, set(), False, 1_000_000, 1, 1 << 20)
        for reader in pair.readers:
            reader.epoch = -1
            reader.ask(FetchRequest())
        pair.expire()
        assert all(each.done() for reader in pair.readers for each in reader.waiting)
        assert not any(each.waiters for each in bench.partitions)
        bench.services.store.abandon()

    asyncio.run(inside())
