"""Every API of Kafka 4.3, and what holds for a request before its handler sees it.

One line an API: on which listeners it is served, whether a broker hands it to the controller, what the principal must
be allowed to do, which of its fields never appear in a log. Its versions are those of its declarations; module and
class names follow from the name of the key (`OFFSET_FETCH`: `messages/offset_fetch.py`, `OffsetFetchRequest`), so a
declaration is imported when somebody first asks for it.

The permissions name what the API checks in general; which of several it needs, and for which topic or group, depends
on the request and is the handler's to say.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from importlib import import_module
from typing import Final, NamedTuple

from ottla.core.wire.api_key import ApiKey
from ottla.core.wire.declaration import Body
from ottla.core.wire.permissions import (
    ALTER_CLUSTER,
    ALTER_CONFIGS_CLUSTER,
    ALTER_CONFIGS_GROUP,
    ALTER_CONFIGS_TOPIC,
    ALTER_TOPIC,
    CLUSTER_ACTION,
    CREATE_CLUSTER,
    CREATE_TOKENS,
    CREATE_TOPIC,
    DELETE_CLUSTER,
    DELETE_GROUP,
    DELETE_TOPIC,
    DESCRIBE_CLUSTER,
    DESCRIBE_CONFIGS_CLUSTER,
    DESCRIBE_CONFIGS_GROUP,
    DESCRIBE_CONFIGS_TOPIC,
    DESCRIBE_GROUP,
    DESCRIBE_TOKEN,
    DESCRIBE_TOKENS,
    DESCRIBE_TOPIC,
    DESCRIBE_TRANSACTION,
    IDEMPOTENT_WRITE,
    READ_GROUP,
    READ_TOPIC,
    TWO_PHASE_COMMIT,
    WRITE_TOPIC,
    WRITE_TRANSACTION,
    Permission,
)

__all__ = ["API", "Api", "ApiKey", "ListenerRole", "VersionRange", "advertised", "unsupported"]


class ListenerRole(StrEnum):
    """Whom a listener serves: clients and brokers, or the quorum."""

    BROKER = "broker"
    CONTROLLER = "controller"


class VersionRange(NamedTuple):
    """An API as ApiVersions advertises it."""

    key: ApiKey
    min_version: int
    max_version: int


class Api:
    """One API. `listeners` and the flags are what the table says; the rest follows from the declarations."""

    def __init__(
        self,
        key: ApiKey,
        listeners: frozenset[ListenerRole],
        needs: tuple[Permission, ...],
        *,
        forwarded: bool = False,
        before_authentication: bool = False,
        telemetry: bool = False,
        sensitive: tuple[str, ...] = (),
    ) -> None:
        self.key = key
        self.name = "".join(word.capitalize() for word in key.name.split("_"))
        self.listeners = listeners
        self.needs = needs
        self.forwarded = forwarded
        self.before_authentication = before_authentication
        self.telemetry = telemetry
        self.sensitive = frozenset(sensitive)
        self.max_request_bytes = MAX_BYTES_BEFORE_AUTHENTICATION if before_authentication else None

    @cached_property
    def request(self) -> type[Body]:
        return self._declared("Request")

    @cached_property
    def response(self) -> type[Body]:
        return self._declared("Response")

    @property
    def min_version(self) -> int:
        return self.request.wire.versions.first

    @property
    def max_version(self) -> int:
        """The last version there is, stable or not."""
        return self.request.wire.versions.last

    @property
    def max_stable_version(self) -> int:
        return self.max_version - self.request.wire.unstable

    @property
    def first_flexible(self) -> int | None:
        flexible = self.request.wire.flexible
        return flexible.first if flexible.first <= flexible.last else None

    @property
    def cluster_action(self) -> bool:
        """Nodes of the cluster send it to each other; nobody else may."""
        return self.needs == (CLUSTER_ACTION,)

    @property
    def advertised_min(self) -> int:
        """The lowest version a broker advertises: librdkafka wants to see Produce 0, though it is not served (KAFKA-18659)."""
        return 0 if self.key is ApiKey.PRODUCE else self.min_version

    def serves(self, version: int, *, unstable: bool = False) -> bool:
        return self.min_version <= version <= (self.max_version if unstable else self.max_stable_version)

    def __repr__(self) -> str:
        return f"Api({self.name}, key {self.key.value})"

    def _declared(self, side: str) -> type[Body]:
        module = import_module(f"ottla.core.wire.messages.{self.key.name.lower()}")
        declared: type[Body] = getattr(module, self.name + side)
        return declared


MAX_BYTES_BEFORE_AUTHENTICATION: Final = 512 * 1024
"""As `sasl.server.max.receive.size`: nobody whom we do not know yet makes us hold more."""

BROKER: Final = frozenset({ListenerRole.BROKER})
CONTROLLER: Final = frozenset({ListenerRole.CONTROLLER})
BOTH: Final = BROKER | CONTROLLER

K = ApiKey
_TABLE: Final = (
    Api(K.PRODUCE, BROKER, (WRITE_TOPIC, WRITE_TRANSACTION)),
    Api(K.FETCH, BOTH, (READ_TOPIC, CLUSTER_ACTION)),
    Api(K.LIST_OFFSETS, BROKER, (DESCRIBE_TOPIC,)),
    Api(K.METADATA, BROKER, (DESCRIBE_TOPIC, CREATE_TOPIC, CREATE_CLUSTER, DESCRIBE_CLUSTER)),
    Api(K.OFFSET_COMMIT, BROKER, (READ_GROUP, READ_TOPIC)),
    Api(K.OFFSET_FETCH, BROKER, (DESCRIBE_GROUP, DESCRIBE_TOPIC)),
    Api(K.FIND_COORDINATOR, BROKER, (DESCRIBE_GROUP, DESCRIBE_TRANSACTION, CLUSTER_ACTION)),
    Api(K.JOIN_GROUP, BROKER, (READ_GROUP,)),
    Api(K.HEARTBEAT, BROKER, (READ_GROUP,)),
    Api(K.LEAVE_GROUP, BROKER, (READ_GROUP,)),
    Api(K.SYNC_GROUP, BROKER, (READ_GROUP,)),
    Api(K.DESCRIBE_GROUPS, BROKER, (DESCRIBE_GROUP,)),
    Api(K.LIST_GROUPS, BROKER, (DESCRIBE_CLUSTER, DESCRIBE_GROUP)),
    Api(K.SASL_HANDSHAKE, BOTH, (), before_authentication=True),
    Api(K.API_VERSIONS, BOTH, (), before_authentication=True),
    Api(
        K.CREATE_TOPICS,
        BOTH,
        (CREATE_CLUSTER, CREATE_TOPIC, DESCRIBE_CONFIGS_TOPIC),
        forwarded=True,
        sensitive=("value",),
    ),
    Api(K.DELETE_TOPICS, BOTH, (DELETE_CLUSTER, DELETE_TOPIC, DESCRIBE_TOPIC), forwarded=True),
    Api(K.DELETE_RECORDS, BROKER, (DELETE_TOPIC,)),
    Api(K.INIT_PRODUCER_ID, BROKER, (WRITE_TRANSACTION, TWO_PHASE_COMMIT, IDEMPOTENT_WRITE, WRITE_TOPIC)),
    Api(K.OFFSET_FOR_LEADER_EPOCH, BROKER, (DESCRIBE_TOPIC, CLUSTER_ACTION)),
    Api(K.ADD_PARTITIONS_TO_TXN, BROKER, (WRITE_TRANSACTION, WRITE_TOPIC, CLUSTER_ACTION)),
    Api(K.ADD_OFFSETS_TO_TXN, BROKER, (WRITE_TRANSACTION, READ_GROUP)),
    Api(K.END_TXN, BROKER, (WRITE_TRANSACTION,)),
    Api(K.WRITE_TXN_MARKERS, BROKER, (CLUSTER_ACTION, ALTER_CLUSTER)),
    Api(K.TXN_OFFSET_COMMIT, BROKER, (WRITE_TRANSACTION, READ_GROUP, READ_TOPIC)),
    Api(K.DESCRIBE_ACLS, BOTH, (DESCRIBE_CLUSTER,)),
    Api(K.CREATE_ACLS, BOTH, (ALTER_CLUSTER,), forwarded=True),
    Api(K.DELETE_ACLS, BOTH, (ALTER_CLUSTER,), forwarded=True),
    Api(
        K.DESCRIBE_CONFIGS,
        BOTH,
        (DESCRIBE_CONFIGS_CLUSTER, DESCRIBE_CONFIGS_TOPIC, DESCRIBE_CONFIGS_GROUP),
        sensitive=("value",),
    ),
    Api(
        K.ALTER_CONFIGS,
        BOTH,
        (ALTER_CONFIGS_CLUSTER, ALTER_CONFIGS_TOPIC, ALTER_CONFIGS_GROUP),
        forwarded=True,
        sensitive=("value",),
    ),
    Api(K.ALTER_REPLICA_LOG_DIRS, BROKER, (ALTER_CLUSTER,)),
    Api(K.DESCRIBE_LOG_DIRS, BROKER, (DESCRIBE_CLUSTER,)),
    Api(K.SASL_AUTHENTICATE, BOTH, (), before_authentication=True, sensitive=("auth_bytes",)),
    Api(K.CREATE_PARTITIONS, BOTH, (ALTER_TOPIC,), forwarded=True),
    Api(K.CREATE_DELEGATION_TOKEN, BOTH, (CREATE_TOKENS,), forwarded=True, sensitive=("hmac",)),
    Api(K.RENEW_DELEGATION_TOKEN, BOTH, (), forwarded=True, sensitive=("hmac",)),
    Api(K.EXPIRE_DELEGATION_TOKEN, BOTH, (), forwarded=True, sensitive=("hmac",)),
    Api(K.DESCRIBE_DELEGATION_TOKEN, BOTH, (DESCRIBE_TOKEN, DESCRIBE_TOKENS), sensitive=("hmac",)),
    Api(K.DELETE_GROUPS, BROKER, (DELETE_GROUP,)),
    Api(K.ELECT_LEADERS, BOTH, (ALTER_CLUSTER,), forwarded=True),
    Api(
        K.INCREMENTAL_ALTER_CONFIGS,
        BOTH,
        (ALTER_CONFIGS_CLUSTER, ALTER_CONFIGS_TOPIC, ALTER_CONFIGS_GROUP),
        forwarded=True,
        sensitive=("value",),
    ),
    Api(K.ALTER_PARTITION_REASSIGNMENTS, BOTH, (ALTER_CLUSTER,), forwarded=True),
    Api(K.LIST_PARTITION_REASSIGNMENTS, BOTH, (DESCRIBE_CLUSTER,), forwarded=True),
    Api(K.OFFSET_DELETE, BROKER, (DELETE_GROUP, READ_TOPIC)),
    Api(K.DESCRIBE_CLIENT_QUOTAS, BROKER, (DESCRIBE_CONFIGS_CLUSTER,)),
    Api(K.ALTER_CLIENT_QUOTAS, BOTH, (ALTER_CONFIGS_CLUSTER,), forwarded=True),
    Api(K.DESCRIBE_USER_SCRAM_CREDENTIALS, BOTH, (DESCRIBE_CLUSTER,)),
    Api(
        K.ALTER_USER_SCRAM_CREDENTIALS,
        BOTH,
        (ALTER_CLUSTER,),
        forwarded=True,
        sensitive=("salt", "salted_password"),
    ),
    Api(K.VOTE, CONTROLLER, (CLUSTER_ACTION,)),
    Api(K.BEGIN_QUORUM_EPOCH, CONTROLLER, (CLUSTER_ACTION,)),
    Api(K.END_QUORUM_EPOCH, CONTROLLER, (CLUSTER_ACTION,)),
    Api(K.DESCRIBE_QUORUM, BOTH, (DESCRIBE_CLUSTER,), forwarded=True),
    Api(K.ALTER_PARTITION, CONTROLLER, (CLUSTER_ACTION,)),
    Api(K.UPDATE_FEATURES, BOTH, (ALTER_CLUSTER,), forwarded=True),
    Api(
        K.ENVELOPE,
        CONTROLLER,
        (CLUSTER_ACTION,),
        sensitive=("request_data", "request_principal", "response_data"),
    ),
    Api(K.FETCH_SNAPSHOT, CONTROLLER, (CLUSTER_ACTION,)),
    Api(K.DESCRIBE_CLUSTER, BOTH, (DESCRIBE_CLUSTER, ALTER_CLUSTER)),
    Api(K.DESCRIBE_PRODUCERS, BROKER, (READ_TOPIC,)),
    Api(K.BROKER_REGISTRATION, CONTROLLER, (CLUSTER_ACTION,)),
    Api(K.BROKER_HEARTBEAT, CONTROLLER, (CLUSTER_ACTION,)),
    Api(K.UNREGISTER_BROKER, BOTH, (ALTER_CLUSTER,), forwarded=True),
    Api(K.DESCRIBE_TRANSACTIONS, BROKER, (DESCRIBE_TRANSACTION, DESCRIBE_TOPIC)),
    Api(K.LIST_TRANSACTIONS, BROKER, (DESCRIBE_TRANSACTION,)),
    Api(K.ALLOCATE_PRODUCER_IDS, CONTROLLER, (CLUSTER_ACTION,)),
    Api(K.CONSUMER_GROUP_HEARTBEAT, BROKER, (READ_GROUP, DESCRIBE_TOPIC)),
    Api(K.CONSUMER_GROUP_DESCRIBE, BROKER, (DESCRIBE_GROUP, DESCRIBE_TOPIC)),
    Api(K.CONTROLLER_REGISTRATION, CONTROLLER, (CLUSTER_ACTION,)),
    Api(K.GET_TELEMETRY_SUBSCRIPTIONS, BROKER, (), telemetry=True),
    Api(K.PUSH_TELEMETRY, BROKER, (), telemetry=True),
    Api(K.ASSIGN_REPLICAS_TO_DIRS, CONTROLLER, (CLUSTER_ACTION,)),
    Api(K.LIST_CONFIG_RESOURCES, BROKER, (DESCRIBE_CONFIGS_CLUSTER,)),
    Api(K.DESCRIBE_TOPIC_PARTITIONS, BROKER, (DESCRIBE_TOPIC,)),
    Api(K.SHARE_GROUP_HEARTBEAT, BROKER, (READ_GROUP, DESCRIBE_TOPIC)),
    Api(K.SHARE_GROUP_DESCRIBE, BROKER, (DESCRIBE_GROUP, DESCRIBE_TOPIC)),
    Api(K.SHARE_FETCH, BROKER, (READ_GROUP, READ_TOPIC)),
    Api(K.SHARE_ACKNOWLEDGE, BROKER, (READ_GROUP, READ_TOPIC)),
    Api(K.ADD_RAFT_VOTER, BOTH, (ALTER_CLUSTER,), forwarded=True),
    Api(K.REMOVE_RAFT_VOTER, BOTH, (ALTER_CLUSTER,), forwarded=True),
    Api(K.UPDATE_RAFT_VOTER, CONTROLLER, (CLUSTER_ACTION,)),
    Api(K.INITIALIZE_SHARE_GROUP_STATE, BROKER, (CLUSTER_ACTION,)),
    Api(K.READ_SHARE_GROUP_STATE, BROKER, (CLUSTER_ACTION,)),
    Api(K.WRITE_SHARE_GROUP_STATE, BROKER, (CLUSTER_ACTION,)),
    Api(K.DELETE_SHARE_GROUP_STATE, BROKER, (CLUSTER_ACTION,)),
    Api(K.READ_SHARE_GROUP_STATE_SUMMARY, BROKER, (CLUSTER_ACTION,)),
    Api(K.STREAMS_GROUP_HEARTBEAT, BROKER, (READ_GROUP, DESCRIBE_TOPIC, CREATE_CLUSTER, CREATE_TOPIC)),
    Api(K.STREAMS_GROUP_DESCRIBE, BROKER, (DESCRIBE_GROUP, DESCRIBE_TOPIC)),
    Api(K.DESCRIBE_SHARE_GROUP_OFFSETS, BROKER, (DESCRIBE_GROUP, DESCRIBE_TOPIC)),
    Api(K.ALTER_SHARE_GROUP_OFFSETS, BROKER, (READ_GROUP, READ_TOPIC)),
    Api(K.DELETE_SHARE_GROUP_OFFSETS, BROKER, (DELETE_GROUP, READ_TOPIC)),
)

API: Final[dict[ApiKey, Api]] = {api.key: api for api in _TABLE}


def advertised(role: ListenerRole, *, unstable: bool = False, telemetry: bool = False) -> list[VersionRange]:
    """The APIs that a listener of this role answers ApiVersions with, by key.

    `unstable`: `unstable.api.versions.enable`; `telemetry`: somebody takes client metrics (KIP-714).
    """
    return [
        VersionRange(
            api.key,
            api.advertised_min if role is ListenerRole.BROKER else api.min_version,
            api.max_version if unstable else api.max_stable_version,
        )
        for api in _TABLE
        if role in api.listeners and (telemetry or not api.telemetry)
    ]


def unsupported(key: int, version: int, role: ListenerRole, *, unstable: bool = False) -> str | None:
    """Why a listener of this role cannot take a request of that API and version, as a sentence; None if it can.

    An ApiVersions request of any version can be taken: what is unknown is answered in version 0 (KIP-511).
    """
    api = API[ApiKey(key)] if key in API else None
    if api is None:
        return f"there is no API with key {key}"
    if role not in api.listeners:
        return f"{api.name} is not served on a {role} listener"
    if api.key is ApiKey.API_VERSIONS or api.serves(version, unstable=unstable):
        return None
    last = api.max_version if unstable else api.max_stable_version
    return f"{api.name} is served in versions {api.min_version} to {last}, not {version}"
