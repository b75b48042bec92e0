"""A log on its way to another directory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

import pytest

from ottla.broker.storage.log import Log
from ottla.core.log.config import LogConfig
from tests.unit.storage.logs import WALL, Shelf, append, contents


def on_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


async def _settled(shelf: Shelf) -> None:
    for _ in range(200):
        await asyncio.sleep(0)
        if not shelf.store.futures():
            return
    raise AssertionError("the move does not end")


@on_loop
async def test_a_log_moves_while_it_is_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ottla.broker.storage.moving._CHUNK", 200)
    monkeypatch.setattr("ottla.broker.storage.moving._LAST_CHUNK", 400)
    shelf = Shelf("/one", "/two", config=LogConfig(segment_bytes=500))
    log = await shelf.log()
    for number in range(40):
        append(log, b"%02d" % number * 5, producer_id=3, producer_epoch=0, base_sequence=number)
    moved: list[tuple[Log, Log]] = []
    shelf.store.on_moved(lambda old, new: moved.append((old, new)))
    target = next(each for each in shelf.store.directories if each is not log.directory)
    shelf.store.move("orders", 0, target)
    assert shelf.store.future("orders", 0) is not None
    for number in range(40, 50):
        append(log, b"%02d" % number * 5, epoch=2, producer_id=3, producer_epoch=0, base_sequence=number)
        await asyncio.sleep(0)
    expected = contents(log)
    await _settled(shelf)
    new = shelf.store.get("orders", 0)
    assert new is not None and moved == [(log, new)]
    assert (new.directory, new.path) == (target, f"{target.path}/orders-0")
    assert contents(new) == expected
    assert new.leader_epochs.entries() == [(0, 0), (2, 40)]
    append(new, b"after", epoch=2, producer_id=3, producer_epoch=0, base_sequence=50)
    for clean in (False, True):
        again = await shelf.restart(clean=clean)
        assert again.directory.path == target.path
        assert [offset for offset, _ in contents(again)] == list(range(51))


@on_loop
async def test_moves_copy_no_faster_than_they_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ottla.broker.storage.moving._CHUNK", 200)
    monkeypatch.setattr("ottla.broker.storage.moving._LAST_CHUNK", 400)
    shelf = Shelf("/one", "/two")
    log = await shelf.log()
    for number in range(40):
        append(log, b"%02d" % number * 5)
    began = shelf.clock.now()
    shelf.store.limit_moves(0)
    shelf.store.move("orders", 0, next(each for each in shelf.store.directories if each is not log.directory))
    copy = shelf.store.future("orders", 0)
    assert copy is not None
    for _ in range(20):
        shelf.clock.pass_ms(100)
        await asyncio.sleep(0)
    assert copy.size == 0, "no rate, no copying"
    shelf.store.limit_moves(1000)
    began = shelf.clock.now()
    while shelf.store.futures():
        shelf.clock.pass_ms(10)
        for _ in range(5):
            await asyncio.sleep(0)
        passed = shelf.clock.now() - began
        assert passed < 10_000
    assert passed >= log.size - 400 - 200
    moved = shelf.store.get("orders", 0)
    assert moved is copy and [offset for offset, _ in contents(moved)] == list(range(40))


@on_loop
async def test_a_move_goes_on_after_a_restart() -> None:
    shelf = Shelf("/one", "/two")
    log = await shelf.log()
    append(log, b"a")
    target = next(each for each in shelf.store.directories if each is not log.directory)
    shelf.store.move("orders", 0, target)
    log = await shelf.restart(clean=False)
    assert log.directory.path != target.path
    shelf.store.start()
    await _settled(shelf)
    new = shelf.store.get("orders", 0)
    assert new is not None and new.directory.path == target.path and contents(new) == [(0, b"a")]
    shelf.store.abandon()


@on_loop
async def test_a_crash_between_the_two_renames_is_finished_by_the_next_start() -> None:
    shelf = Shelf("/one", "/two")
    log = await shelf.log()
    append(log, b"a")
    target = next(each for each in shelf.store.directories if each is not log.directory)
    shelf.store.move("orders", 0, target)
    copy = shelf.store.future("orders", 0)
    assert copy is not None
    copy.append_as_follower(shelf.disk.open(log.segments[0].path(".log")).read(1000, 0), wall=WALL)
    shelf.disk.rename(log.path, f"{log.directory.path}/orders-0.{'0' * 32}-delete")
    log = await shelf.restart(clean=False)
    assert log.path == f"{target.path}/orders-0" and contents(log) == [(0, b"a")]
    assert shelf.store.futures() == []


@on_loop
async def test_a_move_back_is_given_up() -> None:
    shelf = Shelf("/one", "/two")
    log = await shelf.log()
    append(log, b"a")
    target = next(each for each in shelf.store.directories if each is not log.directory)
    shelf.store.move("orders", 0, target)
    shelf.store.move("orders", 0, log.directory)
    assert shelf.store.futures() == [] and shelf.store.get("orders", 0) is log
    await asyncio.sleep(0)
    assert contents(log) == [(0, b"a")]
