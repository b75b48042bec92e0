"""The small text files: checkpoints, meta.properties, partition.metadata, quorum-state, the clean-shutdown mark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from ottla.cli.dump.rows import Broken, Row
from ottla.core.log.checkpoints import (
    parse_clean_shutdown,
    parse_epochs,
    parse_meta_properties,
    parse_offsets,
    parse_partition_metadata,
)
from ottla.core.log.names import (
    CLEAN_SHUTDOWN_FILE,
    CLEANER_FILE,
    HIGH_WATERMARK_FILE,
    LEADER_EPOCH_FILE,
    LOG_START_FILE,
    META_PROPERTIES_FILE,
    PARTITION_METADATA_FILE,
    RECOVERY_POINT_FILE,
)
from ottla.core.model.ids import uuid_text

QUORUM_STATE_FILE: Final = "quorum-state"


def offset_rows(text: str) -> Iterator[Row]:
    for (topic, partition), offset in parse_offsets(text).items():
        yield {"kind": "checkpoint", "topic": topic, "partition": partition, "offset": offset}


def epoch_rows(text: str) -> Iterator[Row]:
    for epoch, offset in parse_epochs(text):
        yield {"kind": "epoch", "leader_epoch": epoch, "start_offset": offset}


def meta_rows(text: str) -> Iterator[Row]:
    found = parse_meta_properties(text)
    yield {
        "kind": "meta.properties",
        "version": found.version,
        "cluster_id": found.cluster_id,
        "node_id": found.node_id,
        "directory_id": uuid_text(found.directory_id) if found.directory_id is not None else None,
    }


def partition_metadata_rows(text: str) -> Iterator[Row]:
    yield {"kind": "partition.metadata", "topic_id": uuid_text(parse_partition_metadata(text))}


def quorum_state_rows(text: str) -> Iterator[Row]:
    try:
        found = msgspec.json.decode(text.encode(), type=dict)
    except msgspec.MsgspecError as error:
        raise ValueError(f"quorum-state: {error}") from error
    yield {"kind": "quorum-state", **found}


def clean_shutdown_rows(text: str) -> Iterator[Row]:
    yield {"kind": "clean-shutdown", "broker_epoch": parse_clean_shutdown(text)}


READERS: Final[dict[str, Callable[[str], Iterator[Row]]]] = {
    RECOVERY_POINT_FILE: offset_rows,
    LOG_START_FILE: offset_rows,
    HIGH_WATERMARK_FILE: offset_rows,
    CLEANER_FILE: offset_rows,
    LEADER_EPOCH_FILE: epoch_rows,
    META_PROPERTIES_FILE: meta_rows,
    PARTITION_METADATA_FILE: partition_metadata_rows,
    QUORUM_STATE_FILE: quorum_state_rows,
    CLEAN_SHUTDOWN_FILE: clean_shutdown_rows,
}


def text_rows(name: str, data: bytes) -> Iterator[Row]:
    """The entries of a text file, by its name. Raises Broken."""
    try:
        yield from READERS[name](data.decode())
    except UnicodeDecodeError as error:
        raise Broken(error.start, "the file is not UTF-8 text") from error
    except ValueError as error:
        raise Broken(0, str(error)) from error
