"""From a command to a running event loop, and from a signal to a clean end.

The one place where the command line meets asyncio: client commands run a coroutine over the real world's doors, the
node commands run a node until SIGTERM or SIGINT. The first signal stops it cleanly, a second one at once.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Protocol, TypeAlias, TypeVar

from ottla.world.doors import World
from ottla.world.real import real_world
from ottla.world.real.memory import keep_large_blocks_apart

T = TypeVar("T")

log = logging.getLogger("ottla.node")


class Runs(Protocol):
    """What can be started and stopped."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


def run(work: Callable[[World], Coroutine[Any, Any, T]]) -> T:
    """Run one client command over the real doors."""

    async def inside() -> T:
        return await work(real_world())

    return asyncio.run(inside())


Build: TypeAlias = "Callable[[World, Callable[[str], None]], Runs]"
"""Makes what runs, of the world and of what it calls when it cannot go on."""


def serve(build: Build, ready: Callable[[Any], None], farewell: Callable[[], None]) -> int:
    """Run what `build` makes until a signal, or until it cannot go on. Returns the process's exit code.

    `ready` is called once it accepts requests, `farewell` before an immediate end forced by a second signal.
    """
    return asyncio.run(_serve(build, ready, farewell))


async def _serve(build: Build, ready: Callable[[Any], None], farewell: Callable[[], None]) -> int:
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()
    signalled = False

    def stop(number: int) -> None:
        nonlocal signalled
        if signalled:
            farewell()
            os._exit(128 + number)
        signalled = True
        log.info("stopping on %s; a second signal ends at once", signal.Signals(number).name)
        end(0)

    def end(code: int) -> None:
        if not ended.done():
            ended.set_result(code)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    node = build(real_world(), lambda reason: end(1))
    starting = loop.create_task(node.start())
    first: set[asyncio.Future[Any]] = {starting, ended}
    await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        return ended.result()
    starting.result()
    settle_memory()
    notify("READY=1")
    ready(node)
    code = await ended
    notify("STOPPING=1")
    await node.stop()
    return code


def settle_memory() -> None:
    """What start-up built stays for good: keep the collector from walking it again and again. The few hundred objects
    among it that are garbage are not worth the walk that would find them, 20 ms with the first clients waiting."""
    gc.freeze()
    keep_large_blocks_apart()


def notify(state: str) -> None:
    """Tell systemd (`Type=notify`) how far we are; nothing happens where nobody listens."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        try:
            door.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)
        except OSError:  # a supervisor that went away must not take the node with it
            return


async def stdin_chunks(size: int = 65_536) -> AsyncIterator[bytes]:
    """Stdin as it comes, up to `size` bytes at a time, while the loop goes on; a regular file is read straight."""
    loop = asyncio.get_running_loop()
    number = sys.stdin.fileno()
    while True:
        ready = loop.create_future()
        try:
            loop.add_reader(number, ready.set_result, None)
        except PermissionError:  # a regular file or /dev/null: always ready
            pass
        else:
            try:
                await ready
            finally:
                loop.remove_reader(number)
        chunk = os.read(number, size)
        if not chunk:
            return
        yield chunk
        await asyncio.sleep(0)
