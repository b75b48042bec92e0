"""What the cases of groups and transactions put into a node is what its coordinators write themselves."""

from __future__ import annotations

import struct

from benchmarks import frames
from benchmarks.cases.coordination import BATCH_RECORDS, as_administrator, offsets_batch
from benchmarks.load.coordination import COMMIT_VERSION, ERROR, commit_request
from benchmarks.load.line import framed

from ottla.core.coordination.batches import Replayed, read
from ottla.core.records.batch import read_header
from ottla.core.wire.codec import decode_from, encode
from ottla.core.wire.coordinator_records import CONSUMER_OFFSETS
from ottla.core.wire.headers import RequestHeader
from ottla.core.wire.messages.offset_commit import (
    OffsetCommitResponse,
    OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
)
from ottla.core.wire.messages.records.offsets import OffsetCommitKey, OffsetCommitValue


def test_the_log_that_is_loaded_holds_committed_offsets() -> None:
    batch = offsets_batch(10_000)
    found = list(read(batch, read_header(batch), CONSUMER_OFFSETS))
    assert len(found) == BATCH_RECORDS
    first = found[0]
    assert isinstance(first, Replayed)
    assert first.key == OffsetCommitKey(group="bench-10000", topic="orders", partition=0)
    assert isinstance(first.value, OffsetCommitValue)
    assert first.value.offset == 10_000


def test_a_request_goes_under_another_name_and_is_whole() -> None:
    request = frames.produce("orders", 0, frames.batch([b"x"]))
    renamed = as_administrator(request)
    assert struct.unpack_from(">i", renamed)[0] == len(renamed) - 4
    header, end = decode_from(RequestHeader, renamed, 1, 4)
    assert header.client_id == "__admin_client"
    assert renamed[end:] == request[-(len(renamed) - end) :]


def test_the_error_of_a_commit_is_where_it_is_looked_for() -> None:
    partition = OffsetCommitResponsePartition(partition_index=3, error_code=0x1234)
    topic = OffsetCommitResponseTopic(name="orders", partitions=[partition])
    answer = encode(OffsetCommitResponse(topics=[topic]), COMMIT_VERSION)
    assert answer[ERROR] == b"\x12\x34"


def test_a_request_is_framed_by_its_length() -> None:
    whole = framed(commit_request("g", "orders", range(2)), COMMIT_VERSION)
    assert struct.unpack_from(">i", whole)[0] == len(whole) - 4
