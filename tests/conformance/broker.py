"""The node under test as the suites of clients see it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from tests.nodes import Node
from tests.samples import SECONDS


@dataclass
class Broker:
    """A running node, and a source of topics nobody else uses."""

    node: Node
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def bootstrap(self) -> str:
        return self.node.bootstrap

    def name(self) -> str:
        """A topic name nobody has used."""
        return f"conformance-{next(self.numbers)}"

    def topic(self, partitions: int = 1, configs: Mapping[str, str] | None = None) -> str:
        """Create a topic and return its name."""
        confluent = pytest.importorskip("confluent_kafka.admin")
        name = self.name()
        admin = confluent.AdminClient({"bootstrap.servers": self.bootstrap})
        new = confluent.NewTopic(
            name, num_partitions=partitions, replication_factor=1, config=dict(configs or {})
        )
        admin.create_topics([new], operation_timeout=SECONDS)[name].result(SECONDS)
        return name
