"""Members of consumer groups: librdkafka consumers, each in a thread of its own."""

from __future__ import annotations

import threading
from typing import Any, Final, Protocol

import pytest

from tests.samples import SECONDS

QUICK: Final = {"session.timeout.ms": 6000, "heartbeat.interval.ms": 300}
"""For members that speak the classic protocol; to others their coordinator says how often they are to be heard."""

_present: set[Member] = set()


class Place(Protocol):
    """Where members are at home: a node, or a cluster."""

    @property
    def bootstrap(self) -> str: ...


class Member:
    """Reads and commits until told to leave. It notes what it is given, what is taken from it, and what it reads."""

    def __init__(self, place: Place, topic: str, group: str, **settings: Any) -> None:
        self.assigned: set[int] = set()
        self.values: list[int] = []
        self.changes = 0
        self._stay = True
        self._client = pytest.importorskip("confluent_kafka").Consumer(
            {
                "bootstrap.servers": place.bootstrap,
                "group.id": group,
                "auto.offset.reset": "earliest",
                "auto.commit.interval.ms": 100,
                **({} if settings.get("group.protocol") == "consumer" else QUICK),
                **settings,
            }
        )
        self._client.subscribe([topic], on_assign=self._gained, on_revoke=self._lost, on_lost=self._lost)
        # A test that fails leaves its members where they are, and a thread that has to end keeps pytest from ending.
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        _present.add(self)

    def _gained(self, client: Any, partitions: list[Any]) -> None:
        self.changes += bool(partitions)
        self.assigned |= {each.partition for each in partitions}

    def _lost(self, client: Any, partitions: list[Any]) -> None:
        self.changes += bool(partitions)
        self.assigned -= {each.partition for each in partitions}

    def _run(self) -> None:
        while self._stay:
            message = self._client.poll(0.05)
            if message is not None and message.error() is None:
                self.values.append(int(message.value()))
        self._client.close()

    def leave(self) -> None:
        leave(self)


def leave(*members: Member) -> None:
    """They leave their group, all at a time."""
    for each in members:
        each._stay = False
    for each in members:
        each._thread.join(2 * SECONDS)
    _present.difference_update(members)


def leave_all() -> None:
    """Whoever is still there leaves: a test has failed, and the next one is to find a quiet node."""
    leave(*_present)
