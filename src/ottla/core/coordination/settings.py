"""The node's settings, as coordinators read them."""

from __future__ import annotations

from typing import Any, Protocol


class Settings(Protocol):
    """Broker settings by their names in Kafka (`group.max.size`), typed; they may change while the node runs."""

    def __getitem__(self, name: str) -> Any: ...
