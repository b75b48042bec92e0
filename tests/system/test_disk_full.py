"""A volume without room: appends to it are refused, everything else goes on, and nothing acknowledged is lost.

The full volume is a real one, a small tmpfs; the node is a real process. Ottla only: Apache Kafka gives a directory
up at the first write that finds no room, and ends when it was its last or the one of the metadata.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.confluent import admin_api, confluent_kafka, consumer, messages, producer, topics_of
from tests.nodes import Node, ottla
from tests.samples import SECONDS

VOLUME_BYTES = 16 << 20
BALLAST_BYTES = 4 << 20
"""A file of somebody else, which is removed to make room."""
VALUE = b"." * 10_000
CHECKPOINT_SECONDS = 6
"""Longer than the node waits between two writings of its high watermarks."""


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "volume"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={VOLUME_BYTES}", "tmpfs", str(path)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs root to mount a small tmpfs")
    (path / "ballast").write_bytes(b"b" * BALLAST_BYTES)
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def node_on(volume: Path, tmp_path: Path, *, metadata_on_volume: bool) -> Node:
    """A node with one log directory on the small volume and one elsewhere."""
    node = Node(tmp_path / "node", ottla())
    small = volume / "logs"
    node.properties |= {
        "log.dirs": f"{node.data},{small}",
        "metadata.log.dir": str(small if metadata_on_volume else node.data),
        "log.flush.offset.checkpoint.interval.ms": "1000",
        "log.flush.start.offset.checkpoint.interval.ms": "1000",
    }
    node.write_config()
    return node


def topics_by_place(node: Node, volume: Path) -> tuple[str, str]:
    """Two topics of one partition: one on the small volume, one elsewhere."""
    admin = admin_api.AdminClient({"bootstrap.servers": node.bootstrap})
    names = ["first", "second"]
    new = [
        admin_api.NewTopic(name, num_partitions=1, replication_factor=1, config={"segment.bytes": "1048576"})
        for name in names
    ]
    for done in admin.create_topics(new).values():
        done.result(SECONDS)
    small = [name for name in names if (volume / "logs" / f"{name}-0").is_dir()]
    assert len(small) == 1, "new logs go to the directory with the fewest"
    names.remove(small[0])
    return small[0], names[0]


class Writer:
    """Numbered records to one partition, one at a time, without retries; which of them were acknowledged where."""

    def __init__(self, node: Node, topic: str) -> None:
        self.acknowledged: list[tuple[int, int]] = []
        """(number, offset)"""
        self.errors: list[int] = []
        self._number = 0
        self._topic = topic
        self._client = producer(node.bootstrap, acks="all", retries=0, linger_ms=0, log_level=0)

    def write(self) -> bool:
        """Produce one record and wait. Whether it was acknowledged."""
        number = self._number
        self._number += 1
        before = len(self.errors)

        def told(error: Any, message: Any) -> None:
            if error:
                self.errors.append(error.code())
            else:
                self.acknowledged.append((number, message.offset()))

        self._client.produce(self._topic, b"%d %s" % (number, VALUE), partition=0, on_delivery=told)
        assert self._client.flush(SECONDS) == 0
        return len(self.errors) == before

    def write_until_refused(self) -> None:
        for _ in range(2 * VOLUME_BYTES // len(VALUE)):
            if not self.write():
                return
        raise AssertionError("the volume is never full")


def read(node: Node, topic: str) -> list[tuple[int, int]]:
    reader = consumer(node.bootstrap)
    try:
        return [(int(each.value().split()[0]), each.offset()) for each in messages(reader, topic)]
    finally:
        reader.close()


@pytest.mark.timeout(180)
def test_a_full_volume_refuses_appends_and_serves_reads_until_there_is_room(
    volume: Path, tmp_path: Path
) -> None:
    node = node_on(volume, tmp_path, metadata_on_volume=False)
    try:
        node.start()
        small, other = topics_by_place(node, volume)
        writer, elsewhere = Writer(node, small), Writer(node, other)
        writer.write_until_refused()
        assert len(writer.acknowledged) > 500
        time.sleep(CHECKPOINT_SECONDS)
        for _ in range(3):
            assert not writer.write()
            assert elsewhere.write()
        assert set(writer.errors) == {confluent_kafka.KafkaError.KAFKA_STORAGE_ERROR}
        assert read(node, small) == writer.acknowledged
        assert read(node, other) == elsewhere.acknowledged
        (volume / "ballast").unlink()
        for _ in range(20):
            assert writer.write() and elsewhere.write()
        assert read(node, small) == writer.acknowledged
        node.kill()
        node.start()
        assert read(node, small) == writer.acknowledged
        assert read(node, other) == elsewhere.acknowledged
        assert node.stop() == 0
    finally:
        node.kill()


@pytest.mark.timeout(180)
def test_a_node_that_dies_and_starts_on_a_full_volume_loses_nothing(volume: Path, tmp_path: Path) -> None:
    node = node_on(volume, tmp_path, metadata_on_volume=False)
    try:
        node.start()
        small, other = topics_by_place(node, volume)
        writer, elsewhere = Writer(node, small), Writer(node, other)
        writer.write_until_refused()
        assert elsewhere.write()
        node.kill()
        fill(volume)
        node.start()
        assert read(node, other) == elsewhere.acknowledged
        assert read(node, small) == writer.acknowledged
        assert elsewhere.write() and not writer.write()
        (volume / "ballast").unlink()
        assert writer.write() and elsewhere.write()
        node.kill()
        node.start()
        assert writer.write() and elsewhere.write()
        assert read(node, small) == writer.acknowledged
        assert read(node, other) == elsewhere.acknowledged
    finally:
        node.kill()


@pytest.mark.timeout(180)
def test_metadata_on_a_full_volume_refuses_changes_and_loses_none(volume: Path, tmp_path: Path) -> None:
    node = node_on(volume, tmp_path, metadata_on_volume=True)
    try:
        node.start()
        small, other = topics_by_place(node, volume)
        writer, elsewhere = Writer(node, small), Writer(node, other)
        writer.write_until_refused()
        fill(volume)
        admin = admin_api.AdminClient({"bootstrap.servers": node.bootstrap})
        with pytest.raises(confluent_kafka.KafkaException) as refused:
            for number in range(200):
                create(admin, f"refused-{number}")
        assert refused.value.args[0].code() == confluent_kafka.KafkaError.KAFKA_STORAGE_ERROR
        created = topics_of(admin)
        time.sleep(CHECKPOINT_SECONDS)
        assert node.process is not None and node.process.poll() is None, node.tail()
        assert "No space left on device" in node.tail(100_000)
        assert elsewhere.write()
        assert read(node, small) == writer.acknowledged
        assert read(node, other) == elsewhere.acknowledged
        (volume / "ballast").unlink()
        create(admin, "afterwards")
        node.kill()
        node.start()
        assert topics_of(admin) == {*created, "afterwards"}
        assert writer.write() and elsewhere.write()
        assert read(node, small) == writer.acknowledged
        assert read(node, other) == elsewhere.acknowledged
    finally:
        node.kill()


def create(admin: Any, name: str) -> None:
    new = admin_api.NewTopic(name, num_partitions=1, replication_factor=1)
    admin.create_topics([new])[name].result(SECONDS)


def fill(volume: Path) -> None:
    """Take the last byte of the volume."""
    with open(volume / "filler", "ab", buffering=0) as file:
        for size in (65_536, 4096, 1):
            try:
                while file.write(b"f" * size):
                    pass
            except OSError:
                continue
