"""The Network door: TCP on IPv4 and IPv6."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import resource
import socket
import sys
from collections.abc import Callable
from typing import Final

from ottla.world.doors import Address, Connection, Session
from ottla.world.real.connection import SocketConnection, Traffic

log = logging.getLogger("ottla.world")

ACCEPTS_A_TURN: Final = 64
EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
EXHAUSTED_PAUSE_SECONDS: Final = 0.5
KEPT_FOR_FILES: Final = 64
"""Descriptors that no connection gets: without one for a file the node would give its disk up for lost."""


def highest_descriptor() -> int:
    """Up to here connections may take the descriptors of the process; the rest is for its files."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return sys.maxsize
    return limit - min(KEPT_FOR_FILES, limit // 8)


class SocketListener:
    """An open port that makes a session for each connection."""

    __slots__ = ("_accept", "_exhausted", "_loop", "_paused", "_socket", "_timer", "_traffic", "address")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: socket.socket,
        accept: Callable[[], Session],
        traffic: Traffic,
    ) -> None:
        self._loop = loop
        self._traffic = traffic
        self._socket = sock
        self._accept = accept
        self._exhausted = False
        self._paused = False
        self._timer: asyncio.TimerHandle | None = None
        name = sock.getsockname()
        self.address = Address(name[0], name[1])
        loop.add_reader(sock.fileno(), self._readable)

    def pause(self) -> None:
        if not self._paused and self._socket.fileno() >= 0:
            self._paused = True
            if self._timer is None:
                self._loop.remove_reader(self._socket.fileno())

    def resume(self) -> None:
        if self._paused and self._socket.fileno() >= 0:
            self._paused = False
            if self._timer is None:
                self._loop.add_reader(self._socket.fileno(), self._readable)

    def close(self) -> None:
        if self._socket.fileno() < 0:
            return
        if self._timer is not None:
            self._timer.cancel()
        elif not self._paused:
            self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _readable(self) -> None:
        for _ in range(ACCEPTS_A_TURN):
            if self._paused or self._socket.fileno() < 0:
                return  # a session's `opened` paused or closed this listener
            try:
                sock, _peer = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._rest(error)
                return
            if sock.fileno() >= highest_descriptor():
                sock.close()
                self._rest(OSError(errno.EMFILE, os.strerror(errno.EMFILE)))
                return
            self._exhausted = False
            self._open(sock)

    def _open(self, sock: socket.socket) -> None:
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connection = SocketConnection(self._loop, sock, self._accept(), self._traffic)
        except OSError:
            sock.close()  # the peer left while it stood in the queue
            return
        connection.start()

    def _rest(self, error: OSError) -> None:
        """Out of descriptors or memory: leave the queue to the kernel for a moment; one line a spell."""
        if not self._exhausted:
            self._exhausted = True
            hint = "; raise the limit of open files" if error.errno in EXHAUSTED else ""
            log.error("cannot accept connections on %s: %s%s", self.address, error.strerror, hint)
        self._loop.remove_reader(self._socket.fileno())
        self._timer = self._loop.call_later(EXHAUSTED_PAUSE_SECONDS, self._resume)

    def _resume(self) -> None:
        self._timer = None
        if not self._paused:
            self._loop.add_reader(self._socket.fileno(), self._readable)


class RealNetwork:
    """Byte streams over the sockets of this machine."""

    __slots__ = ("_loop", "_traffic")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._traffic = Traffic()

    def hostname(self) -> str:
        return socket.getfqdn()

    async def listen(
        self, host: str, port: int, accept: Callable[[], Session], *, backlog: int = 50
    ) -> SocketListener:
        """Open a port. An empty host is every address of the machine, IPv6 and IPv4 alike."""
        family, target = await self._resolve_bind(host, port)
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if host in ("", "::") else 1)
            sock.bind(target)
            sock.listen(backlog)
        except OSError as error:
            sock.close()
            where = Address(host or "*", port)
            raise OSError(error.errno, f"cannot listen on {where}: {error.strerror}") from error
        return SocketListener(self._loop, sock, accept, self._traffic)

    async def _resolve_bind(self, host: str, port: int) -> tuple[int, tuple[str, int]]:
        if not host:
            if socket.has_dualstack_ipv6():
                return socket.AF_INET6, ("::", port)
            return socket.AF_INET, ("0.0.0.0", port)
        found = await self._resolve(host, port)
        # A name such as "localhost" has several addresses; one is bound, IPv4 first as Java does.
        family, target = min(found, key=lambda each: each[0] != socket.AF_INET)
        return family, target

    async def _resolve(self, host: str, port: int) -> list[tuple[int, tuple[str, int]]]:
        if host == "127.0.0.1":
            return [(socket.AF_INET, (host, port))]
        found = await self._loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [(family, target) for family, _, _, _, target in found]  # type: ignore[misc]

    async def connect(self, host: str, port: int, session: Session, *, timeout: int = 30_000) -> Connection:
        async with asyncio.timeout(timeout / 1_000):
            sock = await self._connect(host, port)
        connection = SocketConnection(self._loop, sock, session, self._traffic)
        connection.start()
        return connection

    async def _connect(self, host: str, port: int) -> socket.socket:
        """The first address of the host that answers."""
        last: OSError = OSError(errno.EHOSTUNREACH, f"{host} has no address")
        for family, target in await self._resolve(host, port):
            sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                sock.setblocking(False)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                await self._loop.sock_connect(sock, target)
                return sock
            except OSError as error:
                sock.close()
                last = OSError(error.errno, f"cannot connect to {Address(host, port)}: {error.strerror}")
            except BaseException:
                sock.close()
                raise
        raise last
