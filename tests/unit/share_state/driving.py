"""A share coordinator to drive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ottla.core.model.settings.table import BROKER
from ottla.core.share_state.coordinator import ShareCoordinator
from ottla.core.share_state.requests import (
    Initialize,
    PartitionState,
    Read,
    ReadSummary,
    SharePartitionKey,
    StateBatch,
    Write,
)
from ottla.core.share_state.table import Table
from ottla.core.wire.coordinator_records import SHARE_GROUP_STATE, decode_key, decode_value
from ottla.core.wire.declaration import Body
from tests.unit.coordination.driving import Driver, World


class ShareStates(Driver):
    """The log's offsets are the places in `log`; `start` is where a cut left it."""

    def __init__(self, settings: Mapping[str, Any] | None = None, world: World | None = None) -> None:
        self.world = world or World(orders=3)
        self.settings: dict[str, Any] = {name: each.default for name, each in BROKER.items()}
        self.settings.update(settings or {})
        self.start = 0
        super().__init__(lambda: ShareCoordinator(self.settings, self.world), SHARE_GROUP_STATE)

    @property
    def table(self) -> Table:
        machine: Any = self.machine
        table: Table = machine.table
        return table

    def take(self, decision: Any) -> None:
        before = len(self.log)
        super().take(decision)
        machine: Any = self.machine
        for offset, record in enumerate(decision.records, before):
            machine.placed(offset, record.key, record.value)

    def after_cut(self) -> Table:
        """What a coordinator knows that loads the log from `start` on."""
        machine: Any = self.make()
        for offset, (key, value, _) in list(enumerate(self.log))[self.start :]:
            decoded = decode_key(key, self.types)
            assert isinstance(decoded, Body)
            read = None if value is None else decode_value(value, decoded, self.types)
            machine.apply(self.moment, decoded, read, None)
            machine.placed(offset, decoded, read)
        table: Table = machine.table
        return table


def key(partition: int = 0, group: str = "g", topic: int = 1) -> SharePartitionKey:
    return SharePartitionKey(group, bytes([topic]) * 16, partition)  # type: ignore[arg-type]


def begin(partition: int = 0, *, state_epoch: int = 1, start: int = 0, group: str = "g") -> Initialize:
    return Initialize(key(partition, group), state_epoch, start)


def write(
    *batches: tuple[int, int, int, int],
    partition: int = 0,
    state_epoch: int = -1,
    leader_epoch: int = -1,
    start: int = -1,
    complete: int = 0,
    group: str = "g",
) -> Write:
    return Write(
        key(partition, group),
        state_epoch,
        leader_epoch,
        start,
        complete,
        [StateBatch(*each) for each in batches],
    )


def stored(states: ShareStates, partition: int = 0, group: str = "g") -> PartitionState:
    answer = states.ask(ReadSummary(key(partition, group)))
    assert isinstance(answer, PartitionState), answer
    return answer


def read(states: ShareStates, partition: int = 0, leader_epoch: int = -1) -> Any:
    return states.ask(Read(key(partition), leader_epoch))
