"""Two answers, field by field. What must differ between two brokers is masked before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ottla.core.model.ids import ONE_UUID, ZERO_UUID
from tests.conformance.differences.case import STAND_IN
from tests.conformance.differences.speaking import Tree
from tests.nodes import Node

OWN_WORDS = {"documentation"}
"""Both say something, each in its own words; null, empty and some text stay distinct."""
TIMES = {
    "log_append_time_ms",
    "last_timestamp",
    "last_fetch_timestamp",
    "last_caught_up_timestamp",
    "epoch_or_time",
    "transaction_start_time_ms",
}
IDS = {
    "session_id",
    "finalized_features_epoch",
    "broker_epoch",
    "directory_id",
    "replica_directory_id",
    "client_instance_id",
    "subscription_id",
}
SIZES = {"total_bytes", "usable_bytes", "high_watermark_of_the_quorum"}
NAMES = (
    "name",
    "topic",
    "topic_name",
    "topic_id",
    "resource_type",
    "resource_name",
    "user",
    "feature",
    "api_key",
    "node_id",
    "broker_id",
    "index",
    "partition",
    "partition_index",
    "partition_id",
    "entity_type",
    "entity",
    "producer_id",
)
"""The fields an element of a list goes by. Lists are compared in the order of these: Kafka's come out of hash maps."""


class Difference(NamedTuple):
    where: str
    kafka: Any
    ottla: Any

    def __str__(self) -> str:
        return f"{self.where}: Kafka {_short(self.kafka)}, Ottla {_short(self.ottla)}"


def masked(value: Tree, node: Node, field: str = "") -> Tree:
    """`value` without what is this node's alone."""
    if isinstance(value, dict):
        return {name: masked(each, node, name) for name, each in value.items()}
    if isinstance(value, list):
        return sorted((masked(each, node, field) for each in value), key=_place)
    if field in OWN_WORDS:
        return value if not value else "some text"
    if field in TIMES or field in IDS or field in SIZES:
        return value if not value or value == -1 or not any(_bytes(value)) else "its own"
    if field == "topic_id":
        return value if value in (ZERO_UUID, ONE_UUID) or value.startswith(STAND_IN) else "an id"
    if field == "member_id" and value and value.startswith("d-"):
        return "made by the broker"
    if field == "port" and value in (node.port, node.controller_port):
        return "port of the node" if value == node.port else "port of the controller"
    if isinstance(value, str):
        for own in (str(node.data), str(node.port), str(node.controller_port)):
            value = value.replace(own, "…")
    return value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 150 else f"{text[:100]}… ({len(value)})"


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else b"\1"


def _place(value: Tree) -> tuple[str, ...]:
    if isinstance(value, dict):
        return (*(f"{value[name]!r:>12}" for name in NAMES if name in value), repr(value))
    return (f"{value!r:>12}",)


def differences(where: str, kafka: Tree, ottla: Tree) -> Iterator[Difference]:
    """Every field in which they differ."""
    if isinstance(kafka, dict) and isinstance(ottla, dict) and kafka.keys() == ottla.keys():
        for name, each in kafka.items():
            yield from differences(f"{where}.{name}", each, ottla[name])
    elif isinstance(kafka, list) and isinstance(ottla, list) and len(kafka) == len(ottla):
        for index, (one, other) in enumerate(zip(kafka, ottla, strict=True)):
            yield from differences(f"{where}[{index}]", one, other)
    elif kafka != ottla:
        yield Difference(where, kafka, ottla)
