"""The group coordinator: the machine over one partition of `__consumer_offsets`.

Each room brings three tables: which requests it decides, which records it applies, which timers are its own. This module
puts them together and knows nothing of what they say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from ottla.core.coordination.contract import NOTHING, Call, Decision, Moment, Producer, Request, Topics
from ottla.core.coordination.settings import Settings
from ottla.core.groups import administration, classic_requests
from ottla.core.groups.classic import room as classic
from ottla.core.groups.consumer import room as consumer
from ottla.core.groups.counts import GroupCounts
from ottla.core.groups.group import GroupKind
from ottla.core.groups.offsets import forget
from ottla.core.groups.offsets import room as offsets
from ottla.core.groups.settings import GroupConfigs
from ottla.core.groups.share import offsets as share_offsets
from ottla.core.groups.share import room as share
from ottla.core.groups.state import State, TimerKey
from ottla.core.groups.streams import room as streams
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages.records.consumer_groups import ConsumerGroupMetadataKey
from ottla.core.wire.messages.records.share_groups import ShareGroupMetadataKey
from ottla.core.wire.messages.records.streams_groups import StreamsGroupMetadataKey

Handler: TypeAlias = Callable[[State, Moment, object, Request], Decision]
"""(state, moment, token, request) → decision. A token that is not answered waits."""
Applier: TypeAlias = Callable[[State, Moment, Any, Any, "Producer | None"], None]
"""(state, moment, key, value, producer)."""
Alarm: TypeAlias = Callable[[State, Moment, TimerKey], Decision]
Listener: TypeAlias = Callable[[State, Moment, Any, Any], Decision]
"""(state, moment, what was asked, answer): a call has been answered."""

ROOMS: Final = (offsets, classic, consumer, classic_requests, share, streams, administration)


def _together(name: str) -> Mapping[Any, Any]:
    found: dict[Any, Any] = {}
    for room in ROOMS:
        table = getattr(room, name)
        assert not found.keys() & table.keys(), f"two rooms claim the same of {name}"
        found.update(table)
    return found


REQUESTS: Final[Mapping[type[Body], Handler]] = _together("REQUESTS")
RECORDS: Final[Mapping[type[Body], Applier]] = _together("RECORDS")
ALARMS: Final[Mapping[str, Alarm]] = _together("ALARMS")
ANSWERS: Final[Mapping[str, Listener]] = {**share.ANSWERS}

EPOCHS: Final[Mapping[type[Body], GroupKind]] = {
    ConsumerGroupMetadataKey: GroupKind.CONSUMER,
    ShareGroupMetadataKey: GroupKind.SHARE,
    StreamsGroupMetadataKey: GroupKind.STREAMS,
}
"""Records that say a group has a new epoch: its members are to share anew."""


class GroupCoordinator:
    """A `core.coordination.contract.Coordinator`."""

    def __init__(
        self, settings: Settings, configs: GroupConfigs, topics: Topics, counts: GroupCounts | None = None
    ) -> None:
        self.state = State(settings, configs, topics, counts)

    @property
    def deadline(self) -> int | None:
        return self.state.timers.first

    def handle(self, moment: Moment, token: object, request: Request) -> Decision:
        handler = REQUESTS.get(type(request.body))
        if handler is None:
            raise KafkaError(
                ErrorCode.UNSUPPORTED_VERSION,
                f"The group coordinator does not serve {type(request.body).__name__}.",
            )
        return handler(self.state, moment, token, request)

    def abandoned(self, token: object) -> None:
        """Replies to it go nowhere; a member whose client has gone is found by its session timeout."""

    def apply(self, moment: Moment, key: Body, value: Body | None, producer: Producer | None) -> None:
        applier = RECORDS.get(type(key))
        if applier is not None:
            applier(self.state, moment, key, value, producer)
        kind = EPOCHS.get(type(key))
        if kind is not None and value is not None and self.state.live:
            self.state.counts.rebalances[kind] += 1

    def ended(self, producer_id: int, committed: bool) -> None:
        self.state.offsets.ended(producer_id, committed)

    def loaded(self, moment: Moment) -> Decision:
        self.state.live = True
        for room in ROOMS:
            room.loaded(self.state, moment)
        return NOTHING

    def tick(self, moment: Moment) -> Decision:
        """One alarm a call; the deadline says whether another is due."""
        key = self.state.timers.next_due(moment.now)
        return NOTHING if key is None else ALARMS[key.what](self.state, moment, key)

    def answered(self, moment: Moment, call: Call, answer: Any) -> Decision:
        return ANSWERS[call.name](self.state, moment, call.body, answer)

    def topics_changed(self, moment: Moment, changed: frozenset[str], deleted: frozenset[str]) -> Decision:
        """What was committed for topics that are gone goes with them; groups see the rest when they next look."""
        self.state.hashes.changed(changed | deleted)
        if not deleted:
            return NOTHING
        gone = [
            *forget.with_topics(self.state, deleted),
            *share_offsets.without_topics(self.state),
        ]
        return Decision(gone, divisible=True)
