"""Load on coordinators: commits, transactions, rebalances, very many groups."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from benchmarks.load.line import Line, framed
from ottla.core.model.ids import Uuid
from ottla.core.records.build import build
from ottla.core.records.record import Record
from ottla.core.wire.messages.consumer_group_heartbeat import (
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse,
    TopicPartitionsRequest,
)
from ottla.core.wire.messages.end_txn import EndTxnRequest, EndTxnResponse
from ottla.core.wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from ottla.core.wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse
from ottla.core.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
    OffsetCommitResponse,
)
from ottla.core.wire.messages.produce import (
    PartitionProduceData,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
)
from ottla.core.wire.messages.sync_group import (
    SyncGroupRequest,
    SyncGroupRequestAssignment,
    SyncGroupResponse,
)

GROUP, TRANSACTION = 0, 1
NONE = 0
RETRY_LATER = frozenset({14, 15, 16, 19, 51})
"""Loading, not available, not coordinator; and "not now" of a transaction that is still being completed."""
COMMIT_VERSION, JOIN_VERSION, SYNC_VERSION = 8, 9, 5
PRODUCE_VERSION, INIT_VERSION, END_VERSION = 12, 4, 5
ERROR = slice(-5, -3)
"""Where an OffsetCommit answer of one partition tells how it went: behind it come three empty lists of tags."""
RETRY_SECONDS = 0.001
SESSION_MS, REBALANCE_MS = 60_000, 60_000
CONVERGED_SECONDS_MAX = 60


def commit_request(group: str, topic: str, partitions: range, offset: int = 7) -> OffsetCommitRequest:
    parts = [
        OffsetCommitRequestPartition(partition_index=index, committed_offset=offset) for index in partitions
    ]
    return OffsetCommitRequest(
        group_id=group, topics=[OffsetCommitRequestTopic(name=topic, partitions=parts)]
    )


def at_once(works: list[Callable[[], None]]) -> float:
    """Do it all in threads; the seconds it took. Raises what the first of them raised."""
    failed: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return time.perf_counter() - began


# -- commits


def commits(port: int, topic: str, clients: int, requests: int) -> dict[str, float]:
    """Each client commits one offset for a group of its own, and the next when that is answered."""
    each = requests // clients

    def client(number: int) -> Callable[[], None]:
        line, group = Line(port), f"commits-{number}"
        line.find(GROUP, group)
        wait_until_loaded(line, group, topic)
        request = framed(commit_request(group, topic, range(1)), COMMIT_VERSION)

        def work() -> None:
            for _ in range(each):
                line.socket.sendall(request)
                answer = line.raw_answer()
                if answer[ERROR] != b"\0\0":
                    raise RuntimeError(f"a commit was answered {bytes(answer)!r}")

        return work

    seconds = at_once([client(number) for number in range(clients)])
    return {"requests": each * clients, "seconds": seconds}


def wait_until_loaded(line: Line, group: str, topic: str) -> None:
    request = commit_request(group, topic, range(1))
    while True:
        answer = line.ask(request, OffsetCommitResponse, COMMIT_VERSION)
        code = answer.topics[0].partitions[0].error_code
        if code == NONE:
            return
        if code not in RETRY_LATER:
            raise RuntimeError(f"a commit was refused: {code}")
        time.sleep(0.02)


# -- transactions


def transactions(port: int, topic: str, producers: int, count: int) -> dict[str, float]:
    """Each producer writes one record of 100 bytes and commits it, again and again (transaction version 2)."""
    each = count // producers

    def producer(number: int) -> Callable[[], None]:
        line, name = Line(port), f"bench-{number}"
        line.find(TRANSACTION, name)
        began = InitProducerIdRequest(transactional_id=name, transaction_timeout_ms=60_000)
        identity = [-1, -1]
        while identity[0] < 0:
            given = line.ask(began, InitProducerIdResponse, INIT_VERSION)
            if given.error_code not in {NONE, *RETRY_LATER}:
                raise RuntimeError(f"no producer id: {given.error_code}")
            identity = [given.producer_id, given.producer_epoch]

        def work() -> None:
            for _ in range(each):
                transact(line, name, topic, identity)

        return work

    seconds = at_once([producer(number) for number in range(producers)])
    return {"transactions": each * producers, "seconds": seconds}


def transact(line: Line, name: str, topic: str, identity: list[int]) -> None:
    """One transaction; `identity` (producer id and epoch) becomes that of the next."""
    data = build(
        [Record(0, 1, None, b"x" * 100, [])],
        producer_id=identity[0],
        producer_epoch=identity[1],
        base_sequence=0,
        transactional=True,
    )
    part = TopicProduceData(name=topic, partition_data=[PartitionProduceData(index=0, records=data)])
    request = ProduceRequest(transactional_id=name, acks=-1, timeout_ms=10_000, topic_data=[part])
    while True:
        answer = line.ask(request, ProduceResponse, PRODUCE_VERSION)
        code = answer.responses[0].partition_responses[0].error_code
        if code == NONE:
            break
        if code not in RETRY_LATER:
            raise RuntimeError(f"a record was refused: {code}")
        time.sleep(RETRY_SECONDS)
    end = EndTxnRequest(
        transactional_id=name, producer_id=identity[0], producer_epoch=identity[1], committed=True
    )
    while True:
        ended = line.ask(end, EndTxnResponse, END_VERSION)
        if ended.error_code == NONE:
            identity[:] = ended.producer_id, ended.producer_epoch
            return
        if ended.error_code not in RETRY_LATER:
            raise RuntimeError(f"a commit was refused: {ended.error_code}")
        time.sleep(RETRY_SECONDS)


# -- rebalances


class ClassicMember:
    """A connection and what the group calls it."""

    def __init__(self, port: int, group: str) -> None:
        self.line = Line(port)
        self.group = group
        self.id = ""

    def learn_id(self) -> None:
        deadline = time.monotonic() + CONVERGED_SECONDS_MAX
        while not self.id:
            self.send_join(b"first")
            self.id = self.line.receive(JoinGroupResponse, JOIN_VERSION).member_id
            if not self.id and time.monotonic() > deadline:
                raise RuntimeError("the group takes nobody")

    def send_join(self, metadata: bytes) -> None:
        request = JoinGroupRequest(
            group_id=self.group,
            session_timeout_ms=SESSION_MS,
            rebalance_timeout_ms=REBALANCE_MS,
            member_id=self.id,
            protocol_type="bench",
            protocols=[JoinGroupRequestProtocol(name="even", metadata=metadata)],
        )
        self.line.socket.sendall(framed(request, JOIN_VERSION))

    def send_sync(self, generation: int, shares: dict[str, bytes]) -> None:
        request = SyncGroupRequest(
            group_id=self.group,
            generation_id=generation,
            member_id=self.id,
            protocol_type="bench",
            protocol_name="even",
            assignments=[
                SyncGroupRequestAssignment(member_id=member, assignment=share)
                for member, share in shares.items()
            ],
        )
        self.line.socket.sendall(framed(request, SYNC_VERSION))


def classic_rebalance(port: int, members: int, rounds: int) -> dict[str, float]:
    """Milliseconds from the first member's asking to join anew until all have their shares, the median of rounds."""
    first = Line(port)
    first.find(GROUP, "classic-bench")
    group = [ClassicMember(port, "classic-bench") for _ in range(members)]
    for member in group:
        member.learn_id()
    waits = sorted(_classic_round(group, number) for number in range(rounds + 1))[:rounds]
    return {"rebalance": waits[rounds // 2] * 1e3, "seconds": sum(waits)}


def _classic_round(group: list[ClassicMember], number: int) -> float:
    """Every member joins, with other metadata than before, and syncs."""
    metadata = b"%d" % number + b"x" * 100
    began = time.perf_counter()
    for member in group:
        member.send_join(metadata)
    joined = [member.line.receive(JoinGroupResponse, JOIN_VERSION) for member in group]
    generations = {each.generation_id for each in joined}
    if len(generations) != 1 or any(each.error_code for each in joined):
        raise RuntimeError(f"the members are in generations {generations}: {joined[0]}")
    (generation,) = generations
    shares = {member.id: b"y" * 100 for member in group}
    for member, answer in zip(group, joined, strict=True):
        member.send_sync(generation, shares if answer.leader == member.id else {})
    for member in group:
        if code := member.line.receive(SyncGroupResponse, SYNC_VERSION).error_code:
            raise RuntimeError(f"a sync was refused: {code}")
    return time.perf_counter() - began


class ConsumerMember:
    """A member by KIP-848 that owns at once what it is given, and lets go at once of what it is asked for."""

    def __init__(self, port: int, group: str, topic: str, number: int) -> None:
        self.line = Line(port)
        self.group, self.topic = group, topic
        self.id = f"member-{number:04}"
        self.epoch = 0
        self.owned: dict[bytes, list[int]] = {}

    def beat(self) -> None:
        request = ConsumerGroupHeartbeatRequest(
            group_id=self.group,
            member_id=self.id,
            member_epoch=self.epoch,
            rebalance_timeout_ms=REBALANCE_MS,
            subscribed_topic_names=[self.topic],
            server_assignor="uniform",
            topic_partitions=[
                TopicPartitionsRequest(topic_id=Uuid(topic), partitions=partitions)
                for topic, partitions in self.owned.items()
            ],
        )
        answer = self.line.ask(request, ConsumerGroupHeartbeatResponse, 1)
        if answer.error_code:
            raise RuntimeError(f"a heartbeat was refused: {answer.error_code} {answer.error_message}")
        self.epoch = answer.member_epoch
        if answer.assignment is not None:
            self.owned = {each.topic_id: each.partitions for each in answer.assignment.topic_partitions}


def consumer_rebalance(port: int, topic: str, members: int) -> dict[str, float]:
    """Milliseconds until so many members that come one after the other share a topic of as many partitions, each
    sending the next heartbeat when all others have sent theirs."""
    line = Line(port)
    line.find(GROUP, "consumer-bench")
    wait_until_loaded(line, "consumer-bench", topic)
    group = [ConsumerMember(port, "consumer-bench", topic, number) for number in range(members)]
    began = time.perf_counter()
    while True:
        for member in group:
            member.beat()
        held = [len(partitions) for member in group for partitions in member.owned.values()]
        if held == [1] * members and len({member.epoch for member in group}) == 1:
            return {"rebalance": (time.perf_counter() - began) * 1e3}
        if time.perf_counter() - began > CONVERGED_SECONDS_MAX:
            raise RuntimeError(f"the members hold {held}")


# -- very many groups


def many_groups(port: int, topic: str, groups: int, partitions: int) -> dict[str, float]:
    """Each group commits offsets for all partitions, once."""
    line = Line(port)
    line.find(GROUP, "many-0")
    wait_until_loaded(line, "many-0", topic)
    began = time.perf_counter()
    for number in range(groups):
        request = commit_request(f"many-{number}", topic, range(partitions))
        line.ask(request, OffsetCommitResponse, COMMIT_VERSION)
    return {"groups": groups, "seconds": time.perf_counter() - began}


WAYS: dict[str, Any] = {
    "commits": commits,
    "transactions": transactions,
    "classic-rebalance": classic_rebalance,
    "consumer-rebalance": consumer_rebalance,
    "many-groups": many_groups,
}
