"""Configs of topics, brokers, groups and client metrics: describe, change one by one, list who has any."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Final

import msgspec

from ottla.client.admin.base import AdminCalls, Done, Each, check, error_or_none
from ottla.core.model.errors import KafkaError, error_of
from ottla.core.wire.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResourceResult,
    DescribeConfigsResponse,
    DescribeConfigsResult,
)
from ottla.core.wire.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)
from ottla.core.wire.messages.list_config_resources import (
    ListConfigResourcesRequest,
    ListConfigResourcesResponse,
)


class ResourceType(IntEnum):
    """What configs belong to."""

    TOPIC = 2
    BROKER = 4
    BROKER_LOGGER = 8
    CLIENT_METRICS = 16
    GROUP = 32


class Resource(msgspec.Struct, frozen=True):
    """Something with configs. A broker's name is its id; the empty name stands for all brokers."""

    type: ResourceType
    name: str

    def __str__(self) -> str:
        word = self.type.name.lower().replace("_", " ")
        return f"{word} {self.name}" if self.name else f"every {word}"

    @property
    def broker_id(self) -> int | None:
        """Who alone can answer for it; None: any broker."""
        of_broker = self.type in (ResourceType.BROKER, ResourceType.BROKER_LOGGER)
        return int(self.name) if of_broker and self.name.isascii() and self.name.isdigit() else None


SOURCES: Final = {
    1: "topic",
    2: "broker (dynamic)",
    3: "cluster (dynamic)",
    4: "broker (static)",
    5: "default",
    6: "broker logger",
    7: "client metrics",
    8: "group",
}
DEFAULT_SOURCE: Final = SOURCES[5]

TYPES: Final = {
    1: "boolean",
    2: "string",
    3: "int",
    4: "short",
    5: "long",
    6: "double",
    7: "list",
    8: "class",
    9: "password",
}


class ConfigSynonym(msgspec.Struct, frozen=True):
    """One of the places a config may take its value from, first come first served."""

    name: str
    value: str | None
    source: str


class ConfigEntry(msgspec.Struct, frozen=True):
    """One config of a resource. `value` None: sensitive, or not set; `source` as in SOURCES, `type` as in TYPES."""

    name: str
    value: str | None
    source: str
    read_only: bool
    sensitive: bool
    type: str = "unknown"
    documentation: str | None = None
    synonyms: tuple[ConfigSynonym, ...] = ()

    @property
    def is_default(self) -> bool:
        return self.source == DEFAULT_SOURCE


class Operation(IntEnum):
    """What a change does to a config. APPEND and SUBTRACT are for lists."""

    SET = 0
    DELETE = 1
    APPEND = 2
    SUBTRACT = 3


class ConfigChange(msgspec.Struct, frozen=True):
    """A change of one config. Deleting it takes it back to what it would be without."""

    name: str
    value: str | None = None
    operation: Operation = Operation.SET


class Configs(AdminCalls):
    """Administration of configs."""

    async def describe_configs(
        self,
        resources: Sequence[Resource],
        *,
        names: Sequence[str] | None = None,
        synonyms: bool = False,
        documentation: bool = False,
    ) -> Each[Resource, list[ConfigEntry]]:
        """Configs of these resources, all or those of these names. Raises ClientError, NoBroker."""
        found: dict[Resource, list[ConfigEntry] | KafkaError] = {}
        for node, some in by_broker(resources).items():
            request = DescribeConfigsRequest(
                resources=[
                    DescribeConfigsResource(each.type, each.name, None if names is None else list(names))
                    for each in some
                ],
                include_synonyms=synonyms,
                include_documentation=documentation,
            )
            answer = (
                await self.cluster.on_any(request, DescribeConfigsResponse)
                if node is None
                else await self.cluster.on_node(node, request, DescribeConfigsResponse)
            )
            for result in answer.results:
                resource = Resource(ResourceType(result.resource_type), result.resource_name)
                found[resource] = entries_or_error(result)
        return {each: found[each] for each in resources if each in found}

    async def topic_configs(self, names: Iterable[str]) -> Each[str, list[ConfigEntry]]:
        """Every config of these topics, by topic."""
        found = await self.describe_configs([Resource(ResourceType.TOPIC, name) for name in names])
        return {resource.name: each for resource, each in found.items()}

    async def alter_configs(
        self, changes: Mapping[Resource, Sequence[ConfigChange]], *, validate_only: bool = False
    ) -> Done[Resource]:
        """Change configs of resources, all changes of one or none; or only check that they could be changed."""
        done: dict[Resource, KafkaError | None] = {}
        for node, some in by_broker(changes).items():
            request = IncrementalAlterConfigsRequest(
                resources=[
                    AlterConfigsResource(each.type, each.name, alterable(changes[each])) for each in some
                ],
                validate_only=validate_only,
            )
            if node is None:
                answer = await self._from_controller(
                    request,
                    IncrementalAlterConfigsResponse,
                    lambda given: (each.error_code for each in given.responses),
                )
            else:
                answer = await self.cluster.on_node(node, request, IncrementalAlterConfigsResponse)
            for result in answer.responses:
                resource = Resource(ResourceType(result.resource_type), result.resource_name)
                done[resource] = error_or_none(result.error_code, result.error_message)
        return done

    async def list_config_resources(self, types: Sequence[ResourceType] = ()) -> list[Resource]:
        """Resources that have configs of their own, of these types or of all. Raises KafkaError."""
        answer = await self.cluster.on_any(
            ListConfigResourcesRequest(resource_types=[int(each) for each in types]),
            ListConfigResourcesResponse,
        )
        check(answer.error_code)
        return [
            Resource(ResourceType(each.resource_type), each.resource_name) for each in answer.config_resources
        ]


def by_broker(resources: Iterable[Resource]) -> dict[int | None, list[Resource]]:
    """Resources by the broker that must be asked; None: any of them."""
    found: dict[int | None, list[Resource]] = defaultdict(list)
    for each in resources:
        found[each.broker_id].append(each)
    return found


def alterable(changes: Sequence[ConfigChange]) -> list[AlterableConfig]:
    return [AlterableConfig(each.name, each.operation, each.value) for each in changes]


def entries_or_error(result: DescribeConfigsResult) -> list[ConfigEntry] | KafkaError:
    if result.error_code:
        return KafkaError(error_of(result.error_code), result.error_message or None)
    return [config_entry(entry) for entry in result.configs]


def config_entry(entry: DescribeConfigsResourceResult) -> ConfigEntry:
    return ConfigEntry(
        entry.name,
        entry.value,
        SOURCES.get(entry.config_source, "unknown"),
        entry.read_only,
        entry.is_sensitive,
        TYPES.get(entry.config_type, "unknown"),
        entry.documentation or None,
        tuple(
            ConfigSynonym(each.name, each.value, SOURCES.get(each.source, "unknown"))
            for each in entry.synonyms
        ),
    )
