"""A group coordinator to drive."""

from __future__ import annotations

from typing import Any

from ottla.core.groups.coordinator import GroupCoordinator
from ottla.core.groups.state import State
from ottla.core.model.settings.table import BROKER
from ottla.core.wire.coordinator_records import CONSUMER_OFFSETS
from tests.unit.coordination.driving import Driver, World


class Groups(Driver):
    def __init__(self, world: World | None = None, **settings: Any) -> None:
        self.world = world or World(orders=6)
        self.settings: dict[str, Any] = {name: each.default for name, each in BROKER.items()}
        self.settings["group.initial.rebalance.delay.ms"] = 0
        self.settings.update({name.replace("_", "."): value for name, value in settings.items()})
        super().__init__(
            lambda: GroupCoordinator(self.settings, lambda group: {}, self.world), CONSUMER_OFFSETS
        )

    @property
    def state(self) -> State:
        machine: Any = self.machine
        state: State = machine.state
        return state
