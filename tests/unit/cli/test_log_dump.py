"""`ottla log dump` on files of every kind, whole and broken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ottla.cli.main import main
from ottla.core.log.index import OFFSET_ENTRY, TIME_ENTRY, AbortedTransaction, pack_aborted
from ottla.core.log.producers import ProducerStates
from ottla.core.model.ids import Uuid
from ottla.core.records.batch import pack_header, read_header
from ottla.core.records.build import build
from ottla.core.records.compression import Codec
from ottla.core.records.control import EndTransaction, build_control, build_end_transaction
from ottla.core.records.record import Record
from ottla.core.wire.coordinator_records import encode_key, encode_value
from ottla.core.wire.messages.records.control import LeaderChangeMessage
from ottla.core.wire.messages.records.metadata import TopicRecord
from ottla.core.wire.messages.records.offsets import OffsetCommitKey, OffsetCommitValue
from ottla.core.wire.metadata_frame import encode_metadata_record

TIME = 1_700_000_000_000


def dump(*args: object) -> Result:
    return CliRunner().invoke(main, ["log", "dump", *map(str, args)])


def rows(*args: object) -> list[dict[str, Any]]:
    done = dump(*args, "-o", "jsonl")
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def batch(first: int, *values: bytes, **options: Any) -> bytes:
    return build([Record(first + index, TIME, b"k", value) for index, value in enumerate(values)], **options)


def test_batches_and_records_of_a_segment(tmp_path: Path) -> None:
    segment = tmp_path / "00000000000000000000.log"
    segment.write_bytes(batch(0, b"one", b"two", codec=Codec.ZSTD) + batch(2, b"\xff", leader_epoch=4))
    first, second = rows(segment)
    assert (first["base_offset"], first["last_offset"], first["codec"], first["valid"]) == (
        0,
        1,
        "zstd",
        True,
    )
    assert (second["position"], second["leader_epoch"]) == (first["size"], 4)
    records = [row for row in rows(segment, "--print-data") if row["kind"] == "record"]
    assert [(row["offset"], row["key"], row["value"]) for row in records] == [
        (0, "k", "one"),
        (1, "k", "two"),
        (2, "k", {"base64": "/w=="}),
    ]
    assert "value" not in next(row for row in rows(segment, "--deep") if row["kind"] == "record")


def test_text_is_one_line_a_thing(tmp_path: Path) -> None:
    segment = tmp_path / "00000000000000000000.log"
    segment.write_bytes(batch(0, b"two words"))
    done = dump(segment, "--print-data")
    first, second = done.stdout.splitlines()
    assert first.startswith("batch position=0 size=")
    assert second.startswith("  record offset=0 ")
    assert second.endswith('key=k value="two words"')


def test_metadata_reads_by_name(tmp_path: Path) -> None:
    home = tmp_path / "__cluster_metadata-0"
    home.mkdir()
    segment = home / "00000000000000000000.log"
    value = encode_metadata_record(TopicRecord(name="orders", topic_id=Uuid(bytes(range(16)))), 0)
    future = b"\x01\xc8\x01\x00junk"
    segment.write_bytes(
        build_control([LeaderChangeMessage(leader_id=1)], base_offset=0, leader_epoch=1, timestamp=TIME)
        + build([Record(1, TIME, None, value), Record(2, TIME, None, future)], base_offset=1)
    )
    found = [row for row in rows(segment, "--print-data") if row["kind"] == "record"]
    assert [row["type"] for row in found] == ["LeaderChangeMessage", "TopicRecord", "unknown 200 version 0"]
    assert found[1]["data"] == {"name": "orders", "topic_id": "AAECAwQFBgcICQoLDA0ODw"}
    plain = [row for row in rows(segment, "--print-data", "--decoder", "plain") if row["kind"] == "record"]
    assert "type" not in plain[1]


def test_coordinator_records_read_by_name_and_markers_too(tmp_path: Path) -> None:
    home = tmp_path / "__consumer_offsets-49"
    home.mkdir()
    segment = home / "00000000000000000000.log"
    key = encode_key(OffsetCommitKey(group="g", topic="orders", partition=3))
    value = encode_value(OffsetCommitValue(offset=17, metadata="m"), 3)
    segment.write_bytes(
        build([Record(0, TIME, key, value), Record(1, TIME, key, None), Record(2, TIME, b"?", b"!")])
        + build_end_transaction(9, 1, EndTransaction(False, 7), TIME)
    )
    commit, tombstone, strange, marker = [
        row for row in rows(segment, "--print-data") if row["kind"] == "record"
    ]
    assert (commit["type"], commit["key"]["group"], commit["value"]["offset"]) == ("OffsetCommit", "g", 17)
    assert tombstone["value"] is None
    assert (strange["key"], strange["value"]) == ("?", "!")
    assert "too few" in strange["undecodable"]
    assert marker["data"] == {"kind": "abort", "coordinator_epoch": 7}


@pytest.mark.parametrize(
    ("tail", "why"),
    [
        (batch(1, b"x")[:-1], "a torn write"),
        (b"\x00\x00\x00", "bytes of zeros"),
        (bytes(5000), "bytes of zeros"),
        (b"\xff" * 10, "too few for a batch: a torn write"),
        (b"\xff" * 70, "Record size -1 is less"),
        (
            batch(1, b"x")[:8] + b"\x7f\xff\xff\xff" + batch(1, b"x")[12:],
            "a batch of 2147483659 bytes is announced",
        ),
        (batch(1, b"x")[:-1] + b"?", "the CRC does not match the batch"),
        (batch(1, b"x")[:16] + b"\x01" + batch(1, b"x")[17:], "magic 1"),
    ],
)
def test_a_broken_segment_is_shown_up_to_the_fault(tmp_path: Path, tail: bytes, why: str) -> None:
    whole = batch(0, b"whole")
    segment = tmp_path / "00000000000000000000.log"
    segment.write_bytes(whole + tail)
    done = dump(segment, "--deep")
    assert done.exit_code == 1
    assert done.stdout.startswith("batch position=0 ")
    assert f"at position {len(whole)}: " in done.stderr
    assert why in done.stderr
    assert "hint: " in done.stderr


def test_compressed_garbage_is_a_fault_too(tmp_path: Path) -> None:
    broken = bytearray(batch(0, b"x" * 100, codec=Codec.GZIP))
    broken[80] ^= 0xFF
    header = read_header(broken)
    segment = tmp_path / "0.log"
    segment.write_bytes(pack_header(header, bytes(broken[61:])) + bytes(broken[61:]))
    done = dump(segment, "--deep")
    assert done.exit_code == 1
    assert "the records of this batch cannot be read" in done.stderr


def test_indexes(tmp_path: Path) -> None:
    index = tmp_path / "00000000000000000100.index"
    index.write_bytes(OFFSET_ENTRY.pack(9, 4096) + OFFSET_ENTRY.pack(20, 8192) + bytes(800))
    assert [(row["offset"], row["position"]) for row in rows(index)] == [(109, 4096), (120, 8192)]
    times = tmp_path / "00000000000000000100.timeindex"
    times.write_bytes(TIME_ENTRY.pack(TIME, 9) + bytes(24))
    assert [(row["timestamp"], row["offset"]) for row in rows(times)] == [(TIME, 109)]
    aborted = tmp_path / "00000000000000000100.txnindex"
    aborted.write_bytes(pack_aborted(AbortedTransaction(7, 1, 5, 6)))
    assert rows(aborted)[0]["last_stable_offset"] == 6


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("0.index", OFFSET_ENTRY.pack(9, 100) + OFFSET_ENTRY.pack(8, 200), "at position 8: entry 1"),
        ("0.index", OFFSET_ENTRY.pack(9, 100) + b"abc", "at position 8: 3 bytes are left over"),
        ("0.timeindex", TIME_ENTRY.pack(5, 1) + TIME_ENTRY.pack(5, 2), "at position 12: entry 1"),
        ("0.txnindex", b"\x00\x05" + bytes(32), "version 5, 0 is expected"),
        ("0.snapshot", b"\x00\x01abc", "5 bytes are too few"),
        ("quorum-state", b"{", "quorum-state"),
        ("meta.properties", b"version=9\n", "version '9' is not known"),
        ("recovery-point-offset-checkpoint", b"0\n2\na 0 1\n", "2 entries are announced, 1 are there"),
        ("leader-epoch-checkpoint", b"\xff\xfe", "not UTF-8"),
    ],
)
def test_broken_small_files_say_what_is_wrong(tmp_path: Path, name: str, data: bytes, why: str) -> None:
    (tmp_path / name).write_bytes(data)
    done = dump(tmp_path / name)
    assert done.exit_code == 1
    assert why in done.stderr


def test_small_files(tmp_path: Path) -> None:
    texts = {
        "leader-epoch-checkpoint": "0\n1\n3 40\n",
        "replication-offset-checkpoint": "0\n1\norders 2 17\n",
        "partition.metadata": "version: 0\ntopic_id: AAECAwQFBgcICQoLDA0ODw",
        "meta.properties": "version=1\ncluster.id=c\nnode.id=1\n",
        "quorum-state": '{"leaderId":1,"data_version":1}',
        ".kafka_cleanshutdown": '{"version":0,"brokerEpoch":9}',
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    states = ProducerStates()
    (tmp_path / "00000000000000000000.snapshot").write_bytes(states.snapshot())
    found = {row["file"].rpartition("/")[2]: row for row in rows(*(tmp_path / name for name in texts))}
    assert found["leader-epoch-checkpoint"]["start_offset"] == 40
    assert found["replication-offset-checkpoint"]["offset"] == 17
    assert found["partition.metadata"]["topic_id"] == "AAECAwQFBgcICQoLDA0ODw"
    assert found["meta.properties"]["node_id"] == 1
    assert found["quorum-state"]["leaderId"] == 1
    assert found[".kafka_cleanshutdown"]["broker_epoch"] == 9
    assert rows(tmp_path / "00000000000000000000.snapshot") == []


def test_other_files_are_refused_and_missing_ones_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    done = dump(tmp_path / "notes.txt", tmp_path / "0.log")
    assert done.exit_code == 3
    assert "notes.txt is no file of a log" in done.stderr
    assert "0.log does not exist" in done.stderr


def test_indexes_are_held_against_the_segment_beside_them(tmp_path: Path) -> None:
    batches = [build([Record(offset, TIME + offset, b"k", b"v")]) for offset in range(3)]
    segment = tmp_path / "00000000000000000000.log"
    segment.write_bytes(b"".join(batches))
    second = len(batches[0])
    index, times = segment.with_suffix(".index"), segment.with_suffix(".timeindex")
    index.write_bytes(OFFSET_ENTRY.pack(1, second))
    times.write_bytes(TIME_ENTRY.pack(TIME + 1, 1))
    assert len(rows(index)) == len(rows(times)) == 1
    for wrong, said in (
        (OFFSET_ENTRY.pack(2, second), "entry 0 is of offset 2, the batch at"),
        (OFFSET_ENTRY.pack(1, second + 1), "is none"),
        (OFFSET_ENTRY.pack(1, 3 * second), f"the segment has {3 * second} bytes"),
    ):
        index.write_bytes(wrong)
        done = dump(index)
        assert done.exit_code == 1 and said in done.stderr, done.stderr
    for wrong, said in (
        (TIME_ENTRY.pack(TIME + 2, 1), f"entry 0 says {TIME + 2}, the batch at offset 1 has {TIME + 1}"),
        (TIME_ENTRY.pack(TIME + 2, 9), "beyond the segment"),
    ):
        times.write_bytes(wrong)
        done = dump(times)
        assert done.exit_code == 1 and said in done.stderr, done.stderr
