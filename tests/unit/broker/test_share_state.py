"""The five APIs that store and read the state of share groups, on sockets."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ottla.core.model.errors import ErrorCode
from ottla.core.model.ids import Uuid, uuid_text
from ottla.core.wire.messages import (
    delete_share_group_state as deleting,
)
from ottla.core.wire.messages import (
    initialize_share_group_state as initializing,
)
from ottla.core.wire.messages import (
    read_share_group_state as reading,
)
from ottla.core.wire.messages import (
    read_share_group_state_summary as summing,
)
from ottla.core.wire.messages import (
    write_share_group_state as writing,
)
from ottla.core.wire.messages.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from tests.unit.broker.bench import Bench, Client, on_bench


def begun(topic: Uuid, *partitions: int) -> initializing.InitializeShareGroupStateRequest:
    each = [
        initializing.PartitionData(partition=index, state_epoch=1, start_offset=5) for index in partitions
    ]
    return initializing.InitializeShareGroupStateRequest(
        group_id="g", topics=[initializing.InitializeStateData(topic_id=topic, partitions=each)]
    )


async def coordinated(client: Client, topic: Uuid) -> None:
    """Until the coordinator's topic is there."""
    asked = FindCoordinatorRequest(key_type=2, coordinator_keys=[f"g:{uuid_text(topic)}:0"])
    while True:
        answer = await client.ask(asked, FindCoordinatorResponse, 6)
        if not answer.coordinators[0].error_code:
            return


def test_state_is_begun_written_read_and_deleted(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        topic = bench.metadata.create("orders", 2).id
        client = await bench.client()
        await coordinated(client, topic)
        answer = await client.ask(begun(topic, 0, 1, 2), initializing.InitializeShareGroupStateResponse, 0)
        assert [each.error_code for each in answer.results[0].partitions] == [
            0,
            0,
            ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ]
        batch = writing.StateBatch(first_offset=5, last_offset=9, delivery_state=2, delivery_count=1)
        each = writing.PartitionData(
            partition=1, state_epoch=1, leader_epoch=3, start_offset=-1, state_batches=[batch]
        )
        wanted = writing.WriteShareGroupStateRequest(
            group_id="g", topics=[writing.WriteStateData(topic_id=topic, partitions=[each])]
        )
        written = await client.ask(wanted, writing.WriteShareGroupStateResponse, 1)
        assert written.results[0].partitions == [writing.PartitionResult(partition=1)]
        asked = reading.ReadShareGroupStateRequest(
            group_id="g",
            topics=[
                reading.ReadStateData(
                    topic_id=topic, partitions=[reading.PartitionData(partition=1, leader_epoch=3)]
                )
            ],
        )
        read = await client.ask(asked, reading.ReadShareGroupStateResponse, 0)
        found = read.results[0].partitions[0]
        assert (found.state_epoch, found.start_offset) == (1, 5)
        assert [(one.first_offset, one.last_offset) for one in found.state_batches] == [(5, 9)]
        gone = deleting.DeleteShareGroupStateRequest(
            group_id="g",
            topics=[
                deleting.DeleteStateData(topic_id=topic, partitions=[deleting.PartitionData(partition=1)])
            ],
        )
        assert (await client.ask(gone, deleting.DeleteShareGroupStateResponse, 0)).results[0].partitions == [
            deleting.PartitionResult(partition=1)
        ]
        summary = summing.ReadShareGroupStateSummaryRequest(
            group_id="g",
            topics=[
                summing.ReadStateSummaryData(
                    topic_id=topic,
                    partitions=[summing.PartitionData(partition=0), summing.PartitionData(partition=1)],
                )
            ],
        )
        told = await client.ask(summary, summing.ReadShareGroupStateSummaryResponse, 1)
        assert [one.start_offset for one in told.results[0].partitions] == [5, -1]

    on_bench(tmp_path, scenario, {"share.coordinator.state.topic.num.partitions": "3"})


def test_the_log_is_cut_where_nothing_before_is_needed(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        topic = bench.metadata.create("orders", 1).id
        client = await bench.client()
        await coordinated(client, topic)
        for _ in range(5):
            await client.ask(begun(topic, 0), initializing.InitializeShareGroupStateResponse, 0)
        log = bench.partitions.get("__share_group_state", 0).log
        assert log is not None
        while log.start_offset < 4:
            await asyncio.sleep(0.02)
        assert (log.start_offset, log.end_offset) == (4, 5)
        bench.services.share_states.close()
        bench.services.share_states.led(bench.partitions.get("__share_group_state", 0))
        summary = summing.ReadShareGroupStateSummaryRequest(
            group_id="g",
            topics=[
                summing.ReadStateSummaryData(topic_id=topic, partitions=[summing.PartitionData(partition=0)])
            ],
        )
        while True:
            told = await client.ask(summary, summing.ReadShareGroupStateSummaryResponse, 1)
            each = told.results[0].partitions[0]
            if not each.error_code:
                break
            await asyncio.sleep(0.02)
        assert each.start_offset == 5, "what is left tells all"

    on_bench(
        tmp_path,
        scenario,
        {
            "share.coordinator.state.topic.num.partitions": "1",
            "share.coordinator.state.topic.prune.interval.ms": "50",
        },
    )


def test_nothing_is_answered_to_who_asks_for_nothing(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        client = await bench.client()
        topic = bench.metadata.create("orders").id
        for group, partitions in (("", [summing.PartitionData()]), ("g", [])):
            topics = [summing.ReadStateSummaryData(topic_id=topic, partitions=partitions)]
            asked = summing.ReadShareGroupStateSummaryRequest(group_id=group, topics=topics)
            assert (await client.ask(asked, summing.ReadShareGroupStateSummaryResponse, 1)).results == []

    on_bench(tmp_path, scenario)
