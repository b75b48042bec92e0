"""Settings of groups that must fit together, on a broker and on a single group.

A broker gives each sort of group a value and the bounds within which a group may choose its own. Share groups know
three more bounded numbers than the others. Raises InvalidSetting with Kafka's words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ottla.core.model.settings.kinds import InvalidSetting, Value
from ottla.core.model.settings.synonyms import group_to_broker
from ottla.core.model.settings.table import BROKER, GROUP

_SORTS: Final = ("consumer", "share", "streams")
_BOUNDED: Final = ("heartbeat.interval.ms", "session.timeout.ms")
_BOUNDED_SHARE: Final = ("record.lock.duration.ms", "delivery.count.limit", "partition.max.record.locks")
_ASSIGNMENT: Final = "assignment.interval.ms"
_STANDBYS: Final = "streams.num.standby.replicas"


def _at_least(values: Mapping[str, Any], name: str, low: str) -> None:
    if values[name] < values[low]:
        raise InvalidSetting(f"{name} must be greater than or equal to {low}")


def _at_most(values: Mapping[str, Any], name: str, high: str) -> None:
    if values[name] > values[high]:
        raise InvalidSetting(f"{name} must be less than or equal to {high}")


def check_broker_groups(values: Mapping[str, Any]) -> None:
    """A broker's own values lie within the bounds it sets for groups."""
    for sort in _SORTS:
        bounded = (*_BOUNDED, _ASSIGNMENT, *(_BOUNDED_SHARE if sort == "share" else ()))
        for what in bounded:
            name, low, high = (f"group.{sort}.{bound}{what}" for bound in ("", "min.", "max."))
            _at_least(values, high, low)
            _at_least(values, name, low)
            _at_most(values, name, high)
        heartbeat, session = f"group.{sort}.heartbeat.interval.ms", f"group.{sort}.session.timeout.ms"
        if values[heartbeat] >= values[session]:
            raise InvalidSetting(f"{heartbeat} must be less than {session}")
    found = len(values["group.share.assignors"])
    if found != 1:
        raise InvalidSetting(f"group.share.assignors must contain exactly one assignor, but found {found}")
    _at_most(values, "group.streams.num.standby.replicas", "group.streams.max.standby.replicas")
    _at_least(values, "group.share.max.share.sessions", "group.share.max.size")


def group_defaults(values: Mapping[str, Any]) -> dict[str, Value]:
    """What a group takes when it sets nothing, by group config, from a broker's effective values."""
    found: dict[str, Value] = {}
    for name, setting in GROUP.items():
        broker_name = group_to_broker(name)
        found[name] = setting.default if broker_name is None else values[broker_name]
    return found


def group_values(defaults: Mapping[str, Value], overrides: Mapping[str, str]) -> dict[str, Value]:
    """Every group config as a value. Raises InvalidSetting for a wrong override; unknown ones do not count."""
    values = dict(defaults)
    values.update((name, GROUP[name].read(text)) for name, text in overrides.items() if name in GROUP)
    return values


def check_group(broker: Mapping[str, Any], overrides: Mapping[str, str]) -> None:
    """A group's own settings: known, well-formed, within the broker's bounds, sessions longer than heartbeats."""
    for name in overrides:
        if name not in GROUP:
            raise InvalidSetting(f"Unknown group config name: {name}")
    merged: dict[str, Any] = {**broker, **group_values(group_defaults(broker), overrides)}
    for name in _judged(overrides):
        low, high = group_bounds(name)
        if low is not None:
            _at_least(merged, name, low)
        if high is not None:
            _at_most(merged, name, high)
    for sort in _SORTS:
        session, heartbeat = f"{sort}.session.timeout.ms", f"{sort}.heartbeat.interval.ms"
        if merged[session] <= merged[heartbeat]:
            raise InvalidSetting(f"{session} must be greater than {heartbeat}")


def group_bounds(name: str) -> tuple[str | None, str | None]:
    """The broker settings that a group config is at least and at most; None where there is no such bound."""
    if name == _STANDBYS:
        return None, "group.streams.max.standby.replicas"
    sort, what = name.split(".", 1)
    low, high = (f"group.{sort}.{bound}.{what}" for bound in ("min", "max"))
    return (low, high) if low in BROKER else (None, None)


def _judged(overrides: Mapping[str, str]) -> Iterator[str]:
    """The group configs that have bounds, in the order they are judged."""
    for sort in _SORTS:
        for what in (*_BOUNDED, *(_BOUNDED_SHARE if sort == "share" else ())):
            yield f"{sort}.{what}"
        if sort == "streams":
            yield _STANDBYS
        name = f"{sort}.{_ASSIGNMENT}"
        # The broker's assignment interval may change at any time, so only a group's own is judged.
        if name in overrides:
            yield name
