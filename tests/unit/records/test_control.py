"""Control batches."""

from __future__ import annotations

import pytest

from ottla.core.model.errors import KafkaError
from ottla.core.records.batch import read_header
from ottla.core.records.build import build
from ottla.core.records.control import (
    ControlMessage,
    ControlType,
    EndTransaction,
    build_control,
    build_end_transaction,
    control_messages,
    control_type,
    end_transaction_marker,
)
from ottla.core.records.record import Record, records
from ottla.core.wire.messages.records.control import (
    KRaftVersionRecord,
    LeaderChangeMessage,
    LeaderChangeMessageVoter,
    SnapshotFooterRecord,
    SnapshotHeaderRecord,
    VotersRecord,
    VotersVoter,
)


@pytest.mark.parametrize("committed", [True, False])
def test_a_marker_says_how_the_transaction_ended(committed: bool) -> None:
    batch = build_end_transaction(7, 3, EndTransaction(committed, 11), 1000)
    assert end_transaction_marker(batch) == EndTransaction(committed, 11)
    header = read_header(batch)
    assert header.is_control and header.is_transactional
    assert (header.producer_id, header.producer_epoch, header.base_sequence) == (7, 3, -1)
    record = next(records(batch))
    assert record.key == (b"\0\0\0\x01" if committed else b"\0\0\0\0")
    assert record.value == b"\0\0\0\0\0\x0b"


def test_raft_messages_come_back() -> None:
    messages: list[ControlMessage] = [
        LeaderChangeMessage(leader_id=1, voters=[LeaderChangeMessageVoter(voter_id=1)]),
        SnapshotHeaderRecord(last_contained_log_timestamp=99),
        KRaftVersionRecord(kraft_version=1),
        VotersRecord(voters=[VotersVoter(voter_id=4, voter_directory_id=bytes(range(16)))]),  # type: ignore[arg-type]
        SnapshotFooterRecord(),
    ]
    batch = build_control(messages, base_offset=10, leader_epoch=2, timestamp=5)
    header = read_header(batch)
    assert header.is_control and not header.is_transactional
    assert (header.base_offset, header.last_offset, header.leader_epoch) == (10, 14, 2)
    assert control_messages(batch) == messages
    assert end_transaction_marker(batch) is None
    assert control_type(next(records(batch))) == ControlType.LEADER_CHANGE


def test_types_to_come_are_passed_over() -> None:
    batch = build([Record(0, 0, b"\0\0\0\x63", b"\0\0")], control=True)
    assert end_transaction_marker(batch) is None
    assert control_messages(batch) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (None, b""),
        (b"\0\0", b""),
        (b"\xff\xff\0\0", b"\0\0\0\0\0\0"),
        (b"\0\0\0\0", b"\0"),
        (b"\0\0\0\0", b"\0\0\0"),
    ],
)
def test_damaged_markers_are_refused(key: bytes | None, value: bytes) -> None:
    with pytest.raises(KafkaError):
        end_transaction_marker(build([Record(0, 0, key, value)], control=True))
