"""The same log cleaned by both products comes out the same: every batch, every record, the indexes of transactions."""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from ottla.core.records.batch import BatchHeader, check_crc, headers
from ottla.core.records.record import Record, records
from tests.confluent import admin_api, producer
from tests.nodes import Node, Product, ottla
from tests.samples import COMPRESSIONS, SECONDS

pytestmark = pytest.mark.timeout(300)

TOPIC = "table"
CONFIG = {
    "cleanup.policy": "compact",
    "segment.bytes": "1048576",
    "min.cleanable.dirty.ratio": "0.01",
    "delete.retention.ms": "86400000",
}
RECORDS = 30_000
KEYS = 2_000


@pytest.fixture(scope="module")
def dirty(apache: Product, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that Apache Kafka wrote with its cleaner off: all codecs, tombstones, both ends of
    transactions."""
    node = Node(Path(tmp_path_factory.mktemp("dirty")), apache, {"log.cleaner.enable": "false"})
    try:
        node.start()
        admin = admin_api.AdminClient({"bootstrap.servers": node.bootstrap})
        topic = admin_api.NewTopic(TOPIC, 1, 1, config=CONFIG)
        admin.create_topics([topic])[TOPIC].result(SECONDS)
        chance = random.Random(5)
        for codec in COMPRESSIONS:
            plain = producer(node.bootstrap, compression_type=codec)
            fill(plain, chance, RECORDS // len(COMPRESSIONS))
            plain.flush(SECONDS)
        client = producer(node.bootstrap, transactional_id="writer")
        client.init_transactions(SECONDS)
        for number in range(20):
            client.begin_transaction()
            fill(client, chance, 300)
            if number % 3:
                client.commit_transaction(SECONDS)
            else:
                client.flush(SECONDS)
                client.abort_transaction(SECONDS)
        # A last segment, so that the ones before it are not active.
        plain = producer(node.bootstrap)
        fill(plain, chance, 6_000)
        plain.flush(SECONDS)
        assert node.stop() in (0, 143)
        return node.data
    finally:
        node.kill()


def fill(client: Any, chance: random.Random, count: int) -> None:
    for _ in range(count):
        key = b"key-%d" % chance.randrange(KEYS)
        value = None if chance.random() < 0.1 else chance.randbytes(60) * 2
        client.produce(TOPIC, key=key, value=value, partition=0)
        client.poll(0)


Batch = tuple[str, BatchHeader, list[Record]]


def cleaned(dirty: Path, directory: Path, product: Product) -> tuple[int, list[Batch], dict[str, bytes]]:
    """(where the clean part ends, the batches file by file, the transaction indexes) after a node cleaned the log."""
    node = Node(directory, product, {"log.cleaner.backoff.ms": "200", "log.segment.delete.delay.ms": "0"})
    shutil.copytree(dirty, node.data)
    checkpoint = node.data / "cleaner-offset-checkpoint"
    checkpoint.unlink(missing_ok=True)
    try:
        node.start()
        deadline = time.monotonic() + 60
        while not checkpoint.exists() or TOPIC not in checkpoint.read_text():
            assert time.monotonic() < deadline, f"{product.name} has not cleaned:\n{node.tail()}"
            time.sleep(0.1)
        assert node.stop() in (0, 143)
    finally:
        node.kill()
    found: list[Batch] = []
    log = node.data / f"{TOPIC}-0"
    for path in sorted(log.glob("*.log")):
        data = path.read_bytes()
        for position, header in headers(data):
            check_crc(data, header, position)
            batch = data[position : position + header.size]
            found.append((path.name, header, list(records(batch, header))))
    end = next(line.split()[2] for line in checkpoint.read_text().splitlines() if line.startswith(TOPIC))
    indexes = {path.name: path.read_bytes() for path in sorted(log.glob("*.txnindex"))}
    return int(end), found, {name: data for name, data in indexes.items() if data}


def test_both_products_clean_a_log_to_the_same(dirty: Path, apache: Product, tmp_path: Path) -> None:
    their_end, theirs, their_indexes = cleaned(dirty, tmp_path / "apache", apache)
    our_end, ours, our_indexes = cleaned(dirty, tmp_path / "ottla", ottla())
    assert our_end == their_end > 0
    assert len(theirs) > 20
    assert [comparable(each) for each in ours] == [comparable(each) for each in theirs]
    assert our_indexes == their_indexes != {}


def comparable(batch: Batch) -> tuple[Any, ...]:
    """A batch without what two runs may differ in: compressed sizes, the CRC over them, the hour of the cleaning."""
    name, header, found = batch
    return (
        name,
        header.base_offset,
        header.last_offset,
        header.count,
        header.attributes,
        header.leader_epoch,
        header.max_timestamp,
        header.producer_id,
        header.producer_epoch,
        header.base_sequence,
        None if header.has_delete_horizon else header.base_timestamp,
        [(each.offset, each.timestamp, each.key, each.value, each.headers) for each in found],
    )
