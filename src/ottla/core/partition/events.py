"""What the leader of a partition hears, and what it wants done: the events and effects of `partition.leader`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from ottla.core.model.errors import ErrorCode


class Elected(msgspec.Struct, frozen=True):
    """This node leads from `leader_epoch` on; the log ends at `end_offset`."""

    leader_epoch: int
    replicas: Sequence[int]
    isr: Sequence[int]
    end_offset: int
    high_watermark: int
    """The last one known, from the checkpoint: never beyond the end."""
    min_insync_replicas: int = 1


class Changed(msgspec.Struct, frozen=True):
    """The replicas, the ISR or the settings changed within the same leader epoch."""

    replicas: Sequence[int]
    isr: Sequence[int]
    min_insync_replicas: int


class Appended(msgspec.Struct, frozen=True):
    """The log ends at `end_offset` now. `flush`: what was written counts only once it is on disk."""

    end_offset: int
    flush: bool = False


class Flushed(msgspec.Struct, frozen=True):
    """Everything below `up_to` is on disk."""

    up_to: int


class FollowerFetched(msgspec.Struct, frozen=True):
    """A follower asked for `offset`: it holds everything below."""

    replica: int
    offset: int


class Awaits(msgspec.Struct, frozen=True):
    """Somebody waits until everything below `offset` is committed (acks=all) or at least ours (acks=1)."""

    offset: int
    token: object
    committed: bool = True


class Resigned(msgspec.Struct, frozen=True):
    """This node leads no more; whoever waits is told `code`."""

    code: ErrorCode = ErrorCode.NOT_LEADER_OR_FOLLOWER


class Advanced(msgspec.Struct, frozen=True):
    """Effect: the high watermark is now here."""

    high_watermark: int


class Answer(msgspec.Struct, frozen=True):
    """Effect: tell the one who waits that its records are safe, or why not."""

    token: object
    code: ErrorCode


Event: TypeAlias = Elected | Changed | Appended | Flushed | FollowerFetched | Awaits | Resigned
Effect: TypeAlias = Advanced | Answer
