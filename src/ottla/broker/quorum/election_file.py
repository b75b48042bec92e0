"""The file `quorum-state`, on disk."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ottla.broker.quorum.batches import MetadataLogError
from ottla.broker.storage.directory import read_file, write_file
from ottla.core.raft.election import ElectionState, format_quorum_state, parse_quorum_state
from ottla.world.doors import Disk

QUORUM_STATE: Final = "quorum-state"


def read_election(disk: Disk, path: str) -> ElectionState:
    """The state beside the log in `path`; a fresh one when there is no file. Raises MetadataLogError, OSError."""
    data = read_file(disk, f"{path}/{QUORUM_STATE}")
    if data is None:
        return ElectionState()
    try:
        return parse_quorum_state(data.decode())
    except ValueError as error:
        raise MetadataLogError(f"{path}/{QUORUM_STATE}: {error}") from error


def write_election(
    disk: Disk, path: str, state: ElectionState, kraft_version: int, voter_ids: Iterable[int]
) -> None:
    """Durable when this returns. Raises OSError."""
    text = format_quorum_state(state, kraft_version, voter_ids)
    write_file(disk, f"{path}/{QUORUM_STATE}", text.encode(), sync=True)
