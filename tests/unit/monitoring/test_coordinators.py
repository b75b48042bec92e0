"""What the metrics page says of groups and transactions."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.unit.broker.bench import Bench, on_bench
from tests.unit.broker.test_produce_fetch import put

from ottla.broker.monitoring.coordinators import coordinators
from ottla.broker.monitoring.exposition import Page
from ottla.core.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
    OffsetCommitResponse,
)
from ottla.core.wire.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
    OffsetDeleteResponse,
)


def told(bench: Bench) -> list[str]:
    page = Page()
    coordinators(page, bench.services)
    return page.text().splitlines()


def commit(offset: int, *partitions: int) -> OffsetCommitRequest:
    parts = [
        OffsetCommitRequestPartition(partition_index=index, committed_offset=offset) for index in partitions
    ]
    return OffsetCommitRequest(
        group_id="clerks", topics=[OffsetCommitRequestTopic(name="orders", partitions=parts)]
    )


def test_groups_offsets_and_lag(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        bench.metadata.create("orders", 2)
        bench.metadata.create("__consumer_offsets")
        client = await bench.client()
        for value in (b"a", b"b", b"c"):
            await put(client, "orders", value)
        while (await client.ask(commit(1, 0, 1), OffsetCommitResponse, 8)).topics[0].partitions[0].error_code:
            await asyncio.sleep(0.01)
        lines = told(bench)
        stem = "kafka_server_group_coordinator_metrics"
        for expected in (
            f'{stem}_group_count{{protocol="classic"}} 1',
            f'{stem}_group_count{{protocol="consumer"}} 0',
            f'{stem}_num_partitions{{state="active"}} 1',
            f"{stem}_offset_commit_count 2",
            f"{stem}_offset_deletion_count 0",
            "kafka_coordinator_group_groupmetadatamanager_numgroupsempty 1",
            "kafka_coordinator_group_groupmetadatamanager_numoffsets 2",
            'kafka_consumergroup_members{consumergroup="clerks"} 0',
            'kafka_consumergroup_current_offset{consumergroup="clerks",topic="orders",partition="0"} 1',
            'kafka_consumergroup_lag{consumergroup="clerks",topic="orders",partition="0"} 2',
            'kafka_consumergroup_lag{consumergroup="clerks",topic="orders",partition="1"} 0',
            'kafka_consumergroup_lag_sum{consumergroup="clerks",topic="orders"} 2',
        ):
            assert expected in lines, expected
        topic = OffsetDeleteRequestTopic(
            name="orders", partitions=[OffsetDeleteRequestPartition(partition_index=1)]
        )
        await client.ask(OffsetDeleteRequest(group_id="clerks", topics=[topic]), OffsetDeleteResponse, 0)
        assert f"{stem}_offset_deletion_count 1" in told(bench)

    on_bench(tmp_path, scenario)


def test_a_node_without_coordinators_has_none_to_tell_of(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        lines = told(bench)
        assert 'kafka_server_transaction_coordinator_metrics_num_partitions{state="active"} 0' in lines
        assert "kafka_server_group_coordinator_metrics_partition_load_time_max NaN" in lines
        assert not [line for line in lines if line.startswith(("kafka_consumergroup", "ottla_transactions"))]

    on_bench(tmp_path, scenario)
