"""What this room serves: see `core.groups.coordinator`."""

from __future__ import annotations

from typing import Any, Final

from ottla.core.coordination.contract import Moment
from ottla.core.groups.state import State
from ottla.core.groups.streams import applying, describing, heartbeat, leaving, targeting
from ottla.core.groups.streams.group import StreamsGroup
from ottla.core.wire.messages.streams_group_heartbeat import StreamsGroupHeartbeatRequest

REQUESTS: Final[dict[Any, Any]] = {
    StreamsGroupHeartbeatRequest: heartbeat.heartbeat,
    describing.DescribeStreams: describing.describe,
}
RECORDS: Final[dict[Any, Any]] = applying.RECORDS
ALARMS: Final[dict[Any, Any]] = {
    leaving.SESSION: leaving.session_ended,
    leaving.REVOCATION: leaving.revocation_ended,
    targeting.INITIAL_DELAY: targeting.delay_ended,
}


def loaded(state: State, moment: Moment) -> None:
    """Members that the log knows have their session timeout to be heard of, and their time to give up tasks."""
    for group in state.groups.values():
        if isinstance(group, StreamsGroup):
            for member in group.members.values():
                leaving.expect(state, moment, group, member)
                leaving.watch_revocation(state, moment, group, member)
