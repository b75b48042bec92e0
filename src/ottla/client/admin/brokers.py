"""Brokers, the cluster they make, and the features it has agreed on."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

import msgspec

from ottla.client.admin.base import AdminCalls, Done, check, error_or_none
from ottla.client.connection import SOFTWARE, BrokerConnection, software_version
from ottla.core.wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from ottla.core.wire.messages.describe_cluster import DescribeClusterRequest, DescribeClusterResponse
from ottla.core.wire.messages.unregister_broker import UnregisterBrokerRequest, UnregisterBrokerResponse
from ottla.core.wire.messages.update_features import (
    FeatureUpdateKey,
    UpdateFeaturesRequest,
    UpdateFeaturesResponse,
)

FENCED_TOO = 2
"""The first version of DescribeCluster that can tell of fenced brokers."""


class BrokerDescription(msgspec.Struct, frozen=True):
    """A broker as clients reach it. `is_fenced`: it is registered, but serves nobody."""

    id: int
    host: str
    port: int
    rack: str | None
    is_fenced: bool


class ClusterDescription(msgspec.Struct, frozen=True):
    """The cluster. `controller_id` is the broker that passes orders on to the controller."""

    cluster_id: str
    controller_id: int
    brokers: tuple[BrokerDescription, ...]


class Feature(msgspec.Struct, frozen=True):
    """A feature: what this broker could do, and the level all have agreed on (0: off)."""

    name: str
    min_supported: int
    max_supported: int
    finalized: int


class UpgradeType(IntEnum):
    """How a feature's level may change. An unsafe downgrade may lose metadata."""

    UPGRADE = 1
    SAFE_DOWNGRADE = 2
    UNSAFE_DOWNGRADE = 3


class Brokers(AdminCalls):
    """Administration of brokers and features."""

    async def describe_cluster(self) -> ClusterDescription:
        """Who is in the cluster. Raises KafkaError, NoBroker."""

        async def ask(connection: BrokerConnection) -> DescribeClusterResponse:
            fenced = connection.version_of(DescribeClusterRequest) >= FENCED_TOO
            request = DescribeClusterRequest(include_fenced_brokers=fenced)
            return await connection.call(request, DescribeClusterResponse)

        answer = await self.cluster.with_any(ask)
        check(answer.error_code, answer.error_message)
        brokers = [
            BrokerDescription(each.broker_id, each.host, each.port, each.rack, each.is_fenced)
            for each in sorted(answer.brokers, key=lambda each: each.broker_id)
        ]
        return ClusterDescription(answer.cluster_id, answer.controller_id, tuple(brokers))

    async def unregister_broker(self, broker_id: int) -> None:
        """Forget a broker that will not come back. Raises KafkaError."""
        answer = await self._from_controller(UnregisterBrokerRequest(broker_id), UnregisterBrokerResponse)
        check(answer.error_code, answer.error_message, f"broker {broker_id}")

    async def describe_features(self) -> list[Feature]:
        """Features as one broker knows them, by name."""
        answer = await self.cluster.on_any(
            ApiVersionsRequest(SOFTWARE, software_version()), ApiVersionsResponse
        )
        check(answer.error_code)
        agreed = {each.name: each.max_version_level for each in answer.finalized_features}
        return [
            Feature(each.name, each.min_version, each.max_version, agreed.get(each.name, 0))
            for each in sorted(answer.supported_features, key=lambda each: each.name)
        ]

    async def update_features(
        self,
        levels: Mapping[str, int],
        *,
        upgrade_type: UpgradeType = UpgradeType.UPGRADE,
        validate_only: bool = False,
    ) -> Done[str]:
        """Change the level of features: all or none, for brokers that answer so (Kafka 4.0 on). Raises KafkaError."""
        request = UpdateFeaturesRequest(
            timeout_ms=self._timeout_ms,
            feature_updates=[
                FeatureUpdateKey(
                    feature=name,
                    max_version_level=level,
                    allow_downgrade=upgrade_type is not UpgradeType.UPGRADE,
                    upgrade_type=upgrade_type,
                )
                for name, level in levels.items()
            ],
            validate_only=validate_only,
        )
        answer = await self._from_controller(request, UpdateFeaturesResponse)
        check(answer.error_code, answer.error_message)
        said = {each.feature: error_or_none(each.error_code, each.error_message) for each in answer.results}
        return {name: said.get(name) for name in levels}
