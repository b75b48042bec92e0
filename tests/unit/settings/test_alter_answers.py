"""Wrong and right changes of configs get Kafka's answers (`alter_answers.txt`), from both places that judge."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ottla.broker.config import preprocess
from ottla.broker.config.controller_rules import ControllerRules
from ottla.broker.config.load import from_properties
from ottla.broker.config.node_settings import NodeSettings
from ottla.core.metadata.configs import incremental_alter
from ottla.core.metadata.nouns import TopicImage
from ottla.core.metadata.state import Command, ControllerSettings, State
from ottla.core.model.errors import ErrorCode
from ottla.core.model.settings.alter import OPERATIONS
from ottla.core.model.settings.table import ResourceType
from ottla.core.wire.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)

NODE = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.quorum.voters": "1@127.0.0.1:9093",
    "listeners": "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093",
    "controller.listener.names": "CONTROLLER",
    "log.dirs": "/data",
}
CLUSTER = {"min.insync.replicas": "1"}
NUMBERS = {word: number for number, word in OPERATIONS.items()}


class Case(NamedTuple):
    resource: ResourceType
    name: str
    changes: tuple[tuple[str, int, str | None], ...]
    error: str
    message: str


def cases() -> Iterator[Case]:
    lines = Path(__file__).with_name("alter_answers.txt").read_text().splitlines()
    lines = [line for line in lines if line and not line.startswith("#")]
    for asked, answered in zip(lines[::2], lines[1::2], strict=True):
        resource, name, changes = re.fullmatch(r"(\w+) ([^ ]+): (.*)", asked).groups()
        error, _, message = answered.strip().partition(" ")
        yield Case(
            ResourceType[resource],
            "" if name == '""' else name,
            tuple(change(text) for text in changes.split("; ")),
            error,
            message,
        )


def change(text: str) -> tuple[str, int, str | None]:
    word, _, rest = text.partition(" ")
    if rest.endswith(" to null"):
        return rest.removesuffix(" to null"), NUMBERS[word], None
    name, equals, value = rest.partition("=")
    return name, NUMBERS[word], value if equals else None


@pytest.fixture
def settings() -> NodeSettings:
    settings = from_properties(NODE)
    settings.apply_dynamic(CLUSTER, {})
    return settings


def answer(settings: NodeSettings, case: Case) -> tuple[str, str]:
    request = IncrementalAlterConfigsRequest(
        resources=[
            AlterConfigsResource(
                resource_type=case.resource,
                resource_name=case.name,
                configs=[
                    AlterableConfig(name=name, config_operation=operation, value=value)
                    for name, operation, value in case.changes
                ],
            )
        ],
        validate_only=True,
    )
    settled = preprocess.preprocess_incremental(settings, preprocess.Configs(CLUSTER, {}), request)
    if 0 in settled:
        error = settled[0]
        return ("NONE", "") if error is None else (error.code.name, error.text.rstrip())
    state = State(ControllerSettings(node_id=1, cluster_id="c"), ControllerRules(settings), chance=None)
    state.image.features.update({"metadata.version": 30, "eligible.leader.replicas.version": 1})
    state.image.configs[(ResourceType.BROKER, "")] = dict(CLUSTER)
    state.image.topics_by_name["t"] = TopicImage("t", bytes(16))
    reply = incremental_alter(state, 0, Command(request), request).reply.responses[0]
    return ErrorCode(reply.error_code).name, (reply.error_message or "").rstrip()


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: f"{case.resource.name}-{case.changes[0][0]}")
def test_a_change_is_answered_as_kafka_answers_it(settings: NodeSettings, case: Case) -> None:
    assert answer(settings, case) == (case.error, case.message)
