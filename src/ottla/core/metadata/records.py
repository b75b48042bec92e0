"""In which version a metadata record is written, given the finalised `metadata.version`.

Kafka picks the oldest version that can carry what the cluster may write, so that a cluster held back at an older
`metadata.version` stays readable for older nodes.
"""

from __future__ import annotations

from ottla.core.metadata.levels import (
    CORDONED_DIRECTORIES_SINCE,
    DIRECTORIES_SINCE,
    ELR_SINCE,
)
from ottla.core.wire.messages.records import metadata as m


def _partition_version(metadata_version: int) -> int:
    if metadata_version >= ELR_SINCE:
        return 2
    return 1 if metadata_version >= DIRECTORIES_SINCE else 0


def _register_broker_version(metadata_version: int) -> int:
    if metadata_version >= CORDONED_DIRECTORIES_SINCE:
        return 4
    if metadata_version >= DIRECTORIES_SINCE:
        return 3
    return 2 if metadata_version >= 8 else 1


def _broker_change_version(record: m.BrokerRegistrationChangeRecord) -> int:
    if record.cordoned_log_dirs is not None:
        return 3
    if record.log_dirs:
        return 2
    return 1 if record.in_controlled_shutdown else 0


def record_version(record: object, metadata_version: int) -> int:
    """The version to encode `record` in. Unknown records carry their own and never come here."""
    if isinstance(record, m.PartitionRecord | m.PartitionChangeRecord):
        return _partition_version(metadata_version)
    if isinstance(record, m.RegisterBrokerRecord):
        return _register_broker_version(metadata_version)
    if isinstance(record, m.BrokerRegistrationChangeRecord):
        return _broker_change_version(record)
    return 0
