"""For every API one request with all its fields told, which does no harm when it is asked again and again.

What `mangling` spoils. Said as plain values, so that it reads like a table; fields that a version does not have are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

from ottla.core.records.build import build
from ottla.core.records.record import Record
from ottla.core.wire.apis import API, ApiKey
from ottla.core.wire.declaration import Body, shape_of
from tests.conformance.differences.case import STAND_IN, id_of
from tests.conformance.differences.share_bases import SHARE_BASES
from tests.conformance.differences.share_record_cases import SHARE_RECORD_BASES
from tests.conformance.differences.streams_cases import STREAMS_BASES

Said: TypeAlias = dict[str, Any]

BATCH: Final = build([Record(0, 1_700_000_000_000, b"k", b"v", ())])
SOMEBODY: Final = STAND_IN + b"somebody else"
CLUSTER: Final = "4L6g3nShT-eMCtK--X86sw"
TOPIC: Final = "mangled"
ID: Final = id_of(TOPIC)
PLACES: Final = [{"name": TOPIC, "topic": TOPIC, "partitions": [0, 1]}]
ACL: Final = {"resource_name": "t", "principal": "User:u", "host": "*", "operation": 3, "permission_type": 3}
ACL_FILTER: Final = {
    "resource_type_filter": 2,
    "resource_name_filter": "t",
    "principal_filter": "User:u",
    "host_filter": "*",
    "operation": 3,
    "permission_type": 3,
}
WRITER: Final = {"transactional_id": "writer", "producer_id": 0, "producer_epoch": 0}
"""The transaction that is prepared on both: the first producer id that each of them gave."""
VALUE: Final = {"name": "retention.ms", "value": "60000"}
LISTENER: Final = {"name": "CONTROLLER", "host": "127.0.0.1", "port": 9}

BASES: Final[dict[ApiKey, Said]] = {
    ApiKey.PRODUCE: {
        "acks": -1,
        "timeout_ms": 1_000,
        "topic_data": [
            {"name": TOPIC, "topic_id": ID, "partition_data": [{"index": 0, "records": BATCH}]},
            {"name": "empty-handed", "topic_id": SOMEBODY, "partition_data": []},
        ],
    },
    ApiKey.FETCH: {
        "cluster_id": CLUSTER,
        "max_wait_ms": 20,
        "min_bytes": 1,
        "max_bytes": 1 << 20,
        "topics": [
            {
                "topic": TOPIC,
                "topic_id": ID,
                "partitions": [
                    {"partition": 0, "fetch_offset": 0, "partition_max_bytes": 1 << 20, "log_start_offset": 0}
                ],
            }
        ],
        "forgotten_topics_data": [{"topic": "data", "topic_id": id_of("data"), "partitions": [0]}],
        "rack_id": "r",
    },
    ApiKey.LIST_OFFSETS: {
        "replica_id": -1,
        "topics": [{"name": TOPIC, "partitions": [{"partition_index": 0, "timestamp": -1}]}],
        "timeout_ms": 1_000,
    },
    ApiKey.OFFSET_COMMIT: {
        "group_id": "readers",
        "topics": [
            {
                "name": TOPIC,
                "topic_id": ID,
                "partitions": [
                    {"partition_index": 0, "committed_offset": 3, "committed_metadata": "as far as here"}
                ],
            }
        ],
    },
    ApiKey.OFFSET_FETCH: {
        "group_id": "readers",
        "topics": [{"name": TOPIC, "topic_id": ID, "partition_indexes": [0, 1]}],
        "groups": [
            {
                "group_id": "readers",
                "topics": [{"name": TOPIC, "topic_id": ID, "partition_indexes": [0, 1]}],
            },
            {"group_id": "nobody", "topics": None},
        ],
    },
    ApiKey.OFFSET_DELETE: {
        "group_id": "readers",
        "topics": [{"name": TOPIC, "partitions": [{"partition_index": 1}]}],
    },
    ApiKey.JOIN_GROUP: {
        "group_id": "joined",
        "session_timeout_ms": 10_000,
        "rebalance_timeout_ms": 10_000,
        "member_id": "a stranger",
        "protocol_type": "consumer",
        "protocols": [{"name": "range", "metadata": b"\0\1\0\0\0\0\xff\xff\xff\xff"}],
    },
    ApiKey.SYNC_GROUP: {
        "group_id": "joined",
        "generation_id": 1,
        "member_id": "a stranger",
        "protocol_type": "consumer",
        "protocol_name": "range",
        "assignments": [{"member_id": "a stranger", "assignment": b"all"}],
    },
    ApiKey.HEARTBEAT: {"group_id": "joined", "generation_id": 1, "member_id": "a stranger"},
    ApiKey.LEAVE_GROUP: {
        "group_id": "joined",
        "member_id": "a stranger",
        "members": [{"member_id": "a stranger"}, {"member_id": "", "group_instance_id": "desk"}],
    },
    ApiKey.DESCRIBE_GROUPS: {"groups": ["readers", "nobody"], "include_authorized_operations": True},
    ApiKey.LIST_GROUPS: {"states_filter": ["Empty", "stable"], "types_filter": ["classic"]},
    ApiKey.DELETE_GROUPS: {"groups_names": ["nobody", "nor this one"]},
    ApiKey.ADD_PARTITIONS_TO_TXN: {
        "transactions": [{**WRITER, "topics": PLACES}],
        **{f"v3_and_below_{name}": value for name, value in WRITER.items()},
        "v3_and_below_topics": PLACES,
    },
    ApiKey.ADD_OFFSETS_TO_TXN: {**WRITER, "group_id": "readers"},
    ApiKey.TXN_OFFSET_COMMIT: {
        **WRITER,
        "group_id": "in transactions",
        "topics": [{"name": TOPIC, "partitions": [{"partition_index": 0, "committed_offset": 5}]}],
    },
    ApiKey.END_TXN: {**WRITER, "producer_epoch": 7, "committed": True},
    ApiKey.WRITE_TXN_MARKERS: {
        "markers": [
            {
                "producer_id": 77,
                "transaction_result": True,
                "topics": [{"name": "marked", "partition_indexes": [0]}],
            }
        ]
    },
    ApiKey.DESCRIBE_TRANSACTIONS: {"transactional_ids": ["writer", "nobody"]},
    ApiKey.LIST_TRANSACTIONS: {
        "state_filters": ["Ongoing", "Nonsense"],
        "producer_id_filters": [0, 1],
        "duration_filter": 0,
        "transactional_id_pattern": "w.*r",
    },
    ApiKey.CONSUMER_GROUP_HEARTBEAT: {
        "group_id": "beaten",
        "member_id": "a stranger",
        "member_epoch": 0,
        "rack_id": "r",
        "rebalance_timeout_ms": 10_000,
        "subscribed_topic_names": [TOPIC, "nowhere"],
        "server_assignor": "range",
        "topic_partitions": [],
    },
    ApiKey.CONSUMER_GROUP_DESCRIBE: {
        "group_ids": ["pair-1", "nobody"],
        "include_authorized_operations": True,
    },
    ApiKey.METADATA: {
        "topics": [{"name": TOPIC}, {"name": "data"}],
        "allow_auto_topic_creation": False,
    },
    ApiKey.SASL_HANDSHAKE: {"mechanism": "PLAIN"},
    ApiKey.API_VERSIONS: {"client_software_name": "probe", "client_software_version": "1.0"},
    ApiKey.CREATE_TOPICS: {
        "topics": [
            {"name": "to-be", "num_partitions": 2, "replication_factor": 1, "configs": [VALUE]},
            {
                "name": "placed",
                "num_partitions": -1,
                "replication_factor": -1,
                "assignments": [{"partition_index": 0, "broker_ids": [1]}],
            },
        ],
        "timeout_ms": 1_000,
        "validate_only": True,
    },
    ApiKey.DELETE_TOPICS: {
        "topics": [{"name": "nowhere"}, {"topic_id": SOMEBODY}],
        "topic_names": ["nowhere", "else"],
        "timeout_ms": 1_000,
    },
    ApiKey.DELETE_RECORDS: {
        "topics": [{"name": TOPIC, "partitions": [{"partition_index": 1, "offset": 0}]}],
        "timeout_ms": 1_000,
    },
    ApiKey.INIT_PRODUCER_ID: {"transactional_id": None, "transaction_timeout_ms": 1_000},
    ApiKey.OFFSET_FOR_LEADER_EPOCH: {
        "replica_id": -1,
        "topics": [{"topic": TOPIC, "partitions": [{"partition": 0, "leader_epoch": 0}]}],
    },
    ApiKey.DESCRIBE_ACLS: ACL_FILTER,
    ApiKey.CREATE_ACLS: {"creations": [{"resource_type": 2, **ACL}]},
    ApiKey.DELETE_ACLS: {"filters": [ACL_FILTER]},
    ApiKey.DESCRIBE_CONFIGS: {
        "resources": [
            {"resource_type": 2, "resource_name": TOPIC, "configuration_keys": ["retention.ms", "x"]},
            {"resource_type": 4, "resource_name": "1", "configuration_keys": ["num.partitions"]},
        ],
        "include_synonyms": True,
    },
    ApiKey.ALTER_CONFIGS: {
        "resources": [{"resource_type": 2, "resource_name": TOPIC, "configs": [VALUE]}],
        "validate_only": True,
    },
    ApiKey.ALTER_REPLICA_LOG_DIRS: {"dirs": [{"path": "/nowhere", "topics": PLACES}]},
    ApiKey.DESCRIBE_LOG_DIRS: {"topics": PLACES},
    ApiKey.SASL_AUTHENTICATE: {"auth_bytes": b"\0u\0p"},
    ApiKey.CREATE_PARTITIONS: {
        "topics": [{"name": TOPIC, "count": 3, "assignments": [{"broker_ids": [1]}]}],
        "timeout_ms": 1_000,
        "validate_only": True,
    },
    ApiKey.CREATE_DELEGATION_TOKEN: {
        "owner_principal_type": "User",
        "owner_principal_name": "o",
        "renewers": [{"principal_type": "User", "principal_name": "u"}],
        "max_lifetime_ms": 1_000,
    },
    ApiKey.RENEW_DELEGATION_TOKEN: {"hmac": b"x", "renew_period_ms": 1_000},
    ApiKey.EXPIRE_DELEGATION_TOKEN: {"hmac": b"x", "expiry_time_period_ms": 1_000},
    ApiKey.DESCRIBE_DELEGATION_TOKEN: {"owners": [{"principal_type": "User", "principal_name": "u"}]},
    ApiKey.ELECT_LEADERS: {"election_type": 0, "topic_partitions": PLACES, "timeout_ms": 1_000},
    ApiKey.INCREMENTAL_ALTER_CONFIGS: {
        "resources": [{"resource_type": 2, "resource_name": TOPIC, "configs": [VALUE]}],
        "validate_only": True,
    },
    ApiKey.ALTER_PARTITION_REASSIGNMENTS: {
        "timeout_ms": 1_000,
        "topics": [{"name": TOPIC, "partitions": [{"partition_index": 0, "replicas": [1]}]}],
    },
    ApiKey.LIST_PARTITION_REASSIGNMENTS: {"topics": [{"name": TOPIC, "partition_indexes": [0, 1]}]},
    ApiKey.DESCRIBE_CLIENT_QUOTAS: {
        "components": [
            {"entity_type": "user", "match_type": 0, "match": "u"},
            {"entity_type": "client-id", "match_type": 2, "match": None},
        ]
    },
    ApiKey.ALTER_CLIENT_QUOTAS: {
        "entries": [
            {
                "entity": [{"entity_type": "user", "entity_name": "m"}],
                "ops": [{"key": "producer_byte_rate", "value": 1000.0}],
            }
        ],
        "validate_only": True,
    },
    ApiKey.DESCRIBE_USER_SCRAM_CREDENTIALS: {"users": [{"name": "u"}, {"name": "v"}]},
    ApiKey.ALTER_USER_SCRAM_CREDENTIALS: {
        "deletions": [{"name": "gone", "mechanism": 1}],
        "upsertions": [
            {"name": "m", "mechanism": 1, "iterations": 4096, "salt": b"s", "salted_password": b"p" * 32}
        ],
    },
    ApiKey.DESCRIBE_QUORUM: {
        "topics": [{"topic_name": "__cluster_metadata", "partitions": [{"partition_index": 0}]}]
    },
    ApiKey.UPDATE_FEATURES: {
        "timeout_ms": 1_000,
        "feature_updates": [{"feature": "metadata.version", "max_version_level": 30, "upgrade_type": 1}],
        "validate_only": True,
    },
    ApiKey.DESCRIBE_CLUSTER: {"endpoint_type": 1},
    ApiKey.DESCRIBE_PRODUCERS: {"topics": [{"name": TOPIC, "partition_indexes": [0, 9]}]},
    ApiKey.UNREGISTER_BROKER: {"broker_id": 9},
    ApiKey.LIST_CONFIG_RESOURCES: {"resource_types": [2, 4]},
    ApiKey.DESCRIBE_TOPIC_PARTITIONS: {
        "topics": [{"name": "data"}, {"name": TOPIC}],
        "cursor": {"topic_name": TOPIC, "partition_index": 0},
    },
    ApiKey.ADD_RAFT_VOTER: {
        "cluster_id": CLUSTER,
        "timeout_ms": 1_000,
        "voter_id": 2,
        "voter_directory_id": SOMEBODY,
        "listeners": [LISTENER],
    },
    ApiKey.REMOVE_RAFT_VOTER: {"cluster_id": CLUSTER, "voter_id": 2, "voter_directory_id": SOMEBODY},
    ApiKey.FIND_COORDINATOR: {"key": "g", "key_type": 1, "coordinator_keys": ["g", "h"]},
    **SHARE_BASES,
    **SHARE_RECORD_BASES,
    **STREAMS_BASES,
}


def bases() -> Iterator[tuple[ApiKey, Body]]:
    """Every API with its request."""
    for key, said in BASES.items():
        yield key, body(API[key].request, said)


def body(cls: type[Body], said: Said) -> Body:
    """What was said as a message; names that it does not know are meant for its other versions."""
    fields = {}
    for field in shape_of(cls):
        if field.name not in said:
            continue
        value = said[field.name]
        if isinstance(field.kind, type) and value is not None:
            kind = field.kind
            value = [body(kind, each) for each in value] if field.array else body(kind, value)
        fields[field.name] = value
    return cls(**fields)
