"""What a metadata image is made of: topics, partitions, brokers, controllers, credentials.

Values are frozen and replaced, never changed in place, so two images (the committed one and the controller's own,
which runs ahead of it) may share them. The exception is `TopicImage.partitions`, a dictionary that belongs to its
image alone. Lists inside a frozen value are read-only by agreement: the wire wants lists.
"""

from __future__ import annotations

import enum
from typing import Final

import msgspec

from ottla.core.model.ids import Uuid

NO_LEADER: Final = -1

MIGRATING_DIRECTORY: Final = Uuid(bytes(16))
"""KIP-858: a replica whose directory was never recorded."""
UNASSIGNED_DIRECTORY: Final = Uuid(bytes(15) + b"\x01")
"""A replica whose broker has not chosen a directory yet."""
LOST_DIRECTORY: Final = Uuid(bytes(15) + b"\x02")
"""A replica whose directory went offline."""


class LeaderRecoveryState(enum.IntEnum):
    """Whether the leader was elected cleanly (KIP-704)."""

    RECOVERED = 0
    RECOVERING = 1


class ScramMechanism(enum.IntEnum):
    """Numbers of `UserScramCredentialRecord.mechanism`."""

    UNKNOWN = 0
    SCRAM_SHA_256 = 1
    SCRAM_SHA_512 = 2


class PartitionImage(msgspec.Struct, frozen=True):
    """One partition as the controller sees it. `directories` runs parallel to `replicas`."""

    replicas: list[int]
    isr: list[int]
    directories: list[Uuid]
    leader: int = NO_LEADER
    leader_epoch: int = 0
    partition_epoch: int = 0
    leader_recovery_state: int = LeaderRecoveryState.RECOVERED
    adding_replicas: list[int] = []
    removing_replicas: list[int] = []
    elr: list[int] = []
    last_known_elr: list[int] = []

    @property
    def preferred_leader(self) -> int:
        return self.replicas[0] if self.replicas else NO_LEADER

    def directory_of(self, broker_id: int) -> Uuid:
        """The directory of this broker's replica; `UNASSIGNED_DIRECTORY` when it holds none."""
        for replica, directory in zip(self.replicas, self.directories, strict=True):
            if replica == broker_id:
                return directory
        return UNASSIGNED_DIRECTORY


class TopicImage(msgspec.Struct):
    """A topic and its partitions by number."""

    name: str
    id: Uuid
    partitions: dict[int, PartitionImage] = {}


class Endpoint(msgspec.Struct, frozen=True):
    """Where a listener can be reached; `security_protocol` is Kafka's number (0 PLAINTEXT, 1 SSL, 2 and 3 SASL)."""

    host: str
    port: int
    security_protocol: int = 0


class BrokerImage(msgspec.Struct, frozen=True):
    """A registered broker. `cordoned_directories` is None until the broker has spoken of them (KIP-1066)."""

    id: int
    epoch: int
    incarnation_id: Uuid
    endpoints: dict[str, Endpoint]
    features: dict[str, tuple[int, int]] = {}
    rack: str | None = None
    fenced: bool = True
    in_controlled_shutdown: bool = False
    directories: list[Uuid] = []
    cordoned_directories: list[Uuid] | None = None
    is_migrating_zk_broker: bool = False

    @property
    def active(self) -> bool:
        """May lead and hold ISR places: neither fenced nor about to stop."""
        return not self.fenced and not self.in_controlled_shutdown

    def has_online_directory(self, directory: Uuid) -> bool:
        """Kafka's rule: reserved ids other than LOST count as online; a broker without directories has them all."""
        if directory in (UNASSIGNED_DIRECTORY, MIGRATING_DIRECTORY):
            return True
        if directory == LOST_DIRECTORY:
            return False
        return not self.directories or directory in self.directories


class ControllerImage(msgspec.Struct, frozen=True):
    """A registered controller (KIP-919)."""

    id: int
    incarnation_id: Uuid
    endpoints: dict[str, Endpoint]
    features: dict[str, tuple[int, int]] = {}
    zk_migration_ready: bool = False


class ScramImage(msgspec.Struct, frozen=True):
    """A SCRAM credential as RFC 5802 stores it: never the password."""

    salt: bytes
    stored_key: bytes
    server_key: bytes
    iterations: int

    def __repr__(self) -> str:
        return f"ScramImage(iterations={self.iterations})"


class AclImage(msgspec.Struct, frozen=True):
    """One access control entry, kept as written."""

    resource_type: int
    resource_name: str
    pattern_type: int
    principal: str
    host: str
    operation: int
    permission_type: int


class TokenImage(msgspec.Struct, frozen=True):
    """A delegation token (KIP-48) without its secret, which derives from `delegation.token.secret.key`."""

    owner: str
    requester: str
    renewers: list[str]
    issue_timestamp: int
    max_timestamp: int
    expiration_timestamp: int
    token_id: str


ConfigResource = tuple[int, str]
"""(resource type, name); the name is empty for the cluster-wide default."""

QuotaEntity = tuple[tuple[str, str | None], ...]
"""Pairs (entity type, entity name) sorted by type; None names the default entity."""
