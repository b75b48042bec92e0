"""A node with one log directory on a disk that fails on demand: as a process on a mounted one, or inside this process."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ottla.broker.config.load import from_properties
from ottla.broker.formatting.format import format_storage
from ottla.broker.formatting.options import FormatOptions
from ottla.broker.node import Node as InnerNode
from ottla.world.doors import World
from ottla.world.real import real_world
from tests.nodes import CLUSTER_ID, Node, ottla
from tests.system.faulty_disk import FaultyDisk
from tests.system.faulty_door import FaultyDoor

T = TypeVar("T")
SECONDS = 30


class FailingNode(Protocol):
    """What the stories need of either."""

    disk: FaultyDisk | FaultyDoor
    port: int

    def start(self) -> None: ...

    def stop(self) -> None:
        """Suddenly, where that is possible."""
        ...

    def exit_code(self) -> int | None:
        """Wait for the node to end by itself; None when it does not."""
        ...

    def running(self) -> bool: ...

    def said(self) -> str:
        """Its log."""
        ...


def configured(
    directory: Path, disk: FaultyDisk | FaultyDoor, properties: dict[str, str], metadata: bool
) -> Node:
    """The node's properties: two log directories, one of them on the disk."""
    node = Node(directory / "node", ottla())
    failing = disk.path / "logs"
    node.properties |= {
        "log.dirs": f"{node.data},{failing}",
        "metadata.log.dir": str(failing if metadata else node.data),
        "log.retention.check.interval.ms": "500",
        "log.initial.task.delay.ms": "100",
        "log.cleaner.backoff.ms": "300",
        **properties,
    }
    node.write_config()
    return node


class OutsideNode:
    """A real process on a mounted file system."""

    def __init__(self, directory: Path, properties: dict[str, str], *, metadata: bool) -> None:
        self.disk: FaultyDisk | FaultyDoor = FaultyDisk(directory / "faulty")
        self._node = configured(directory, self.disk, properties, metadata)
        self.port = self._node.port

    def start(self) -> None:
        self._node.start()

    def stop(self) -> None:
        self._node.kill()

    def exit_code(self) -> int | None:
        process = self._node.process
        assert process is not None
        try:
            code = process.wait(SECONDS)
        except TimeoutError:
            return None
        self._node.process = None
        return code

    def running(self) -> bool:
        return self._node.process is not None and self._node.process.poll() is None

    def said(self) -> str:
        return self._node.tail(1 << 20)


class InsideNode:
    """A node in a loop of its own in this process, on a Disk door that fails."""

    def __init__(self, directory: Path, properties: dict[str, str], *, metadata: bool) -> None:
        self._door = FaultyDoor(directory / "faulty")
        self.disk: FaultyDisk | FaultyDoor = self._door
        node = configured(directory, self.disk, properties, metadata)
        self.port = node.port
        pairs = (line.split("=", 1) for line in node.config.read_text().splitlines())
        self._settings = from_properties(dict(pairs))
        self._lines: list[str] = []
        self._fatal: list[str] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._formatted = False

    def start(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="node", daemon=True)
        self._thread.start()
        self._handler = _Lines(self._lines)
        logging.getLogger("ottla").addHandler(self._handler)
        self._on_loop(self._start())

    async def _start(self) -> None:
        real = real_world()
        world = World(clock=real.clock, network=real.network, disk=self._door, chance=real.chance)
        if not self._formatted:
            options = FormatOptions(CLUSTER_ID)
            format_storage(self._settings, world.disk, world.chance, options, wall=world.clock.wall)
            self._formatted = True
        self._inner = InnerNode(self._settings, world, on_fatal=self._fatal.append)
        await self._inner.start()

    def stop(self) -> None:
        if self._loop is None:
            return
        try:
            self._on_loop(self._inner.stop())
        finally:
            self._on_loop(_end_tasks())
            loop, self._loop = self._loop, None
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join()
            loop.close()
            logging.getLogger("ottla").removeHandler(self._handler)

    def exit_code(self) -> int | None:
        """As the command line has it: a node that cannot go on is stopped, and that is exit code 1."""
        for _ in range(SECONDS * 10):
            if self._fatal:
                self.stop()
                return 1
            threading.Event().wait(0.1)
        return None

    def running(self) -> bool:
        return self._loop is not None and not self._fatal

    def said(self) -> str:
        return "\n".join(self._lines)

    def _on_loop(self, work: Coroutine[Any, Any, T]) -> T:
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(SECONDS)


class _Lines(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.INFO)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(f"{record.levelname} {record.name}: {record.getMessage()}")


@contextmanager
def failing_node(
    kind: type[OutsideNode | InsideNode], directory: Path, properties: dict[str, str], *, metadata: bool
) -> Iterator[OutsideNode | InsideNode]:
    """Started; whatever happens, all of it is gone afterwards."""
    node = kind(directory, properties, metadata=metadata)
    try:
        node.start()
        yield node
    finally:
        node.disk.heal()
        node.stop()
        node.disk.unmount()


async def _end_tasks() -> None:
    """What a stopped node has cancelled (a round of compaction with a child process, say) comes to its end."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
