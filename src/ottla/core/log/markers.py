"""Transaction markers, as the producer table needs them: one record, key version int16 and type int16, value version
int16 and coordinator epoch int32. Types 0 and 1 are abort and commit; other control batches are of Raft's and mean
nothing here."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from ottla.core.records.record import records

_KEY: Final = struct.Struct(">hh")
_VALUE: Final = struct.Struct(">hi")
_ABORT: Final = 0
_COMMIT: Final = 1


class Marker(NamedTuple):
    committed: bool
    coordinator_epoch: int


def read_marker(batch: bytes | memoryview) -> Marker | None:
    """The marker in a control batch; None when it is another kind of control batch, or one that compaction emptied."""
    for record in records(batch):
        if record.key is None or len(record.key) < _KEY.size:
            return None
        _, kind = _KEY.unpack_from(record.key)
        if kind not in (_ABORT, _COMMIT) or record.value is None or len(record.value) < _VALUE.size:
            return None
        _, coordinator_epoch = _VALUE.unpack_from(record.value)
        return Marker(kind == _COMMIT, coordinator_epoch)
    return None
