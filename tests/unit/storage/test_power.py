"""A power cut takes what was not synced, on a disk that gives no more than POSIX promises: nothing that was flushed
is gone, neither records nor the names of files, and what finds records still finds them."""

from __future__ import annotations

import pytest

from ottla.broker.storage.log import Log
from ottla.core.log.config import LogConfig
from ottla.sim.chance import SeededChance
from tests.unit.storage.logs import TOPIC_ID, WALL, Shelf, append, batch, contents
from tests.unit.storage.test_log import on_loop

SEEDS = range(12)


async def cut_power(shelf: Shelf, seed: int) -> Log:
    shelf.store.abandon()
    shelf.disk.lose_power(SeededChance(seed))
    await shelf.open()
    found = shelf.store.get("orders", 0)
    assert found is not None, "the log is gone"
    return found


@pytest.mark.parametrize("seed", SEEDS)
@on_loop
async def test_the_first_flush_of_a_log_makes_its_directory_durable(seed: int) -> None:
    shelf = Shelf()
    log = await shelf.log()
    append(log, b"a")
    await log.flush()
    assert contents(await cut_power(shelf, seed)) == [(0, b"a")]


@pytest.mark.parametrize("seed", SEEDS)
@on_loop
async def test_a_segment_that_was_made_before_a_kill_is_durable_after_a_flush(seed: int) -> None:
    shelf = Shelf(config=LogConfig(segment_bytes=100))
    log = await shelf.log()
    append(log, b"a")
    await log.flush()
    append(log, b"b")
    log = await shelf.restart(clean=False)
    await log.flush()
    assert contents(await cut_power(shelf, seed)) == [(0, b"a"), (1, b"b")]


@pytest.mark.parametrize("seed", SEEDS)
@on_loop
async def test_times_are_found_in_a_segment_that_was_flushed_before_it_was_closed(seed: int) -> None:
    """Every record is on the platter already when the segment ends: its indexes are not."""
    shelf = Shelf(config=LogConfig(segment_bytes=100))
    log = await shelf.log()
    for slot in range(3):
        log.append(batch(b"x", timestamp=WALL + slot), leader_epoch=0, wall=WALL)
        await log.flush()
        if slot:
            directory = log.directory
            shelf.store._upkeep.write_recovery_points(directory)
    assert len(log.segments) == 3
    log = await cut_power(shelf, seed)
    found = [log.offset_for_timestamp(WALL + slot) for slot in range(3)]
    assert [each and each.offset for each in found] == [0, 1, 2]


@pytest.mark.parametrize("seed", SEEDS)
@on_loop
async def test_whose_log_it_is_is_durable_soon_after_it_was_made(seed: int) -> None:
    shelf = Shelf()
    log = await shelf.log()
    append(log, b"a")
    for _ in range(20):
        await shelf.clock.sleep(0)
    assert (await cut_power(shelf, seed)).topic_id == TOPIC_ID


@pytest.mark.parametrize("seed", SEEDS)
@on_loop
async def test_what_a_process_left_unsynced_is_synced_by_the_first_flush_of_the_next(seed: int) -> None:
    shelf = Shelf()
    log = await shelf.log()
    append(log, b"a", epoch=3)
    log = await shelf.restart(clean=False)
    await log.flush()
    log = await cut_power(shelf, seed)
    assert (log.topic_id, log.leader_epochs.entries(), contents(log)) == (TOPIC_ID, [(3, 0)], [(0, b"a")])


@pytest.mark.parametrize("clean", [True, False])
@on_loop
async def test_a_log_begins_without_what_the_checkpoints_say_of_an_earlier_one(clean: bool) -> None:
    """A topic was deleted and made again before the next checkpoint, and the node died."""
    shelf = Shelf()
    log = await shelf.log()
    append(log, b"a", b"b", b"c")
    log.delete_records_before(2)
    if clean:  # the checkpoints were read at this start, not written since
        await shelf.restart(clean=True)
    else:
        shelf.store._upkeep.write_start_offsets(log.directory)
        shelf.store._upkeep.write_high_watermarks(log.directory)
    shelf.store.delete("orders", 0)
    log = await shelf.log()
    append(log, b"x", b"y", b"z")
    log = await shelf.restart(clean=False)
    assert (log.start_offset, contents(log)) == (0, [(0, b"x"), (1, b"y"), (2, b"z")])


@pytest.mark.parametrize("compacted", [False, True])
@on_loop
async def test_a_power_cut_leaves_no_hole(compacted: bool) -> None:
    """The data of a closed segment are gone, to the batch, and the name of the next one is there. Where compaction is at
    work, that is how a log may look."""
    config = LogConfig(segment_bytes=100, cleanup_policy=frozenset({"compact" if compacted else "delete"}))
    shelf = Shelf(config=config)
    log = await shelf.log()
    for value in (b"a", b"b", b"c"):
        append(log, value)
    shelf.store.abandon()
    shelf.disk.files["/data/orders-0/00000000000000000001.log"].data.clear()
    await shelf.open()
    found = shelf.store.get("orders", 0)
    assert found is not None
    assert contents(found) == ([(0, b"a"), (2, b"c")] if compacted else [(0, b"a")])
    assert found.end_offset == (3 if compacted else 1)


@on_loop
async def test_a_checkpoint_never_lets_recovery_pass_over_a_segment_whose_indexes_wait() -> None:
    shelf = Shelf(config=LogConfig(segment_bytes=100))
    log = await shelf.log()
    append(log, b"a")
    await log.flush()
    assert log.recovery_point == 1
    log.roll(WALL)
    for seed in SEEDS:
        shelf.disk.volume.write_back(SeededChance(seed))
    # The checkpoint of the time when the first segment was the active one is all there is after a power cut.
    shelf.store._upkeep.write_recovery_points(log.directory)
    assert log.directory.read_offsets("recovery-point-offset-checkpoint") == {("orders", 0): 0}
    await log.flush()
    shelf.store._upkeep.write_recovery_points(log.directory)
    assert log.directory.read_offsets("recovery-point-offset-checkpoint") == {("orders", 0): 1}
