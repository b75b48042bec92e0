"""The cleaner at work on a store: what it chooses, what the log holds afterwards, what interrupts it."""

from __future__ import annotations

import asyncio
import errno
from typing import Any

import msgspec
import pytest

from ottla.broker.storage.cleaner import CleanerSettings
from ottla.broker.storage.cleaning_child import Throttle
from ottla.broker.storage.log import Log
from ottla.core.log.config import LogConfig
from ottla.core.log.names import CLEANED, CLEANER_FILE, DELETED, LOG, SWAP
from ottla.core.records.batch import read_header
from tests.unit.storage.cleaning import COMPACT, CleaningShelf, put
from tests.unit.storage.logs import TOPIC_ID, WALL, contents, turns
from tests.unit.storage.test_log import on_loop


async def filled(shelf: CleaningShelf, topic: str = "orders", keys: int = 5, records: int = 60) -> Log:
    """A log of several segments in which few keys are written again and again."""
    if not shelf.store.directories:
        await shelf.open()
    log = shelf.store.create(topic, 0, TOPIC_ID, shelf.config)
    for number in range(records):
        put(log, b"k%d" % (number % keys), b"v%d" % number, wall=WALL)
    return log


def newest(log: Log, below: int) -> list[tuple[int, bytes | None]]:
    """Of the records that are there, those the cleaner has to leave: all from offset `below` on, five before that."""
    return [(n, b"v%d" % n) for n in range(below - 5, log.end_offset)]


@on_loop
async def test_of_each_key_the_last_record_stays() -> None:
    shelf = CleaningShelf()
    log = await filled(shelf)
    active = log.active.base_offset
    before = log.size
    assert await shelf.clean(2) == [True, False]
    assert contents(log) == newest(log, active)
    assert log.size < before / 2
    assert log.segments[0].base_offset == 0
    assert shelf.cleaner.last_result is not None
    assert shelf.cleaner.last_result.keys == 5
    assert shelf.disk.files[f"/data/{CLEANER_FILE}"].data == b"0\n1\norders 0 %d\n" % active


@on_loop
async def test_small_segments_become_one_in_the_next_round() -> None:
    shelf = CleaningShelf()
    log = await filled(shelf)
    await shelf.clean()
    emptied = len(log.segments)
    for number in range(60, 75):
        put(log, b"k%d" % (number % 5), b"v%d" % number, wall=WALL)
    active = log.active.base_offset
    assert await shelf.clean() == [True]
    assert len(log.segments) < emptied
    assert contents(log) == newest(log, active)
    assert all(segment.size <= COMPACT.segment_bytes for segment in log.segments)


@on_loop
async def test_readers_at_offsets_that_are_gone_find_the_next_one() -> None:
    shelf = CleaningShelf()
    log = await filled(shelf)
    await shelf.clean()
    first = contents(log)[0][0]
    for offset in range(first):
        read = log.read(offset, 1 << 20)
        assert read.records is not None
        data = read.records.file.read(61, read.records.position)
        read.records.release()
        assert read_header(data).base_offset == first


@on_loop
async def test_old_files_go_after_their_delay_and_nothing_else_is_left() -> None:
    shelf = CleaningShelf()
    log = await filled(shelf)
    await shelf.clean()
    assert shelf.names(log, DELETED)
    shelf.clock.pass_ms(COMPACT.file_delete_delay_ms)
    await turns()
    assert not [name for name in shelf.names(log) if name.endswith((DELETED, CLEANED, SWAP))]
    assert shelf.names(log, LOG) == [f"{segment.base_offset:020d}.log" for segment in log.segments]


@pytest.mark.parametrize("clean", [True, False])
@on_loop
async def test_a_cleaned_log_opens_again(clean: bool) -> None:
    shelf = CleaningShelf()
    log = await filled(shelf)
    await shelf.clean()
    expected = contents(log)
    log = await shelf.restart(clean=clean)
    log.update_high_watermark(log.end_offset)
    assert contents(log) == expected
    assert log.max_timestamp() is not None
    shelf.new_cleaner()
    assert await shelf.clean() == [False]
    for number in range(60, 120):
        put(log, b"k%d" % (number % 5), b"v%d" % number, wall=WALL)
    assert await shelf.clean() == [True]
    assert contents(log) == newest(log, log.active.base_offset)


@on_loop
async def test_the_map_may_be_too_small_for_all_keys() -> None:
    shelf = CleaningShelf(memory=24 * 13)
    log = await filled(shelf, keys=40, records=200)
    rounds = 0
    while await shelf.cleaner.clean_dirtiest():
        rounds += 1
        assert shelf.cleaner.last_result is not None
        assert shelf.cleaner.last_result.keys <= 0.9 * 13
    assert rounds > 3
    cleaned = [pair for pair in contents(log) if pair[0] < log.active.base_offset]
    # Every key once in the clean part, as far as one map could see: nothing newer is hidden, nothing newest is lost.
    assert {b"v%d" % n for n in range(160, 200)} <= {value for _, value in contents(log)}
    assert len(cleaned) < 100


@on_loop
async def test_the_dirtiest_log_is_first_and_others_follow() -> None:
    shelf = CleaningShelf()
    await filled(shelf, "half")
    await shelf.clean()
    for number in range(60, 75):
        put(shelf.store.get("half", 0), b"k%d" % (number % 5), b"", wall=WALL)  # type: ignore[arg-type]
    await filled(shelf, "whole")
    assert await shelf.clean(3) == [True, True, False]
    assert [plan.name for plan in shelf.disk.plans] == ["half-0", "whole-0", "half-0"]
    assert shelf.cleaner.max_dirty_ratio < 0.5


@on_loop
async def test_only_compacted_logs_are_cleaned() -> None:
    shelf = CleaningShelf(LogConfig(segment_bytes=500))
    log = await filled(shelf)
    assert await shelf.clean() == [False]
    assert len(contents(log)) == 60
    log.update_config(COMPACT)
    assert await shelf.clean() == [True]


@on_loop
async def test_tombstones_go_after_delete_retention() -> None:
    shelf = CleaningShelf()
    log = await filled(shelf)
    put(log, b"k1", None, wall=WALL)
    for number in range(20):
        put(log, b"filler", b"%d" % number, wall=WALL)
    await shelf.clean()
    assert (60, None) in contents(log)
    shelf.clock.pass_ms(COMPACT.delete_retention_ms)
    for number in range(20):
        put(log, b"filler", b"%d" % number, wall=WALL)
    assert await shelf.clean() == [True]
    assert (60, None) not in contents(log)


@on_loop
async def test_an_active_producer_keeps_its_sequence() -> None:
    shelf = CleaningShelf()
    log = await filled(shelf)
    put(log, b"k1", b"by producer", wall=WALL, producer_id=7, producer_epoch=0, base_sequence=0)
    for number in range(60):
        put(log, b"k%d" % (number % 5), b"again", wall=WALL)
    await shelf.clean()
    assert b"by producer" not in {value for _, value in contents(log)}
    log = await shelf.restart(clean=False)
    state = log.producers.get(7)
    assert state is not None and state.last_sequence == 0
    put(log, b"k1", b"", wall=WALL, producer_id=7, producer_epoch=0, base_sequence=1)


@on_loop
async def test_compact_and_delete_does_both() -> None:
    both = msgspec.structs.replace(
        COMPACT, cleanup_policy=frozenset({"compact", "delete"}), retention_ms=1000
    )
    shelf = CleaningShelf(both)
    log = await filled(shelf)
    assert await shelf.clean() == [True]
    assert contents(log) == newest(log, log.active.base_offset)
    shelf.clock.pass_ms(2000)
    put(log, b"k", b"young", wall=shelf.clock.wall())
    log.roll(shelf.clock.wall())
    put(log, b"k", b"younger", wall=shelf.clock.wall())
    log.apply_retention(shelf.clock.wall())
    assert [value for _, value in contents(log)][-2:] == [b"young", b"younger"]
    assert log.start_offset > 0
    # The checkpoint lies below the log's start now: no reason to stop.
    assert shelf.cleaner.max_dirty_ratio > 0
    put(log, b"k", b"youngest", wall=shelf.clock.wall())
    log.roll(shelf.clock.wall())
    assert await shelf.clean() == [True]
    assert [value for _, value in contents(log)] == [b"youngest"]


# -- interruptions -----------------------------------------------------------------------------------------------


@on_loop
async def test_a_log_deleted_meanwhile_is_left_alone() -> None:
    shelf = CleaningShelf()
    await filled(shelf)
    shelf.disk.meanwhile = lambda: shelf.store.delete("orders", 0)
    assert await shelf.clean(2) == [False, False]
    assert shelf.store.get("orders", 0) is None
    shelf.cleaner.uncleanable.clear()


@on_loop
@pytest.mark.parametrize("sync", [1, 2])
async def test_a_log_deleted_while_its_names_are_synced_is_no_fault_of_the_disk(
    monkeypatch: pytest.MonkeyPatch, sync: int
) -> None:
    shelf = CleaningShelf()
    log = await filled(shelf)
    run, count = shelf.disk.run, 0

    async def deleting(work: Any, *arguments: Any) -> Any:
        nonlocal count
        if arguments == (log.path,) and shelf.disk.plans:
            count += 1
            if count == sync:
                shelf.store.delete("orders", 0)
                shelf.clock.pass_ms(0)  # its directory gets another name
        return await run(work, *arguments)

    monkeypatch.setattr(shelf.disk, "run", deleting)
    assert await shelf.clean() == [False]
    assert count >= sync and log.closed and log.directory.online


@on_loop
async def test_a_log_deleted_while_others_are_looked_at_is_not_touched() -> None:
    shelf = CleaningShelf()
    await filled(shelf)
    # Enough logs that the loop gets its turn between looking and cleaning.
    for partition in range(1, 70):
        shelf.store.create("orders", partition, TOPIC_ID, shelf.config)
    cleaning = asyncio.create_task(shelf.clean())
    await asyncio.sleep(0)
    shelf.store.delete("orders", 0)
    assert await cleaning == [False]
    assert shelf.store.directories[0].online
    assert shelf.disk.plans == []


@on_loop
async def test_segments_that_retention_took_meanwhile_stay_gone() -> None:
    shelf = CleaningShelf()
    log = await filled(shelf)

    def shorten() -> None:
        log.delete_records_before(20)
        log.apply_retention(WALL)

    shelf.disk.meanwhile = shorten
    assert await shelf.clean() == [False]
    assert not shelf.names(log, CLEANED)
    assert [offset for offset, _ in contents(log)] == list(range(20, 60))
    shelf.disk.meanwhile = lambda: None
    assert await shelf.clean() == [True]
    assert contents(log) == newest(log, log.active.base_offset)


@on_loop
async def test_a_truncation_takes_the_checkpoint_back() -> None:
    shelf = CleaningShelf()
    log = await filled(shelf)
    await shelf.clean()
    log.truncate_to(30, wall=WALL)
    shelf.cleaner.truncated(log, 30)
    assert shelf.disk.files[f"/data/{CLEANER_FILE}"].data.endswith(b"orders 0 30\n")
    shelf.cleaner.truncated(log, 50)
    shelf.cleaner.forget(log)
    assert shelf.disk.files[f"/data/{CLEANER_FILE}"].data == b"0\n0\n"


@on_loop
async def test_a_cleaned_segment_is_as_old_as_the_last_one_in_it() -> None:
    shelf = CleaningShelf()
    log = await filled(shelf)
    for number, segment in enumerate(log.segments, 1):
        shelf.disk.set_modified(segment.path(LOG), number)
    sealed = len(log.segments) - 1
    assert sealed > 1 and await shelf.clean() == [True]
    ages = [shelf.disk.modified(segment.path(LOG)) for segment in log.segments]
    assert ages[-2:] == [sealed, sealed + 1]


@on_loop
async def test_a_cleaner_that_ends_unasked_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = CleaningShelf()
    await filled(shelf)
    assert shelf.cleaner.dead_tasks == 0, "not started yet"
    shelf.cleaner.start()
    await asyncio.sleep(0)
    assert shelf.cleaner.dead_tasks == 0

    async def die(number: int) -> None:
        raise RuntimeError("a bug")

    shelf.cleaner.stop()
    monkeypatch.setattr(shelf.cleaner, "_run", die)
    shelf.cleaner.start()
    task = shelf.cleaner._tasks[0]
    with pytest.raises(RuntimeError):
        await task
    assert shelf.cleaner.dead_tasks == 1
    shelf.cleaner.stop()
    assert shelf.cleaner.dead_tasks == 0


@on_loop
async def test_a_checkpoint_that_finds_no_room_takes_no_directory_offline() -> None:
    shelf = CleaningShelf()
    log = await filled(shelf)
    await shelf.clean()
    log.truncate_to(30, wall=WALL)
    shelf.disk.room = 0
    shelf.cleaner.truncated(log, 25)
    assert log.directory.online
    shelf.disk.room = None
    shelf.cleaner.truncated(log, 20)
    assert shelf.disk.files[f"/data/{CLEANER_FILE}"].data.endswith(b"orders 0 20\n")


@on_loop
async def test_a_damaged_batch_stops_the_cleaning_of_that_log_only() -> None:
    shelf = CleaningShelf()
    log = await filled(shelf)
    other = await filled(shelf, "other", records=50)
    before = contents(log)
    shelf.disk.files[log.segments[1].path(LOG)].data[100] ^= 1
    assert sorted(await shelf.clean(3)) == [False, False, True]
    assert shelf.cleaner.uncleanable == {log.path}
    assert not shelf.names(log, CLEANED)
    assert len(contents(log)) == len(before)
    assert len(contents(other)) < 50


@on_loop
async def test_what_makes_room_for_itself_is_durable_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """A later record condemns an earlier one whose segment is swapped first: a power cut must not take both."""
    shelf = CleaningShelf()
    log = await filled(shelf)
    assert log.recovery_point == 0
    seen: list[int] = []
    child = shelf.disk.child

    async def watched(*arguments: Any) -> bytes:
        seen.append(log.recovery_point)
        return await child(*arguments)

    monkeypatch.setattr(shelf.disk, "child", watched)
    assert await shelf.clean() == [True]
    assert seen and min(seen) >= log.active.base_offset


@on_loop
async def test_a_full_disk_is_waited_for() -> None:
    shelf = CleaningShelf()
    log = await filled(shelf)
    shelf.disk.room = 10
    assert await shelf.clean() == [False]
    assert log.directory.online
    assert not shelf.names(log, CLEANED)
    shelf.disk.room = None
    assert await shelf.clean() == [True]
    assert contents(log) == newest(log, log.active.base_offset)


@on_loop
async def test_a_failing_disk_takes_the_directory_offline() -> None:
    shelf = CleaningShelf()
    log = await filled(shelf)

    def break_disk() -> None:
        shelf.disk.broken = True

    shelf.disk.meanwhile = break_disk
    assert await shelf.clean() == [False]
    assert not log.directory.online
    assert log.directory.failure is not None and str(errno.EIO) in log.directory.failure


@on_loop
async def test_a_stop_at_any_rename_loses_nothing() -> None:
    """Every prefix of the renames that swap a segment in is followed by a start that finds all the records."""
    reached = 0
    for stop_at in range(1, 40):
        shelf = CleaningShelf()
        log = await filled(shelf)
        active = log.active.base_offset
        expected = newest(log, active)
        rename, count = shelf.disk.rename, 0

        def stopping(old: str, new: str, stop_at: int = stop_at, rename=rename) -> None:  # type: ignore[no-untyped-def]
            nonlocal count
            count += 1
            if count == stop_at:
                shelf.disk.broken = True  # noqa: B023
            rename(old, new)

        shelf.disk.rename = stopping  # type: ignore[method-assign]
        finished = await shelf.clean()
        shelf.disk.broken = False
        shelf.disk.rename = rename  # type: ignore[method-assign]
        log = await shelf.restart(clean=False)
        log.update_high_watermark(log.end_offset)
        found = contents(log)
        assert set(expected) <= set(found), f"after {stop_at} renames"
        assert found == sorted(found)
        assert not [name for name in shelf.names(log) if name.endswith((CLEANED, SWAP))]
        if finished == [True]:
            break
        reached = stop_at
    assert reached >= 8


@on_loop
async def test_a_started_cleaner_works_until_it_is_stopped() -> None:
    shelf = CleaningShelf()
    log = await filled(shelf)
    shelf.cleaner.start()
    await turns()
    assert contents(log) == newest(log, log.active.base_offset)
    await filled(shelf, "later")
    shelf.cleaner.update(CleanerSettings(threads=2, backoff_ms=10))
    await turns()
    assert [plan.name for plan in shelf.disk.plans] == ["orders-0", "later-0"]
    assert [plan.memory_bytes for plan in shelf.disk.plans] == [1 << 20, 1 << 26]
    shelf.cleaner.update(CleanerSettings(threads=1))
    shelf.cleaner.stop()
    await filled(shelf, "too late")
    shelf.clock.pass_ms(100_000)
    await turns()
    assert len(shelf.disk.plans) == 2


def test_the_throttle_keeps_to_its_rate() -> None:
    time = 0.0

    def sleep(seconds: float) -> None:
        nonlocal time
        time += seconds

    throttle = Throttle(1000, lambda: time, sleep)
    for _ in range(100):
        throttle.spend(100)
    assert time == pytest.approx(10, abs=0.1)
    unbounded = Throttle(1.7976931348623157e308, lambda: 0.0, sleep)
    unbounded.spend(10**15)
    assert time == pytest.approx(10, abs=0.1)


@on_loop
async def test_a_flush_of_a_log_that_is_deleted_meanwhile_ends() -> None:
    shelf = CleaningShelf()
    log = await filled(shelf)
    flushing = asyncio.create_task(log.flush())
    await asyncio.sleep(0)
    shelf.store.delete("orders", 0)
    await asyncio.wait_for(flushing, 5)
    assert shelf.store.directories[0].online


@on_loop
async def test_what_happens_to_a_log_while_its_swap_is_made_durable_comes_first() -> None:
    shelf = CleaningShelf()
    log = await filled(shelf)
    start = log.segments[1].base_offset

    def watch(operation: str, path: str) -> None:
        if operation == "sync_directory" and shelf.names(log, SWAP):
            log.delete_records_before(start)
            log.apply_retention(WALL)

    shelf.disk.volume.watch = watch
    assert await shelf.clean() == [False]
    shelf.disk.volume.watch = lambda operation, path: None
    wanted = [(n, b"v%d" % n) for n in range(start, 60)]
    assert contents(log) == wanted
    assert not shelf.names(log, SWAP)
    log = await shelf.restart(clean=False)
    assert contents(log) == wanted


@on_loop
async def test_a_swap_that_fails_halfway_is_finished_or_dropped_by_the_next_start() -> None:
    for number in range(1, 12):
        shelf = CleaningShelf()
        log = await filled(shelf)
        needed, there = set(newest(log, log.active.base_offset)), set(contents(log))
        count = 0

        def watch(operation: str, path: str, number: int = number, log: Log = log) -> None:
            nonlocal count
            if operation in ("rename", "sync_directory") and path.startswith(log.path):
                count += 1
                if count == number:
                    raise OSError(5, "Input/output error", path)

        shelf.disk.volume.watch = watch
        await shelf.clean()
        shelf.disk.volume.watch = lambda operation, path: None
        found = contents(await shelf.restart(clean=False))
        assert needed <= set(found) <= there and found == sorted(found)
