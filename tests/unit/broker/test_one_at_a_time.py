"""Work that many want to be done and one does."""

from __future__ import annotations

import asyncio

import pytest

from ottla.broker.one_at_a_time import OneAtATime
from tests.unit.storage.logs import turns
from tests.unit.storage.world import StillClock


def test_those_who_come_meanwhile_wait_and_one_that_gives_up_takes_nobody_along() -> None:
    async def scenario() -> None:
        shared, may_end, begun = OneAtATime(StillClock()), asyncio.Event(), 0

        async def work() -> None:
            nonlocal begun
            begun += 1
            await may_end.wait()

        first, second, third = (asyncio.create_task(shared.do(work)) for _ in range(3))
        await turns()
        second.cancel()
        await turns()
        assert second.cancelled() and not first.done() and not third.done()
        may_end.set()
        await asyncio.gather(first, third)
        assert begun == 1
        await shared.do(work)
        assert begun == 2

    asyncio.run(scenario())


def test_who_waits_does_not_hear_of_a_failure_and_may_try_itself() -> None:
    async def scenario() -> None:
        shared = OneAtATime(StillClock())

        async def fail() -> None:
            await asyncio.sleep(0)
            raise OSError("no")

        first, second = (asyncio.create_task(shared.do(fail)) for _ in range(2))
        with pytest.raises(OSError, match="no"):
            await first
        await second
        with pytest.raises(OSError, match="no"):
            await shared.do(fail)

    asyncio.run(scenario())
