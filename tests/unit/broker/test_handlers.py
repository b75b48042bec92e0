"""The smaller APIs of a broker, each against a log with known content."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ottla.broker.authorizer import NOT_ASKED
from ottla.broker.context import Context
from ottla.core.model.errors import ErrorCode
from ottla.core.model.ids import ZERO_UUID
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages.create_delegation_token import (
    CreateDelegationTokenRequest,
    CreateDelegationTokenResponse,
)
from ottla.core.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest
from ottla.core.wire.messages.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsResponse,
    DeleteRecordsTopic,
)
from ottla.core.wire.messages.describe_acls import DescribeAclsRequest, DescribeAclsResponse
from ottla.core.wire.messages.describe_cluster import DescribeClusterRequest, DescribeClusterResponse
from ottla.core.wire.messages.describe_log_dirs import DescribeLogDirsRequest, DescribeLogDirsResponse
from ottla.core.wire.messages.describe_producers import (
    DescribeProducersRequest,
    DescribeProducersResponse,
    TopicRequest,
)
from ottla.core.wire.messages.describe_topic_partitions import (
    CursorRequest,
    DescribeTopicPartitionsRequest,
    DescribeTopicPartitionsResponse,
)
from ottla.core.wire.messages.describe_topic_partitions import TopicRequest as NamedTopic
from ottla.core.wire.messages.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from ottla.core.wire.messages.get_telemetry_subscriptions import (
    GetTelemetrySubscriptionsRequest,
    GetTelemetrySubscriptionsResponse,
)
from ottla.core.wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from ottla.core.wire.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopic,
)
from ottla.core.wire.messages.metadata import MetadataRequest, MetadataRequestTopic, MetadataResponse
from ottla.core.wire.messages.offset_for_leader_epoch import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)
from ottla.core.wire.messages.produce import ProduceResponse
from tests.unit.broker.bench import Bench, Client, batch, on_bench
from tests.unit.broker.test_produce_fetch import produce, put

START = 1_700_000_000_000


async def offsets(
    client: Client, timestamp: int, version: int = 11, *, topic: str = "orders", **fields: int
) -> tuple[int, int, int]:
    """(error, offset, timestamp) that ListOffsets gives."""
    asked = ListOffsetsPartition(timestamp=timestamp)
    request = ListOffsetsRequest(replica_id=-1, topics=[ListOffsetsTopic(name=topic, partitions=[asked])])
    for name, value in fields.items():
        setattr(request, name, value)
    answer = await client.ask(request, ListOffsetsResponse, version)
    (part,) = answer.topics[0].partitions
    return part.error_code, part.offset, part.timestamp


def test_list_offsets_finds_times_and_special_places(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        bench.metadata.create("orders")
        client = await bench.client()
        await client.ask(produce("orders", batch(b"0", b"1", b"2", timestamp=START)), ProduceResponse, 9)
        await client.ask(produce("orders", batch(b"3", timestamp=START - 50)), ProduceResponse, 9)
        assert await offsets(client, -1) == (0, 4, -1)
        assert await offsets(client, -1, isolation_level=1) == (0, 4, -1)
        assert await offsets(client, -2) == (0, 0, -1)
        assert await offsets(client, -3) == (0, 2, START + 2)
        assert await offsets(client, -4) == (0, 0, -1)
        assert await offsets(client, -5) == (0, -1, -1)
        assert await offsets(client, -6) == (0, -1, -1)
        assert await offsets(client, START + 1) == (0, 1, START + 1)
        assert await offsets(client, 0) == (0, 0, START)
        assert await offsets(client, START + 3) == (0, -1, -1)
        assert await offsets(client, -3, 6) == (ErrorCode.UNSUPPORTED_VERSION, -1, -1)
        assert await offsets(client, -77) == (ErrorCode.UNSUPPORTED_VERSION, -1, -1)
        assert await offsets(client, -1, topic="nowhere") == (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1, -1)
        for version in range(1, 12):
            assert (await offsets(client, -2, version))[:2] == (0, 0)
        twice = ListOffsetsTopic(name="orders", partitions=[ListOffsetsPartition(), ListOffsetsPartition()])
        answer = await client.ask(ListOffsetsRequest(topics=[twice]), ListOffsetsResponse, 7)
        assert [each.error_code for each in answer.topics[0].partitions] == [ErrorCode.INVALID_REQUEST]

    on_bench(tmp_path, scenario)


def test_delete_records_raises_the_start(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        bench.metadata.create("orders")
        bench.metadata.create("compacted", configs={"cleanup.policy": "compact"})
        bench.metadata.create("__consumer_offsets")
        client = await bench.client()
        await put(client, "orders", b"0", b"1", b"2")

        async def delete(topic: str, offset: int, version: int = 2) -> tuple[int, int]:
            part = DeleteRecordsPartition(partition_index=0, offset=offset)
            request = DeleteRecordsRequest(topics=[DeleteRecordsTopic(name=topic, partitions=[part])])
            answer = (await client.ask(request, DeleteRecordsResponse, version)).topics[0].partitions[0]
            return answer.error_code, answer.low_watermark

        assert await delete("orders", 2) == (0, 2)
        assert await delete("orders", 1, 0) == (0, 2)
        assert await offsets(client, -2) == (0, 2, -1)
        assert await delete("orders", 4) == (ErrorCode.OFFSET_OUT_OF_RANGE, -1)
        assert await delete("orders", -2) == (ErrorCode.OFFSET_OUT_OF_RANGE, -1)
        assert await delete("orders", -1) == (0, 3)
        assert await delete("compacted", 0) == (ErrorCode.POLICY_VIOLATION, -1)
        assert await delete("__consumer_offsets", 0) == (ErrorCode.INVALID_TOPIC_EXCEPTION, -1)
        assert await delete("nowhere", 0) == (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1)

    on_bench(tmp_path, scenario)


def test_offset_for_leader_epoch(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        bench.metadata.create("orders")
        client = await bench.client()
        await put(client, "orders", b"0", b"1")

        async def end(epoch: int, current: int = -1, topic: str = "orders") -> tuple[int, int, int]:
            part = OffsetForLeaderPartition(leader_epoch=epoch, current_leader_epoch=current)
            request = OffsetForLeaderEpochRequest(
                replica_id=-1, topics=[OffsetForLeaderTopic(topic=topic, partitions=[part])]
            )
            answer = await client.ask(request, OffsetForLeaderEpochResponse, 4)
            (found,) = answer.topics[0].partitions
            return found.error_code, found.leader_epoch, found.end_offset

        assert await end(0) == (0, 0, 2)
        assert await end(5) == (0, -1, -1)
        assert await end(0, current=3) == (ErrorCode.UNKNOWN_LEADER_EPOCH, -1, -1)
        assert await end(0, topic="nowhere") == (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1, -1)

    on_bench(tmp_path, scenario)


def test_producer_ids_are_new_each_time_and_producers_are_described(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        bench.metadata.create("orders")
        client = await bench.client()
        taken = []
        for version in range(6):
            answer = await client.ask(
                InitProducerIdRequest(transactional_id=None), InitProducerIdResponse, version
            )
            assert (answer.error_code, answer.producer_epoch) == (0, 0)
            taken.append(answer.producer_id)
        assert taken == list(range(6))
        records = batch(b"a", b"b", producer_id=taken[0], producer_epoch=0, base_sequence=0)
        first = await client.ask(produce("orders", records), ProduceResponse, 9)
        again = await client.ask(produce("orders", records), ProduceResponse, 9)
        offset = first.responses[0].partition_responses[0].base_offset
        assert offset == again.responses[0].partition_responses[0].base_offset == 0
        asked = DescribeProducersRequest(topics=[TopicRequest(name="orders", partition_indexes=[0, 9])])
        found = await client.ask(asked, DescribeProducersResponse, 0)
        here, missing = found.topics[0].partitions
        assert [(each.producer_id, each.last_sequence) for each in here.active_producers] == [(0, 1)]
        assert missing.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION

        async def init(**fields: object) -> int:
            request = InitProducerIdRequest(**fields)  # type: ignore[arg-type]
            return (await client.ask(request, InitProducerIdResponse, 4)).error_code

        assert await init(transactional_id="t") == ErrorCode.INVALID_TRANSACTION_TIMEOUT
        assert await init(transactional_id="t", transaction_timeout_ms=1) == ErrorCode.NOT_COORDINATOR
        assert await init(transactional_id="") == ErrorCode.INVALID_REQUEST
        assert await init(transactional_id=None, producer_id=5) == ErrorCode.INVALID_REQUEST

    on_bench(tmp_path, scenario)


def test_metadata_names_brokers_topics_and_what_is_wrong(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        orders = bench.metadata.create("orders", 2)
        bench.metadata.create("__consumer_offsets")
        client = await bench.client()
        for version in range(14):
            every = await client.ask(
                MetadataRequest(topics=None if version else []), MetadataResponse, version
            )
            assert [(each.node_id, each.host, each.port) for each in every.brokers] == [
                (1, "127.0.0.1", bench.port)
            ]
            assert {each.name for each in every.topics} == {"orders", "__consumer_offsets"}
            described = next(each for each in every.topics if each.name == "orders")
            assert [each.leader_id for each in described.partitions] == [1, 1]
            assert described.topic_id == (orders.id if version >= 10 else ZERO_UUID)
            if version >= 1:
                assert [each.is_internal for each in every.topics] == [False, True]
                none = await client.ask(MetadataRequest(topics=[]), MetadataResponse, version)
                assert none.topics == []
        asked = MetadataRequest(
            topics=[MetadataRequestTopic(name=name) for name in ("missing", "not/valid")],
            allow_auto_topic_creation=False,
        )
        answer = await client.ask(asked, MetadataResponse, 9)
        assert [each.error_code for each in answer.topics] == [
            ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
            ErrorCode.INVALID_TOPIC_EXCEPTION,
        ]
        by_id = MetadataRequest(
            topics=[MetadataRequestTopic(topic_id=each, name=None) for each in (orders.id, b"x" * 16)]
        )  # type: ignore[arg-type]
        found, unknown = (await client.ask(by_id, MetadataResponse, 12)).topics
        assert (found.name, unknown.error_code) == ("orders", ErrorCode.UNKNOWN_TOPIC_ID)
        assert found.topic_authorized_operations == NOT_ASKED
        asking = MetadataRequest(topics=None, include_topic_authorized_operations=True)
        assert (await client.ask(asking, MetadataResponse, 9)).topics[
            0
        ].topic_authorized_operations == 0b110111111000 & ~(1 << 9)
        early = await client.ask(
            MetadataRequest(topics=[MetadataRequestTopic(name=None)]), MetadataResponse, 10
        )
        assert early.topics[0].error_code == ErrorCode.INVALID_REQUEST

    on_bench(tmp_path, scenario)


def test_a_topic_is_created_because_somebody_asked(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        client = await bench.client()
        asked = MetadataRequest(topics=[MetadataRequestTopic(name="fresh"), MetadataRequestTopic(name="a b")])
        first = await client.ask(asked, MetadataResponse, 9)
        assert [each.error_code for each in first.topics] == [
            ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
            ErrorCode.INVALID_TOPIC_EXCEPTION,
        ]
        second = await client.ask(asked, MetadataResponse, 9)
        assert second.topics[0].error_code == 0
        assert len(second.topics[0].partitions) == 1
        assert not bench.services.auto_creating

    on_bench(tmp_path, scenario)


def test_describe_topic_partitions_goes_page_by_page(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        for name in ("b", "a", "c"):
            bench.metadata.create(name, 3)
        client = await bench.client()
        seen: list[tuple[str | None, int]] = []
        cursor: CursorRequest | None = None
        pages = 0
        while True:
            request = DescribeTopicPartitionsRequest(response_partition_limit=4, cursor=cursor)
            answer = await client.ask(request, DescribeTopicPartitionsResponse, 0)
            seen += [
                (topic.name, each.partition_index) for topic in answer.topics for each in topic.partitions
            ]
            pages += 1
            if answer.next_cursor is None:
                break
            cursor = CursorRequest(answer.next_cursor.topic_name, answer.next_cursor.partition_index)
        assert seen == [(name, index) for name in "abc" for index in range(3)]
        assert pages == 3
        asked = DescribeTopicPartitionsRequest(topics=[NamedTopic(name="b"), NamedTopic(name="zz")])
        found = await client.ask(asked, DescribeTopicPartitionsResponse, 0)
        assert [each.error_code for each in found.topics] == [0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]
        wrong = DescribeTopicPartitionsRequest(topics=[NamedTopic(name="b")], cursor=CursorRequest("c", 0))
        refused = await client.ask(wrong, DescribeTopicPartitionsResponse, 0)
        assert refused.topics[0].error_code == ErrorCode.INVALID_REQUEST

    on_bench(tmp_path, scenario)


def test_the_cluster_and_its_directories(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        bench.metadata.create("orders")
        client = await bench.client()
        await put(client, "orders", b"x")
        for version in range(3):
            cluster = await client.ask(DescribeClusterRequest(), DescribeClusterResponse, version)
            assert (cluster.cluster_id, cluster.controller_id) == ("bench-cluster", 1)
            assert [each.broker_id for each in cluster.brokers] == [1]
        wrong = await client.ask(DescribeClusterRequest(endpoint_type=2), DescribeClusterResponse, 1)
        assert wrong.error_code == ErrorCode.MISMATCHED_ENDPOINT_TYPE
        for version in range(1, 6):
            found = await client.ask(DescribeLogDirsRequest(topics=None), DescribeLogDirsResponse, version)
            (directory,) = found.results
            assert directory.log_dir == str(tmp_path)
            assert directory.topics[0].partitions[0].partition_size == 69
            assert (directory.total_bytes > 0) == (version >= 4)

    on_bench(tmp_path, scenario)


def test_what_needs_an_authoriser_or_a_receiver_says_so(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        client = await bench.client()
        any_of = DescribeAclsRequest(resource_type_filter=1, operation=1, permission_type=1)
        acls = await client.ask(any_of, DescribeAclsResponse, 2)
        assert acls.error_code == ErrorCode.SECURITY_DISABLED
        for version in range(1, 4):
            token = await client.ask(CreateDelegationTokenRequest(), CreateDelegationTokenResponse, version)
            assert token.error_code == ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED
        asked = GetTelemetrySubscriptionsRequest()
        telemetry = await client.ask(asked, GetTelemetrySubscriptionsResponse, 0)
        assert telemetry.requested_metrics == []
        assert telemetry.client_instance_id != ZERO_UUID

    on_bench(tmp_path, scenario)


def test_the_topics_of_coordinators_are_made_as_their_settings_say(tmp_path: Path) -> None:
    asked: list[CreatableTopic] = []

    async def scenario(bench: Bench) -> None:
        create = bench.metadata.request

        async def listen(context: Context, key: ApiKey, request: Body) -> Body:
            assert isinstance(request, CreateTopicsRequest)
            asked.extend(request.topics)
            return await create(context, key, request)

        bench.metadata.request = listen  # type: ignore[method-assign]
        client = await bench.client()
        names = ("__consumer_offsets", "__transaction_state", "plain")
        request = MetadataRequest(topics=[MetadataRequestTopic(name=name) for name in names])
        await client.ask(request, MetadataResponse, 9)
        await client.ask(MetadataRequest(topics=[]), MetadataResponse, 9)

    on_bench(tmp_path, scenario, {"offsets.topic.num.partitions": "7", "num.partitions": "4"})
    assert [(each.name, each.num_partitions, each.replication_factor) for each in asked] == [
        ("__consumer_offsets", 7, 3),
        ("__transaction_state", 50, 3),
        ("plain", 4, -1),
    ]
    assert {each.name: each.value for each in asked[0].configs} == {
        "cleanup.policy": "compact",
        "compression.type": "producer",
        "segment.bytes": "104857600",
    }
    assert {each.name: each.value for each in asked[1].configs}["min.insync.replicas"] == "2"


def test_the_topic_of_a_coordinator_is_made_for_who_looks_for_it_first(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        client = await bench.client()
        topics = ["__consumer_offsets", "__transaction_state"]
        for kind, topic in enumerate(topics):
            request = FindCoordinatorRequest(key="readers", key_type=kind)
            first = await client.ask(request, FindCoordinatorResponse, 3)
            assert first.error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE
            assert topic in bench.metadata.image.topics_by_name
        for version in range(7):
            many = FindCoordinatorRequest(coordinator_keys=["readers"])
            request = many if version >= 4 else FindCoordinatorRequest(key="readers")
            answer = await client.ask(request, FindCoordinatorResponse, version)
            one: Any = answer.coordinators[0] if version >= 4 else answer
            assert (one.error_code, one.node_id, one.port) == (0, 1, bench.port)
        odd = await client.ask(FindCoordinatorRequest(key="x", key_type=9), FindCoordinatorResponse, 3)
        assert odd.error_code == ErrorCode.INVALID_REQUEST
        for key, code in (("g:AAAAAAAAAAAAAAAAAAAAAQ:0", 15), ("g:0", 42), (":AAAAAAAAAAAAAAAAAAAAAQ:0", 42)):
            share = FindCoordinatorRequest(coordinator_keys=[key], key_type=2)
            answer = await client.ask(share, FindCoordinatorResponse, 6)
            assert answer.coordinators[0].error_code == code

    on_bench(tmp_path, scenario)
