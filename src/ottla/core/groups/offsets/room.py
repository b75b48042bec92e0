"""What this room serves: see `core.groups.coordinator`."""

from __future__ import annotations

from typing import Any, Final

from ottla.core.groups.offsets import commit, fetch, forget, records
from ottla.core.wire.messages.offset_commit import OffsetCommitRequest
from ottla.core.wire.messages.offset_delete import OffsetDeleteRequest
from ottla.core.wire.messages.records.offsets import OffsetCommitKey
from ottla.core.wire.messages.txn_offset_commit import TxnOffsetCommitRequest

REQUESTS: Final[dict[Any, Any]] = {
    OffsetCommitRequest: commit.commit,
    TxnOffsetCommitRequest: commit.commit_in_transaction,
    fetch.FetchOffsets: fetch.fetch,
    OffsetDeleteRequest: forget.delete,
}
RECORDS: Final[dict[Any, Any]] = {OffsetCommitKey: records.apply}
ALARMS: Final[dict[Any, Any]] = {forget.EXPIRY.what: forget.expire}
loaded = forget.loaded
