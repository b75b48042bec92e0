"""The Network door of one process on its machine."""

from __future__ import annotations

import errno
import os
from asyncio import Future
from collections import deque
from collections.abc import Callable
from typing import Final

from ottla.sim.network.connection import SimConnection
from ottla.sim.network.fabric import Fabric
from ottla.sim.process import Process
from ottla.world.doors import Address, Connection, Session

LOCAL: Final = frozenset({"", "0.0.0.0", "::", "127.0.0.1", "localhost"})


class SimListener:
    """An open port. Who connects while it is paused, or faster than it accepts, stands in its queue."""

    def __init__(
        self, fabric: Fabric, process: Process, address: Address, accept: Callable[[], Session], backlog: int
    ) -> None:
        self.address = address
        self.process = process
        self.backlog = backlog
        self._fabric = fabric
        self._accept = accept
        self._paused = False
        self._open = True
        self._queue: deque[SimConnection] = deque()
        fabric.listeners[address.host, address.port] = self
        process.ended.append(self.close)

    @property
    def full(self) -> bool:
        return len(self._queue) >= self.backlog

    def knock(self, far_end: SimConnection) -> None:
        """Somebody connects."""
        self._queue.append(far_end)
        self.process.call_soon(self._next)

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        if self._paused and self._open:
            self._paused = False
            for _ in self._queue:
                self.process.call_soon(self._next)

    def _next(self) -> None:
        if self._paused or not self._open or not self._queue:
            return
        far_end = self._queue.popleft()
        fabric = self._fabric
        near_end = SimConnection(fabric, self.process, self._accept(), self.address, far_end.local)
        near_end.other, far_end.other = far_end, near_end
        fabric.note(self.process.name, f"accepted {near_end}")
        near_end.start()
        far_end.take_up()

    def close(self) -> None:
        if not self._open:
            return
        self._open = False
        self._fabric.listeners.pop((self.address.host, self.address.port), None)
        for far_end in self._queue:
            far_end.reset()
        self._queue.clear()


class SimNetwork:
    """Byte streams to and from one machine, which answers to its own name and to `localhost`."""

    def __init__(self, fabric: Fabric, process: Process, host: str) -> None:
        self._fabric = fabric
        self._process = process
        self._host = host

    def hostname(self) -> str:
        return self._host

    async def listen(
        self, host: str, port: int, accept: Callable[[], Session], *, backlog: int = 50
    ) -> SimListener:
        self._process.check()
        if host not in LOCAL and host != self._host:
            raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
        port = port or self._fabric.free_port(self._host)
        if (self._host, port) in self._fabric.listeners:
            raise OSError(
                errno.EADDRINUSE, f"cannot listen on {Address(self._host, port)}: Address already in use"
            )
        self._fabric.note(self._process.name, f"listens on {port}")
        return SimListener(self._fabric, self._process, Address(self._host, port), accept, backlog)

    async def connect(self, host: str, port: int, session: Session, *, timeout: int = 30_000) -> Connection:
        self._process.check()
        fabric, process = self._fabric, self._process
        where = Address(self._host if host in LOCAL else host, port)
        answered: Future[OSError | None] = process.create_future()

        def answer(error: OSError | None) -> None:
            if not answered.done():
                answered.set_result(error)

        def knock() -> None:
            """The first packet reaches the other machine, and its answer comes back."""
            if fabric.is_cut(self._host, where.host) or answered.done():
                return
            listener = fabric.listeners.get((where.host, where.port))
            error: OSError | None = None
            if listener is None:
                error = ConnectionRefusedError(
                    errno.ECONNREFUSED, f"cannot connect to {where}: Connection refused"
                )
            elif listener.full:
                return
            else:
                process.call_soon(connection.start)
                listener.knock(connection)
            process.call_soon(answer, error)

        timer = process.after(
            timeout * 1_000, answer, TimeoutError(errno.ETIMEDOUT, f"cannot connect to {where}: timed out")
        )
        connection = SimConnection(
            fabric, process, session, Address(self._host, fabric.free_port(self._host)), where
        )
        fabric.schedule.after(fabric.weather.micros(fabric.chance), knock)
        error = await answered
        timer.cancel()
        if error is not None:
            connection.forget()
            raise error
        return connection
