"""The controller's stories: one command a request, then the records it wrote and its reply."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ottla.core.model.errors import KafkaError
from ottla.core.wire.messages.create_topics import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreateTopicsRequest,
)
from ottla.core.wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicState
from ottla.core.wire.messages.records.metadata import RegisterBrokerRecord
from tests.scenarios.stories import play, told
from tests.unit.metadata.cluster import Cluster

STORIES = sorted((Path(__file__).parent / "metadata").glob("*.txt"))


class Stage:
    def __init__(self) -> None:
        self.cluster = Cluster(brokers=0)
        self.incarnations: dict[int, int] = {}

    def run(self, line: str) -> list[str]:
        verb, *words = line.split()
        flags = {word for word in words if not word.isdigit()}
        numbers = [int(word) for word in words if word.isdigit()]
        self.cluster.written = []
        try:
            reply = getattr(self, verb)(numbers, flags)
        except KafkaError as error:
            return [f"refused: {error.code.name}: {error.text}"]
        lines = [self._record(record) for record in self.cluster.written]
        return lines + ([] if reply is None else [f"reply: {told(reply)}"]) or ["nothing"]

    def _record(self, record: Any) -> str:
        if isinstance(record, RegisterBrokerRecord):
            return f"RegisterBrokerRecord broker_id={record.broker_id} broker_epoch={record.broker_epoch}"
        return told(record)

    def register(self, numbers: list[int], flags: set[str]) -> None:
        """register BROKER [clean]: a new incarnation; `clean` names its previous epoch."""
        (broker,) = numbers
        previous = self.cluster.epochs.get(broker, -1) if "clean" in flags else -1
        self.incarnations[broker] = self.incarnations.get(broker, 0) + 1
        self.cluster.register(broker, self.incarnations[broker], previous)

    def heartbeat(self, numbers: list[int], flags: set[str]) -> Any:
        """heartbeat BROKER [fence] [stop]"""
        return self.cluster.heartbeat(numbers[0], fence="fence" in flags, stop="stop" in flags)

    def create(self, numbers: list[int], flags: set[str]) -> Any:
        """create NAME REPLICA...: one partition on these brokers."""
        (name,) = flags
        assignment = CreatableReplicaAssignment(partition_index=0, broker_ids=numbers)
        topic = CreatableTopic(name=name, num_partitions=-1, replication_factor=-1, assignments=[assignment])
        result = self.cluster.ask(CreateTopicsRequest(topics=[topic])).topics[0]
        result.configs = []
        return result

    def delete(self, numbers: list[int], flags: set[str]) -> Any:
        (name,) = flags
        return self.cluster.ask(DeleteTopicsRequest(topics=[DeleteTopicState(name=name)])).responses[0]

    def wait(self, numbers: list[int], flags: set[str]) -> None:
        """wait MS: time passes, and what is due happens."""
        self.cluster.now += numbers[0]
        self.cluster.tick()


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_story(path: Path) -> None:
    play(path, Stage().run)
