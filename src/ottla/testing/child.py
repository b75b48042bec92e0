"""The process of a broker of its own (`testing.outside`): commands come in on stdin, answers leave on stdout, a line each.

It ends when it is told to, or when stdin does: whoever started it is gone then, and so are data that were for the moment.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import shutil
import sys
from typing import Final

import msgspec

from ottla.testing.words import BrokerFailed, Command, Done, Launch, Refused, Stop

LINE_BYTES_MAX: Final = 16 << 20
FATAL: Final = 1
GC_THRESHOLD: Final = 20_000
"""Allocations between young collections: imports make objects that stay, and looking at them delays the start."""

_LAUNCHES: Final = msgspec.json.Decoder(Launch)
_COMMANDS: Final = msgspec.json.Decoder(Command | Stop)

log = logging.getLogger("ottla.node")


async def serve() -> None:
    """From the first line to the last."""
    lines = asyncio.StreamReader(limit=LINE_BYTES_MAX)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    from ottla.testing.hosted import HostedNode  # the node: with all it imports most of the start

    launch = _LAUNCHES.decode(await lines.readline())
    node = HostedNode(launch, end_at_once)
    try:
        await node.start()
    except BrokerFailed as failure:
        say(Refused(str(failure)))
        return
    say(Done())
    while line := await lines.readline():
        command = _COMMANDS.decode(line)
        if isinstance(command, Stop):
            await node.stop()
            say(Done())
            return
        try:
            say(Done(await node.carry_out(command)))
        except BrokerFailed as failure:
            say(Refused(str(failure)))
    await node.crash()
    if launch.temporary is not None:
        shutil.rmtree(launch.temporary, ignore_errors=True)


def end_at_once(reason: str) -> None:
    log.critical("the broker cannot go on: %s", reason)
    logging.shutdown()
    os._exit(FATAL)


def say(word: Done | Refused) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(word) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    gc.set_threshold(GC_THRESHOLD, 10, 10)  # before the node is imported
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asyncio.run(serve())
