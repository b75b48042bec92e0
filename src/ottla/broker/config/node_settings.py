"""The settings of a running node: what the file says, what was changed since, and what follows from both.

Three layers, weakest first: the file (`static`), what was set for all brokers (`cluster`), what was set for this
broker (`own`). The dynamic layers come from the metadata log; `apply_dynamic` lays them over the file and tells
whoever asked with `on_change` which settings have a new value. Lookups (`settings["log.segment.bytes"]`) are typed
values, ready and checked: no parsing happens on the way.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from posixpath import join, normpath
from typing import Any, TypeAlias

from ottla.broker.config.advertised import Advertisement
from ottla.broker.config.log_config import log_config
from ottla.broker.config.notices import notices, refuse_unbuilt
from ottla.core.log.config import LogConfig
from ottla.core.model.settings import broker_rules
from ottla.core.model.settings.addresses import HostPort, Voter, bootstrap_server, voter
from ottla.core.model.settings.alter import check_local_retention, check_steps
from ottla.core.model.settings.describe import Layers
from ottla.core.model.settings.dynamic import effective_texts, usable
from ottla.core.model.settings.group_rules import group_defaults
from ottla.core.model.settings.kinds import InvalidSetting, Value
from ottla.core.model.settings.listeners import Listener, parse_listeners, protocol_map
from ottla.core.model.settings.table import BROKER, broker_setting
from ottla.core.model.settings.topic_defaults import topic_defaults, topic_values

log = logging.getLogger("ottla.config")

Changed: TypeAlias = "Callable[[frozenset[str]], None]"


class NodeSettings:
    """All settings of one node. Raises InvalidSetting from the constructor when they cannot be used.

    `base` is the directory that relative paths are counted from; without it they stay as they are.
    """

    def __init__(self, properties: Mapping[str, str], base: str = "") -> None:
        self._base = base
        self.static = _with_both_ids(properties)
        self.cluster: dict[str, str] = {}
        self.own: dict[str, str] = {}
        self._values = read_values(self.static)
        self._watchers: list[Changed] = []
        self.roles: frozenset[str] = frozenset(self["process.roles"])
        _check_roles(self.roles)
        self.node_id: int = self["node.id"]
        self.rack: str | None = self["broker.rack"]
        self.voters: tuple[Voter, ...] = tuple(voter(entry) for entry in self["controller.quorum.voters"])
        self.bootstrap_servers: tuple[HostPort, ...] = tuple(
            bootstrap_server(entry) for entry in self["controller.quorum.bootstrap.servers"]
        )
        broker_rules.check_values(self._values)
        broker_rules.check_quorum(self._values, frozenset(one.id for one in self.voters))
        self._open_listeners()
        refuse_unbuilt(self.static, [*self.listeners, *self.controller_listeners])
        self.notices: tuple[str, ...] = tuple(notices(properties))
        self._follow()

    def __getitem__(self, name: str) -> Any:
        """The effective value of a broker setting, typed by its kind (lists are tuples). KeyError if there is none."""
        return self._values[name]

    def get(self, name: str, default: Any = None) -> Any:
        return self._values.get(name, default)

    @property
    def values(self) -> Mapping[str, Value]:
        return self._values

    @property
    def log_dirs(self) -> tuple[str, ...]:
        return tuple(map(self._path, broker_rules.log_dirs(self._values)))

    @property
    def metadata_log_dir(self) -> str:
        """Where `__cluster_metadata-0` lies."""
        chosen: str | None = self["metadata.log.dir"]
        return self._path(chosen) if chosen else self.log_dirs[0]

    @property
    def cordoned_log_dirs(self) -> tuple[str, ...]:
        return tuple(map(self._path, broker_rules.cordoned_dirs(self._values)))

    @property
    def layers(self) -> Layers:
        """What was said where, as texts."""
        return Layers(self.own, self.cluster, self.static)

    @property
    def group_values(self) -> Mapping[str, Value]:
        """What groups take when they set nothing themselves, by group config."""
        return group_defaults(self._values)

    def millis(self, name: str) -> int:
        """A time whose setting may be given in other units: `log.retention.ms`, `log.roll.ms`, …"""
        return broker_rules.chained(self._values, name)

    def for_listener(self, listener: str, name: str) -> Any:
        """A setting as it counts for one listener (`listener.name.<listener>.<name>` over the node's own)."""
        text = self._texts().get(f"listener.name.{listener.lower()}.{name}")
        return self[name] if text is None else BROKER[name].read(text)

    def topic(self, overrides: Mapping[str, str] | None = None) -> LogConfig:
        """The settings of a topic's logs: its overrides over the node's defaults."""
        if not overrides:
            return self._log_config
        return log_config(topic_values(self._topic_defaults, overrides), self["ottla.record.validation"])

    @property
    def topic_values(self) -> Mapping[str, Value]:
        """What topics take when they set nothing themselves, by topic config."""
        return self._topic_defaults

    def on_change(self, watcher: Changed) -> None:
        """Call `watcher` with the names of broker settings whose value changed, after it did."""
        self._watchers.append(watcher)

    def apply_dynamic(self, cluster: Mapping[str, str], own: Mapping[str, str]) -> frozenset[str]:
        """Lay the dynamic configs of the metadata log over the file. Returns the names whose value changed.

        What cannot be used (a wrong value, a key that cannot change while running) is left out with an error line;
        when the rest does not fit together, nothing changes.
        """
        kept_cluster = _sift(cluster, "all brokers", per_broker=False)
        kept_own = _sift(own, "this broker", per_broker=True)
        before = self._values
        try:
            values = read_values(effective_texts(self.static, kept_cluster, kept_own))
            broker_rules.check_values(values)
        except InvalidSetting as error:
            log.error("dynamic configs do not fit together and are not applied: %s", error)
            return frozenset()
        self.cluster, self.own, self._values = kept_cluster, kept_own, values
        changed = frozenset(name for name, value in values.items() if before.get(name) != value)
        self._follow()
        if changed:
            for watcher in self._watchers:
                watcher(changed)
        return changed

    def check_change(self, cluster: Mapping[str, str], own: Mapping[str, str]) -> None:
        """Raises InvalidSetting when these dynamic layers would not fit the file or each other."""
        texts = effective_texts(self.static, cluster, own)
        values: dict[str, Any] = read_values(texts)
        broker_rules.check_values(values)
        for name in ("listeners", "listener.security.protocol.map"):
            if values[name] != self[name]:
                raise InvalidSetting(
                    f"{name} cannot change while this node runs: restart it with the new value"
                )
        check_steps(self._values, values)
        check_local_retention(values, broker_rules.retention_ms(values))

    def report(self) -> None:
        """Log what there is to say about the keys in use."""
        for line in self.notices:
            log.warning("%s", line)

    def _path(self, path: str) -> str:
        return normpath(join(self._base, path)) if self._base else path

    def _texts(self) -> dict[str, str]:
        return effective_texts(self.static, self.cluster, self.own)

    def _follow(self) -> None:
        self._topic_defaults = topic_defaults(self._values)
        self._log_config = log_config(self._topic_defaults, self["ottla.record.validation"])

    def _open_listeners(self) -> None:
        controllers: tuple[str, ...] = self["controller.listener.names"]
        entries: tuple[str, ...] = self["listeners"]
        protocols = protocol_map(
            self["listener.security.protocol.map"],
            controllers,
            entries,
            given="listener.security.protocol.map" in self.static,
        )
        opened = parse_listeners(entries, protocols)
        chosen: tuple[str, ...] | None = self["advertised.listeners"]
        advertised = opened if chosen is None else parse_listeners(chosen, protocols, ports=False)
        self.inter_broker_listener = self._between_brokers(protocols)
        offered = [listener for listener in advertised if listener.name not in controllers]
        if chosen is None:
            # A node that listens everywhere is reached at some address; clients are told the one they used.
            judged = [Listener(one.name, one.security_protocol, "", one.port) for one in offered]
        else:
            judged = offered
        broker_rules.check_listeners(opened, judged, controllers, self.inter_broker_listener)
        self.listeners = tuple(one for one in opened if one.name not in controllers)
        self.controller_listeners = tuple(one for one in opened if one.name in controllers)
        self.advertisement = Advertisement(
            None if chosen is None else tuple(advertised),
            opened,
            automatic=chosen is None and self["ottla.advertised.mode"] == "auto",
            voters=self.voters,
            node_id=self.node_id,
            controllers=controllers,
        )

    def _between_brokers(self, protocols: Mapping[str, str]) -> str:
        chosen: str | None = self["inter.broker.listener.name"]
        if chosen is None:
            return str(self["security.inter.broker.protocol"])
        if "security.inter.broker.protocol" in self.static:
            raise InvalidSetting(
                "Only one of inter.broker.listener.name and security.inter.broker.protocol should be set."
            )
        name = chosen.upper()
        if name not in protocols:
            raise InvalidSetting(
                f"Listener with name {name} defined in inter.broker.listener.name not found in "
                "listener.security.protocol.map."
            )
        return name


def read_values(texts: Mapping[str, str]) -> dict[str, Value]:
    """Every broker setting as a value: from `texts` where it is given, its default elsewhere.

    Raises InvalidSetting with a line for every wrong one.
    """
    values: dict[str, Value] = {}
    problems: list[str] = []
    for name, setting in BROKER.items():
        text = texts.get(name)
        try:
            if text is not None:
                values[name] = setting.read(text)
            elif setting.required:
                problems.append(f'Missing required configuration "{name}" which has no default value.')
            else:
                values[name] = setting.default
        except InvalidSetting as error:
            problems.append(str(error))
    problems += _wrong_on_listeners(texts)
    if problems:
        raise InvalidSetting("\n".join(problems))
    return values


def _wrong_on_listeners(texts: Mapping[str, str]) -> list[str]:
    """What is wrong about keys of single listeners."""
    problems: list[str] = []
    for name, text in texts.items():
        setting = None if name in BROKER else broker_setting(name)
        if setting is not None:
            try:
                setting.read(text)
            except InvalidSetting as error:
                problems.append(f"{name}: {error}")
    return problems


def _with_both_ids(properties: Mapping[str, str]) -> dict[str, str]:
    """`broker.id` is the old name of `node.id`: whichever is there counts for both."""
    static = dict(properties)
    if "node.id" in static:
        static.setdefault("broker.id", static["node.id"])
    elif "broker.id" in static:
        static["node.id"] = static["broker.id"]
    return static


def _check_roles(roles: frozenset[str]) -> None:
    if roles != {"broker", "controller"}:
        raise InvalidSetting(
            f"process.roles={','.join(sorted(roles))}: a node of one role alone is not built yet, "
            "use process.roles=broker,controller"
        )


def _sift(texts: Mapping[str, str], whom: str, *, per_broker: bool) -> dict[str, str]:
    kept: dict[str, str] = {}
    for name, text in texts.items():
        problem = usable(name, text, per_broker=per_broker)
        if problem is None:
            kept[name] = text
        else:
            log.error("dynamic config for %s is not applied: %s", whom, problem)
    return kept
