"""A member of a streams group: one thread of one process of the application."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

from ottla.core.groups.streams.tasks import NOTHING_HELD, Held

NOT_SAID: Final = -1


class MemberState(IntEnum):
    """How far a member is on its way to the target. The numbers are those of records."""

    STABLE = 1
    UNREVOKED_TASKS = 2
    """It has yet to say that it gave up what it is to give up."""
    UNRELEASED_TASKS = 3
    """It waits for tasks that others have yet to give up."""
    UNKNOWN = 127

    @classmethod
    def _missing_(cls, value: object) -> MemberState:
        """A state that a later version wrote."""
        return cls.UNKNOWN


class Endpoint(NamedTuple):
    """Where the application answers questions about its state (interactive queries)."""

    host: str
    port: int


class Member(NamedTuple):
    """Everything the log holds of a member, bar its target."""

    id: str
    epoch: int = 0
    previous_epoch: int = 0
    state: MemberState = MemberState.STABLE
    instance_id: str | None = None
    rack: str | None = None
    client_id: str = ""
    client_host: str = ""
    rebalance_timeout_ms: int = NOT_SAID
    topology_epoch: int = NOT_SAID
    process_id: str = ""
    endpoint: Endpoint | None = None
    client_tags: tuple[tuple[str, str], ...] = ()
    """Sorted by key."""
    assigned: Held = NOTHING_HELD
    revoking: Held = NOTHING_HELD
    """What it has been told to give up and may still have."""

    def reconciled(self, assignment_epoch: int) -> bool:
        return self.state is MemberState.STABLE and self.epoch == assignment_epoch
