"""A broker for tests: `with Broker() as broker`, and any Kafka client can connect to `broker.bootstrap_servers`.

It is the real thing, on a port of loopback that nobody else has, with its data in a temporary directory. It lives on a thread
of its own in this process, or with `child=True` in a process of its own, for tests that measure, fork or kill.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from ottla.testing.faults import Faults
from ottla.testing.inside import Inside
from ottla.testing.outside import Outside
from ottla.testing.port import LOOPBACK, ReservedPort
from ottla.testing.properties import properties_of
from ottla.testing.words import (
    BrokerFailed,
    Command,
    CreateTopic,
    DeleteTopic,
    Launch,
    ListTopics,
    Reset,
)

if TYPE_CHECKING:
    from ottla.world.doors import DirectoryLock

PREFIX: Final = "ottla-test-"
DATA: Final = "data"
LOG: Final = "broker.log"
"""What a broker in a process of its own has to say; beside temporary data, among kept ones."""


class Broker:
    """A broker that is started, stopped, killed, reset, and fails on demand.

    `properties` are laid over Kafka's `server.properties`, with defaults that make tests quick (`testing.properties`).
    `data_dir` keeps the data there; without it they vanish when the broker is closed. `port` is for those who must know
    it beforehand. All methods may be called from any thread and take milliseconds (a start 0.1 s); each raises
    `BrokerFailed` when the broker cannot do what is asked.
    """

    def __init__(
        self,
        properties: Mapping[str, str] | None = None,
        *,
        child: bool = False,
        data_dir: str | os.PathLike[str] | None = None,
        port: int = 0,
    ) -> None:
        self.properties = dict(properties or {})
        self.child = child
        self.faults = Faults(self._ask)
        self._kept = None if data_dir is None else os.path.abspath(data_dir)
        self._wanted_port = port
        self._port: ReservedPort | None = None
        self._directory: str | None = None
        self._temporary: str | None = None
        self._remove: weakref.finalize[..., Broker] | None = None
        self._running: Inside | Outside | None = None

    # -- where it is

    @property
    def bootstrap_servers(self) -> str:
        """`host:port`, for `bootstrap.servers`. Stays the same until the broker is closed. Raises BrokerFailed before it
        was first started."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def port(self) -> int:
        if self._port is None:
            raise BrokerFailed("the broker was not started")
        return self._port.number

    @property
    def data_dir(self) -> str:
        """Its `log.dirs`, unless a property says otherwise."""
        if self._directory is None:
            raise BrokerFailed("the broker was not started")
        return self._directory

    @property
    def running(self) -> bool:
        return self._running is not None

    # -- life

    def start(self) -> None:
        """Serve clients when this returns. After `stop` or `kill`: with the data and on the port of before."""
        if self._running is not None:
            raise BrokerFailed("the broker runs already")
        if self._port is None:
            self._port = ReservedPort(self._wanted_port)
        if self._directory is None:
            self._directory = self._kept or self._make_temporary()
        properties = properties_of(self._directory, self._port.number, self.properties)
        launch = Launch(properties, self._port.number, temporary=self._temporary)
        if self.child:
            os.makedirs(self._directory, exist_ok=True)
            self._running = Outside(launch, os.path.join(self._temporary or self._directory, LOG))
        else:
            self._running = Inside(launch)

    def stop(self) -> None:
        """End cleanly; the data stay, `start` goes on with them."""
        running, self._running = self._alive(), None
        running.stop()

    def kill(self) -> None:
        """End suddenly: a child process by SIGKILL, a thread as nearly so as a thread can. The data stay; what was
        acknowledged is there after `start`."""
        running, self._running = self._alive(), None
        running.kill()

    def restart(self) -> None:
        """Stop, and start again. Faults are gone then."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop, remove the temporary data, give back the port. What is closed already stays so."""
        try:
            if self._running is not None:
                self.stop()
        finally:
            if self._port is not None:
                self._port.release()
                self._port = None
            if self._remove is not None:
                self._remove()
            self._directory = self._temporary = self._remove = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.close)

    # -- what is in it

    def create_topic(self, name: str, partitions: int = 1, configs: Mapping[str, str] | None = None) -> None:
        """Raises BrokerFailed when it exists, or cannot."""
        self._ask(CreateTopic(name, partitions, dict(configs or {})))

    def delete_topic(self, name: str) -> None:
        """Raises BrokerFailed when there is none."""
        self._ask(DeleteTopic(name))

    def topics(self) -> list[str]:
        """Their names, sorted, without those of the coordinators."""
        names: list[str] = self._ask(ListTopics())
        return names

    def reset(self) -> None:
        """Forget everything: topics, groups and their offsets, transactions, share groups, dynamic configs, quotas, users;
        lift all faults. Connections stay. Clients of before that still run see their topics and groups deleted; one that
        goes on asking for its topic may bring it back (`auto.create.topics.enable`)."""
        self._ask(Reset())

    # -- inside

    def _ask(self, command: Command) -> Any:
        return self._alive().ask(command)

    def _alive(self) -> Inside | Outside:
        if self._running is None:
            raise BrokerFailed("the broker does not run")
        return self._running

    def _make_temporary(self) -> str:
        from ottla.world.real.leftovers import locked_directory

        self._temporary, lock = locked_directory(tempfile.gettempdir(), PREFIX, time.time())
        self._remove = weakref.finalize(self, _remove, self._temporary, lock)
        return os.path.join(self._temporary, DATA)


def _remove(directory: str, lock: DirectoryLock) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    lock.release()
