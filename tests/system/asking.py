"""Asking a node on its own: one request, its answer, and the error codes by name. No client that tries again."""

from __future__ import annotations

import socket
import struct
import time
from typing import TypeVar

from ottla.core.model.errors import ErrorCode
from ottla.core.records.batch import headers
from ottla.core.records.build import build
from ottla.core.records.record import Record, records
from ottla.core.wire.apis import API, ApiKey
from ottla.core.wire.codec import decode, encode
from ottla.core.wire.declaration import Body
from ottla.core.wire.headers import RequestHeader, header_versions
from ottla.core.wire.messages import (
    create_topics,
    delete_records,
    delete_topics,
    describe_log_dirs,
    fetch,
    metadata,
    produce,
)

B = TypeVar("B", bound=Body)

SECONDS = 30
VERSIONS = {
    ApiKey.PRODUCE: 12,
    ApiKey.FETCH: 12,
    ApiKey.METADATA: 12,
    ApiKey.CREATE_TOPICS: 7,
    ApiKey.DELETE_TOPICS: 5,
    ApiKey.DELETE_RECORDS: 2,
    ApiKey.DESCRIBE_LOG_DIRS: 4,
}


class Asker:
    """A connection for each request, so that no answer waits behind another."""

    def __init__(self, port: int) -> None:
        self._port = port

    def ask(self, request: Body, cls: type[B]) -> B:
        """Raises OSError when there is no answer in time."""
        key = request.wire.key
        assert key is not None
        api, version = API[ApiKey(key)], VERSIONS[ApiKey(key)]
        request_header, response_header = header_versions(api.key, version)
        header = encode(RequestHeader(key, version, 7, "asker"), request_header)
        frame = header + encode(request, version)
        with socket.create_connection(("127.0.0.1", self._port), timeout=SECONDS) as connection:
            connection.sendall(struct.pack(">i", len(frame)) + frame)
            (size,) = struct.unpack(">i", _exactly(connection, 4))
            answer = _exactly(connection, size)
        return decode(cls, answer, version, 4 + response_header)

    def create(self, topic: str, **configs: str) -> str:
        """The code by name. Settings are named with underscores."""
        config = create_topics.CreatableTopicConfig
        new = create_topics.CreatableTopic(
            topic, 1, 1, [], [config(key.replace("_", "."), value) for key, value in configs.items()]
        )
        request = create_topics.CreateTopicsRequest([new], timeout_ms=SECONDS * 1000)
        return name(self.ask(request, create_topics.CreateTopicsResponse).topics[0].error_code)

    def delete(self, topic: str) -> str:
        request = delete_topics.DeleteTopicsRequest(topic_names=[topic], timeout_ms=SECONDS * 1000)
        return name(self.ask(request, delete_topics.DeleteTopicsResponse).responses[0].error_code)

    def produce(self, topic: str, *values: bytes, sequence: int = -1, partition: int = 0) -> tuple[str, int]:
        """Code and base offset of one batch; of producer 7 with a `sequence`, else of nobody."""
        now = time.time_ns() // 1_000_000  # a producer of long ago is forgotten
        producer = (7, 0) if sequence >= 0 else (-1, -1)
        data = build(
            [Record(offset, now, b"k", value) for offset, value in enumerate(values)],
            producer_id=producer[0],
            producer_epoch=producer[1],
            base_sequence=sequence,
        )
        part = produce.TopicProduceData(
            name=topic, partition_data=[produce.PartitionProduceData(partition, data)]
        )
        request = produce.ProduceRequest(acks=-1, timeout_ms=SECONDS * 1000, topic_data=[part])
        answer = self.ask(request, produce.ProduceResponse).responses[0].partition_responses[0]
        return name(answer.error_code), answer.base_offset

    def fetch(self, topic: str, offset: int = 0, partition: int = 0) -> tuple[str, list[bytes]]:
        """Code and values of what one fetch brings."""
        wanted = fetch.FetchPartition(partition=partition, fetch_offset=offset, partition_max_bytes=1 << 24)
        request = fetch.FetchRequest(
            max_wait_ms=100, min_bytes=1, topics=[fetch.FetchTopic(topic=topic, partitions=[wanted])]
        )
        answer = self.ask(request, fetch.FetchResponse).responses[0].partitions[0]
        data = answer.records or b""
        assert isinstance(data, bytes | memoryview)
        found = [
            record.value or b""
            for position, header in headers(data)
            for record in records(data[position : position + header.size], header)
        ]
        return name(answer.error_code), found

    def delete_records(self, topic: str, offset: int) -> str:
        part = delete_records.DeleteRecordsPartition(0, offset)
        request = delete_records.DeleteRecordsRequest(
            [delete_records.DeleteRecordsTopic(topic, [part])], timeout_ms=SECONDS * 1000
        )
        answer = self.ask(request, delete_records.DeleteRecordsResponse)
        return name(answer.topics[0].partitions[0].error_code)

    def log_dirs(self) -> dict[str, str]:
        """Code by name of every log directory."""
        request = describe_log_dirs.DescribeLogDirsRequest(topics=None)
        results = self.ask(request, describe_log_dirs.DescribeLogDirsResponse).results
        return {result.log_dir: name(result.error_code) for result in results}

    def partition(self, topic: str) -> tuple[str, int, list[int]]:
        """Code, leader and offline replicas of partition 0, as Metadata has them."""
        request = metadata.MetadataRequest(topics=[metadata.MetadataRequestTopic(name=topic)])
        found = self.ask(request, metadata.MetadataResponse).topics[0].partitions[0]
        return name(found.error_code), found.leader_id, list(found.offline_replicas)


def name(code: int) -> str:
    return ErrorCode(code).name


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise ConnectionError("the connection was closed")
        data += more
    return data
