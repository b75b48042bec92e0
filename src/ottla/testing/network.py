"""The Network door of a broker under test: connections that can be cut in the middle of an answer, a port that can close.

The node knows nothing of it, so a node that is not under test pays nothing. One that is pays next to nothing: sessions and
connections call each other directly until a fault comes between them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ottla.core.model.parts import Part, size_of
from ottla.world.doors import Address, Connection, FileSlice, Listener, Network, Session


class WatchedNetwork:
    """`world.doors.Network`, where clients come in by `port`."""

    def __init__(self, network: Network, port: int) -> None:
        self._network = network
        self._port = port
        self._gate: Gate | None = None
        self.connections: dict[Address, WatchedConnection] = {}
        """The open ones, by the address of the client."""

    def hostname(self) -> str:
        """Nobody outside this machine looks for it; asking the name service can take seconds."""
        return "localhost"

    async def listen(
        self, host: str, port: int, accept: Callable[[], Session], *, backlog: int = 50
    ) -> Listener:
        if port != self._port:
            return await self._network.listen(host, port, accept, backlog=backlog)

        async def open_port() -> Listener:
            return await self._network.listen(host, port, self._watching(accept), backlog=backlog)

        self._gate = Gate(open_port, await open_port())
        return self._gate

    def _watching(self, accept: Callable[[], Session]) -> Callable[[], Session]:
        return lambda: WatchedSession(accept(), self.connections)

    async def connect(self, host: str, port: int, session: Session, *, timeout: int = 30_000) -> Connection:
        return await self._network.connect(host, port, session, timeout=timeout)

    # -- faults

    def cut_next(self, peer: Address) -> None:
        """Of the next answer to this client only the first half leaves."""
        connection = self.connections.get(peer)
        if connection is not None:
            connection.cut_next()

    def refuse(self, *, drop: bool) -> None:
        """Let nobody connect."""
        if self._gate is not None:
            self._gate.shut()
        if drop:
            for connection in list(self.connections.values()):
                connection.abort()

    async def admit(self) -> None:
        """Let clients connect again."""
        if self._gate is not None:
            await self._gate.open()


class Gate:
    """`world.doors.Listener` that can be shut and opened again while its owner believes it open."""

    def __init__(self, open_port: Callable[[], object], inner: Listener) -> None:
        self._open_port = open_port
        self._inner = inner
        self._shut = False
        self._paused = False
        self._closed = False
        self.address = inner.address

    def shut(self) -> None:
        self._shut = True
        self._inner.close()

    async def open(self) -> None:
        if not self._shut or self._closed:
            return
        self._shut = False
        self._inner = await self._open_port()  # type: ignore[misc]
        if self._paused:
            self._inner.pause()

    def pause(self) -> None:
        self._paused = True
        self._inner.pause()

    def resume(self) -> None:
        self._paused = False
        self._inner.resume()

    def close(self) -> None:
        self._closed = True
        self._inner.close()


class WatchedSession:
    """`world.doors.Session` of a client that may be cut off. The door calls the node's own session directly."""

    def __init__(self, session: Session, connections: dict[Address, WatchedConnection]) -> None:
        self._session = session
        self._connections = connections
        self._peer: Address | None = None
        self.buffer = session.buffer
        self.filled = session.filled
        self.drained = session.drained

    def opened(self, connection: Connection) -> None:
        self._peer = connection.peer
        watched = self._connections[connection.peer] = WatchedConnection(connection)
        self._session.opened(watched)

    def closed(self, error: OSError | None) -> None:
        if self._peer is not None:
            self._connections.pop(self._peer, None)
        self._session.closed(error)


class WatchedConnection:
    """`world.doors.Connection` that can end in the middle of what is sent."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.peer = connection.peer
        self.local = connection.local
        self.send: Callable[[Sequence[Part]], None] = connection.send
        self.pause = connection.pause
        self.resume = connection.resume
        self.close = connection.close
        self.abort = connection.abort

    @property
    def unsent(self) -> int:
        return self._connection.unsent

    def cut_next(self) -> None:
        self.send = self._send_half

    def _send_half(self, parts: Sequence[Part]) -> None:
        half = first_half(parts)
        self._connection.send([half])
        self._connection.close()


def first_half(parts: Sequence[Part]) -> bytes:
    """The first half of what these parts hold; lets go of the files among them."""
    left = sum(map(size_of, parts)) // 2
    half = b""
    for part in parts:
        if isinstance(part, FileSlice):
            data = part.file.read(min(part.size, left), part.position)
            part.release()
        else:
            data = bytes(part[:left])  # type: ignore[index]
        half += data
        left -= len(data)
    return half
