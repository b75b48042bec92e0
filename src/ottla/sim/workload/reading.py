"""Consumers: fetches of every kind, held against what is known; and the reader that reads a whole partition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ottla.core.model.errors import ErrorCode
from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.records.batch import headers
from ottla.core.wire.messages.fetch import (
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    PartitionData,
)
from ottla.core.wire.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopic,
)
from ottla.sim.judge.cluster import TopicFacts
from ottla.sim.judge.facts import Found, Violation, read_batches
from ottla.sim.judge.partition import PartitionFacts
from ottla.sim.workload.client import Client, Unanswered

EARLIEST: Final = -2
LATEST: Final = -1
OLDEST: Final = 4
NEWEST: Final = 17
BY_ID_SINCE: Final = 13
LOOKS: Final = 3
"""How often a log that records go from is looked at anew before two looks have to agree."""
ANSWER_BYTES: Final = 64 << 10
GONE: Final = frozenset(
    {ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.UNKNOWN_TOPIC_ID, ErrorCode.NOT_LEADER_OR_FOLLOWER}
)


def _wish(partition: PartitionFacts, offset: int, limit: int) -> FetchTopic:
    wish = FetchPartition(partition=partition.index, fetch_offset=offset, partition_max_bytes=limit)
    return FetchTopic(topic=partition.topic.name, topic_id=partition.topic.id or ZERO_UUID, partitions=[wish])


def _records(partition: PartitionFacts, data: PartitionData) -> Iterator[Found]:
    assert data.records is None or isinstance(data.records, bytes | memoryview)
    return read_batches(bytes(data.records or b""), repr(partition))


def _next_offset(data: PartitionData) -> int:
    """Behind the last batch: compaction may have left it without a record."""
    return max((header.next_offset for _, header in headers(bytes(data.records or b""))), default=-1)  # type: ignore[arg-type]


def _check(
    client: Client, partition: PartitionFacts, data: PartitionData, offset: int, end: int
) -> list[Found]:
    """Hold one partition of an answer against what is known; its records. `end` is the high watermark that was known
    when the request was sent."""
    partition.told_end(max(data.high_watermark, partition.end))
    if data.high_watermark < end:
        raise partition.wrong(f"the high watermark was {end} and is {data.high_watermark} now")
    if data.log_start_offset > partition.start:
        partition.told_start(data.log_start_offset)
    found = [each for each in _records(partition, data) if each.offset >= offset]
    if found and found[-1].offset >= data.high_watermark:
        raise partition.wrong(
            f"offset {found[-1].offset} lies beyond the high watermark {data.high_watermark}"
        )
    if found and not partition.topic.compacted and found[0].offset != max(offset, data.log_start_offset):
        raise partition.wrong(f"a fetch from {offset} was answered with offset {found[0].offset}")
    partition.seen(found, client.facts.sent)
    return found


async def fetch_some(client: Client, topic: TopicFacts) -> None:
    """One fetch of one partition from anywhere, with any bounds; sometimes a long poll."""
    chance = client.chance
    partition = chance.one(topic.partitions)
    offset = chance.between(partition.start, max(partition.known_end, partition.start))
    request = FetchRequest(
        max_wait_ms=chance.one((0, 50, 500)),
        min_bytes=chance.one((0, 1, 1, 10_000)),
        max_bytes=chance.one((1, 1_000, 1 << 20)),
        topics=[_wish(partition, offset, chance.one((1, 500, 1 << 20)))],
    )
    version = chance.between(OLDEST, NEWEST)
    end = partition.end
    client.note(f"fetches {partition} from {offset} version={version}")
    answer = await client.call(request, FetchResponse, newest=version)
    if not topic.usable:
        return
    data = answer.responses[0].partitions[0]
    if data.error_code == ErrorCode.OFFSET_OUT_OF_RANGE:
        if partition.start <= offset <= end and not topic.may_shrink:
            raise partition.wrong(f"offset {offset} is out of range, between {partition.start} and {end}")
        return
    if data.error_code:
        if client.must_succeed:
            raise partition.wrong(
                f"a fetch was answered {ErrorCode(data.error_code).name}, and nothing is wrong"
            )
        return
    found = _check(client, partition, data, offset, end)
    client.note(f"reads {len(found)} records of {partition}, its end is {data.high_watermark}")


class Follower:
    """A consumer with a fetch session that follows whole topics from where they begin."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._session = 0
        self._epoch = 0
        self._connection = -1
        self._version = NEWEST
        self._places: dict[PartitionFacts, int] = {}

    async def step(self, topic: TopicFacts) -> None:
        """The next fetch of the session; a new session when the old one is over."""
        client = self._client
        await client.connection()
        if self._connection != client.connections or client.chance.often(0.05):
            self._session = self._epoch = 0
            self._connection = client.connections
        fresh = self._epoch == 0
        if fresh:
            self._places = {each: each.start for each in topic.partitions}
        wishes = [
            _wish(each, offset, 4_000)
            for each, offset in self._places.items()
            if fresh or client.chance.often(0.7)
        ]
        before = {each: each.end for each in self._places}
        request = FetchRequest(
            max_wait_ms=client.chance.one((0, 100)),
            min_bytes=1,
            max_bytes=client.chance.one((2_000, 1 << 20)),
            session_id=self._session,
            session_epoch=self._epoch,
            topics=wishes,
        )
        if fresh:
            self._version = NEWEST if client.chance.often(0.7) else BY_ID_SINCE - 1
        version = self._version
        client.note(f"follows {topic.name} session={self._session} epoch={self._epoch} version={version}")
        try:
            answer = await client.call(request, FetchResponse, newest=version)
        except Unanswered:
            self._epoch = 0
            raise
        self._take(answer, before)

    def _take(self, answer: FetchResponse, before: dict[PartitionFacts, int]) -> None:
        if answer.error_code or (self._epoch and answer.session_id != self._session):
            self._epoch = 0
            return
        self._session = answer.session_id
        self._epoch = self._epoch + 1 if answer.session_id else 0
        by_place: dict[tuple[str | Uuid, int], PartitionFacts] = {}
        for partition in self._places:
            by_place[partition.topic.name, partition.index] = partition
            if partition.topic.id is not None:
                by_place[partition.topic.id, partition.index] = partition
        for topic in answer.responses:
            for data in topic.partitions:
                found = by_place.get((topic.topic or topic.topic_id, data.partition_index))
                if found is None:
                    raise Violation(
                        f"a fetch answer names {topic.topic or topic.topic_id!r}, nobody asked for it"
                    )
                if data.error_code or not found.topic.usable:
                    self._epoch = 0
                    continue
                records = _check(self._client, found, data, self._places[found], before[found])
                if records:
                    self._places[found] = records[-1].offset + 1


async def list_offset(client: Client, partition: PartitionFacts, timestamp: int) -> tuple[int, int, int]:
    """(error code, offset, timestamp) of one ListOffsets question. Raises Unanswered."""
    wish = ListOffsetsPartition(partition_index=partition.index, timestamp=timestamp)
    request = ListOffsetsRequest(
        replica_id=-1, topics=[ListOffsetsTopic(name=partition.topic.name, partitions=[wish])]
    )
    answer = await client.call(request, ListOffsetsResponse)
    data = answer.topics[0].partitions[0]
    return data.error_code, data.offset, data.timestamp


async def read_whole(client: Client, partition: PartitionFacts) -> tuple[list[Found], int, int]:
    """(every record, log start, high watermark) of a partition that nobody writes to. Raises Violation, Unanswered."""
    while True:
        found = await _read_whole(client, partition)
        if found is not None:
            return found


async def _read_whole(client: Client, partition: PartitionFacts) -> tuple[list[Found], int, int] | None:
    """None when retention has taken the beginning away meanwhile."""
    code, start, _ = await list_offset(client, partition, EARLIEST)
    code = code or (await list_offset(client, partition, LATEST))[0]
    end = (await list_offset(client, partition, LATEST))[1]
    if code:
        raise partition.wrong(f"its offsets are answered {ErrorCode(code).name}")
    offset, everything = start, []
    while offset < end:
        request = FetchRequest(
            max_wait_ms=0,
            min_bytes=0,
            max_bytes=ANSWER_BYTES,
            topics=[_wish(partition, offset, ANSWER_BYTES)],
        )
        answer = await client.call(request, FetchResponse, newest=NEWEST)
        data = answer.responses[0].partitions[0]
        if data.error_code:
            if partition.topic.may_shrink and (await list_offset(client, partition, EARLIEST))[1] > offset:
                return None
            raise partition.wrong(f"a fetch from {offset} is answered {ErrorCode(data.error_code).name}")
        found = [each for each in _records(partition, data) if each.offset >= offset]
        following = _next_offset(data)
        if following <= offset:
            if partition.topic.compacted:
                break
            raise partition.wrong(f"nothing can be read at {offset}, the end is {end}")
        everything += found
        offset = following
    return everything, start, end


async def check_times(client: Client, partition: PartitionFacts, found: list[Found]) -> None:
    """ListOffsets by time says what a walk over all records says. Raises Violation, Unanswered."""
    if not found:
        return
    times = [each.record.timestamp for each in found]
    for _ in range(2):
        asked = max(client.chance.between(min(times) - 10, max(times) + 10), 0)
        wanted = next((each.offset for each in found if each.record.timestamp >= asked), -1)
        code, offset, _ = await list_offset(client, partition, asked)
        for _ in range(LOOKS if partition.topic.compacted or partition.topic.may_shrink else 0):
            if offset == wanted:
                break
            # Retention, compaction, or a move that brought back what that had taken, may have come in between.
            found, _, _ = await read_whole(client, partition)
            wanted = next((each.offset for each in found if each.record.timestamp >= asked), -1)
            code, offset, _ = await list_offset(client, partition, asked)
        if code or offset != wanted:
            raise partition.wrong(
                f"the first record at or after time {asked} is {wanted}, the answer is {offset}"
            )
