"""The Network door on real sockets of this machine."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from ottla.world.doors import Connection, FileSlice
from ottla.world.real import real_world
from ottla.world.real.connection import (
    SHARED_TURN_BYTES,
    SHARED_TURNS,
    TURN_BYTES,
    SocketConnection,
    Traffic,
)


class Recorder:
    """A session that keeps what it is told."""

    def __init__(self, on_bytes: Callable[[Recorder, bytes], None] | None = None) -> None:
        self.connection: Connection | None = None
        self.received = bytearray()
        self.events: list[str] = []
        self.error: OSError | None = None
        self.done = asyncio.get_running_loop().create_future()
        self._on_bytes = on_bytes
        self._buffer = bytearray(65536)

    def opened(self, connection: Connection) -> None:
        self.connection = connection
        self.events.append("opened")

    def buffer(self) -> memoryview:
        return memoryview(self._buffer)

    def filled(self, count: int) -> None:
        data = bytes(self._buffer[:count])
        self.received += data
        if self._on_bytes is not None:
            self._on_bytes(self, data)

    def drained(self) -> None:
        self.events.append("drained")

    def closed(self, error: OSError | None) -> None:
        self.error = error
        self.events.append("closed")
        if not self.done.done():
            self.done.set_result(None)


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 20))


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.001)


def test_bytes_go_both_ways_and_an_orderly_end_is_told() -> None:
    async def scenario() -> None:
        network = real_world().network
        servers: list[Recorder] = []

        def echo(session: Recorder, data: bytes) -> None:
            assert session.connection is not None
            session.connection.send([data, memoryview(b"!")])

        def accept() -> Recorder:
            servers.append(Recorder(echo))
            return servers[-1]

        listener = await network.listen("127.0.0.1", 0, accept)
        client = Recorder()
        connection = await network.connect("127.0.0.1", listener.address.port, client)
        connection.send([b"hello"])
        await until(lambda: len(client.received) == 6)
        assert bytes(client.received) == b"hello!"
        assert servers[0].connection is not None
        assert servers[0].connection.peer == connection.local
        connection.close()
        await servers[0].done
        await client.done
        assert servers[0].error is None
        assert servers[0].events == ["opened", "closed"]
        listener.close()

    run(scenario)


@pytest.mark.parametrize("near", [True, False], ids=["copied", "by sendfile"])
def test_a_slow_reader_meets_back_pressure_and_gets_everything(near: bool, tmp_path: Path) -> None:
    async def scenario() -> None:
        world = real_world()
        content = bytes(range(256)) * 64 * 1024  # 16 MiB
        (tmp_path / "segment").write_bytes(content)
        file = world.disk.open(str(tmp_path / "segment"))
        servers: list[Recorder] = []

        def accept() -> Recorder:
            servers.append(Recorder())
            return servers[-1]

        listener = await world.network.listen("127.0.0.1", 0, accept)
        client = Recorder()
        connection = await world.network.connect("127.0.0.1", listener.address.port, client)
        connection.pause()
        await until(lambda: bool(servers))
        sender = servers[0].connection
        assert isinstance(sender, SocketConnection) and sender._near
        sender._near = near
        small = FileSlice(file, 5, 11)
        large = FileSlice(file, 100, len(content) - 100)
        sender.send([b"head", small, b"between", large, b"tail"])
        await asyncio.sleep(0.05)
        assert sender.unsent > 0
        assert "drained" not in servers[0].events
        connection.resume()
        expected = b"head" + content[5:16] + b"between" + content[100:] + b"tail"
        await until(lambda: len(client.received) == len(expected))
        assert bytes(client.received) == expected
        assert sender.unsent == 0
        assert servers[0].events == ["opened", "drained"]
        sender.send([FileSlice(file, 0, 3)])
        sender.close()
        await client.done
        assert bytes(client.received[len(expected) :]) == content[:3]
        listener.close()

    run(scenario)


def test_slices_are_released_when_the_peer_goes_away(tmp_path: Path) -> None:
    async def scenario() -> None:
        world = real_world()
        (tmp_path / "segment").write_bytes(bytes(32 << 20))
        file = world.disk.open(str(tmp_path / "segment"))
        servers: list[Recorder] = []

        def accept() -> Recorder:
            servers.append(Recorder())
            return servers[-1]

        listener = await world.network.listen("127.0.0.1", 0, accept)
        client = Recorder()
        connection = await world.network.connect("127.0.0.1", listener.address.port, client)
        connection.pause()
        await until(lambda: bool(servers))
        assert servers[0].connection is not None
        slices = [FileSlice(file, 0, 16 << 20), FileSlice(file, 0, 16 << 20)]
        servers[0].connection.send(slices)
        connection.abort()
        await servers[0].done
        assert not any(each._held for each in slices)
        listener.close()

    run(scenario)


def test_a_port_that_is_taken_or_closed_is_an_error_that_names_it() -> None:
    async def scenario() -> None:
        network = real_world().network
        listener = await network.listen("127.0.0.1", 0, Recorder)
        port = listener.address.port
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}"):
            await network.listen("127.0.0.1", port, Recorder)
        listener.close()
        with pytest.raises(OSError, match=f"cannot connect to 127.0.0.1:{port}"):
            await network.connect("127.0.0.1", port, Recorder())

    run(scenario)


def test_an_empty_host_serves_ipv4_and_ipv6() -> None:
    async def scenario() -> None:
        network = real_world().network
        peers: list[str] = []

        class Peer(Recorder):
            def opened(self, connection: Connection) -> None:
                super().opened(connection)
                peers.append(connection.peer.host)
                connection.close()

        listener = await network.listen("", 0, Peer)
        hosts = ["127.0.0.1", "::1"] if socket.has_dualstack_ipv6() else ["127.0.0.1"]
        for host in hosts:
            client = Recorder()
            await network.connect(host, listener.address.port, client)
            await client.done
        assert peers == hosts
        listener.close()

    run(scenario)


def test_a_session_that_fails_loses_its_connection_only(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        network = real_world().network

        def explode(session: Recorder, data: bytes) -> None:
            raise RuntimeError("no such thing")

        listener = await network.listen("127.0.0.1", 0, lambda: Recorder(explode))
        client = Recorder()
        connection = await network.connect("127.0.0.1", listener.address.port, client)
        connection.send([b"x"])
        await client.done
        listener.close()

    run(scenario)
    assert "closing the connection" in caplog.text


def test_running_out_of_descriptors_is_one_line_and_the_port_recovers(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        network = real_world().network
        listener = await network.listen("127.0.0.1", 0, Recorder)
        real = listener._socket  # type: ignore[attr-defined]

        class Exhausted:
            def accept(self) -> None:
                raise OSError(24, "Too many open files")

            def fileno(self) -> int:
                return real.fileno()

            def close(self) -> None:
                real.close()

        listener._socket = Exhausted()  # type: ignore[attr-defined]
        monkeypatch.setattr("ottla.world.real.network.EXHAUSTED_PAUSE_SECONDS", 0.01)
        client = Recorder()
        connection = await network.connect("127.0.0.1", listener.address.port, client)
        await asyncio.sleep(0.1)
        listener._socket = real  # type: ignore[attr-defined]
        await until(lambda: not listener._exhausted)  # type: ignore[attr-defined]
        connection.close()
        listener.close()

    run(scenario)
    assert caplog.text.count("cannot accept connections") == 1
    assert "raise the limit of open files" in caplog.text


def test_who_reads_much_writes_little_a_turn_while_others_ask() -> None:
    """Its own requests do not count; a while after the last of the others it writes much again."""

    async def scenario() -> None:
        loop, traffic = asyncio.get_running_loop(), Traffic()
        pairs = [socket.socketpair() for _ in range(2)]
        reader, other = (SocketConnection(loop, ours, Recorder(), traffic) for ours, _ in pairs)
        for (ours, theirs), connection in zip(pairs, (reader, other), strict=True):
            ours.setblocking(False)
            connection.start()
            assert reader._budget() == TURN_BYTES
            theirs.send(b"a request")
            connection._readable()
        assert [reader._budget() for _ in range(SHARED_TURNS)] == [SHARED_TURN_BYTES] * SHARED_TURNS
        assert reader._budget() == TURN_BYTES
        for (_, theirs), connection in zip(pairs, (reader, other), strict=True):
            connection.abort()
            theirs.close()

    run(scenario)
