"""What the table says a setting does is what the code does: `works` is read somewhere, and what is read works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import ottla
from ottla.broker.config.log_config import FIELDS
from ottla.core.model.settings.group_rules import group_bounds
from ottla.core.model.settings.setting import Effect
from ottla.core.model.settings.synonyms import BROKER_CHAINS, TOPIC_TO_BROKER, group_to_broker
from ottla.core.model.settings.table import BROKER, GROUP, TOPIC

SOURCE = Path(ottla.__file__).parent
DECLARED = SOURCE / "core" / "model" / "settings"
CODE = {
    path: path.read_text()
    for path in SOURCE.rglob("*.py")
    if path.parent not in (DECLARED / "broker", DECLARED) or path.name == "broker_rules.py"
}
TEXT = "\n".join(CODE.values())
READ_BY_NAME = set(re.findall(r'"([a-z][a-z0-9.]*)"', TEXT))
BEHIND_TOPICS = {name for broker in TOPIC_TO_BROKER.values() for name in BROKER_CHAINS.get(broker, (broker,))}
BEHIND_GROUPS = {
    name for group in READ_BY_NAME & GROUP.keys() for name in (group_to_broker(group), *group_bounds(group))
}

ONLY_CHECKED = {
    "connection.failed.authentication.delay.ms",
    "group.coordinator.rebalance.protocols",
    "log.cleaner.threads",
    "replica.fetch.wait.max.ms",
    "replica.lag.time.max.ms",
    "replica.socket.timeout.ms",
}
"""Read to see whether settings fit together, and for nothing else yet."""


@pytest.mark.parametrize("name", [name for name, setting in BROKER.items() if setting.effect is Effect.WORKS])
def test_a_broker_setting_that_works_is_read(name: str) -> None:
    assert name in READ_BY_NAME | BEHIND_TOPICS | BEHIND_GROUPS, "declared to work, but read nowhere"


@pytest.mark.parametrize("name", [name for name, setting in TOPIC.items() if setting.effect is Effect.WORKS])
def test_a_topic_setting_that_works_is_read(name: str) -> None:
    field = FIELDS.get(name, "segment_bytes")
    assert re.search(rf"\.{field}\b", TEXT) or f'"{name}"' in TEXT


@pytest.mark.parametrize("name", GROUP)
def test_a_group_setting_works_when_it_is_read(name: str) -> None:
    assert (GROUP[name].effect is Effect.WORKS) == (name in READ_BY_NAME)


def test_a_broker_setting_that_is_read_works() -> None:
    looked_up = set(re.findall(r'settings\["([a-z0-9.]+)"\]', TEXT)) - ONLY_CHECKED
    idle = [name for name in looked_up if BROKER[name].effect in (Effect.UNUSED, Effect.LATER)]
    assert idle == []
