"""A whole node that is fed requests where its sockets would hand them over: router, handlers, controller, storage.

What a request may bring about is an answer, which reads as the one its API has, or the end of its connection. A line
of the log with a traceback is a fault, whatever the client is told.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Final

from ottla.broker.context import Caller, CloseConnection
from ottla.broker.router import Pending, Router
from ottla.core.model.parts import Part, size_of
from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.apis import API, ListenerRole
from ottla.core.wire.codec import decode
from ottla.core.wire.headers import header_versions, opening
from ottla.core.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest
from ottla.world.doors import Address, FileSlice
from tests.system.test_node_in_process import Running, settings_of, start

PATIENCE_SECONDS: Final = 0.05
"""What waits longer (a long poll) is given up, as if its client had left."""
STOP_SECONDS: Final = 20
ALONE: Final = {
    "offsets_topic_replication_factor": "1",
    "transaction_state_log_replication_factor": "1",
    "transaction_state_log_min_isr": "1",
    "group_initial_rebalance_delay_ms": "0",
}
"""Coordinators that need no other node."""
HERE: Final = Address("127.0.0.1", 9092)


class Complaints(logging.Handler):
    """Everything logged with a traceback, and every error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record)


class Served:
    """A node of its own on a loop of its own, which runs only while it is asked."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="ottla-fuzz-"))
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(self._fault)
        self.faults: list[BaseException] = []
        self.complaints = Complaints()
        logging.getLogger("ottla").addHandler(self.complaints)
        self.running: Running = self.loop.run_until_complete(start(settings_of(self.directory, **ALONE)))
        self.node = self.running.node
        self.routers: dict[ListenerRole, Router] = {
            listener.role: listener.router for listener in self.node._ports._listeners
        }
        for topic in ("orders", "__consumer_offsets", "__transaction_state"):
            self.loop.run_until_complete(self._create(topic))

    def _fault(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.faults.append(context.get("exception") or RuntimeError(context["message"]))

    async def _create(self, name: str) -> None:
        client = await self.running.client()
        topic = CreatableTopic(name=name, num_partitions=2, replication_factor=1)
        client.send(CreateTopicsRequest(topics=[topic]), 7)
        await client.receive_bytes()

    def stop(self) -> None:
        logging.getLogger("ottla").removeHandler(self.complaints)
        self.loop.run_until_complete(asyncio.wait_for(self.running.stop(), STOP_SECONDS))
        self.loop.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def ask(self, role: ListenerRole, frame: bytes) -> None:
        """Dispatch one request. Raises what the node failed with, if it did."""
        self.complaints.heard.clear()
        self.faults.clear()
        self.loop.run_until_complete(self._ask(role, frame))
        for record in self.complaints.heard:
            fault = record.exc_info[1] if record.exc_info else None
            raise fault or RuntimeError(record.getMessage())
        if self.faults:
            raise self.faults[0]

    async def _ask(self, role: ListenerRole, frame: bytes) -> None:
        router = self.routers[role]
        caller = Caller("PLAINTEXT", role, "PLAINTEXT", Address("127.0.0.1", 7), HERE)
        try:
            outcome = router.dispatch(caller, frame)
            if isinstance(outcome, Pending):
                await asyncio.wait([outcome.future], timeout=PATIENCE_SECONDS)
                if not outcome.future.done():
                    outcome.abandon()
                    return
                outcome = router.finish(outcome)
        except CloseConnection:
            return
        await asyncio.sleep(0)  # what is woken in the next turn
        if outcome is not None:
            check_reply(frame, [outcome] if isinstance(outcome, bytes) else outcome)


def check_reply(frame: bytes, parts: list[Part]) -> None:
    """The reply is one frame that its client can read."""
    data = b"".join(bytes(part.size) if isinstance(part, FileSlice) else bytes(part) for part in parts)  # type: ignore[arg-type]
    assert sum(map(size_of, parts)) == len(data) == 4 + int.from_bytes(data[:4], "big"), (
        "a frame has its size"
    )
    for part in parts:
        if isinstance(part, FileSlice):
            part.release()
    key, version, correlation_id = opening(frame)
    assert data[4:8] == correlation_id.to_bytes(4, "big", signed=True), "a reply names its request"
    api = API[ApiKey(key)]
    if api.serves(version):
        decode(api.response, data, version, 8 + header_versions(api.key, version)[1])


@cache
def served() -> Served:
    """The node of this process. Whoever asks for it says `stop_serving` in the end."""
    return Served()


def stop_serving() -> None:
    if served.cache_info().currsize:
        served().stop()
        served.cache_clear()
