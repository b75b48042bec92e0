"""Changes of configs as the broker judges them before it passes them to the controller.

The broker that receives AlterConfigs or IncrementalAlterConfigs checks the form of every resource, and for its own
configs whether they would fit what its file says. Log levels it changes itself: they never reach the metadata log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ottla.broker.config.loggers import apply_levels, check_levels
from ottla.broker.config.node_settings import NodeSettings
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.model.settings.alter import DELETE, check_broker_change, invalid_request, operate
from ottla.core.model.settings.dynamic import usable
from ottla.core.model.settings.kinds import InvalidSetting
from ottla.core.model.settings.table import ResourceType
from ottla.core.wire.messages.alter_configs import AlterConfigsRequest
from ottla.core.wire.messages.incremental_alter_configs import IncrementalAlterConfigsRequest

Change = tuple[str, int, str | None]
"""Name, operation, operand."""


class Configs:
    """The dynamic configs that the metadata log holds for all brokers and for this one."""

    def __init__(self, cluster: Mapping[str, str], own: Mapping[str, str]) -> None:
        self.cluster = cluster
        self.own = own


def preprocess_incremental(
    settings: NodeSettings,
    configs: Configs,
    request: IncrementalAlterConfigsRequest,
    *,
    may_change_levels: bool = True,
    levels_only: bool = False,
) -> dict[int, KafkaError | None]:
    """What is settled already, by position of the resource: an error, or None for a change of log levels done.

    `levels_only`: the request came to the controller's own listener, where the controller judges everything else.
    """
    resources = [(one.resource_type, one.resource_name) for one in request.resources]
    settled = {} if levels_only else _repeated(resources)
    for position, resource in enumerate(request.resources):
        is_level = resource.resource_type == ResourceType.BROKER_LOGGER
        if position in settled or (levels_only and not is_level):
            continue
        changes = [(one.name, one.config_operation, one.value) for one in resource.configs]
        try:
            _check_form(changes)
            if is_level:
                if not may_change_levels:
                    raise KafkaError(ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
                check_levels(settings.node_id, resource.resource_name, changes)
                if not request.validate_only:
                    apply_levels(changes)
                settled[position] = None
            elif resource.resource_type == ResourceType.BROKER:
                per_broker = _is_this_broker(settings, resource.resource_name)
                held = _held(configs, per_broker=per_broker)
                _check_fit(settings, configs, operate(held, changes), per_broker=per_broker)
            else:
                _check_type(resource.resource_type)
        except KafkaError as error:
            settled[position] = error
    return settled


def preprocess_legacy(
    settings: NodeSettings, configs: Configs, request: AlterConfigsRequest
) -> dict[int, KafkaError | None]:
    """As `preprocess_incremental`, for AlterConfigs, which replaces all configs of a resource."""
    settled = _repeated([(one.resource_type, one.resource_name) for one in request.resources])
    for position, resource in enumerate(request.resources):
        if position in settled:
            continue
        try:
            _check_form([(one.name, 0, one.value) for one in resource.configs])
            if resource.resource_type == ResourceType.BROKER:
                per_broker = _is_this_broker(settings, resource.resource_name)
                wanted = {one.name: one.value or "" for one in resource.configs}
                _check_fit(settings, configs, wanted, per_broker=per_broker)
            else:
                _check_type(resource.resource_type)
        except KafkaError as error:
            settled[position] = error
    return settled


def _repeated(resources: Sequence[tuple[int, str]]) -> dict[int, KafkaError | None]:
    times = Counter(resources)
    return {
        position: invalid_request("Each resource must appear at most once.")
        for position, resource in enumerate(resources)
        if times[resource] > 1
    }


def _check_form(changes: Sequence[Change]) -> None:
    names = [name for name, _, _ in changes]
    if len(set(names)) != len(names):
        raise invalid_request("Error due to duplicate config keys")
    missing = [name for name, operation, operand in changes if operand is None and operation != DELETE]
    if missing:
        raise invalid_request(f"Null value not supported for : {', '.join(missing)}")


def _check_type(resource_type: int) -> None:
    if resource_type not in (ResourceType.TOPIC, ResourceType.CLIENT_METRICS, ResourceType.GROUP):
        raise invalid_request(f"Unknown resource type {resource_type}")


def _is_this_broker(settings: NodeSettings, name: str) -> bool:
    """True for this broker, False for all brokers. Raises KafkaError for any other."""
    if not name:
        return False
    try:
        node_id = int(name)
    except ValueError:
        raise invalid_request(f"Node id must be an integer, but it is: {name}") from None
    if node_id != settings.node_id:
        raise invalid_request(f"Unexpected broker id, expected {settings.node_id}, but received {name}")
    return True


def _held(configs: Configs, *, per_broker: bool) -> dict[str, str]:
    """What is stored, without what could not be applied anyway."""
    stored = configs.own if per_broker else configs.cluster
    return {name: text for name, text in stored.items() if usable(name, text, per_broker=per_broker) is None}


def _check_fit(
    settings: NodeSettings, configs: Configs, wanted: Mapping[str, str], *, per_broker: bool
) -> None:
    check_broker_change(wanted, per_broker=per_broker)
    own = wanted if per_broker else _held(configs, per_broker=True)
    cluster = _held(configs, per_broker=False) if per_broker else wanted
    try:
        settings.check_change(cluster, own)
    except InvalidSetting as error:
        raise invalid_request(str(error)) from None
