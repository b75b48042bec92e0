from __future__ import annotations

import asyncio

import pytest

from ottla.broker.quorum.batches import MetadataLogError, build_batch
from ottla.broker.quorum.checkpoints import list_checkpoints
from ottla.broker.quorum.snapshots import SnapshotPolicy
from ottla.broker.storage.answers import Origin
from ottla.core.metadata.delta import Delta
from ottla.core.metadata.image import MetadataImage
from ottla.core.metadata.nouns import NO_LEADER
from ottla.core.metadata.state import MAX_RECORDS_PER_BATCH
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.ids import Uuid
from ottla.core.raft.voters import ReplicaKey, Voter, VoterSet
from ottla.core.records.batch import headers
from ottla.core.wire.messages.create_topics import CreateTopicsRequest
from ottla.core.wire.messages.records.metadata import BeginTransactionRecord, TopicRecord
from ottla.core.wire.metadata_frame import UnknownRecord
from ottla.sim.chance import SeededChance
from tests.unit.quorum.nodes import NAME, PATH, NodeOnDisk, run


def test_a_new_cluster_gets_its_bootstrap_records_in_one_transaction() -> None:
    async def story() -> None:
        node = NodeOnDisk()
        quorum = await node.start()
        assert quorum.image.features == {"metadata.version": 30, "eligible.leader.replicas.version": 1}
        assert quorum.image.config(4, "") == {"min.insync.replicas": "1"}
        assert not quorum.image.brokers[1].fenced
        assert bytes(node.disk.files[f"{PATH}/{NAME}/quorum-state"].data).startswith(
            b'{"clusterId":"","leaderId":1'
        )

    run(story())


def test_what_was_answered_is_there_after_a_power_cut() -> None:
    async def story() -> None:
        chance = SeededChance(5)
        node = NodeOnDisk()
        known: list[str] = []
        for round_ in range(6):
            await node.start()
            assert sorted(node.quorum.image.topics_by_name) == sorted(known)
            for number in range(3):
                assert await node.create(f"t{round_}{number}", 2) == 0
                known.append(f"t{round_}{number}")
            node.disk.lose_power(chance)

    run(story())


def test_an_orderly_restart_keeps_everything_and_begins_a_new_epoch() -> None:
    async def story() -> None:
        node = NodeOnDisk()
        await node.start()
        await node.create("t", 3)
        epoch = node.quorum.facts().epoch
        broker_epoch = node.registration.epoch
        await node.stop()
        quorum = await node.start(previous_epoch=broker_epoch)
        assert quorum.facts().epoch == epoch + 1
        partitions = quorum.image.topics_by_name["t"].partitions.values()
        assert [(p.leader, p.isr, p.leader_recovery_state) for p in partitions] == [(1, [1], 0)] * 3

    run(story())


def test_subscribers_hear_of_commits_only_after_the_disk_has_them() -> None:
    async def story() -> None:
        node = NodeOnDisk()
        quorum = await node.start()
        heard: list[tuple[int, list[str]]] = []

        def subscriber(image: MetadataImage, delta: Delta) -> None:
            assert quorum.log.recovery_point >= image.offset + 1
            heard.append((image.offset, list(delta.created_topics.values())))

        quorum.subscribe(subscriber)
        await node.create("a")
        await asyncio.gather(*(node.create(f"b{n}") for n in range(20)))
        assert heard[0][1] == ["a"]
        assert sorted(name for _, names in heard for name in names) == sorted(
            ["a", *(f"b{n}" for n in range(20))]
        )
        assert len(heard) < 10, "a crowd shares its flushes"

    run(story())


def test_a_query_waits_for_what_it_has_seen() -> None:
    async def story() -> None:
        node = NodeOnDisk()
        quorum = await node.start()
        creating = asyncio.ensure_future(node.create("t"))
        await asyncio.sleep(0)
        assert "t" in quorum.controller.image.topics_by_name and "t" not in quorum.image.topics_by_name
        assert await node.create("t") == ErrorCode.TOPIC_ALREADY_EXISTS
        assert creating.done() and "t" in quorum.image.topics_by_name

    run(story())


def test_a_full_disk_fails_the_request_and_a_broken_one_the_quorum() -> None:
    async def story() -> None:
        node = NodeOnDisk()
        quorum = await node.start()
        node.disk.room = 10
        with pytest.raises(KafkaError) as caught:
            await node.create("full")
        assert caught.value.code == ErrorCode.KAFKA_STORAGE_ERROR
        assert "full" not in quorum.controller.image.topics_by_name
        node.disk.room = None
        assert await node.create("full") == 0
        creating = asyncio.ensure_future(node.create("broken"))
        await asyncio.sleep(0)
        node.disk.broken = True
        with pytest.raises(KafkaError):
            await creating
        with pytest.raises(KafkaError):
            await node.create("later")
        assert "broken" not in quorum.image.topics_by_name

    run(story())


def test_the_idle_leader_writes_fillers() -> None:
    async def story() -> None:
        node = NodeOnDisk()
        quorum = await node.start()
        await quorum.committed()
        end = quorum.log.end_offset
        for _ in range(3):
            node.clock.pass_ms(500)
            await quorum.committed()
        assert quorum.log.end_offset == end + 3
        assert quorum.facts().high_watermark == end + 3

    run(story())


def test_checkpoints_replace_the_log() -> None:
    async def story() -> None:
        policy = SnapshotPolicy(max_bytes_between=4_000, retention_bytes=30_000)
        node = NodeOnDisk(policy=policy)
        quorum = await node.start()
        for number in range(120):
            assert await node.create(f"topic-{number}", 2) == 0
        kept = list_checkpoints(node.disk, f"{PATH}/{NAME}")  # type: ignore[arg-type]
        assert 1 <= len(kept) < 20
        assert quorum.log.start_offset == kept[0].offset > 0
        names = sorted(quorum.image.topics_by_name)
        again = await node.start()
        assert sorted(again.image.topics_by_name) == names
        assert again.image.topics_by_name["topic-3"].id == quorum.image.topics_by_name["topic-3"].id
        assert await node.create("one-more") == 0

    run(story())


def test_records_from_the_future_outlive_checkpoints() -> None:
    async def story() -> None:
        node = NodeOnDisk(policy=SnapshotPolicy(max_bytes_between=1, retention_bytes=0))
        quorum = await node.start()
        strange = UnknownRecord(99, 0, b"\x01\x63\x00future")
        quorum._append([strange])
        await quorum.committed()
        await node.create("t")
        again = await node.start()
        assert again.image.unknown == [strange]

    run(story())


def test_an_open_transaction_of_a_dead_leader_is_aborted() -> None:
    async def story() -> None:
        node = NodeOnDisk()
        quorum = await node.start()
        log = quorum.log
        records = [BeginTransactionRecord(name="half"), TopicRecord(name="ghost", topic_id=Uuid(b"g" * 16))]
        epoch = quorum.facts().epoch
        batch = build_batch(
            records, base_offset=log.end_offset, epoch=epoch, timestamp=1, metadata_version=30
        )
        log.append(batch, leader_epoch=epoch, origin=Origin.RAFT_LEADER, wall=1)
        again = await node.start()
        assert "ghost" not in again.image.topics_by_name
        assert await node.create("ghost") == 0

    run(story())


def test_a_log_without_its_beginning_is_refused() -> None:
    async def story() -> None:
        node = NodeOnDisk(policy=SnapshotPolicy(max_bytes_between=2_000, retention_bytes=20_000))
        await node.start()
        for number in range(120):
            await node.create(f"topic-{number}", 2)
        assert node.quorum.log.start_offset > 0
        for path in [path for path in node.disk.files if path.endswith(".checkpoint") and NAME in path]:
            node.disk.remove(path)
        with pytest.raises(MetadataLogError, match="no checkpoint"):
            await node.open()

    run(story())


def test_a_damaged_checkpoint_is_refused() -> None:
    async def story() -> None:
        node = NodeOnDisk(policy=SnapshotPolicy(max_bytes_between=1))
        await node.start()
        await node.create("t")
        path = max(path for path in node.disk.files if path.endswith(".checkpoint") and NAME in path)
        node.disk.files[path].data[70] ^= 1
        with pytest.raises(MetadataLogError, match="cannot be read"):
            await node.open()
        del node.disk.files[path].data[-75:]
        node.disk.files[path].data[70] ^= 1
        with pytest.raises(MetadataLogError, match="cut off"):
            await node.open()

    run(story())


def test_several_voters_are_refused_by_name() -> None:
    async def story() -> None:
        node = NodeOnDisk(static=VoterSet.of(Voter(ReplicaKey(n)) for n in (1, 2, 3)))
        with pytest.raises(ValueError, match="voters are 1, 2, 3"):
            await node.open()

    run(story())


def test_a_quorum_without_voters_is_refused() -> None:
    async def story() -> None:
        with pytest.raises(MetadataLogError, match="names no voters"):
            await NodeOnDisk(static=None).open()

    run(story())


def test_after_stopping_nobody_is_served() -> None:
    async def story() -> None:
        node = NodeOnDisk()
        await node.start()
        await node.stop()
        with pytest.raises(KafkaError) as caught:
            await node.quorum.command(CreateTopicsRequest(), 7)
        assert caught.value.code == ErrorCode.NOT_CONTROLLER

    run(story())


def test_a_fetcher_waits_for_news_but_not_forever() -> None:
    async def story() -> None:
        node = NodeOnDisk()
        quorum = await node.start()
        await quorum.committed()
        facts = quorum.facts()
        waiting = asyncio.ensure_future(quorum.beyond(facts.end_offset, facts.high_watermark, 200))
        await asyncio.sleep(0)
        assert not waiting.done()
        await node.create("t")
        await waiting
        facts = quorum.facts()
        patient = asyncio.ensure_future(quorum.beyond(facts.end_offset + 50, facts.high_watermark + 50, 200))
        await asyncio.sleep(0)
        node.clock.pass_ms(201)
        await patient

    run(story())


def test_what_touches_very_many_partitions_is_written_in_several_batches() -> None:
    async def story() -> None:
        node = NodeOnDisk(segment_bytes=8 << 20)
        quorum = await node.start()
        for number in range(2):
            assert await node.create(f"t{number}", 6_000) == 0
        before = quorum.log.end_offset
        await node.stop()
        partitions = [p for topic in quorum.image.topics_by_id.values() for p in topic.partitions.values()]
        assert len(partitions) == 12_000
        assert all(partition.leader == NO_LEADER for partition in partitions)
        counts = [
            header.count
            for path, inode in node.disk.files.items()
            if path.endswith(".log")
            for _, header in headers(bytes(inode.data))
            if header.base_offset >= before
        ]
        assert counts[0] == MAX_RECORDS_PER_BATCH
        assert sum(counts) >= len(partitions)

    run(story())


def test_a_full_disk_is_not_asked_again_and_again(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        node = NodeOnDisk()
        quorum = await node.start()
        before = quorum.log.end_offset
        node.disk.room = 0
        asked: list[str] = []
        node.disk.volume.watch = lambda operation, path: asked.append(path) if operation == "write" else None
        for _ in range(100):
            node.clock.pass_ms(100)
            await asyncio.sleep(0)
        assert 1 <= len(asked) <= 4, "ten seconds, five between two attempts"
        node.disk.room = None
        node.clock.pass_ms(5_000)
        await quorum.committed()
        assert quorum.log.end_offset > before
        said = [record.message for record in caplog.records if "took no records" in record.message]
        assert len(said) == 1

    run(story())


def test_a_metadata_log_that_cannot_be_synced_does_not_hold_up_the_end() -> None:
    async def story() -> None:
        node = NodeOnDisk()
        quorum = await node.start()
        creating = asyncio.ensure_future(node.create("t"))
        await asyncio.sleep(0)
        node.disk.broken = True
        with pytest.raises(KafkaError):
            await creating
        node.disk.broken = False
        await asyncio.wait_for(quorum.stop(), 1)
        with pytest.raises(KafkaError):
            await quorum.committed()

    run(story())


def test_a_subscriber_that_fails_is_nobody_elses_failure(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        node = NodeOnDisk()
        quorum = await node.start()
        heard: list[str] = []

        def fails(image: MetadataImage, delta: Delta) -> None:
            raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, "a directory failed while it followed")

        quorum.subscribe(fails)
        quorum.subscribe(lambda image, delta: heard.extend(image.topics_by_name))
        assert await node.create("t") == 0
        assert heard == ["t"]
        assert await node.create("u") == 0
        assert "could not be followed" in caplog.text

    run(story())


def test_a_stop_needs_no_disk() -> None:
    async def story() -> None:
        for number in (28, 5):
            node = NodeOnDisk()
            quorum = await node.start()
            await quorum.committed()

            def watch(operation: str, path: str, number: int = number) -> None:
                raise OSError(number, "no", path)

            node.disk.volume.watch = watch
            await quorum.stop()
            assert quorum.log.directory.online

    run(story())
