"""The records of `__cluster_metadata`: what the controller decides and every node applies. Key: the record type."""

from __future__ import annotations

from typing import Annotated

from ottla.core.model.ids import ZERO_UUID, Uuid
from ottla.core.wire.declaration import Body, In, Tag, float64, int8, int16, int32, int64, message, uint16


class BrokerEndpoint(Body):
    name: str = ""
    host: str = ""
    port: uint16 = 0
    security_protocol: int16 = 0


class BrokerFeature(Body):
    name: str = ""
    min_supported_version: int16 = 0
    max_supported_version: int16 = 0


@message("0-4", flexible="0+", key=0)
class RegisterBrokerRecord(Body):
    broker_id: int32 = 0
    is_migrating_zk_broker: Annotated[bool, In("2+")] = False
    incarnation_id: Uuid = ZERO_UUID
    broker_epoch: int64 = 0
    end_points: list[BrokerEndpoint] = []
    features: list[BrokerFeature] = []
    rack: str | None = ""
    fenced: bool = True
    in_controlled_shutdown: Annotated[bool, In("1+")] = False
    log_dirs: Annotated[list[Uuid], Tag(0, "3+")] = []
    cordoned_log_dirs: Annotated[list[Uuid] | None, Tag(1, "4+")] = None


@message("0", flexible="0+", key=1)
class UnregisterBrokerRecord(Body):
    broker_id: int32 = 0
    broker_epoch: int64 = 0


@message("0", flexible="0+", key=2)
class TopicRecord(Body):
    name: str = ""
    topic_id: Uuid = ZERO_UUID


@message("0-2", flexible="0+", key=3)
class PartitionRecord(Body):
    partition_id: int32 = -1
    topic_id: Uuid = ZERO_UUID
    replicas: list[int32] = []
    isr: list[int32] = []
    removing_replicas: list[int32] = []
    adding_replicas: list[int32] = []
    leader: int32 = -1
    leader_recovery_state: Annotated[int8, Tag(0)] = 0
    leader_epoch: int32 = -1
    partition_epoch: int32 = -1
    directories: Annotated[list[Uuid], In("1+")] = []
    eligible_leader_replicas: Annotated[list[int32] | None, Tag(1, "2+")] = None
    last_known_elr: Annotated[list[int32] | None, Tag(2, "2+")] = None


@message("0", flexible="0+", key=4)
class ConfigRecord(Body):
    resource_type: int8 = 0
    resource_name: str = ""
    name: str = ""
    value: str | None = ""


@message("0-2", flexible="0+", key=5)
class PartitionChangeRecord(Body):
    partition_id: int32 = -1
    topic_id: Uuid = ZERO_UUID
    isr: Annotated[list[int32] | None, Tag(0)] = None
    leader: Annotated[int32, Tag(1)] = -2
    replicas: Annotated[list[int32] | None, Tag(2)] = None
    removing_replicas: Annotated[list[int32] | None, Tag(3)] = None
    adding_replicas: Annotated[list[int32] | None, Tag(4)] = None
    leader_recovery_state: Annotated[int8, Tag(5)] = -1
    directories: Annotated[list[Uuid] | None, Tag(8, "1+")] = None
    eligible_leader_replicas: Annotated[list[int32] | None, Tag(6, "2+")] = None
    last_known_elr: Annotated[list[int32] | None, Tag(7, "2+")] = None


@message("0", flexible="0+", key=7)
class FenceBrokerRecord(Body):
    id: int32 = 0
    epoch: int64 = 0


@message("0", flexible="0+", key=8)
class UnfenceBrokerRecord(Body):
    id: int32 = 0
    epoch: int64 = 0


@message("0", flexible="0+", key=9)
class RemoveTopicRecord(Body):
    topic_id: Uuid = ZERO_UUID


@message("0", flexible="0+", key=10)
class DelegationTokenRecord(Body):
    owner: str = ""
    requester: str = ""
    renewers: list[str] = []
    issue_timestamp: int64 = 0
    max_timestamp: int64 = 0
    expiration_timestamp: int64 = 0
    token_id: str = ""


@message("0", flexible="0+", key=11)
class UserScramCredentialRecord(Body):
    name: str = ""
    mechanism: int8 = 0
    salt: bytes = b""
    stored_key: bytes = b""
    server_key: bytes = b""
    iterations: int32 = 0


@message("0", flexible="0+", key=12)
class FeatureLevelRecord(Body):
    name: str = ""
    feature_level: int16 = 0


class EntityData(Body):
    entity_type: str = ""
    entity_name: str | None = ""


@message("0", flexible="0+", key=14)
class ClientQuotaRecord(Body):
    entity: list[EntityData] = []
    key: str = ""
    value: float64 = 0.0
    remove: bool = False


@message("0", flexible="0+", key=15)
class ProducerIdsRecord(Body):
    broker_id: int32 = 0
    broker_epoch: int64 = -1
    next_producer_id: int64 = 0


@message("0-3", flexible="0+", key=17)
class BrokerRegistrationChangeRecord(Body):
    broker_id: int32 = 0
    broker_epoch: int64 = 0
    fenced: Annotated[int8, Tag(0)] = 0
    in_controlled_shutdown: Annotated[int8, Tag(1, "1+")] = 0
    log_dirs: Annotated[list[Uuid], Tag(2, "2+")] = []
    cordoned_log_dirs: Annotated[list[Uuid] | None, Tag(3, "3+")] = None


@message("0", flexible="0+", key=18)
class AccessControlEntryRecord(Body):
    id: Uuid = ZERO_UUID
    resource_type: int8 = 0
    resource_name: str = ""
    pattern_type: int8 = 0
    principal: str = ""
    host: str = ""
    operation: int8 = 0
    permission_type: int8 = 0


@message("0", flexible="0+", key=19)
class RemoveAccessControlEntryRecord(Body):
    id: Uuid = ZERO_UUID


@message("0", flexible="0+", key=20)
class NoOpRecord(Body):
    """Empty."""


@message("0", flexible="0+", key=21)
class ZkMigrationStateRecord(Body):
    zk_migration_state: int8 = 0


@message("0", flexible="0+", key=22)
class RemoveUserScramCredentialRecord(Body):
    name: str = ""
    mechanism: int8 = 0


@message("0", flexible="0+", key=23)
class BeginTransactionRecord(Body):
    name: Annotated[str | None, Tag(0)] = None


@message("0", flexible="0+", key=24)
class EndTransactionRecord(Body):
    """Empty."""


@message("0", flexible="0+", key=25)
class AbortTransactionRecord(Body):
    reason: Annotated[str | None, Tag(0)] = None


@message("0", flexible="0+", key=26)
class RemoveDelegationTokenRecord(Body):
    token_id: str = ""


class ControllerEndpoint(Body):
    name: str = ""
    host: str = ""
    port: uint16 = 0
    security_protocol: int16 = 0


class ControllerFeature(Body):
    name: str = ""
    min_supported_version: int16 = 0
    max_supported_version: int16 = 0


@message("0", flexible="0+", key=27)
class RegisterControllerRecord(Body):
    controller_id: int32 = 0
    incarnation_id: Uuid = ZERO_UUID
    zk_migration_ready: bool = False
    end_points: list[ControllerEndpoint] = []
    features: list[ControllerFeature] = []


@message("0", flexible="0+", key=28)
class ClearElrRecord(Body):
    topic_name: str = ""
