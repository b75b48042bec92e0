"""What counts for a single group: its own configs (`kafka-configs --entity-type groups`) over the broker's settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ottla.core.coordination.settings import Settings
from ottla.core.model.settings.group_rules import group_bounds
from ottla.core.model.settings.kinds import InvalidSetting
from ottla.core.model.settings.synonyms import group_to_broker
from ottla.core.model.settings.table import GROUP


class GroupConfigs(Protocol):
    def __call__(self, group: str) -> Mapping[str, str]:
        """What is set for this group and differs from the broker's default; values as text."""
        ...


def group_setting(settings: Settings, overrides: Mapping[str, str], name: str) -> Any:
    """The value of group config `name` (`consumer.session.timeout.ms`), typed by its kind. KeyError if there is none.

    `overrides` are the group's own, as text. Bounds of the broker may have moved since a group's own value was set: it
    counts as the nearest one they allow. A text that is no value here (another version of the cluster took it) is as
    if it were not set.
    """
    setting = GROUP[name]
    text = overrides.get(name)
    if text is not None:
        try:
            return _within(settings, name, setting.read(text))
        except InvalidSetting:
            pass
    broker_name = group_to_broker(name)
    return setting.default if broker_name is None else settings[broker_name]


def _within(settings: Settings, name: str, value: Any) -> Any:
    low, high = group_bounds(name)
    if low is not None:
        value = max(value, settings[low])
    return value if high is None else min(value, settings[high])
