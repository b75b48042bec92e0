"""What a controller listener serves to other nodes: the metadata log, its checkpoints, envelopes; and directory news."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from ottla.broker.apis import envelope, fetch_metadata_log, fetch_snapshot
from ottla.broker.context import Caller, Context
from ottla.broker.quorum.assignments import DirectoryAssignments
from ottla.broker.quorum.batches import read_batches
from ottla.broker.quorum.port import LocalController
from ottla.broker.quorum.snapshots import SnapshotPolicy
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import METADATA_TOPIC, METADATA_TOPIC_ID, Uuid
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.apis import ListenerRole
from ottla.core.wire.codec import decode, decode_from, encode
from ottla.core.wire.headers import RequestHeader, ResponseHeader
from ottla.core.wire.messages.create_topics import (
    CreatableTopic,
    CreateTopicsRequest,
    CreateTopicsResponse,
)
from ottla.core.wire.messages.default_principal import DefaultPrincipalData
from ottla.core.wire.messages.envelope import EnvelopeRequest
from ottla.core.wire.messages.fetch import (
    FetchPartition,
    FetchRequest,
    FetchTopic,
    PartitionData,
    ReplicaState,
)
from ottla.core.wire.messages.fetch_snapshot import (
    FetchSnapshotRequest,
    PartitionSnapshotRequest,
    PartitionSnapshotResponse,
    SnapshotIdRequest,
    TopicSnapshotRequest,
)
from ottla.world.doors import Address, FileSlice
from tests.unit.metadata.cluster import CLUSTER
from tests.unit.quorum.nodes import DIRECTORY, NodeOnDisk, run

HERE = Address("127.0.0.1", 9093)


def context(key: ApiKey, version: int) -> Context:
    return Context(
        Caller("CONTROLLER", ListenerRole.CONTROLLER, "PLAINTEXT", HERE, HERE), key, version, 7, "x", 0
    )


def services(node: NodeOnDisk) -> Any:
    controller = LocalController(node.quorum, frozenset({"CONTROLLER"}))
    return SimpleNamespace(controller=controller, image=node.quorum.image)


async def fetch(node: NodeOnDisk, offset: int, last_epoch: int, **changes: Any) -> PartitionData:
    partition = FetchPartition(
        current_leader_epoch=changes.pop("epoch", node.quorum.facts().epoch),
        fetch_offset=offset,
        last_fetched_epoch=last_epoch,
        replica_directory_id=Uuid(b"o" * 16),
    )
    request = FetchRequest(
        cluster_id=CLUSTER,
        replica_state=ReplicaState(replica_id=5),
        topics=[FetchTopic(topic_id=METADATA_TOPIC_ID, partitions=[partition])],
        **changes,
    )
    response = await fetch_metadata_log.handle(services(node), context(ApiKey.FETCH, 17), request)
    return response.responses[0].partitions[0]


def records_in(data: PartitionData) -> list[str]:
    assert isinstance(data.records, FileSlice)
    raw = data.records.file.read(data.records.size, data.records.position)
    data.records.release()
    return [type(record).__name__ for batch in read_batches(raw, "fetched") for record in batch.records]


def test_an_observer_reads_the_log_and_is_seen() -> None:
    async def story() -> None:
        node = NodeOnDisk()
        await node.start()
        await node.create("t")
        data = await fetch(node, 0, 0)
        assert "TopicRecord" in records_in(data)
        assert (data.error_code, data.high_watermark) == (0, node.quorum.log.end_offset)
        assert (data.current_leader.leader_id, data.current_leader.leader_epoch) == (1, 1)
        assert [key.id for key in node.quorum.observers.active(node.clock.now())] == [5]
        assert (await fetch(node, 0, 0, epoch=0)).error_code == ErrorCode.FENCED_LEADER_EPOCH
        assert (await fetch(node, 0, 0, epoch=9)).error_code == ErrorCode.UNKNOWN_LEADER_EPOCH
        ahead = await fetch(node, 10_000, 1)
        assert ahead.diverging_epoch.end_offset == node.quorum.log.end_offset

    run(story())


def test_an_observer_at_the_end_waits_for_news() -> None:
    async def story() -> None:
        node = NodeOnDisk()
        await node.start()
        await node.quorum.committed()
        end = node.quorum.log.end_offset
        waiting = asyncio.ensure_future(fetch(node, end, 1, max_wait_ms=500))
        await asyncio.sleep(0)
        assert not waiting.done()
        await node.create("t")
        assert records_in(await waiting)[0] == "TopicRecord"

    run(story())


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (FetchRequest(cluster_id="other"), ErrorCode.INCONSISTENT_CLUSTER_ID),
        (FetchRequest(cluster_id=CLUSTER), ErrorCode.INVALID_REQUEST),
        (
            FetchRequest(
                cluster_id=CLUSTER, topics=[FetchTopic(topic_id=DIRECTORY, partitions=[FetchPartition()])]
            ),
            ErrorCode.INVALID_REQUEST,
        ),
    ],
)
def test_fetches_that_are_refused(request_: FetchRequest, code: ErrorCode) -> None:
    async def story() -> None:
        node = NodeOnDisk()
        await node.start()
        response = await fetch_metadata_log.handle(services(node), context(ApiKey.FETCH, 17), request_)
        assert response.error_code == code

    run(story())


def snapshot(
    node: NodeOnDisk, end: int, epoch: int, position: int, **changes: Any
) -> PartitionSnapshotResponse:
    partition = PartitionSnapshotRequest(
        current_leader_epoch=node.quorum.facts().epoch,
        snapshot_id=SnapshotIdRequest(end_offset=end, epoch=epoch),
        position=position,
    )
    name = changes.pop("name", METADATA_TOPIC)
    request = FetchSnapshotRequest(
        cluster_id=CLUSTER, topics=[TopicSnapshotRequest(name=name, partitions=[partition])], **changes
    )
    response = fetch_snapshot.handle(services(node), context(ApiKey.FETCH_SNAPSHOT, 1), request)
    return response.topics[0].partitions[0]


def test_a_checkpoint_is_handed_out_in_pieces() -> None:
    async def story() -> None:
        node = NodeOnDisk(policy=SnapshotPolicy(max_bytes_between=1))
        await node.start()
        await node.create("t")
        for _ in range(20):
            await asyncio.sleep(0)
        hint = (await fetch(node, 0, 0)).snapshot_id
        assert hint.end_offset > 0
        pieces, position = [], 0
        while True:
            answer = snapshot(node, hint.end_offset, hint.epoch, position, max_bytes=100)
            pieces.append(bytes(answer.unaligned_records))  # type: ignore[arg-type]
            position += len(pieces[-1])
            if position >= answer.size:
                break
        names = [type(r).__name__ for b in read_batches(b"".join(pieces), "pieces") for r in b.records]
        assert len(pieces) > 2 and "FeatureLevelRecord" in names
        beyond = snapshot(node, hint.end_offset, hint.epoch, position)
        assert beyond.error_code == ErrorCode.POSITION_OUT_OF_RANGE
        assert snapshot(node, 1, 1, 0).error_code == ErrorCode.SNAPSHOT_NOT_FOUND
        assert snapshot(node, 0, 0, 0).error_code == ErrorCode.SNAPSHOT_NOT_FOUND
        assert snapshot(node, 1, 1, 0, name="t").error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION

    run(story())


def sealed(key: int, version: int, body: bytes, principal: bytes | None = None) -> EnvelopeRequest:
    header = RequestHeader(
        request_api_key=key, request_api_version=version, correlation_id=42, client_id="far"
    )
    if principal is None:
        principal = b"\0\0" + encode(DefaultPrincipalData(type="User", name="alice"), 0)
    return EnvelopeRequest(
        request_data=encode(header, 2) + body,
        request_principal=principal,
        client_host_address=bytes([10, 0, 0, 9]),
    )


def test_a_request_in_an_envelope_is_answered_in_an_envelope() -> None:
    async def story() -> None:
        node = NodeOnDisk()
        await node.start()
        topic = CreatableTopic(name="t", num_partitions=1, replication_factor=1)
        body = encode(CreateTopicsRequest(topics=[topic]), 7)
        answer = await envelope.handle(services(node), context(ApiKey.ENVELOPE, 0), sealed(19, 7, body))
        assert answer.response_data is not None
        data = bytes(answer.response_data)
        header, position = decode_from(ResponseHeader, data, 1)
        inner = decode(CreateTopicsResponse, data, 7, position)
        assert header.correlation_id == 42 and inner.topics[0].error_code == 0
        assert "t" in node.quorum.image.topics_by_name

    run(story())


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (sealed(0, 9, b""), ErrorCode.INVALID_REQUEST),
        (sealed(19, 99, b""), ErrorCode.UNSUPPORTED_VERSION),
        (sealed(99, 0, b""), ErrorCode.UNSUPPORTED_VERSION),
        (sealed(19, 7, b"\xff"), ErrorCode.UNSUPPORTED_VERSION),
        (EnvelopeRequest(request_data=b"\0"), ErrorCode.PRINCIPAL_DESERIALIZATION_FAILURE),
        (EnvelopeRequest(request_principal=None), ErrorCode.PRINCIPAL_DESERIALIZATION_FAILURE),
        (
            sealed(19, 7, encode(CreateTopicsRequest(), 7), principal=b"\0"),
            ErrorCode.PRINCIPAL_DESERIALIZATION_FAILURE,
        ),
    ],
)
def test_envelopes_that_are_refused(request_: EnvelopeRequest, code: ErrorCode) -> None:
    async def story() -> None:
        node = NodeOnDisk()
        await node.start()
        with pytest.raises(KafkaError) as caught:
            await envelope.handle(services(node), context(ApiKey.ENVELOPE, 0), request_)
        assert caught.value.code == code

    run(story())


def test_the_controller_hears_where_replicas_lie() -> None:
    async def story() -> None:
        node = NodeOnDisk()
        quorum = await node.start()
        elsewhere = Uuid(b"E" * 16)
        places = {("t", 0): elsewhere}
        assignments = DirectoryAssignments(
            node.clock,  # type: ignore[arg-type]
            quorum,
            1,
            lambda: node.registration.epoch,
            lambda topic, number: places.get((topic, number)),
        )
        quorum.subscribe(assignments.follow)
        await node.create("t", 2)
        for _ in range(20):
            await asyncio.sleep(0)
        partitions = quorum.image.topics_by_name["t"].partitions
        # The broker never registered that directory: a replica there is offline for the controller.
        assert partitions[0].directories == [elsewhere] and partitions[0].leader == -1
        assert partitions[1].directories == [DIRECTORY] and partitions[1].leader == 1

    run(story())
