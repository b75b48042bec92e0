"""What a fetch of the metadata log gets: records, a hint where the logs part, or the name of a checkpoint to load first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from ottla.core.model.errors import ErrorCode
from ottla.core.raft.facts import Facts, OffsetAndEpoch


class Refuse(msgspec.Struct, frozen=True):
    """The fetch is wrong or comes to the wrong replica."""

    error: ErrorCode


class Serve(msgspec.Struct, frozen=True):
    """Read from this offset."""

    offset: int


class Diverge(msgspec.Struct, frozen=True):
    """The fetcher's log is not a prefix of ours: it must cut itself back to here."""

    at: OffsetAndEpoch


class LoadFirst(msgspec.Struct, frozen=True):
    """Our log no longer holds that offset: load this checkpoint first."""

    checkpoint: OffsetAndEpoch


Answer: TypeAlias = Refuse | Serve | Diverge | LoadFirst


def answer_fetch(
    facts: Facts,
    *,
    max_wait_ms: int,
    current_leader_epoch: int,
    fetch_offset: int,
    last_fetched_epoch: int,
    checkpoints: Sequence[OffsetAndEpoch],
    end_offset_for_epoch: Callable[[int], tuple[int, int] | None],
) -> Answer:
    """`checkpoints`: ours, oldest first, without the one made by formatting. `end_offset_for_epoch`: (epoch, end
    offset) of the largest epoch not above the one given, None when there is none."""
    if min(max_wait_ms, fetch_offset, last_fetched_epoch) < 0 or last_fetched_epoch > current_leader_epoch:
        return Refuse(ErrorCode.INVALID_REQUEST)
    error = leader_error(facts, current_leader_epoch)
    if error is not ErrorCode.NONE:
        return Refuse(error)
    if fetch_offset == 0 and checkpoints:
        return LoadFirst(checkpoints[-1])
    if fetch_offset == 0 and facts.start_offset == 0:
        return Serve(0)
    if checkpoints:
        oldest = checkpoints[0]
        below = fetch_offset < facts.start_offset or last_fetched_epoch < oldest.epoch
        at_start = fetch_offset == facts.start_offset and last_fetched_epoch != oldest.epoch
        if below or at_start:
            return LoadFirst(checkpoints[-1])
        if fetch_offset == oldest.offset and last_fetched_epoch == oldest.epoch:
            return Serve(fetch_offset)
    found = end_offset_for_epoch(last_fetched_epoch)
    if found is None:
        return Diverge(OffsetAndEpoch(facts.start_offset, 0))
    epoch, end = found
    if epoch != last_fetched_epoch or end < fetch_offset:
        return Diverge(OffsetAndEpoch(end, epoch))
    return Serve(fetch_offset)


def leader_error(facts: Facts, epoch: int) -> ErrorCode:
    """Why a request meant for the leader of `epoch` is not for us."""
    if epoch < facts.epoch:
        return ErrorCode.FENCED_LEADER_EPOCH
    if epoch > facts.epoch:
        return ErrorCode.UNKNOWN_LEADER_EPOCH
    return ErrorCode.NONE if facts.leading else ErrorCode.NOT_LEADER_OR_FOLLOWER
