"""Disks that are full, that fail, that lose power; directories that go and partitions that stay."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

import pytest

from ottla.broker.storage import rolling
from ottla.broker.storage.answers import Origin
from ottla.broker.storage.directory import LogDirectory
from ottla.broker.storage.opening import DirectoryRefused, read_meta_properties
from ottla.broker.storage.store import LogStore
from ottla.core.log.config import LogConfig
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.records.control import EndTransaction, build_end_transaction
from tests.unit.storage.logs import TOPIC_ID, WALL, Shelf, append, batch, contents, turns
from tests.unit.storage.world import MemoryDisk, VolumeFile

LOG_FILE = "/data/orders-0/00000000000000000000.log"


def on_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


@on_loop
async def test_a_full_disk_fails_the_append_and_nothing_else() -> None:
    shelf = Shelf()
    log = await shelf.log()
    append(log, b"a")
    size = len(shelf.disk.files[LOG_FILE].data)
    shelf.disk.room = 40
    with pytest.raises(KafkaError) as refused:
        append(log, b"b")
    assert refused.value.code == ErrorCode.KAFKA_STORAGE_ERROR
    assert len(shelf.disk.files[LOG_FILE].data) == size, "the torn batch is taken out"
    assert log.directory.online and contents(log) == [(0, b"a")]
    shelf.disk.room = None
    assert append(log, b"b") == 1
    assert contents(log) == [(0, b"a"), (1, b"b")]


@on_loop
async def test_a_full_disk_while_rolling_keeps_the_old_segment() -> None:
    shelf = Shelf(config=LogConfig(segment_bytes=100))
    log = await shelf.log()
    append(log, b"x" * 20, producer_id=1, producer_epoch=0, base_sequence=0)
    shelf.disk.room = 0
    for _ in range(2):
        with pytest.raises(KafkaError):
            append(log, b"y" * 20, producer_id=1, producer_epoch=0, base_sequence=1)
    shelf.disk.room = None
    assert append(log, b"y" * 20, producer_id=1, producer_epoch=0, base_sequence=1) == 1
    assert [segment.base_offset for segment in log.segments] == [0, 1]
    assert [value for _, value in contents(await shelf.restart(clean=False))] == [b"x" * 20, b"y" * 20]


@on_loop
@pytest.mark.parametrize("removed", [True, False])
async def test_what_a_failed_roll_leaves_is_not_the_end_of_the_log(
    monkeypatch: pytest.MonkeyPatch, removed: bool
) -> None:
    """`removed`: as it should be; else as after a power cut that brings the names back."""
    if not removed:
        monkeypatch.setattr(rolling, "_unmake", lambda *_: None)
    shelf = Shelf(config=LogConfig(segment_bytes=200))
    log = await shelf.log()
    append(log, b"x" * 20, producer_id=1, producer_epoch=0, base_sequence=0)
    shelf.disk.room = 40  # for the last entry of the time index, not for the snapshot
    with pytest.raises(KafkaError):
        append(log, b"y" * 60, producer_id=1, producer_epoch=0, base_sequence=1)
    names = [name for name in shelf.disk.files if "/00000000000000000001." in name]
    assert bool(names) is not removed
    shelf.disk.room = None
    assert append(log, b"z", producer_id=1, producer_epoch=0, base_sequence=1) == 1
    await log.flush()
    log = await shelf.restart(clean=False)
    assert [value for _, value in contents(log)] == [b"x" * 20, b"z"]
    assert append(log, b"y" * 60, producer_id=1, producer_epoch=0, base_sequence=2) == 2


@on_loop
async def test_a_full_disk_keeps_the_checkpoints_of_before() -> None:
    shelf = Shelf()
    log = await shelf.log()
    append(log, b"a")
    await log.flush()
    shelf.store.start()
    shelf.clock.pass_ms(130_000)
    await asyncio.sleep(0.01)
    append(log, b"b")
    await log.flush()
    shelf.disk.room = 3
    shelf.clock.pass_ms(130_000)
    await asyncio.sleep(0.01)
    assert log.directory.online and contents(log) == [(0, b"a"), (1, b"b")]
    shelf.disk.room = None
    log = await shelf.restart(clean=False)
    assert contents(log) == [(0, b"a"), (1, b"b")]


@on_loop
async def test_who_gives_up_waiting_for_a_flush_takes_nobody_along(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf()
    log = await shelf.log()
    append(log, b"a")
    disk_works = asyncio.Event()
    sync_now = VolumeFile.sync_now

    async def sync(file: VolumeFile) -> None:
        await disk_works.wait()
        sync_now(file)

    monkeypatch.setattr(VolumeFile, "sync", sync)
    first, second, third = (asyncio.create_task(log.flush()) for _ in range(3))
    await turns()
    second.cancel()
    await turns()
    disk_works.set()
    await asyncio.gather(first, third)
    assert second.cancelled() and log.recovery_point == 1


@on_loop
async def test_frequent_checkpoints_are_synced_off_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf()
    log = await shelf.log()
    append(log, b"a")
    held_up: list[str] = []
    sync_now = VolumeFile.sync_now

    async def sync(file: VolumeFile) -> None:
        await asyncio.sleep(0)
        sync_now(file)

    monkeypatch.setattr(VolumeFile, "sync", sync)
    monkeypatch.setattr(VolumeFile, "sync_now", lambda file: held_up.append(file.path))
    shelf.store.start()
    await asyncio.sleep(0)
    for _ in range(10):
        shelf.clock.pass_ms(5_000)
        for _ in range(10):
            await asyncio.sleep(0)
    checkpoint = shelf.disk.files["/data/replication-offset-checkpoint"]
    assert checkpoint.data == checkpoint.platter == b"0\n1\norders 0 1\n"
    assert held_up == []
    shelf.store.abandon()


@on_loop
async def test_retention_and_deleted_records_make_room_on_a_full_disk() -> None:
    shelf = Shelf(config=LogConfig(segment_bytes=100, retention_bytes=150, file_delete_delay_ms=0))
    log = await shelf.log()
    for epoch in range(4):
        append(log, b"x" * 20, epoch=epoch)
    shelf.disk.room = 0
    assert log.apply_retention(WALL) == 2
    assert log.start_offset == 2 and log.directory.online
    assert log.delete_records_before(3) == 3
    shelf.disk.room = None
    assert append(log, b"y" * 20, epoch=4) == 4
    log = await shelf.restart(clean=True)
    assert [value for _, value in contents(log)] == [b"x" * 20, b"x" * 20, b"y" * 20][-2:]
    assert log.leader_epochs.entries()[0][1] >= log.start_offset


@on_loop
async def test_a_full_disk_keeps_epochs_and_aborted_transactions_in_mind() -> None:
    shelf = Shelf()
    log = await shelf.log()
    append(log, b"in", producer_id=5, producer_epoch=0, base_sequence=0, transactional=True)
    marker = build_end_transaction(5, 0, EndTransaction(committed=False, coordinator_epoch=0), WALL)
    shelf.disk.room = len(marker)
    log.append(marker, leader_epoch=0, origin=Origin.COORDINATOR, wall=WALL)
    assert log.aborted_transactions(0, 2) == [(5, 0, 1, 2)]
    with pytest.raises(KafkaError):
        append(log, b"b", epoch=8)
    shelf.disk.room = None
    append(log, b"c", epoch=8)
    log = await shelf.restart(clean=True)
    assert log.aborted_transactions(0, 2) == [(5, 0, 1, 2)]
    assert log.leader_epochs.latest == 8


@on_loop
async def test_a_disk_error_takes_the_directory_offline_once() -> None:
    shelf = Shelf()
    log = await shelf.log()
    append(log, b"a")
    heard: list[LogDirectory] = []
    shelf.store.on_offline(heard.append)
    shelf.disk.broken = True
    for _ in range(2):
        with pytest.raises(KafkaError) as refused:
            append(log, b"b")
        assert refused.value.code == ErrorCode.KAFKA_STORAGE_ERROR
    assert heard == [log.directory] and not log.directory.online
    shelf.disk.broken = False
    assert contents(log) == [(0, b"a")], "what can still be read is read"
    with pytest.raises(KafkaError):
        append(log, b"b")


class _FailingSync(VolumeFile):
    async def sync(self) -> None:
        raise OSError(28, "No space left on device", self.path)


@on_loop
async def test_a_failed_sync_is_final_even_on_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf()
    log = await shelf.log()
    append(log, b"a")
    monkeypatch.setattr(VolumeFile, "sync", _FailingSync.sync)
    answers = await asyncio.gather(log.flush(), log.flush(), return_exceptions=True)
    assert [getattr(answer, "code", None) for answer in answers] == [ErrorCode.KAFKA_STORAGE_ERROR] * 2
    assert not log.directory.online and log.recovery_point == 0


@on_loop
async def test_new_logs_go_where_there_are_fewest_and_survive_restarts() -> None:
    shelf = Shelf("/one", "/two", "/three")
    await shelf.open()
    for partition in range(7):
        append(await shelf.log(partition=partition), b"%d" % partition)
    homes = [log.directory.path for log in shelf.store.logs()]
    assert sorted(homes.count(path) for path in shelf.paths) == [2, 2, 3]
    ids = {directory.path: directory.id for directory in shelf.store.directories}
    await shelf.restart(clean=True)
    assert {directory.path: directory.id for directory in shelf.store.directories} == ids
    assert len(set(ids.values())) == 3
    assert [contents(log) for log in sorted(shelf.store.logs(), key=lambda log: log.partition)] == [
        [(0, b"%d" % partition)] for partition in range(7)
    ]


@on_loop
async def test_a_directory_of_another_cluster_or_node_or_process_is_refused() -> None:
    shelf = Shelf()
    await shelf.open()
    other = LogStore(shelf.disk, shelf.clock, shelf.chance)
    with pytest.raises(DirectoryRefused, match="in use"):
        await other.open(["/data"], cluster_id="cluster", node_id=1)
    await shelf.store.close(broker_epoch=5)
    with pytest.raises(DirectoryRefused, match="cluster cluster"):
        await other.open(["/data"], cluster_id="else", node_id=1)
    with pytest.raises(DirectoryRefused, match="node 1"):
        await other.open(["/data"], cluster_id="cluster", node_id=2)
    await other.open(["/data"], cluster_id="cluster", node_id=1)
    assert other.clean_shutdown_epoch == 5
    await other.load(lambda topic: shelf.config)
    other.abandon()
    again = LogStore(shelf.disk, shelf.clock, shelf.chance)
    await again.open(["/data"], cluster_id="cluster", node_id=1)
    assert again.clean_shutdown_epoch == -1


@on_loop
async def test_a_log_that_may_lie_on_an_offline_directory_is_not_made_anew() -> None:
    shelf = Shelf("/one", "/two")
    store = await shelf.open()
    one, two = store.directories
    log = store.create("orders", 0, TOPIC_ID, shelf.config, assigned=two.id)
    assert log.directory is two
    two.fail("testing", OSError(5, "Input/output error"))
    with pytest.raises(KafkaError) as refused:
        store.create("orders", 1, TOPIC_ID, shelf.config, assigned=two.id)
    assert refused.value.code == ErrorCode.KAFKA_STORAGE_ERROR
    assert store.create("orders", 1, TOPIC_ID, shelf.config, assigned=ZERO_UUID).directory is one


@on_loop
async def test_meta_properties_of_version_0_are_read_and_version_1_is_written() -> None:
    disk = MemoryDisk()
    disk.make_directory("/data")
    disk.open("/data/meta.properties", create=True).write(
        [b"version=0\nbroker.id=1\ncluster.id=cluster\n"], 0
    )
    shelf = Shelf(disk=disk)
    await shelf.open()
    written = read_meta_properties(disk, "/data")
    assert written is not None
    assert (written.version, written.node_id, written.cluster_id) == (1, 1, "cluster")
    assert written.directory_id == shelf.store.directories[0].id


@on_loop
async def test_a_deleted_log_can_be_made_anew_at_once() -> None:
    shelf = Shelf()
    append(await shelf.log(), b"old")
    shelf.store.delete("orders", 0)
    other = Uuid(bytes(range(1, 17)))
    fresh = shelf.store.create("orders", 0, other, shelf.config)
    assert contents(fresh) == []
    with pytest.raises(KafkaError) as refused:
        shelf.store.create("orders", 0, TOPIC_ID, shelf.config)
    assert refused.value.code == ErrorCode.INCONSISTENT_TOPIC_ID
    assert any(name.endswith("-delete") for name in shelf.disk.list("/data"))
    shelf.clock.pass_ms(60_000)
    await turns()
    assert not any(name.endswith("-delete") for name in shelf.disk.list("/data"))


@on_loop
async def test_leftovers_of_a_deletion_go_at_the_next_start() -> None:
    shelf = Shelf()
    append(await shelf.log(), b"old")
    shelf.store.delete("orders", 0)
    shelf.clock.pass_ms(1)
    shelf.store.abandon()
    await shelf.open()
    shelf.clock.pass_ms(1)
    await turns()
    assert not any(name.endswith("-delete") for name in shelf.disk.list("/data"))
    assert shelf.store.logs() == []


@on_loop
async def test_stray_logs_are_kept_under_another_name() -> None:
    shelf = Shelf()
    append(await shelf.log(), b"lost")
    await shelf.store.close()
    store = shelf.store = LogStore(shelf.disk, shelf.clock, shelf.chance)
    await store.open(["/data"], cluster_id="cluster", node_id=1)
    await store.load(lambda topic: shelf.config, lambda log: True)
    assert store.logs() == []
    assert [name for name in shelf.disk.list("/data") if name.endswith("-stray")]


@on_loop
async def test_damage_in_the_middle_ends_the_log_there() -> None:
    shelf = Shelf(config=LogConfig(segment_bytes=100))
    log = await shelf.log()
    for number in range(5):
        append(log, b"%d" % number * 20)
    shelf.disk.files["/data/orders-0/00000000000000000002.log"].data[-1] ^= 1
    log = await shelf.restart(clean=False)
    assert [offset for offset, _ in contents(log)] == [0, 1]
    assert append(log, b"again") == 2


@on_loop
async def test_a_missing_index_is_rebuilt_even_after_an_orderly_stop() -> None:
    shelf = Shelf(config=LogConfig(segment_bytes=400, index_interval_bytes=1))
    log = await shelf.log()
    for number in range(20):
        append(log, b"%02d" % number * 20, timestamp=WALL + number)
    await shelf.store.close()
    saved = {
        path: bytes(inode.data)
        for path, inode in shelf.disk.files.items()
        if path.endswith(("index", ".snapshot"))
    }
    for path in ("00000000000000000000.index", "00000000000000000003.timeindex"):
        del shelf.disk.files[f"/data/orders-0/{path}"]
    await shelf.open()
    again = {path: bytes(shelf.disk.files[path].data) for path in saved}
    assert again == saved
    found = shelf.store.get("orders", 0)
    assert found is not None and [offset for offset, _ in contents(found)] == list(range(20))


@on_loop
async def test_recovery_does_not_care_how_often_it_is_interrupted() -> None:
    shelf = Shelf(config=LogConfig(segment_bytes=300, index_interval_bytes=1))
    log = await shelf.log()
    for number in range(30):
        append(log, b"%02d" % number * 10, producer_id=1, producer_epoch=0, base_sequence=number)
    wanted = contents(log)
    for _ in range(3):
        log = await shelf.restart(clean=False)
        assert contents(log) == wanted
        state = log.producers.get(1)
        assert state is not None and state.last_sequence == 29


@on_loop
async def test_the_high_watermark_and_start_offset_come_back_from_their_checkpoints() -> None:
    shelf = Shelf()
    log = await shelf.log()
    append(log, b"a")
    append(log, b"b")
    log.append(batch(b"c"), leader_epoch=0, wall=WALL)
    log.delete_records_before(1)
    log = await shelf.restart(clean=True)
    assert (log.start_offset, log.high_watermark, log.end_offset) == (1, 2, 3)


@on_loop
async def test_thousands_of_partitions_are_deleted_a_few_a_turn() -> None:
    shelf = Shelf()
    await shelf.open()
    for partition in range(200):
        append(await shelf.log(partition=partition), b"v")
    turn = [0]

    def watch(operation: str, path: str) -> None:
        turn[-1] += operation == "rename" and path.count("/") == 2

    shelf.disk.volume.watch = watch
    for partition in range(200):
        shelf.store.delete("orders", partition)
    fresh = shelf.store.create("orders", 199, Uuid(bytes(range(1, 17))), shelf.config)
    assert turn.pop() == 1, "the name that is wanted again is freed at once"
    for _ in range(10):
        turn.append(0)
        shelf.clock.pass_ms(0)
    assert sum(turn) == 199 and max(turn) <= 32
    assert contents(fresh) == [] and [log.partition for log in shelf.store.logs()] == [199]
    await shelf.store.close()
    names = [name for name in shelf.disk.list("/data") if name.startswith("orders-")]
    assert [name for name in names if not name.endswith("-delete")] == ["orders-199"]


@on_loop
async def test_a_deletion_that_finds_no_room_or_no_disk_is_no_error() -> None:
    shelf = Shelf()
    append(await shelf.log(), b"v")
    append(await shelf.log(partition=1), b"v")
    shelf.disk.volume.fail_next = ("rename", 28)
    shelf.store.delete("orders", 0)
    shelf.clock.pass_ms(1)
    assert shelf.disk.exists("/data/orders-0") and shelf.store.directories[0].online
    shelf.clock.pass_ms(5_000)
    assert not shelf.disk.exists("/data/orders-0"), "it was tried again"
    shelf.disk.volume.fail_next = ("rename", 5)
    shelf.store.delete("orders", 1)
    shelf.clock.pass_ms(1)
    assert not shelf.store.directories[0].online


@on_loop
async def test_a_read_that_fails_fails_alone(caplog: pytest.LogCaptureFixture) -> None:
    shelf = Shelf()
    log = await shelf.log()
    append(log, b"a")
    log.cursors.clear()
    for _ in range(50):
        shelf.disk.volume.fail_next = ("read", 5)
        with pytest.raises(KafkaError) as refused:
            log.read(0, 1000)
        assert refused.value.code == ErrorCode.KAFKA_STORAGE_ERROR
    assert log.directory.online and contents(log) == [(0, b"a")]
    assert append(log, b"b") == 1
    assert len([record for record in caplog.records if "could not be read" in record.message]) == 1


@on_loop
async def test_an_append_that_cannot_look_at_its_segment_leaves_the_log_as_it_was() -> None:
    shelf = Shelf(config=LogConfig(index_interval_bytes=1))
    log = await shelf.log()
    for number in range(4):
        append(log, b"%d" % number, timestamp=WALL + number)
    for operation in ("open", "read", "stat", "write"):
        for later in range(3):
            log = await shelf.restart(clean=True)
            before = contents(log)
            shelf.disk.volume.fail_next = (operation, 5 if operation != "write" else 28)
            try:
                append(log, b"new", timestamp=WALL + 100 + later)
            except KafkaError:
                assert contents(log) == before
            shelf.disk.volume.fail_next = None
            append(log, b"after", timestamp=WALL + 200 + later)
            found = contents(log)
            assert [offset for offset, _ in found] == list(range(len(found)))


@on_loop
async def test_recovery_points_that_a_truncation_took_back_do_not_come_again() -> None:
    shelf = Shelf()
    log = await shelf.log()
    for _ in range(5):
        append(log, b"v")
    await log.flush()
    path = "/data/recovery-point-offset-checkpoint"
    done: list[bool] = []

    def watch(operation: str, synced: str) -> None:
        if operation == "sync" and synced == path + ".tmp" and not done:
            done.append(True)
            log.truncate_to(2, wall=WALL)

    shelf.disk.volume.watch = watch
    shelf.store.start()
    shelf.clock.pass_ms(60_000)
    await turns()
    shelf.clock.pass_ms(60_000)
    await turns()
    assert done and int(shelf.disk.files[path].data.split()[-1]) <= 2
    shelf.store.abandon()


@on_loop
async def test_a_directory_that_was_never_formatted_is_not_taken() -> None:
    shelf = Shelf("/one", "/two")
    append(await shelf.log(), b"v")
    await shelf.store.close()
    mounted = shelf.disk.volume.root.entries.pop("two")
    for _ in range(2):
        with pytest.raises(DirectoryRefused, match="/two is not formatted"):
            await shelf.open()
        assert not shelf.disk.volume.locks, "the other directory is let go of"
        shelf.disk.make_directory("/two")
    shelf.disk.volume.root.entries["two"] = mounted
    await shelf.open()


@on_loop
async def test_a_start_after_a_crash_needs_no_room() -> None:
    shelf = Shelf(config=LogConfig(segment_bytes=400, index_interval_bytes=1))
    log = await shelf.log()
    for number in range(12):
        append(
            log, b"%d" % number * 20, epoch=number // 5, producer_id=1, producer_epoch=0, base_sequence=number
        )
    wanted = contents(log)
    shelf.store.abandon()
    for room in (0, 1, 30, 200):
        shelf.disk.room = room
        log = await shelf.restart(clean=False) if shelf.store.online_directories() else log
        assert contents(log) == wanted and log.directory.online
        assert log.read(7, 10).records is not None
        state = log.producers.get(1)
        assert state is not None and state.last_sequence == 11
    with pytest.raises(KafkaError):
        append(log, b"no" * 200)
    shelf.disk.room = None
    assert append(log, b"yes", epoch=3) == 12
    assert len(contents(await shelf.restart(clean=True))) == 13
