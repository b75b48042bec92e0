"""What a replica must not forget about elections, as the file `quorum-state` keeps it.

The file is one line of JSON. Version 0 belongs to a static quorum (kraft.version 0) and names the voters; version 1
belongs to a dynamic one and names the directory of the replica that got our vote. It is on the platter before we act
on what it says: a replica that forgot its vote could vote twice in one epoch.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from ottla.core.model.ids import ZERO_UUID, Uuid, uuid_parse, uuid_text

NOBODY: Final = -1


class ElectionState(msgspec.Struct, frozen=True):
    """The newest epoch we know, who leads it, and whom we voted for in it (-1: nobody)."""

    epoch: int = 0
    leader_id: int = NOBODY
    voted_id: int = NOBODY
    voted_directory_id: Uuid = ZERO_UUID


def format_quorum_state(state: ElectionState, kraft_version: int, voter_ids: Iterable[int]) -> str:
    """The contents of `quorum-state`, byte for byte as Kafka writes it."""
    if kraft_version == 0:
        fields: dict[str, Any] = {
            "clusterId": "",
            "leaderId": state.leader_id,
            "leaderEpoch": state.epoch,
            "votedId": state.voted_id,
            "appliedOffset": 0,
            "currentVoters": [{"voterId": id_} for id_ in voter_ids],
            "data_version": 0,
        }
    else:
        fields = {
            "leaderId": state.leader_id,
            "leaderEpoch": state.epoch,
            "votedId": state.voted_id,
            "votedDirectoryId": uuid_text(state.voted_directory_id),
            "data_version": 1,
        }
    return msgspec.json.encode(fields).decode()


def parse_quorum_state(text: str) -> ElectionState:
    """The inverse of `format_quorum_state`. Raises ValueError for what is damaged or of another version."""
    try:
        fields = msgspec.json.decode(text, type=dict[str, Any])
        version = fields["data_version"]
        if version not in (0, 1):
            raise ValueError(f"quorum-state has data_version {version}; 0 and 1 are known")
        directory = uuid_parse(fields["votedDirectoryId"]) if version == 1 else ZERO_UUID
        return ElectionState(fields["leaderEpoch"], fields["leaderId"], fields["votedId"], directory)
    except (msgspec.DecodeError, KeyError) as error:
        raise ValueError(f"quorum-state is damaged: {error}") from error
