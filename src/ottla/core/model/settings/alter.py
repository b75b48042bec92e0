"""Whether a resource may have the configs somebody wants it to have.

Two places judge. The controller judges what is about to be written for topics, groups and client metrics (`check`). A
broker judges changes of its own configs before it passes them on, because only it knows what its file says
(`check_broker_change`). Everything raises KafkaError with the code and the words Kafka answers with: a wrong value of
a topic is INVALID_CONFIG, one of a broker INVALID_REQUEST.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.settings.dynamic import is_per_broker, is_read_only, is_security
from ottla.core.model.settings.group_rules import check_group
from ottla.core.model.settings.kinds import InvalidSetting, Kind, Value, shown
from ottla.core.model.settings.setting import Effect
from ottla.core.model.settings.table import CLIENT_METRICS, TABLES, TOPIC, ResourceType, broker_setting
from ottla.core.model.settings.topic_defaults import topic_values

SET: Final = 0
DELETE: Final = 1
APPEND: Final = 2
SUBTRACT: Final = 3
OPERATIONS: Final = {SET: "SET", DELETE: "DELETE", APPEND: "APPEND", SUBTRACT: "SUBTRACT"}

PUSH_INTERVAL_MS_MIN: Final = 100
PUSH_INTERVAL_MS_MAX: Final = 3_600_000
MATCH_ATTRIBUTES: Final = frozenset(
    (
        "client_instance_id",
        "client_id",
        "client_software_name",
        "client_software_version",
        "client_source_address",
        "client_source_port",
    )
)
"""What a client metrics subscription may go by (KIP-714)."""


def invalid_config(message: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_CONFIG, message)


def invalid_request(message: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REQUEST, message)


def is_list(resource_type: int, name: str) -> bool:
    """Whether APPEND and SUBTRACT make sense for a config, as the controller sees it.

    Client metrics have lists too, but there the operations are refused.
    """
    if resource_type == ResourceType.CLIENT_METRICS:
        return False
    setting = TABLES.get(ResourceType(resource_type), {}).get(name)
    return setting is not None and setting.kind is Kind.LIST


def default_text(resource_type: int, name: str) -> str | None:
    """What APPEND and SUBTRACT start from when nothing is set."""
    setting = TABLES.get(ResourceType(resource_type), {}).get(name)
    return None if setting is None else setting.default_text


def check_topic(
    configs: Mapping[str, str],
    existing: Mapping[str, str],
    defaults: Mapping[str, Value],
    *,
    tiering: bool = False,
) -> None:
    """A topic may have `configs` (overrides), having had `existing`; `defaults` are what the broker gives to topics.

    Raises KafkaError(INVALID_CONFIG).
    """
    for name in configs:
        if name not in TOPIC:
            raise invalid_config(f"Unknown topic config name: {name}")
    try:
        values: dict[str, Any] = topic_values(defaults, configs)
    except InvalidSetting as error:
        raise invalid_config(str(error)) from None
    low, high = values["min.compaction.lag.ms"], values["max.compaction.lag.ms"]
    if low > high:
        raise invalid_config(
            f"conflict topic config setting min.compaction.lag.ms ({low}) > max.compaction.lag.ms ({high})"
        )
    if values["remote.storage.enable"]:
        if not tiering:
            raise invalid_config(
                "Tiered Storage functionality is disabled in the broker. "
                "Topic cannot be configured with remote log storage."
            )
    elif existing.get("remote.storage.enable") == "true" and not values["remote.log.delete.on.disable"]:
        raise invalid_config(
            "It is invalid to disable remote storage without deleting remote data. If you want to keep the remote "
            "data and turn to read only, please set `remote.storage.enable=true,remote.log.copy.disable=true`. If "
            "you want to disable remote storage and delete all remote data, please set "
            "`remote.storage.enable=false,remote.log.delete.on.disable=true`."
        )


def check_group_configs(name: str, configs: Mapping[str, str], broker: Mapping[str, Value]) -> None:
    """A group may have `configs`; `broker` are the broker's effective values. Raises KafkaError."""
    if not name:
        raise invalid_request("Default group resources are not allowed.")
    try:
        check_group(broker, configs)
    except InvalidSetting as error:
        raise invalid_config(str(error)) from None


def check_client_metrics(name: str, configs: Mapping[str, str]) -> None:
    """A client metrics subscription may have `configs`. Raises KafkaError."""
    if not name:
        raise invalid_request("Subscription name can't be empty")
    values: dict[str, Any] = {}
    for key, text in configs.items():
        if key not in CLIENT_METRICS:
            raise invalid_request(f"Unknown client metrics configuration: {key}")
        try:
            values[key] = CLIENT_METRICS[key].read(text)
        except InvalidSetting as error:
            raise invalid_config(str(error)) from None
    interval = values.get("interval.ms")
    if interval is not None and not PUSH_INTERVAL_MS_MIN <= interval <= PUSH_INTERVAL_MS_MAX:
        raise invalid_request(
            f"Invalid value {interval} for interval.ms, interval must be between {PUSH_INTERVAL_MS_MIN} and "
            f"{PUSH_INTERVAL_MS_MAX} (1 hour)"
        )
    for pattern in values.get("match", ()):
        _check_match(pattern)


def _check_match(pattern: str) -> None:
    attribute, equals, expression = pattern.partition("=")
    try:
        if not equals or not expression or "=" in expression or attribute.strip() not in MATCH_ATTRIBUTES:
            raise ValueError
        re.compile(expression.strip())
    except (ValueError, re.error, RecursionError):
        raise invalid_config(f"Illegal client matching pattern: {pattern}") from None


def check_broker_name(name: str) -> None:
    """As the controller reads it: empty for all brokers, or a broker's id. Raises KafkaError(INVALID_REQUEST)."""
    if not name:
        return
    if not re.fullmatch(r"[+-]?[0-9]{1,10}", name, re.ASCII):
        raise invalid_request("Unable to parse broker name as a base 10 number.")
    if int(name) < 0:
        raise invalid_request("Invalid negative broker ID.")


def operate(configs: Mapping[str, str], changes: Iterable[tuple[str, int, str | None]]) -> dict[str, str]:
    """Apply (name, operation, operand) to the dynamic configs of a broker. Raises KafkaError."""
    result = dict(configs)
    for name, operation, operand in changes:
        if operation == SET:
            result[name] = operand or ""
        elif operation == DELETE:
            result.pop(name, None)
        elif operation in OPERATIONS:
            result[name] = _changed_list(result.get(name), name, operation, operand or "")
        else:
            raise invalid_request(f"Unknown operations type {operation}")
    return result


def _changed_list(current: str | None, name: str, operation: int, operand: str) -> str:
    setting = TABLES[ResourceType.BROKER].get(name)
    if setting is None:
        raise invalid_config(f"Unknown config name: {name}")
    if setting.kind is not Kind.LIST:
        raise invalid_config(
            f"Config value {OPERATIONS[operation].lower()} is not allowed for config key: {name}"
        )
    start = setting.default_text if current is None else current
    words = [word for word in (start or "").split(",") if word]
    named = operand.split(",")
    if operation == APPEND:
        words += [word for word in dict.fromkeys(named) if word not in words]
    else:
        words = [word for word in words if word not in named]
    return ",".join(words)


def check_broker_change(configs: Mapping[str, str], *, per_broker: bool) -> None:
    """The dynamic configs a broker (or all brokers) would have are ones that may be set, with values that are right.

    Whether they fit together with the broker's file is the broker's to check. Raises KafkaError(INVALID_REQUEST).
    """
    _refuse(configs, is_read_only, "Cannot update these configs dynamically")
    _refuse(
        configs,
        is_security,
        "These security configs can be dynamically updated only per-listener using the listener prefix",
    )
    unsafe: list[str] = []
    for name, text in configs.items():
        setting = broker_setting(name)
        # A listener's own form of a key that cannot change while running has no effect, and is let through.
        if setting is None or is_read_only(setting.name):
            continue
        try:
            value = setting.read(text)
        except InvalidSetting as error:
            raise invalid_request(str(error)) from None
        if setting.effect is Effect.REFUSED and value != setting.default:
            unsafe.append(name)
    if not per_broker:
        _refuse(
            configs,
            is_per_broker,
            "Cannot update these configs at default cluster level, broker id must be specified",
        )
    if unsafe:
        raise invalid_request(f"Not built yet, and not safe to ignore: {shown(tuple(unsafe))}")


def _refuse(configs: Mapping[str, str], test: Callable[[str], bool], message: str) -> None:
    names = tuple(name for name in configs if test(name))
    if names:
        raise invalid_request(f"{message}: {shown(names)}")


_POOLS: Final = (
    "num.io.threads",
    "num.replica.fetchers",
    "num.recovery.threads.per.data.dir",
    "background.threads",
    "num.network.threads",
    "remote.log.reader.threads",
    "remote.log.manager.copier.thread.pool.size",
    "remote.log.manager.expiration.thread.pool.size",
    "remote.log.manager.follower.thread.pool.size",
)


def check_steps(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """What a change of a running broker may do to single values. Raises InvalidSetting.

    Thread counts may at most double or halve in one change, here too, though nothing is resized by it.
    """
    rate = after["max.connection.creation.rate"]
    if rate != before["max.connection.creation.rate"] and rate <= 0:
        raise InvalidSetting(f"Invalid max.connection.creation.rate {rate}")
    for name in _POOLS:
        old, new = before[name], after[name]
        if new == old:
            continue
        failed = f"Dynamic thread count update validation failed for {name}={new}"
        if new < old // 2:
            raise InvalidSetting(f"{failed}, value should be at least half the current value {old}")
        if new > old * 2:
            raise InvalidSetting(f"{failed}, value should not be greater than double the current value {old}")
    old, new = before["log.cleaner.threads"], after["log.cleaner.threads"]
    if new != old and new < max(1, old // 2):
        raise InvalidSetting(
            f"Log cleaner threads cannot be reduced to less than half the current value {old}"
        )
    if new > old * 2 and old > 0:
        raise InvalidSetting(
            f"Log cleaner threads cannot be increased to more than double the current value {old}"
        )


def check_local_retention(values: Mapping[str, Any], retention: int) -> None:
    """What stays on the local disk is not more than what is kept at all. Raises InvalidSetting."""
    for what, limit in (("ms", retention), ("bytes", values["log.retention.bytes"])):
        name = f"log.local.retention.{what}"
        local = values[name]
        if limit <= -1 or local == -2:
            continue
        invalid = f"Invalid value {local} for configuration {name}"
        if local == -1:
            raise InvalidSetting(
                f"{invalid}: Value must not be -1 as log.retention.{what} value is set as {limit}."
            )
        if local > limit:
            raise InvalidSetting(
                f"{invalid}: Value must not be more than log.retention.{what} property value: {limit}"
            )
