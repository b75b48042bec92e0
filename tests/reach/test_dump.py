"""Kafka's own dump tool reads every kind of file a node writes, and finds nothing wrong with them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apache_kafka import tool
from tests.nodes import Node, Product
from tests.reach.contents import found, write
from tests.samples import COMPRESSIONS

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def data(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The directory of a node that has worked and stopped."""
    node = Node(Path(tmp_path_factory.mktemp("node")), product)
    try:
        node.start()
        found(node)
        write(node)
        node.stop()
        yield node.data
    finally:
        node.kill()


def dump(files: list[Path], *args: str) -> str:
    """What the dump tool prints; it may not complain."""
    assert files
    done = tool(
        "org.apache.kafka.tools.DumpLogSegments", ["--files", ",".join(str(each) for each in files), *args]
    )
    said = done.stdout + done.stderr
    for complaint in ("Mismatches in", "Exception", "isvalid: false", "Found timestamp", "corrupt"):
        assert complaint not in said, said[:3000]
    return done.stdout


def test_segments(data: Path) -> None:
    shown = dump(sorted(data.glob("plain-*/*.log")), "--deep-iteration", "--print-data-log")
    for codec in COMPRESSIONS:
        assert f"compresscodec: {codec}" in shown
    assert "isvalid: true" in shown
    assert "headerKeys: [one,two]" in shown
    sequences = re.findall(r"producerId: (\d+) producerEpoch: 0 ", shown)
    assert len(set(sequences)) >= 5


def test_rolled_segments_follow_each_other(data: Path) -> None:
    segments = sorted(data.glob("rolled-0/*.log"))
    assert len(segments) > 2
    shown = dump(segments, "--skip-record-metadata")
    batches = [(int(a), int(b)) for a, b in re.findall(r"baseOffset: (\d+) lastOffset: (\d+)", shown)]
    assert batches[0][0] == 0
    for (_, last), (base, _) in itertools.pairwise(batches):
        assert base == last + 1


def test_offset_indexes_are_sane(data: Path) -> None:
    indexes = sorted(data.glob("rolled-0/*.index"))
    assert len(indexes) > 2
    assert dump(indexes, "--index-sanity-check").count("passed sanity check") == len(indexes)
    assert len(re.findall(r"offset: \d+ position: \d+", dump(indexes, "--verify-index-only"))) == 0
    assert len(re.findall(r"offset: \d+ position: \d+", dump(indexes))) > 20


def test_time_indexes_are_sane(data: Path) -> None:
    indexes = sorted(data.glob("rolled-0/*.timeindex"))
    assert len(re.findall(r"timestamp: \d+ offset: \d+", dump(indexes))) > 5


def test_producer_snapshots(data: Path) -> None:
    snapshots = sorted(data.glob("plain-*/*.snapshot"))
    shown = dump(snapshots)
    assert re.search(r"producerId: \d+ producerEpoch: 0 coordinatorEpoch: -1 .*lastSequence\S* \d+", shown), (
        shown[:500]
    )


def test_the_metadata_log(data: Path) -> None:
    shown = dump(sorted(data.glob("__cluster_metadata-0/*.log")), "--cluster-metadata-decoder")
    kinds = set(re.findall(r'payload: \{"type":"(\w+)"', shown))
    assert kinds >= {
        "FEATURE_LEVEL_RECORD",
        "TOPIC_RECORD",
        "PARTITION_RECORD",
        "CONFIG_RECORD",
        "REGISTER_BROKER_RECORD",
        "REMOVE_TOPIC_RECORD",
        "USER_SCRAM_CREDENTIAL_RECORD",
        "PRODUCER_IDS_RECORD",
    }


def test_metadata_checkpoints(data: Path) -> None:
    checkpoints = sorted(data.glob("*.checkpoint")) + sorted(data.glob("__cluster_metadata-0/*.checkpoint"))
    shown = dump(checkpoints, "--cluster-metadata-decoder")
    assert "SnapshotHeader" in shown
    assert "FEATURE_LEVEL_RECORD" in shown
