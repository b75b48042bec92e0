"""Load of share groups (KIP-932): members that accept all they get, as fast as they get it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from benchmarks.load.coordination import GROUP, RETRY_LATER, at_once
from benchmarks.load.line import Line
from ottla.core.model.ids import ZERO_UUID
from ottla.core.model.settings.table import ResourceType
from ottla.core.wire.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)
from ottla.core.wire.messages.share_acknowledge import (
    AcknowledgementBatch as LastBatch,
)
from ottla.core.wire.messages.share_acknowledge import (
    AcknowledgePartition,
    AcknowledgeTopic,
    ShareAcknowledgeRequest,
    ShareAcknowledgeResponse,
)
from ottla.core.wire.messages.share_fetch import (
    AcknowledgementBatch,
    FetchPartition,
    FetchTopic,
    ShareFetchRequest,
    ShareFetchResponse,
)
from ottla.core.wire.messages.share_group_heartbeat import (
    ShareGroupHeartbeatRequest,
    ShareGroupHeartbeatResponse,
)

SET = 0
ACCEPT, CLOSES = 1, -1
HEARTBEAT_VERSION = FETCH_VERSION = ACKNOWLEDGE_VERSION = CONFIGS_VERSION = 1
RECORDS_MAX = 500
"""A poll of Kafka's own consumer, and what it asks for."""
BYTES_MAX = 2 << 20
WAIT_MS = 500
IDLE_SECONDS_MAX = 30
PAUSE_SECONDS = 0.05


def begin_at_the_start(port: int, group: str) -> None:
    resource = AlterConfigsResource(
        resource_type=ResourceType.GROUP,
        resource_name=group,
        configs=[AlterableConfig(name="share.auto.offset.reset", config_operation=SET, value="earliest")],
    )
    line = Line(port)
    line.find(GROUP, group)
    answer = line.ask(
        IncrementalAlterConfigsRequest(resources=[resource]), IncrementalAlterConfigsResponse, CONFIGS_VERSION
    )
    if answer.responses[0].error_code:
        raise RuntimeError(f"the group's config was refused: {answer.responses[0]}")


class Member:
    """One that fetches, and accepts with each fetch what the last one brought."""

    def __init__(self, port: int, group: str, topic: str) -> None:
        self.line = Line(port)
        self.group, self.topic, self.id = group, topic, str(uuid4())
        self.topic_id, self.epoch, self.records = ZERO_UUID, 0, 0
        self.ended = 0.0
        self.partitions: list[int] = []
        self.held: dict[int, list[tuple[int, int]]] = {}

    def join(self) -> None:
        """Until it has something to share."""
        member_epoch = 0
        deadline = time.monotonic() + IDLE_SECONDS_MAX
        while not self.partitions:
            request = ShareGroupHeartbeatRequest(
                group_id=self.group,
                member_id=self.id,
                member_epoch=member_epoch,
                subscribed_topic_names=[self.topic],
            )
            answer = self.line.ask(request, ShareGroupHeartbeatResponse, HEARTBEAT_VERSION)
            if answer.error_code and answer.error_code not in RETRY_LATER:
                raise RuntimeError(f"a heartbeat was refused: {answer.error_code} {answer.error_message}")
            if time.monotonic() > deadline:
                raise RuntimeError("a member was given nothing to share")
            if not answer.error_code:
                member_epoch = answer.member_epoch
            if answer.assignment is not None and answer.assignment.topic_partitions:
                given = answer.assignment.topic_partitions[0]
                self.topic_id, self.partitions = given.topic_id, given.partitions
            else:
                time.sleep(PAUSE_SECONDS)

    def fetch(self) -> int:
        """How many records came; those of the fetch before are accepted by it."""
        named = self.partitions if self.epoch == 0 else list(self.held)
        partitions = [
            FetchPartition(
                partition_index=index,
                acknowledgement_batches=[
                    AcknowledgementBatch(first_offset=first, last_offset=last, acknowledge_types=[ACCEPT])
                    for first, last in self.held.get(index, ())
                ],
            )
            for index in named
        ]
        request = ShareFetchRequest(
            group_id=self.group,
            member_id=self.id,
            share_session_epoch=self.epoch,
            max_wait_ms=WAIT_MS,
            min_bytes=1,
            max_bytes=BYTES_MAX,
            max_records=RECORDS_MAX,
            batch_size=RECORDS_MAX,
            topics=[FetchTopic(topic_id=self.topic_id, partitions=partitions)] if partitions else [],
        )
        answer = self.line.ask(request, ShareFetchResponse, FETCH_VERSION)
        if answer.error_code:
            raise RuntimeError(f"a share fetch was refused: {answer.error_code} {answer.error_message}")
        self.epoch += 1
        self.held = {}
        for topic in answer.responses:
            for part in topic.partitions:
                if part.error_code or part.acknowledge_error_code:
                    raise RuntimeError(f"a share partition answered {part}")
                if part.acquired_records:
                    self.held[part.partition_index] = [
                        (each.first_offset, each.last_offset) for each in part.acquired_records
                    ]
        came = sum(last - first + 1 for spans in self.held.values() for first, last in spans)
        self.records += came
        return came

    def close(self) -> None:
        """Accept the last of it, and end the session."""
        parts = [
            AcknowledgePartition(
                partition_index=index,
                acknowledgement_batches=[
                    LastBatch(first_offset=first, last_offset=last, acknowledge_types=[ACCEPT])
                    for first, last in spans
                ],
            )
            for index, spans in self.held.items()
        ]
        request = ShareAcknowledgeRequest(
            group_id=self.group,
            member_id=self.id,
            share_session_epoch=CLOSES,
            topics=[AcknowledgeTopic(topic_id=self.topic_id, partitions=parts)] if parts else [],
        )
        answer = self.line.ask(request, ShareAcknowledgeResponse, ACKNOWLEDGE_VERSION)
        if answer.error_code:
            raise RuntimeError(f"the last words were refused: {answer.error_code}")


def share(port: int, topic: str, group: str, records: int, members: int) -> dict[str, float]:
    """`members` members accept `records` records between them; timed from the first fetch to the last record."""
    begin_at_the_start(port, group)
    joined = [Member(port, group, topic) for _ in range(members)]
    for member in joined:
        member.join()

    def work(member: Member) -> Callable[[], None]:
        def until_the_end() -> None:
            idle_since = time.monotonic()
            while sum(each.records for each in joined) < records:
                if member.fetch():
                    member.ended = time.perf_counter()
                    idle_since = time.monotonic()
                elif time.monotonic() - idle_since > IDLE_SECONDS_MAX:
                    raise RuntimeError(f"only {sum(each.records for each in joined)} of {records} came")
            member.close()

        return until_the_end

    began = time.perf_counter()
    at_once([work(member) for member in joined])
    seconds = max(each.ended for each in joined) - began  # who gets nothing more still waits for a while
    return {"records": sum(each.records for each in joined), "seconds": seconds}


WAYS: dict[str, Any] = {"share": share}
