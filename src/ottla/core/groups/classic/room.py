"""What this room serves: see `core.groups.coordinator`."""

from __future__ import annotations

from typing import Any, Final

from ottla.core.coordination.contract import Moment
from ottla.core.groups.classic import rebalancing, records
from ottla.core.groups.classic.group import ClassicGroup
from ottla.core.groups.state import State
from ottla.core.wire.messages.records.offsets import GroupMetadataKey

REQUESTS: Final[dict[Any, Any]] = {}
"""Those of the classic protocol may meet groups of other kinds: see `core.groups.classic_requests`."""
RECORDS: Final[dict[Any, Any]] = {GroupMetadataKey: records.apply}
ALARMS: Final[dict[Any, Any]] = {
    rebalancing.SESSION: rebalancing.session_ended,
    rebalancing.JOIN: rebalancing.join_ended,
    rebalancing.INITIAL: rebalancing.delay_ended,
    rebalancing.SYNC: rebalancing.sync_ended,
}


def loaded(state: State, moment: Moment) -> None:
    """Members that the log knows have their session timeout to be heard of."""
    for group in state.groups.values():
        if isinstance(group, ClassicGroup):
            work = rebalancing.Work(state, group, moment)
            for member in group.members.values():
                work.expect(member)
