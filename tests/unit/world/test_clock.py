"""The Clock door on a running loop."""

from __future__ import annotations

import asyncio

import pytest

from ottla.world.real import real_world


def test_a_timer_finds_its_time_reached_and_a_cancelled_one_stays_silent() -> None:
    async def scenario() -> None:
        clock = real_world().clock
        due = clock.now() + 5
        seen: list[int] = []
        clock.call_at(due, lambda: seen.append(clock.now()))
        clock.call_at(due, lambda: seen.append(-1)).cancel()
        clock.call_at(due - 100, lambda: seen.append(0))
        await clock.sleep(30)
        assert seen[0] == 0
        assert len(seen) == 2
        assert seen[1] >= due

    asyncio.run(scenario())


def test_a_task_nobody_awaits_is_logged_by_its_name(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ValueError("broken")

    async def scenario() -> None:
        clock = real_world().clock
        clock.spawn(fail(), name="retention")
        await clock.sleep(1)
        with pytest.raises(ValueError, match="broken"):
            await clock.spawn(fail(), name="awaited")

    asyncio.run(scenario())
    assert "task 'retention' failed" in caplog.text
    assert "awaited" not in caplog.text
