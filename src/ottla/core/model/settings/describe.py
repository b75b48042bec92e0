"""What DescribeConfigs answers: each config's value, where it comes from, and what else could have given it.

An entry's `synonyms` is the chain of places that say something about it, strongest first: the topic's own override,
then for each layer (this broker, all brokers, the file, the built-in default) the names that count. The first of them
is the entry's source.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Final

import msgspec

from ottla.core.model.settings.kinds import Kind, Value, text_of
from ottla.core.model.settings.setting import Flag, Setting
from ottla.core.model.settings.synonyms import MILLIS, TOPIC_TO_BROKER, broker_chain, group_to_broker
from ottla.core.model.settings.table import BROKER, CLIENT_METRICS, GROUP, TOPIC, broker_setting, is_dynamic


class Source(IntEnum):
    """Where a value comes from, as numbered on the wire."""

    UNKNOWN = 0
    TOPIC = 1
    DYNAMIC_BROKER = 2
    DYNAMIC_DEFAULT_BROKER = 3
    STATIC_BROKER = 4
    DEFAULT = 5
    DYNAMIC_BROKER_LOGGER = 6
    CLIENT_METRICS = 7
    GROUP = 8


class Synonym(msgspec.Struct, frozen=True):
    """One place that says something about a config."""

    name: str
    value: str | None
    source: Source


class Entry(msgspec.Struct, frozen=True):
    """One config as DescribeConfigs shows it."""

    name: str
    value: str | None
    source: Source
    read_only: bool
    sensitive: bool
    kind: Kind
    doc: str | None
    synonyms: tuple[Synonym, ...]


class Layers(msgspec.Struct, frozen=True):
    """A broker's settings as texts, by layer."""

    own: Mapping[str, str]
    cluster: Mapping[str, str]
    static: Mapping[str, str]


_UNLISTED: Final = frozenset((Flag.INTERNAL, Flag.DYNAMIC_ONLY, Flag.OWN))
"""What Kafka does not list unless somebody set it; our own settings are kept to the same rule."""


def broker_entries(
    layers: Layers, values: Mapping[str, Value], wanted: Iterable[str] | None = None
) -> list[Entry]:
    """A broker's configs: all that are listed, and whatever else was set."""
    given = {**layers.static, **layers.cluster, **layers.own}
    names = [name for name, setting in BROKER.items() if name in given or not setting.flags & _UNLISTED]
    names += [name for name in given if name not in BROKER]
    return [_broker_entry(name, given.get(name), layers, values) for name in _only(names, wanted)]


def cluster_entries(layers: Layers, wanted: Iterable[str] | None = None) -> list[Entry]:
    """What was set for all brokers."""
    entries: list[Entry] = []
    for name in _only(layers.cluster, wanted):
        setting = broker_setting(name)
        value = _shown(setting, layers.cluster[name])
        source = Source.DYNAMIC_DEFAULT_BROKER
        entries.append(_entry(name, setting, value, [Synonym(name, value, source)], _is_read_only(name)))
    return entries


def _broker_entry(name: str, text: str | None, layers: Layers, values: Mapping[str, Value]) -> Entry:
    setting = broker_setting(name)
    # What stands in no table is somebody else's; it may be a secret.
    value = text_of(values[name]) if name in values else text
    synonyms = _chain(name, broker_chain(name), layers, sensitive=setting is None or setting.sensitive)
    return _entry(name, setting, _shown(setting, value), synonyms, _is_read_only(name))


def _is_read_only(name: str) -> bool:
    setting = BROKER.get(name)
    return setting is None or not is_dynamic(setting)


def _shown(setting: Setting | None, text: str | None) -> str | None:
    return None if setting is None or setting.sensitive else text


def topic_entries(
    layers: Layers,
    values: Mapping[str, Value],
    overrides: Mapping[str, str],
    wanted: Iterable[str] | None = None,
) -> list[Entry]:
    """A topic's configs. `values`: effective values of every topic config."""
    entries: list[Entry] = []
    for name in _only(TOPIC, wanted):
        setting = TOPIC[name]
        if setting.internal and name not in overrides:
            continue
        value = _shown(setting, text_of(values[name]))
        broker_name = TOPIC_TO_BROKER.get(name)
        synonyms = [] if broker_name is None else _chain(broker_name, broker_chain(broker_name), layers)
        if name in overrides:
            synonyms.insert(0, Synonym(name, value, Source.TOPIC))
        entries.append(_entry(name, setting, value, synonyms))
    return entries


def group_entries(
    layers: Layers,
    values: Mapping[str, Value],
    overrides: Mapping[str, str],
    wanted: Iterable[str] | None = None,
) -> list[Entry]:
    """A group's configs. `values`: effective values of every group config."""
    entries: list[Entry] = []
    for name in _only(GROUP, wanted):
        setting = GROUP[name]
        value = text_of(values[name])
        broker_name = group_to_broker(name)
        if broker_name is None:
            synonyms = [Synonym(name, setting.default_text, Source.DEFAULT)]
        else:
            synonyms = _chain(broker_name, broker_chain(broker_name), layers)
        if name in overrides:
            synonyms.insert(0, Synonym(name, value, Source.GROUP))
        entries.append(_entry(name, setting, value, synonyms))
    return entries


def client_metrics_entries(overrides: Mapping[str, str], wanted: Iterable[str] | None = None) -> list[Entry]:
    """The configs of a client metrics subscription, existing or not."""
    entries: list[Entry] = []
    for name in _only(CLIENT_METRICS, wanted):
        setting = CLIENT_METRICS[name]
        text = overrides.get(name)
        value = setting.default_text if text is None else text_of(setting.read(text))
        synonyms = [] if text is None else [Synonym(name, value, Source.CLIENT_METRICS)]
        entries.append(_entry(name, setting, value, synonyms))
    return entries


def _only(names: Iterable[str], wanted: Iterable[str] | None) -> list[str]:
    chosen = frozenset(wanted or ())
    return [name for name in names if not chosen or name in chosen]


def _entry(
    name: str, setting: Setting | None, value: str | None, synonyms: list[Synonym], read_only: bool = False
) -> Entry:
    exact = setting is not None and setting.name == name and not setting.flags & _UNDOCUMENTED
    return Entry(
        name=name,
        value=value,
        source=synonyms[0].source if synonyms else Source.DEFAULT,
        read_only=read_only,
        sensitive=setting is None or setting.sensitive,
        kind=Kind.UNKNOWN if setting is None else setting.kind,
        doc=setting.doc if setting is not None and exact else None,
        synonyms=tuple(synonyms),
    )


_UNDOCUMENTED: Final = frozenset((Flag.DYNAMIC_ONLY,))
"""Kafka has no text for these in an answer."""


def _chain(name: str, names: Iterable[str], layers: Layers, *, sensitive: bool = False) -> list[Synonym]:
    """Who says something about `name`: layer by layer, in each the names of its chain, from `name` itself on."""
    found: list[Synonym] = []
    names = tuple(names)
    texts = (
        (Source.DYNAMIC_BROKER, layers.own),
        (Source.DYNAMIC_DEFAULT_BROKER, layers.cluster),
        (Source.STATIC_BROKER, layers.static),
    )
    for source, layer in texts:
        for candidate in names:
            text = layer.get(candidate)
            if text is not None:
                found.append(Synonym(candidate, None if sensitive else text, source))
    for candidate in names:
        setting = BROKER.get(candidate)
        # What can only be set while running counts as having no built-in default.
        if setting is not None and setting.default is not None and Flag.DYNAMIC_ONLY not in setting.flags:
            found.append(Synonym(candidate, None if sensitive else setting.default_text, Source.DEFAULT))
    # A chain starts with the config itself: what comes before belongs to a stronger name, not to it.
    start = next((index for index, synonym in enumerate(found) if synonym.name == name), len(found))
    return found[start:]


def created_topic_entry(name: str, layers: Layers, overrides: Mapping[str, str]) -> tuple[str | None, Source]:
    """One config of a topic as CreateTopics answers it: the text as it was given, and its source."""
    if name in overrides:
        return overrides[name], Source.TOPIC
    broker_name = TOPIC_TO_BROKER.get(name)
    names = () if broker_name is None else broker_chain(broker_name)
    for source, layer in (
        (Source.DYNAMIC_BROKER, layers.own),
        (Source.DYNAMIC_DEFAULT_BROKER, layers.cluster),
        (Source.STATIC_BROKER, layers.static),
    ):
        for candidate in names:
            if candidate in layer:
                return _in_millis(candidate, layer[candidate]), source
    return TOPIC[name].default_text, Source.DEFAULT


def _in_millis(name: str, text: str) -> str:
    unit = MILLIS.get(name)
    return text if unit is None else str(int(text.strip() or 0) * unit)
