"""Broker settings that must fit together, whether they come from a file or change while the node runs.

Each check takes the effective values by name and raises InvalidSetting. The words are Kafka's, with which a dynamic
change is refused too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ottla.core.model.settings.group_rules import check_broker_groups
from ottla.core.model.settings.kinds import MIB, InvalidSetting, shown
from ottla.core.model.settings.listeners import Listener
from ottla.core.model.settings.synonyms import MILLIS, broker_chain

ROLES: Final = ("broker", "controller")


def chained(values: Mapping[str, Any], name: str) -> int:
    """A time in milliseconds, from the first setting of its chain that has a value."""
    for candidate in broker_chain(name):
        value = values[candidate]
        if value is not None:
            return int(value) * MILLIS.get(candidate, 1)
    raise KeyError(name)


def retention_ms(values: Mapping[str, Any]) -> int:
    """How long segments are kept; any negative number means for ever and becomes -1."""
    found = chained(values, "log.retention.ms")
    return -1 if found < 0 else found


def require(condition: bool, message: str) -> None:
    if not condition:
        raise InvalidSetting(f"requirement failed: {message}")


def check_values(values: Mapping[str, Any]) -> None:
    """Everything that can be judged without the listeners."""
    if values["broker.id"] not in (values["node.id"], None):
        raise InvalidSetting("You must set `node.id` to the same value as `broker.id`.")
    require(chained(values, "log.roll.ms") >= 1, "log.roll.ms must be greater than or equal to 1")
    require(
        chained(values, "log.roll.jitter.ms") >= 0, "log.roll.jitter.ms must be greater than or equal to 0"
    )
    retention = retention_ms(values)
    require(
        retention >= 1 or retention == -1,
        "log.retention.ms must be unlimited (-1) or, greater than or equal to 1",
    )
    # A node without cleaner threads has nobody to share the buffer with.
    share = values["log.cleaner.dedupe.buffer.size"] // max(1, values["log.cleaner.threads"])
    require(share > MIB, "log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.")
    _check_times(values)
    _check_requests(values)
    _check_groups(values)
    _check_directories(values)


def _check_times(values: Mapping[str, Any]) -> None:
    wait = values["replica.fetch.wait.max.ms"]
    require(
        wait <= values["replica.socket.timeout.ms"],
        "replica.socket.timeout.ms should always be at least replica.fetch.wait.max.ms"
        " to prevent unnecessary socket timeouts",
    )
    require(
        wait <= values["replica.lag.time.max.ms"],
        "replica.fetch.wait.max.ms should always be less than or equal to replica.lag.time.max.ms"
        " to prevent frequent changes in ISR",
    )
    idle = values["connections.max.idle.ms"]
    delay = values["connection.failed.authentication.delay.ms"]
    require(
        idle < 0 or delay < idle,
        f"connection.failed.authentication.delay.ms={delay} should always be less than"
        f" connections.max.idle.ms={idle} to prevent failed authentication responses from timing out",
    )


def _check_requests(values: Mapping[str, Any]) -> None:
    queued = values["queued.max.request.bytes"]
    require(
        queued <= 0 or queued >= values["socket.request.max.bytes"],
        "queued.max.request.bytes must be larger or equal to socket.request.max.bytes",
    )
    overrides = per_ip_overrides(values["max.connections.per.ip.overrides"])
    require(
        values["max.connections.per.ip"] != 0 or bool(overrides),
        "max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.",
    )


def per_ip_overrides(text: str) -> dict[str, int]:
    """`address:number` pairs of `max.connections.per.ip.overrides`. Raises InvalidSetting."""
    name = "max.connections.per.ip.overrides"
    found: dict[str, int] = {}
    for pair in text.split(","):
        address, colon, number = (part.strip() for part in pair.strip().rpartition(":"))
        if not pair.strip():
            continue
        if not colon or not address or not number.isdecimal():
            raise InvalidSetting(
                f"Error parsing configuration property '{name}': {pair.strip()!r} is not address:number"
            )
        found[address] = int(number)
    return found


def _check_groups(values: Mapping[str, Any]) -> None:
    if "classic" not in values["group.coordinator.rebalance.protocols"]:
        raise InvalidSetting("Disabling the 'CLASSIC' protocol is not supported.")
    check_broker_groups(values)
    for topic in ("offsets.topic", "share.coordinator.state.topic"):
        codec = values[f"{topic}.compression.codec"]
        if codec not in range(5):
            raise InvalidSetting(f"Unknown compression type id: {codec}")


def log_dirs(values: Mapping[str, Any]) -> tuple[str, ...]:
    """The data directories."""
    chosen = values["log.dirs"] if values["log.dirs"] is not None else values["log.dir"]
    return tuple(chosen)


def cordoned_dirs(values: Mapping[str, Any]) -> tuple[str, ...]:
    """The data directories that take no new partitions."""
    chosen = values["cordoned.log.dirs"] or ()
    return log_dirs(values) if "*" in chosen else tuple(chosen)


def _check_directories(values: Mapping[str, Any]) -> None:
    directories = log_dirs(values)
    require(bool(directories), "At least one log directory must be defined via log.dirs or log.dir.")
    cordoned = values["cordoned.log.dirs"] or ()
    if "*" in cordoned:
        require(len(cordoned) == 1, "When cordoned.log.dirs is set to *, it must not contain other values")
        return
    missing = [directory for directory in cordoned if directory not in directories]
    require(
        not missing,
        "All entries in cordoned.log.dirs must be present in log.dirs or log.dir. "
        f"Missing entries : {', '.join(missing)}",
    )


def check_quorum(values: Mapping[str, Any], voter_ids: frozenset[int]) -> None:
    """Where the controllers are must be said, and a controller must be among the fixed voters."""
    if not voter_ids and not values["controller.quorum.bootstrap.servers"]:
        raise InvalidSetting(
            "If using process.roles, either controller.quorum.bootstrap.servers must contain the set of bootstrap "
            "controllers or controller.quorum.voters must contain a parseable set of controllers."
        )
    node_id = values["node.id"]
    require(
        not voter_ids or node_id in voter_ids,
        f"If process.roles contains the 'controller' role, the node id {node_id} must be included in the set of "
        f"voters controller.quorum.voters={shown(tuple(str(voter) for voter in sorted(voter_ids)))}",
    )


def check_listeners(
    listeners: list[Listener], advertised: list[Listener], controllers: tuple[str, ...], between_brokers: str
) -> None:
    """The listeners of a node that is broker and controller. `advertised` are those of the broker role."""
    names = {listener.name for listener in listeners}
    require(
        any(name in names for name in controllers),
        "controller.listener.names must contain at least one value appearing in the 'listeners' configuration "
        "when running the KRaft controller role",
    )
    require(
        all(name in names for name in controllers),
        "controller.listener.names must only contain values appearing in the 'listeners' configuration "
        "when running the KRaft controller role",
    )
    offered = [listener.name for listener in advertised]
    require(
        bool(offered),
        "There must be at least one broker advertised listener. "
        "Perhaps all listeners appear in controller.listener.names?",
    )
    require(
        between_brokers in offered,
        "inter.broker.listener.name must be a listener name defined in advertised.listeners. "
        f"The valid options based on currently configured listeners are {','.join(offered)}",
    )
    require(
        names.issuperset(offered),
        "advertised.listeners listener names must be equal to or a subset of the ones defined in listeners. "
        f"Found {','.join(offered)}. "
        f"The valid options based on the current configuration are {','.join(sorted(names))}",
    )
    require(
        all(listener.host != "0.0.0.0" for listener in advertised),
        "advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. Use a routable IP address.",
    )
