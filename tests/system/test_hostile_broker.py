"""Our client against brokers that talk nonsense, lie about lengths, stop in the middle, or say nothing: it says so, soon."""

from __future__ import annotations

import asyncio
import struct
import tracemalloc
from collections.abc import Callable
from typing import Final

import pytest

from ottla.client.cluster import Cluster
from ottla.client.errors import NoBroker
from ottla.client.properties import settings_from
from ottla.client.settings import ConnectionSettings
from ottla.core.wire.codec import encode
from ottla.core.wire.messages.api_versions import ApiVersion, ApiVersionsResponse
from ottla.world.real import real_world

Reply = Callable[[int], bytes]
"""What a broker sends for the request with this correlation id; it hangs up after an answer that ends early."""


def framed(body: bytes) -> bytes:
    return struct.pack(">i", len(body)) + body


def versions(correlation_id: int, *apis: tuple[int, int, int]) -> bytes:
    body = encode(ApiVersionsResponse(api_keys=[ApiVersion(*api) for api in apis]), 4)
    return framed(struct.pack(">i", correlation_id) + body)


REPLIES: Final[dict[str, Reply]] = {
    "noise": lambda id_: bytes(range(256)) * 4,
    "HTTP": lambda id_: b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    "a length below zero": lambda id_: struct.pack(">i", -1),
    "the largest length": lambda id_: struct.pack(">i", 2**31 - 1) + bytes(1000),
    "a length that never comes": lambda id_: struct.pack(">i", 90_000_000) + bytes(1000),
    "another's answer": lambda id_: versions(id_ + 1, (3, 0, 12)),
    "an empty answer": lambda id_: framed(b""),
    "half an answer": lambda id_: versions(id_, (3, 0, 12))[:-3],
    "an answer to nothing": lambda id_: versions(id_, (3, 0, 12)) + versions(id_, (3, 0, 12)),
    "no Metadata at all": lambda id_: versions(id_, (18, 0, 4)),
    "versions that cannot be": lambda id_: versions(id_, (3, 32000, -5)),
    "two billion elements": lambda id_: framed(struct.pack(">ih", id_, 0) + b"\xff\xff\xff\xff\x0f"),
    "silence": lambda id_: b"",
}


@pytest.mark.parametrize("name", REPLIES)
def test_a_client_says_what_is_wrong_and_does_not_hang(name: str) -> None:
    async def broker(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                (size,) = struct.unpack(">i", await reader.readexactly(4))
                request = await reader.readexactly(size)
                writer.write(REPLIES[name](struct.unpack_from(">i", request, 4)[0]))
                if name == "half an answer":
                    writer.close()
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def scenario() -> None:
        server = await asyncio.start_server(broker, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        properties = {"bootstrap.servers": f"127.0.0.1:{port}", "request.timeout.ms": "500"}
        cluster = Cluster(real_world(), settings_from(ConnectionSettings, properties))
        try:
            with pytest.raises(Exception) as raised:
                await asyncio.wait_for(cluster.connect(), 20)
            assert not isinstance(raised.value, TimeoutError), "the client hung"
            assert isinstance(raised.value, NoBroker) or "Metadata" in str(raised.value), repr(raised.value)
            assert str(port) in str(raised.value)
        finally:
            cluster.close()
            server.close()
            await asyncio.sleep(0.05)
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not [task for task in left if "broker" not in repr(task)]

    tracemalloc.start()
    asyncio.run(scenario())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 << 20
