"""What the first leader of a new cluster writes: the records that formatting left in `bootstrap.checkpoint`.

They go into the log as one metadata transaction, together with the cluster-wide min.insync.replicas that eligible
leader replicas stand on (KIP-966). A leader that finds an open transaction aborts it first.
"""

from __future__ import annotations

from typing import Final

from ottla.broker.quorum.batches import MetadataLogError
from ottla.broker.quorum.checkpoints import BOOTSTRAP, parse_checkpoint, read_whole
from ottla.core.metadata.levels import (
    ELR_VERSION,
    METADATA_VERSION,
    TRANSACTIONS_SINCE,
    metadata_version_name,
)
from ottla.core.model.settings.table import ResourceType
from ottla.core.wire.messages.records.metadata import (
    AbortTransactionRecord,
    BeginTransactionRecord,
    ConfigRecord,
    EndTransactionRecord,
    FeatureLevelRecord,
)
from ottla.world.doors import Disk

BOOTSTRAP_FILE: Final = "bootstrap.checkpoint"
_TRANSACTION: Final = "Bootstrap records"


def read_bootstrap(disk: Disk, directory: str) -> list[object]:
    """The records of `bootstrap.checkpoint` in a log directory. Raises MetadataLogError, OSError."""
    name = f"{directory}/{BOOTSTRAP_FILE}"
    records = parse_checkpoint(read_whole(disk, name), name, BOOTSTRAP).records
    if METADATA_VERSION not in _levels(records):
        raise MetadataLogError(f"{name} sets no {METADATA_VERSION}")
    return records


def _levels(records: list[object]) -> dict[str, int]:
    return {r.name: r.feature_level for r in records if isinstance(r, FeatureLevelRecord)}


def activation_records(
    bootstrap: list[object], *, log_is_empty: bool, transaction_open: bool, min_insync_replicas: int
) -> tuple[list[object], str]:
    """(records a new leader writes before anything else, one sentence about them for the log)."""
    records: list[object] = []
    if transaction_open:
        records.append(AbortTransactionRecord(reason="Controller failover"))
    if not log_is_empty:
        return records, "aborting an open metadata transaction" if records else "continuing the metadata log"
    levels = _levels(bootstrap)
    in_transaction = levels[METADATA_VERSION] >= TRANSACTIONS_SINCE
    if in_transaction:
        records.append(BeginTransactionRecord(name=_TRANSACTION))
    records += bootstrap
    if levels.get(ELR_VERSION, 0) > 0:
        records.append(
            ConfigRecord(
                resource_type=ResourceType.BROKER,
                resource_name="",
                name="min.insync.replicas",
                value=str(min_insync_replicas),
            )
        )
    if in_transaction:
        records.append(EndTransactionRecord())
    name = metadata_version_name(levels[METADATA_VERSION])
    return records, f"the metadata log is empty: writing {len(bootstrap)} bootstrap records at {name}"
