"""The metadata of both products after the same story: record for record the same log, the same checkpoints.

Kafka's own dump reads all of it. Only what no two runs share is masked, and where Kafka walks a hash table its order
is not ours to repeat.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests import apache_kafka
from tests.java_tools import Workbench, workbench
from tests.nodes import STANDALONE, Node, Product, ottla
from tests.reach.contents import TOPICS, found

pytestmark = pytest.mark.timeout(120)

METADATA = "__cluster_metadata-0"
PROPERTIES = {
    # A checkpoint soon, and no empty records between those of the story.
    "metadata.log.max.record.bytes.between.snapshots": "1500",
    "metadata.max.idle.interval.ms": "0",
}
MASKED = (
    "incarnationId",
    "port",
    "salt",
    "storedKey",
    "serverKey",
    "lastContainedLogTimestamp",
    "voterDirectoryId",
)
BATCH = re.compile(
    r"^baseOffset: (\d+) lastOffset: (\d+) .* isControl: (\w+) .* size: (\d+) magic: 2 .*isvalid: true$"
)
RECORD = re.compile(r"^\| offset: (\d+) .*? headerKeys: \[\] (\w+)(?:: | )(\{.*\})$")

Record = tuple[str, Any]
"""The type of a metadata or control record, and its fields."""


@dataclass
class Batch:
    size: int
    control: bool
    records: list[Record]


def batches(bench: Workbench, path: Path) -> list[Batch]:
    """What Kafka's dump shows of a metadata log or checkpoint."""
    done = bench.run(
        "org.apache.kafka.tools.DumpLogSegments", "--files", str(path), "--cluster-metadata-decoder"
    )
    assert (done.code, done.err) == (0, "")
    shown: list[Batch] = []
    next_offset = None
    for line in done.out.splitlines()[2:]:
        if match := BATCH.match(line):
            assert next_offset in (None, int(match[1]))
            next_offset = int(match[2]) + 1
            shown.append(Batch(int(match[4]), match[3] == "true", []))
        else:
            match = RECORD.match(line)
            assert match, f"the dump says: {line}"
            body = json.loads(match[3])
            if match[2] == "payload":
                shown[-1].records.append((body["type"], {**body["data"], "record version": body["version"]}))
            else:
                shown[-1].records.append((match[2], body))
    return shown


def comparable(shown: list[Batch]) -> list[Batch]:
    """Names instead of ids, and an order of our own where Kafka has none."""
    names = {
        data["topicId"]: data["name"]
        for each in shown
        for kind, data in each.records
        if kind == "TOPIC_RECORD"
    }
    plain = [
        replace(each, records=[(kind, _masked(data, names)) for kind, data in each.records]) for each in shown
    ]
    return _settled(plain)


def _masked(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_masked(each, names) for each in value]
    if not isinstance(value, dict):
        return value
    clean = {key: "…" if key in MASKED else _masked(each, names) for key, each in value.items()}
    if "topicId" in clean:
        clean["topicId"] = names[clean["topicId"]]
    for key in ("directories", "logDirs"):
        if key in clean:
            clean[key] = len(clean[key])
    if "features" in clean:
        clean["features"].sort(key=lambda feature: feature["name"])
    return clean


def _settled(shown: list[Batch]) -> list[Batch]:
    """A broker wakes with one heartbeat or two, and leaves its partitions in any order."""
    settled: list[Batch] = []
    for each in shown:
        kinds = {kind for kind, _ in each.records}
        if settled and kinds == {"BROKER_REGISTRATION_CHANGE_RECORD"} == {k for k, _ in settled[-1].records}:
            settled[-1] = Batch(0, False, settled[-1].records + each.records)
        else:
            settled.append(each)
        if kinds & {"BROKER_REGISTRATION_CHANGE_RECORD", "PARTITION_CHANGE_RECORD"}:
            records = sorted(settled[-1].records, key=lambda record: json.dumps(record, sort_keys=True))
            size = 0 if kinds == {"BROKER_REGISTRATION_CHANGE_RECORD"} else each.size
            settled[-1] = replace(settled[-1], size=size, records=records)
    return settled


Directories = dict[str, Path]


@pytest.fixture(scope="module", params=["static", "standalone"])
def directories(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Directories:
    """Where each product's node left its data, after both went through the same."""
    standalone = request.param == "standalone"
    properties = PROPERTIES | (STANDALONE if standalone else {})

    def live(product: Product) -> Path:
        product = product.standalone() if standalone else product
        node = Node(Path(tmp_path_factory.mktemp(product.name)), product, properties)
        try:
            node.start()
            found(node)
            wait_for_checkpoint(node)
            node.stop()
        finally:
            node.kill()
        return node.data

    return {product.name: live(product) for product in (ottla(), apache_kafka.product())}


def wait_for_checkpoint(node: Node) -> None:
    deadline = time.monotonic() + 20
    while not checkpoints(node.data):
        assert time.monotonic() < deadline, f"{node.product.name} wrote no checkpoint"
        time.sleep(0.05)


def checkpoints(data: Path) -> list[Path]:
    """All but that of formatting, oldest first."""
    return sorted(
        each for each in (data / METADATA).glob("*.checkpoint") if not each.name.startswith("0" * 20)
    )


@pytest.fixture(scope="module")
def bench() -> Iterator[Workbench]:
    with workbench() as running:
        yield running


def test_the_log_is_the_same_record_for_record(directories: Directories, bench: Workbench) -> None:
    theirs, ours = (
        comparable(batches(bench, directories[name] / METADATA / f"{0:020}.log"))
        for name in ("apache", "ottla")
    )
    for number, (our_batch, their_batch) in enumerate(zip(ours, theirs, strict=False)):
        assert our_batch == their_batch, number
    assert len(ours) == len(theirs)
    kinds = {kind for each in ours for kind, _ in each.records}
    assert kinds >= {
        "LeaderChange",
        "REGISTER_BROKER_RECORD",
        "PARTITION_RECORD",
        "USER_SCRAM_CREDENTIAL_RECORD",
    }


def test_checkpoints_hold_the_same(directories: Directories, bench: Workbench) -> None:
    def contents(path: Path) -> list[str]:
        shown = [(kind, data) for each in comparable(batches(bench, path)) for kind, data in each.records]
        assert (shown[0][0], shown[-1][0]) == ("SnapshotHeader", "SnapshotFooter")
        return sorted(json.dumps(each, sort_keys=True) for each in shown)

    theirs, ours = (checkpoints(directories[name])[0] for name in ("apache", "ottla"))
    assert ours.name == theirs.name
    assert contents(ours) == contents(theirs)
    assert sum("TOPIC_RECORD" in each for each in contents(ours)) == len(TOPICS) + 1


def test_the_directory_of_the_log_holds_the_same_files(directories: Directories) -> None:
    """Not compared: what Kafka adds to a clean stop of a log that we flush anyway, and older checkpoints."""

    def names(data: Path) -> set[str]:
        found = {each.name for each in (data / METADATA).iterdir()}
        return {name for name in found if not name.endswith((".checkpoint", ".snapshot"))}

    assert names(directories["ottla"]) == names(directories["apache"])
    theirs, ours = (
        (directories[name] / METADATA / "partition.metadata").read_text() for name in ("apache", "ottla")
    )
    assert ours == theirs
