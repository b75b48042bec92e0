"""A topic's settings: its own over what the broker gives to all topics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ottla.core.model.settings.broker_rules import chained, retention_ms
from ottla.core.model.settings.kinds import Value
from ottla.core.model.settings.synonyms import BROKER_CHAINS, TOPIC_TO_BROKER
from ottla.core.model.settings.table import TOPIC


def topic_defaults(values: Mapping[str, Any]) -> dict[str, Value]:
    """What a topic takes when it sets nothing, by topic config, from a broker's effective values."""
    found: dict[str, Value] = {}
    for name, setting in TOPIC.items():
        broker_name = TOPIC_TO_BROKER.get(name)
        if broker_name is None:
            found[name] = setting.default
        elif broker_name == "log.retention.ms":
            found[name] = retention_ms(values)
        elif broker_name in BROKER_CHAINS:
            found[name] = chained(values, broker_name)
        else:
            found[name] = values[broker_name]
    return found


def topic_values(defaults: Mapping[str, Value], overrides: Mapping[str, str]) -> dict[str, Value]:
    """Every topic config as a value. Raises InvalidSetting for a wrong override; unknown ones do not count."""
    values = dict(defaults)
    for name, text in overrides.items():
        setting = TOPIC.get(name)
        if setting is not None:
            values[name] = setting.read(text)
    return values
