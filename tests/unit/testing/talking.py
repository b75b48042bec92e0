"""A connection to a broker under test that speaks in declared messages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from ottla.testing import Broker
from tests.unit.broker.bench import Client


def at(broker: Broker, scenario: Callable[[Client], Coroutine[Any, Any, None]]) -> None:
    """Run a scenario with a connection."""

    async def inside() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", broker.port)
        try:
            await scenario(Client(reader, writer))
        finally:
            writer.close()

    asyncio.run(asyncio.wait_for(inside(), 30))
