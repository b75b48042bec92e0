"""As `bases`, for the listener of the controller: what nodes of a cluster say to each other, and what tools ask there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ottla.core.model.ids import METADATA_TOPIC, METADATA_TOPIC_ID, Uuid
from ottla.core.wire.apis import API, ApiKey
from ottla.core.wire.codec import encode
from ottla.core.wire.declaration import Body
from ottla.core.wire.messages.default_principal import DefaultPrincipalData
from ottla.core.wire.messages.list_partition_reassignments import ListPartitionReassignmentsRequest
from tests.conformance.differences.bases import BASES, CLUSTER, LISTENER, SOMEBODY, Said, body
from tests.conformance.differences.case import CONTROLLER, STAND_IN, Case, id_of

EPOCH_STAND_IN: Final = STAND_IN + b"epoch"
BROKER_EPOCH: Final = int.from_bytes(EPOCH_STAND_IN, "big", signed=True)
"""Stands for the epoch that a controller gave to its broker."""
DIRECTORY: Final = Uuid(STAND_IN + b"log directory")
"""Stands for the id of a node's log directory."""
FIRST_EPOCH: Final = 1
"""Of the quorum, while nothing has made it elect anew: these questions come first."""

FEATURES: Final = [
    {"name": "metadata.version", "min_supported_version": 7, "max_supported_version": 30},
    {"name": "group.version", "min_supported_version": 0, "max_supported_version": 1},
    {"name": "transaction.version", "min_supported_version": 0, "max_supported_version": 2},
    {"name": "eligible.leader.replicas.version", "min_supported_version": 0, "max_supported_version": 1},
    {"name": "share.version", "min_supported_version": 0, "max_supported_version": 1},
    {"name": "streams.version", "min_supported_version": 0, "max_supported_version": 1},
    {"name": "kraft.version", "min_supported_version": 0, "max_supported_version": 1},
]


def _metadata_log(**partition: object) -> list[Said]:
    return [{"topic_name": METADATA_TOPIC, "partitions": [{"partition_index": 0, **partition}]}]


def _forwarded() -> bytes:
    """A request as a broker puts it into an envelope."""
    (question,) = Case("", ListPartitionReassignmentsRequest(), (0,)).questions()
    return question.frame


QUORUM_BASES: Final[dict[ApiKey, Said]] = {
    ApiKey.FETCH: {
        "cluster_id": CLUSTER,
        "max_wait_ms": 20,
        "topics": [
            {
                "topic": METADATA_TOPIC,
                "topic_id": METADATA_TOPIC_ID,
                "partitions": [
                    {"partition": 0, "current_leader_epoch": FIRST_EPOCH, "last_fetched_epoch": 0}
                ],
            }
        ],
    },
    ApiKey.DESCRIBE_QUORUM: BASES[ApiKey.DESCRIBE_QUORUM],
    ApiKey.VOTE: {
        "cluster_id": CLUSTER,
        "voter_id": 1,
        "topics": _metadata_log(replica_epoch=FIRST_EPOCH, replica_id=2),
    },
    ApiKey.BEGIN_QUORUM_EPOCH: {
        "cluster_id": CLUSTER,
        "voter_id": 1,
        "topics": _metadata_log(leader_id=1, leader_epoch=FIRST_EPOCH),
        "leader_endpoints": [LISTENER],
    },
    ApiKey.END_QUORUM_EPOCH: {
        "cluster_id": CLUSTER,
        "topics": _metadata_log(
            leader_id=1,
            leader_epoch=FIRST_EPOCH,
            preferred_successors=[1],
            preferred_candidates=[{"candidate_id": 1}],
        ),
        "leader_endpoints": [LISTENER],
    },
    ApiKey.FETCH_SNAPSHOT: {
        "cluster_id": CLUSTER,
        "topics": [
            {
                "name": METADATA_TOPIC,
                "partitions": [
                    {"partition": 0, "current_leader_epoch": FIRST_EPOCH, "snapshot_id": {"end_offset": 3}}
                ],
            }
        ],
    },
    ApiKey.UPDATE_RAFT_VOTER: {
        "cluster_id": CLUSTER,
        "current_leader_epoch": FIRST_EPOCH,
        "voter_id": 2,
        "voter_directory_id": SOMEBODY,
        "listeners": [LISTENER],
        "kraft_version_feature": {"min_supported_version": 0, "max_supported_version": 1},
    },
}

NOT_THERE: Final = (
    *QUORUM_BASES,
    ApiKey.DESCRIBE_DELEGATION_TOKEN,  # offered by Kafka, and not served
    ApiKey.DESCRIBE_USER_SCRAM_CREDENTIALS,
)
CONTROLLER_BASES: Final[dict[ApiKey, Said]] = {
    **{key: said for key, said in BASES.items() if CONTROLLER in API[key].listeners and key not in NOT_THERE},
    ApiKey.DESCRIBE_CLUSTER: {"endpoint_type": 2},
    ApiKey.ENVELOPE: {
        "request_data": _forwarded(),
        "request_principal": b"\0\0" + encode(DefaultPrincipalData(type="User", name="u"), 0),
        "client_host_address": bytes((127, 0, 0, 1)),
    },
    ApiKey.ALTER_PARTITION: {
        "broker_id": 1,
        "broker_epoch": BROKER_EPOCH,
        "topics": [
            {
                "topic_id": id_of("in-sync"),
                "partitions": [
                    {
                        "partition_index": 0,
                        "new_isr": [1],
                        "new_isr_with_epochs": [{"broker_id": 1, "broker_epoch": BROKER_EPOCH}],
                    }
                ],
            }
        ],
    },
    ApiKey.ASSIGN_REPLICAS_TO_DIRS: {
        "broker_id": 1,
        "broker_epoch": BROKER_EPOCH,
        "directories": [
            {
                "id": DIRECTORY,
                "topics": [{"topic_id": id_of("assigned"), "partitions": [{"partition_index": 0}]}],
            }
        ],
    },
    ApiKey.BROKER_HEARTBEAT: {"broker_id": 1, "broker_epoch": BROKER_EPOCH},
    ApiKey.ALLOCATE_PRODUCER_IDS: {"broker_id": 1, "broker_epoch": BROKER_EPOCH},
    ApiKey.BROKER_REGISTRATION: {
        "broker_id": 7,
        "cluster_id": CLUSTER,
        "incarnation_id": SOMEBODY,
        "listeners": [{"name": "PLAINTEXT", "host": "localhost", "port": 9}],
        "features": FEATURES,
        "rack": "r",
        "log_dirs": [Uuid(b"a log directory!")],
    },
    ApiKey.CONTROLLER_REGISTRATION: {
        "controller_id": 9,
        "incarnation_id": SOMEBODY,
        "listeners": [LISTENER],
        "features": FEATURES,
    },
}


def quorum_bases() -> Iterator[tuple[ApiKey, Body]]:
    """What voters and observers ask each other: to be asked while the quorum is in its first epoch."""
    for key, said in QUORUM_BASES.items():
        yield key, body(API[key].request, said)


def controller_bases() -> Iterator[tuple[ApiKey, Body]]:
    """What brokers and tools ask the controller."""
    for key, said in CONTROLLER_BASES.items():
        yield key, body(API[key].request, said)
