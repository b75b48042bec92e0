"""What Apache Kafka answers to ApiVersions on its two kinds of listeners, held against the API table."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from ottla.core.wire.apis import ApiKey, ListenerRole, advertised
from ottla.core.wire.codec import decode, decode_from, encode
from ottla.core.wire.frames import SIZE, FrameReader
from ottla.core.wire.headers import RequestHeader, ResponseHeader
from ottla.core.wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from tests.apache_kafka import start_kafka
from tests.nodes import Node

pytestmark = pytest.mark.judge


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    node = start_kafka(tmp_path_factory.mktemp("kafka"))
    yield node
    node.kill()


@pytest.mark.parametrize("role", ListenerRole)
def test_we_advertise_what_kafka_advertises(kafka: Node, role: ListenerRole) -> None:
    port = kafka.port if role is ListenerRole.BROKER else kafka.controller_port
    answer = ask(port, 4)
    assert answer.error_code == 0
    theirs = {each.api_key: (each.min_version, each.max_version) for each in answer.api_keys}
    assert {each.key: (each.min_version, each.max_version) for each in advertised(role)} == theirs


def test_kafka_answers_an_unknown_version_in_version_0(kafka: Node) -> None:
    answer = ask(kafka.port, 99)
    assert answer.error_code == 35
    assert [(each.api_key, each.min_version, each.max_version) for each in answer.api_keys] == [(18, 0, 4)]


def ask(port: int, version: int) -> ApiVersionsResponse:
    """One ApiVersions request. Of a version nobody knows, Kafka reads the header alone."""
    header = RequestHeader(ApiKey.API_VERSIONS, version, correlation_id=7, client_id="judge")
    known = version <= ApiVersionsRequest.wire.versions.last
    request = ApiVersionsRequest(client_software_name="judge", client_software_version="1")
    frame = encode(header, 2) + (encode(request, version) if known else b"from the future")
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(SIZE.pack(len(frame)) + frame)
        reader, frames = FrameReader(1 << 20), list[bytes]()
        while not frames:
            count = connection.recv_into(reader.buffer())
            assert count, "Kafka closed the connection"
            frames = reader.filled(count)
    answered, at = decode_from(ResponseHeader, frames[0], 0)
    assert answered.correlation_id == 7
    return decode(ApiVersionsResponse, frames[0], version if known else 0, at)
