from __future__ import annotations

import pytest

from ottla.broker.config.node_settings import NodeSettings
from ottla.broker.formatting.format import format_storage
from ottla.broker.formatting.info import random_uuid, storage_info
from ottla.broker.formatting.options import FormatError, FormatOptions
from ottla.broker.quorum.bootstrap import read_bootstrap
from ottla.broker.quorum.checkpoints import BOOTSTRAP, read_checkpoint
from ottla.broker.storage.opening import read_meta_properties
from ottla.core.model.ids import uuid_text
from ottla.core.wire.messages.records.metadata import FeatureLevelRecord, UserScramCredentialRecord
from tests.unit.storage.world import MemoryDisk, SeededChance

CLUSTER = "4L6g3nShT-eMCtK--X86sw"
DYNAMIC = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.quorum.bootstrap.servers": "localhost:9093",
    "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
    "advertised.listeners": "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093",
    "controller.listener.names": "CONTROLLER",
    "log.dirs": "/b,/a",
}
STATIC = {k: v for k, v in DYNAMIC.items() if "bootstrap" not in k} | {
    "controller.quorum.voters": "1@localhost:9093"
}


class Box:
    def __init__(self, properties: dict[str, str]) -> None:
        self.settings = NodeSettings(properties)
        self.disk = MemoryDisk()

    def format(self, **options: object) -> list[str]:
        asked = FormatOptions(CLUSTER, **options)  # type: ignore[arg-type]
        return format_storage(self.settings, self.disk, SeededChance(), asked, wall=lambda: 77)  # type: ignore[arg-type]

    def refused(self, **options: object) -> str:
        with pytest.raises(FormatError) as caught:
            self.format(**options)
        return str(caught.value)


def test_a_static_quorum_gets_the_six_features() -> None:
    box = Box(STATIC)
    lines = box.format()
    assert lines[0].startswith("Bootstrap metadata: BootstrapMetadata(records=[ApiMessageAndVersion(")
    assert lines[1:] == [
        "Formatting data directory /a with metadata.version 4.3-IV0.",
        "Formatting metadata directory /b with metadata.version 4.3-IV0.",
    ]
    levels = [(r.name, r.feature_level) for r in read_bootstrap(box.disk, "/a")]  # type: ignore[arg-type, attr-defined]
    assert levels == [
        ("metadata.version", 30),
        ("eligible.leader.replicas.version", 1),
        ("group.version", 1),
        ("share.version", 1),
        ("streams.version", 1),
        ("transaction.version", 2),
    ]
    ids = [read_meta_properties(box.disk, path) for path in ("/a", "/b")]  # type: ignore[arg-type]
    assert [(p.version, p.cluster_id, p.node_id) for p in ids if p] == [(1, CLUSTER, 1)] * 2
    assert len({p.directory_id for p in ids if p}) == 2
    assert not box.disk.is_directory("/b/__cluster_metadata-0")


def test_a_standalone_node_is_its_own_only_voter() -> None:
    box = Box(DYNAMIC)
    assert "Formatting dynamic metadata voter directory /b with metadata.version 4.3-IV0." in box.format(
        standalone=True
    )
    checkpoint = read_checkpoint(box.disk, "/b/__cluster_metadata-0", BOOTSTRAP)  # type: ignore[arg-type]
    properties = read_meta_properties(box.disk, "/b")  # type: ignore[arg-type]
    assert checkpoint.kraft_version == 1 and checkpoint.voters is not None and properties is not None
    (voter,) = checkpoint.voters.voters.values()
    assert (voter.key.id, voter.key.directory_id) == (1, properties.directory_id)
    assert [(e.name, e.host, e.port) for e in voter.endpoints] == [("CONTROLLER", "localhost", 9093)]


def test_initial_controllers_are_written_as_given() -> None:
    box = Box(DYNAMIC)
    text = "1@here:9093:JEXY6aqzQY-32P5TStzaFg,2@there:9094:MvDxzVmcRsaTz33bUuRU6A"
    box.format(initial_controllers=text)
    properties = read_meta_properties(box.disk, "/b")  # type: ignore[arg-type]
    assert properties is not None and properties.directory_id is not None
    assert uuid_text(properties.directory_id) == "JEXY6aqzQY-32P5TStzaFg"


@pytest.mark.parametrize(
    ("properties", "options", "text"),
    [
        (
            DYNAMIC,
            {},
            "Because controller.quorum.voters is not set on this controller, you must specify one of",
        ),
        (
            STATIC,
            {"standalone": True},
            "You cannot specify controller.quorum.voters and format the node with",
        ),
        (STATIC, {"features": ("kraft.version=1",)}, "Cannot set kraft.version to 1 unless"),
        (DYNAMIC, {"standalone": True, "features": ("kraft.version=0",)}, "Cannot set kraft.version to 0 if"),
        (STATIC, {"features": ("nope=1",)}, "Unsupported feature: nope. Supported features are:"),
        (
            STATIC,
            {"features": ("group.version",)},
            "Can't parse feature=level string group.version: equals sign",
        ),
        (STATIC, {"features": ("group.version=x",)}, "unable to parse x as a short."),
        (STATIC, {"features": ("group.version=9",)}, "No feature:group.version with feature level 9"),
        (
            STATIC,
            {"features": ("metadata.version=30",), "release_version": "4.3"},
            "Use --release-version instead",
        ),
        (STATIC, {"release_version": "1.0"}, "Unknown metadata.version '1.0'"),
        (
            STATIC,
            {"release_version": "3.9", "features": ("eligible.leader.replicas.version=1",)},
            "eligible.leader.replicas.version could not be set to 1 because it depends on metadata.version level 23",
        ),
        (
            STATIC,
            {"scram": ("SCRAM-SHA-1=[name=a,password=b]",)},
            "The add-scram mechanism SCRAM-SHA-1 is not supported.",
        ),
        (STATIC, {"scram": ("SCRAM-SHA-256=[password=b]",)}, "You must supply 'name' to add-scram"),
        (
            STATIC,
            {"scram": ("SCRAM-SHA-256=[name=a]",)},
            "You must supply one of 'password' or 'saltedpassword'",
        ),
        (STATIC, {"scram": ("SCRAM-SHA-256=[name=a,password=b,iterations=1]",)}, "must be >= 4096"),
        (DYNAMIC, {"initial_controllers": "1-here"}, "No @ found in dynamic voter string: 1-here"),
        (
            DYNAMIC,
            {"initial_controllers": "1@here:x:JEXY6aqzQY-32P5TStzaFg"},
            "Failed to parse port in dynamic voter string",
        ),
        (DYNAMIC, {"initial_controllers": "1@here:1:short"}, "Failed to parse directory ID"),
    ],
)
def test_refusals_in_kafkas_words(properties: dict[str, str], options: dict[str, object], text: str) -> None:
    box = Box(properties)
    assert text in box.refused(**options)
    assert box.disk.files == {}


def test_an_older_release_gets_its_own_features() -> None:
    box = Box(STATIC)
    box.format(release_version="3.9")
    records = read_bootstrap(box.disk, "/a")  # type: ignore[arg-type]
    assert records == [FeatureLevelRecord(name="metadata.version", feature_level=21)]


def test_a_password_is_never_printed_nor_stored() -> None:
    box = Box(STATIC)
    lines = box.format(scram=("SCRAM-SHA-512=[name=alice,password=geheim]",))
    assert "geheim" not in "\n".join(lines) and "alice" in lines[0]
    (record,) = (r for r in read_bootstrap(box.disk, "/a") if isinstance(r, UserScramCredentialRecord))  # type: ignore[arg-type]
    assert (record.mechanism, record.iterations, len(record.stored_key)) == (2, 4096, 64)
    assert all(b"geheim" not in inode.data for inode in box.disk.files.values())
    assert "geheim" not in box.refused(
        scram=("SCRAM-SHA-512[name=alice,password=geheim]",), ignore_formatted=True
    )


def test_formatted_directories_are_left_alone() -> None:
    box = Box(STATIC)
    box.format()
    before = {path: bytes(inode.data) for path, inode in box.disk.files.items()}
    assert box.refused().startswith("Log directory /a is already formatted. Use --ignore-formatted")
    assert box.format(ignore_formatted=True) == ["All of the log directories are already formatted."]
    box.disk.remove("/a/meta.properties")
    assert len(box.format(ignore_formatted=True)) == 2
    after = {path: bytes(inode.data) for path, inode in box.disk.files.items()}
    assert before["/b/meta.properties"] == after["/b/meta.properties"]


def test_a_directory_of_another_cluster_is_refused() -> None:
    box = Box(STATIC)
    box.format()
    other = FormatOptions("AAAAAAAAAAAAAAAAAAAABQ", ignore_formatted=True)
    with pytest.raises(FormatError, match=r"Invalid cluster\.id in: /a/meta\.properties"):
        format_storage(box.settings, box.disk, SeededChance(), other, wall=lambda: 77)  # type: ignore[arg-type]


def test_info_says_what_it_finds() -> None:
    box = Box(STATIC)
    assert storage_info(box.settings, box.disk).lines == [  # type: ignore[arg-type]
        "Found problems:",
        "  /a does not exist",
        "  /b does not exist",
        "",
    ]
    box.format()
    info = storage_info(box.settings, box.disk)  # type: ignore[arg-type]
    assert info.problems == []
    assert info.lines[:4] == ["Found log directories:", "  /a", "  /b", ""]
    assert info.lines[4].startswith(f"Found metadata: {{cluster.id={CLUSTER}, directory.id=")
    box.disk.remove("/b/meta.properties")
    assert storage_info(box.settings, box.disk).problems == ["/b is not formatted."]  # type: ignore[arg-type]


def test_a_random_uuid_never_looks_like_an_option() -> None:
    chance = SeededChance()
    texts = {random_uuid(chance) for _ in range(500)}
    assert len(texts) == 500 and not any(text.startswith("-") or len(text) != 22 for text in texts)
