"""Changing configs (AlterConfigs, IncrementalAlterConfigs): per resource all or nothing.

Setting a broker config to the value it has still writes a record, because that is how a broker is told to look again
(KAFKA-14136). With eligible leader replicas on, min.insync.replicas lives on the cluster and on topics only, and a
change of it clears the ELR sets it was computed for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from ottla.core.metadata.levels import CORDONED_DIRECTORIES_SINCE, metadata_version_name
from ottla.core.metadata.nouns import ConfigResource
from ottla.core.metadata.state import Command, State
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.machine import Outcome
from ottla.core.model.settings.table import ResourceType
from ottla.core.wire.messages import alter_configs, incremental_alter_configs
from ottla.core.wire.messages.records.metadata import ClearElrRecord, ConfigRecord

SET: Final = 0
DELETE: Final = 1
APPEND: Final = 2
SUBTRACT: Final = 3
_RESOURCE_TYPES: Final = frozenset(map(int, ResourceType)) - {int(ResourceType.UNKNOWN)}
_OPERATIONS: Final = {SET: "SET", DELETE: "DELETE", APPEND: "APPEND", SUBTRACT: "SUBTRACT"}

MIN_ISR: Final = "min.insync.replicas"
CORDONED: Final = "cordoned.log.dirs"
MAX_VALUE_LENGTH: Final = 32_767
"""Longest config value that fits the record's int16 length."""

Operations: TypeAlias = "dict[str, tuple[int, str | None]]"
"""Config name -> (operation, operand)."""


def _invalid(text: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_CONFIG, text)


def config_records(
    state: State,
    resource: ConfigResource,
    operations: Operations,
    *,
    new_resource: bool,
    forwarded: bool,
) -> list[object]:
    """The records that carry out `operations` on `resource`. Raises KafkaError when any of them is not allowed."""
    existing = state.image.config(*resource)
    changes = {
        name: _operate(state, resource, name, operation, operand, existing.get(name))
        for name, (operation, operand) in operations.items()
    }
    if resource[0] != ResourceType.BROKER:
        changes = {name: value for name, value in changes.items() if value != existing.get(name)}
    _check(state, resource, changes, changes, new_resource=new_resource, forwarded=forwarded)
    return _records(state, resource, changes)


def _operate(
    state: State,
    resource: ConfigResource,
    name: str,
    operation: int,
    operand: str | None,
    current: str | None,
) -> str | None:
    if operation == SET:
        return operand
    if operation == DELETE:
        return None
    if not state.rules.is_list(resource[0], name):
        what = _OPERATIONS[operation]
        raise _invalid(f"Can't {what} to key {name} because its type is not LIST.")
    start = state.rules.default(resource[0], name) if current is None else current
    parts = [part for part in (start or "").split(",") if part]
    for part in (operand or "").split(","):
        if operation == APPEND and part not in parts:
            parts.append(part)
        elif operation == SUBTRACT and part in parts:
            parts.remove(part)
    return ",".join(parts)


def _check(
    state: State,
    resource: ConfigResource,
    changes: dict[str, str | None],
    explicit: dict[str, str | None],
    *,
    new_resource: bool,
    forwarded: bool,
) -> None:
    existing = state.image.config(*resource)
    for name, value in changes.items():
        _check_special(state, resource, name, value, existing.get(name), forwarded)
        if name in explicit and value is not None and len(value) > MAX_VALUE_LENGTH:
            raise _invalid(
                "The configuration value cannot be added because it exceeds the maximum value size of "
                f"{MAX_VALUE_LENGTH} bytes."
            )
    merged = {name: value for name, value in {**existing, **changes}.items() if value is not None}
    state.rules.check(resource, merged, existing)
    if not new_resource:
        _check_exists(state, resource)


def _check_special(
    state: State, resource: ConfigResource, name: str, value: str | None, current: str | None, forwarded: bool
) -> None:
    if resource[0] != ResourceType.BROKER:
        return
    if name == MIN_ISR and state.elr_enabled:
        if resource[1]:
            raise _invalid("Broker-level min.insync.replicas cannot be altered while ELR is enabled.")
        if value is None:
            raise _invalid("Cluster-level min.insync.replicas cannot be removed while ELR is enabled.")
    if name == CORDONED:
        if state.image.metadata_version < CORDONED_DIRECTORIES_SINCE:
            needed = metadata_version_name(CORDONED_DIRECTORIES_SINCE)
            raise _invalid(
                "The cordoned.log.dirs configuration value cannot be set because it requires "
                f"metadata.version >= {needed}"
            )
        # Only a broker knows its paths: a request that did not come through it may take paths away, not add any.
        if not forwarded and value and not _paths(value) <= _paths(current or ""):
            raise _invalid(
                "When updating cordoned.log.dirs via controllers,  the new value must be a subset of the current "
                "configuration value."
            )


def _paths(text: str) -> set[str]:
    return {path.strip() for path in text.split(",") if path.strip()}


def _check_exists(state: State, resource: ConfigResource) -> None:
    kind, name = resource
    if kind == ResourceType.TOPIC and name not in state.image.topics_by_name:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"The topic '{name}' does not exist.")
    if kind == ResourceType.BROKER and name:
        try:
            broker_id = int(name)
        except ValueError as error:
            raise KafkaError(ErrorCode.INVALID_REQUEST, f"Invalid broker name {name}") from error
        controllers = (*state.image.controllers, *state.settings.static_voter_ids, state.settings.node_id)
        if broker_id not in state.image.brokers and broker_id not in controllers:
            raise KafkaError(ErrorCode.BROKER_ID_NOT_REGISTERED, f"No node with id {broker_id} found.")


def _records(state: State, resource: ConfigResource, changes: dict[str, str | None]) -> list[object]:
    records: list[object] = [
        ConfigRecord(resource_type=resource[0], resource_name=resource[1], name=name, value=value)
        for name, value in changes.items()
    ]
    return records


def _clear_elr(state: State, records: Iterable[object]) -> list[object]:
    if not state.elr_enabled:
        return []
    return [
        ClearElrRecord(topic_name=record.resource_name if record.resource_type == ResourceType.TOPIC else "")
        for record in records
        if isinstance(record, ConfigRecord) and record.name == MIN_ISR
    ]


def _replaced(
    state: State, resource: ConfigResource, wanted: dict[str, str | None], forwarded: bool
) -> list[object]:
    """AlterConfigs replaces: what is not named is removed."""
    existing = state.image.config(*resource)
    explicit = {
        name: value
        for name, value in wanted.items()
        if value != existing.get(name) or resource[0] == ResourceType.BROKER
    }
    changes = {**explicit, **dict.fromkeys(name for name in existing if name not in wanted)}
    _check(state, resource, changes, explicit, new_resource=False, forwarded=forwarded)
    return _records(state, resource, changes)


def _each_resource(
    state: State,
    resources: list[ConfigResource],
    change: Callable[[int], list[object]],
) -> tuple[list[object], dict[ConfigResource, KafkaError | None]]:
    """Run `change(index)` for each resource that is known and named once; collect records and outcomes."""
    times = Counter(resources)
    records: list[object] = []
    results: dict[ConfigResource, KafkaError | None] = {}
    for index, resource in enumerate(resources):
        results[resource] = None
        try:
            if resource[0] not in _RESOURCE_TYPES:
                raise KafkaError(ErrorCode.UNSUPPORTED_VERSION, f"Unknown resource type {resource[0]}.")
            if times[resource] > 1:
                raise KafkaError(ErrorCode.INVALID_REQUEST, "Duplicate resource.")
            records += change(index)
        except KafkaError as error:
            results[resource] = error
    return [*records, *_clear_elr(state, records)], results


def incremental_alter(
    state: State,
    now: int,
    command: Command,
    request: incremental_alter_configs.IncrementalAlterConfigsRequest,
) -> Outcome[object, incremental_alter_configs.IncrementalAlterConfigsResponse]:
    """SET, DELETE, APPEND, SUBTRACT (KIP-339)."""

    def change(index: int) -> list[object]:
        wanted = request.resources[index]
        operations: Operations = {
            config.name: (config.config_operation, config.value) for config in wanted.configs
        }
        if any(operation not in _OPERATIONS for operation, _ in operations.values()):
            raise KafkaError(ErrorCode.INVALID_REQUEST, "Unknown config operation.")
        return config_records(
            state,
            (wanted.resource_type, wanted.resource_name),
            operations,
            new_resource=False,
            forwarded=command.forwarded,
        )

    resources = [(each.resource_type, each.resource_name) for each in request.resources]
    records, results = _each_resource(state, resources, change)
    answer = incremental_alter_configs.IncrementalAlterConfigsResponse(
        responses=[
            incremental_alter_configs.AlterConfigsResourceResponse(
                error_code=error.code if error else 0,
                error_message=error.text if error else None,
                resource_type=kind,
                resource_name=name,
            )
            for (kind, name), error in results.items()
        ]
    )
    return Outcome([] if request.validate_only else records, answer)


def legacy_alter(
    state: State, now: int, command: Command, request: alter_configs.AlterConfigsRequest
) -> Outcome[object, alter_configs.AlterConfigsResponse]:
    """AlterConfigs: the given configs become the only ones."""

    def change(index: int) -> list[object]:
        wanted = request.resources[index]
        values = {config.name: config.value for config in wanted.configs}
        resource = (wanted.resource_type, wanted.resource_name)
        return _replaced(state, resource, values, command.forwarded)

    resources = [(each.resource_type, each.resource_name) for each in request.resources]
    records, results = _each_resource(state, resources, change)
    answer = alter_configs.AlterConfigsResponse(
        responses=[
            alter_configs.AlterConfigsResourceResponse(
                error_code=error.code if error else 0,
                error_message=error.text if error else None,
                resource_type=kind,
                resource_name=name,
            )
            for (kind, name), error in results.items()
        ]
    )
    return Outcome([] if request.validate_only else records, answer)
