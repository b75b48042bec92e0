"""A log on its way to another directory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

import pytest

from ottla.broker.storage.log import Log
from ottla.core.log.config import LogConfig
from ottla.sim.chance import SeededChance
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


@on_loop
async def test_a_log_that_begins_within_a_batch_moves() -> None:
    shelf = Shelf("/one", "/two")
    log = await shelf.log()
    append(log, b"a", b"b", b"c")
    append(log, b"d")
    log.delete_records_before(2)
    shelf.store.move("orders", 0, next(each for each in shelf.store.directories if each is not log.directory))
    await _settled(shelf)
    moved = shelf.store.get("orders", 0)
    assert moved is not None and moved is not log
    assert contents(moved) == [(2, b"c"), (3, b"d")]


@on_loop
async def test_a_log_of_small_segments_moves_and_so_do_batches_larger_than_a_segment_is_today() -> None:
    shelf = Shelf("/one", "/two", config=LogConfig(segment_bytes=1_000))
    log = await shelf.log()
    append(log, b"large" * 100)
    for number in range(20):
        append(log, b"%d" % number)
    log.update_config(LogConfig(segment_bytes=300))
    expected = contents(log)
    shelf.store.move("orders", 0, next(each for each in shelf.store.directories if each is not log.directory))
    await _settled(shelf)
    moved = shelf.store.get("orders", 0)
    assert moved is not None and moved is not log
    assert contents(moved) == expected
    assert moved.config.segment_bytes == 300


@pytest.mark.parametrize("seed", range(20))
@on_loop
async def test_a_power_cut_behind_a_move_leaves_one_whole_log(seed: int) -> None:
    shelf = Shelf("/one", "/two")
    log = await shelf.log()
    append(log, b"a", b"b")
    await log.flush()
    shelf.store.move("orders", 0, next(each for each in shelf.store.directories if each is not log.directory))
    await _settled(shelf)
    moved = shelf.store.get("orders", 0)
    assert moved is not None
    append(moved, b"c")
    await moved.flush()
    shelf.store.abandon()
    shelf.disk.lose_power(SeededChance(seed))
    await shelf.open()
    found = shelf.store.get("orders", 0)
    assert found is not None and contents(found) == [(0, b"a"), (1, b"b"), (2, b"c")]


@pytest.mark.parametrize("seed", range(20))
@on_loop
async def test_a_move_that_is_given_up_for_another_leaves_one_copy(seed: int) -> None:
    shelf = Shelf("/one", "/two", "/three")
    log = await shelf.log()
    append(log, b"a")
    await log.flush()
    others = [each for each in shelf.store.directories if each is not log.directory]
    shelf.store.limit_moves(0)
    for directory in others:
        shelf.store.move("orders", 0, directory)
        await asyncio.sleep(0)
    shelf.store.abandon()
    shelf.disk.lose_power(SeededChance(seed))
    await shelf.open()
    found = shelf.store.get("orders", 0)
    assert found is not None and contents(found) == [(0, b"a")]


@on_loop
async def test_records_deleted_before_a_crash_stay_deleted_in_the_copy() -> None:
    shelf = Shelf("/one", "/two")
    log = await shelf.log()
    for value in (b"a", b"b", b"c"):
        append(log, value)
    log.delete_records_before(2)
    target = next(each for each in shelf.store.directories if each is not log.directory)
    shelf.store.move("orders", 0, target)
    log = await shelf.restart(clean=False)
    assert log.start_offset == 0, "nothing was synced yet"
    shelf.store.start()
    await _settled(shelf)
    new = shelf.store.get("orders", 0)
    assert new is not None and new.directory.path == target.path
    assert new.start_offset == 2 and contents(new) == [(2, b"c")]
    shelf.store.abandon()


@on_loop
async def test_records_deleted_before_a_move_stay_deleted_when_the_node_is_killed_behind_it() -> None:
    shelf = Shelf("/one", "/two")
    log = await shelf.log()
    append(log, b"a", b"b", b"c")
    log.delete_records_before(2)
    shelf.store.start()
    target = next(each for each in shelf.store.directories if each is not log.directory)
    shelf.store.move("orders", 0, target)
    await _settled(shelf)
    again = await shelf.restart(clean=False)
    assert (again.directory.path, again.start_offset) == (target.path, 2)


@pytest.mark.parametrize("seed", range(20))
@on_loop
async def test_what_was_flushed_while_a_copy_was_flushed_outlives_a_power_cut(seed: int) -> None:
    shelf = Shelf("/one", "/two")
    log = await shelf.log()
    append(log, b"a")
    shelf.store.move("orders", 0, next(each for each in shelf.store.directories if each is not log.directory))
    values = [b"a"]
    while shelf.store.futures():
        append(log, b"%d" % len(values))
        values.append(b"%d" % len(values))
        await log.flush()
        moved = shelf.store.get("orders", 0)
        assert moved is not None
        if moved is not log:
            await moved.flush()  # as a partition does whose log moved while it was flushed
            break
    shelf.store.abandon()
    shelf.disk.lose_power(SeededChance(seed))
    await shelf.open()
    found = shelf.store.get("orders", 0)
    assert found is not None and [value for _, value in contents(found)] == values
