"""One module an API, named as in `core.wire.apis`; each has a `handle(services, context, request)`.

A module is imported when its first request comes, so that a node starts in no time. An API that is not named here is
neither advertised nor served.
"""

from __future__ import annotations

from typing import Final

from ottla.core.wire.api_key import ApiKey

K = ApiKey

FORWARDED: Final = "forwarded"
TOKENS: Final = "delegation_tokens"

HANDLERS: Final[dict[ApiKey, str]] = {
    K.PRODUCE: "produce",
    K.FETCH: "fetch",
    K.LIST_OFFSETS: "list_offsets",
    K.METADATA: "metadata",
    K.FIND_COORDINATOR: "find_coordinator",
    K.SASL_HANDSHAKE: "sasl_handshake",
    K.API_VERSIONS: "api_versions",
    K.CREATE_TOPICS: FORWARDED,
    K.DELETE_TOPICS: FORWARDED,
    K.DELETE_RECORDS: "delete_records",
    K.INIT_PRODUCER_ID: "init_producer_id",
    K.OFFSET_FOR_LEADER_EPOCH: "offset_for_leader_epoch",
    K.DESCRIBE_ACLS: "describe_acls",
    K.CREATE_ACLS: FORWARDED,
    K.DELETE_ACLS: FORWARDED,
    K.DESCRIBE_CONFIGS: "describe_configs",
    K.ALTER_CONFIGS: "alter_configs",
    K.INCREMENTAL_ALTER_CONFIGS: "incremental_alter_configs",
    K.ALTER_REPLICA_LOG_DIRS: "alter_replica_log_dirs",
    K.DESCRIBE_LOG_DIRS: "describe_log_dirs",
    K.SASL_AUTHENTICATE: "sasl_authenticate",
    K.CREATE_PARTITIONS: FORWARDED,
    K.CREATE_DELEGATION_TOKEN: TOKENS,
    K.RENEW_DELEGATION_TOKEN: TOKENS,
    K.EXPIRE_DELEGATION_TOKEN: TOKENS,
    K.DESCRIBE_DELEGATION_TOKEN: TOKENS,
    K.ELECT_LEADERS: FORWARDED,
    K.ALTER_PARTITION_REASSIGNMENTS: FORWARDED,
    K.LIST_PARTITION_REASSIGNMENTS: FORWARDED,
    K.DESCRIBE_CLIENT_QUOTAS: FORWARDED,
    K.ALTER_CLIENT_QUOTAS: FORWARDED,
    K.DESCRIBE_USER_SCRAM_CREDENTIALS: FORWARDED,
    K.ALTER_USER_SCRAM_CREDENTIALS: FORWARDED,
    K.DESCRIBE_QUORUM: FORWARDED,
    K.UPDATE_FEATURES: FORWARDED,
    K.DESCRIBE_CLUSTER: "describe_cluster",
    K.DESCRIBE_PRODUCERS: "describe_producers",
    K.UNREGISTER_BROKER: FORWARDED,
    K.GET_TELEMETRY_SUBSCRIPTIONS: "get_telemetry_subscriptions",
    K.PUSH_TELEMETRY: "push_telemetry",
    K.LIST_CONFIG_RESOURCES: "list_config_resources",
    K.DESCRIBE_TOPIC_PARTITIONS: "describe_topic_partitions",
    K.ADD_RAFT_VOTER: FORWARDED,
    K.REMOVE_RAFT_VOTER: FORWARDED,
}
"""API → module of this package, on listeners for clients and brokers."""

CONTROLLER_HANDLERS: Final[dict[ApiKey, str]] = {
    K.SASL_HANDSHAKE: "sasl_handshake",
    K.API_VERSIONS: "api_versions",
    K.FETCH: "fetch_metadata_log",
    K.FETCH_SNAPSHOT: "fetch_snapshot",
    K.ENVELOPE: "envelope",
    K.DESCRIBE_CLUSTER: "describe_controllers",
    K.SASL_AUTHENTICATE: "sasl_authenticate",
    K.DESCRIBE_ACLS: "describe_acls",
    K.DESCRIBE_CONFIGS: "describe_configs",
    K.INCREMENTAL_ALTER_CONFIGS: "incremental_alter_configs",
    **dict.fromkeys(
        (
            K.CREATE_TOPICS,
            K.DELETE_TOPICS,
            K.CREATE_ACLS,
            K.DELETE_ACLS,
            K.ALTER_CONFIGS,
            K.CREATE_PARTITIONS,
            K.CREATE_DELEGATION_TOKEN,
            K.RENEW_DELEGATION_TOKEN,
            K.EXPIRE_DELEGATION_TOKEN,
            K.ELECT_LEADERS,
            K.ALTER_PARTITION_REASSIGNMENTS,
            K.LIST_PARTITION_REASSIGNMENTS,
            K.ALTER_CLIENT_QUOTAS,
            K.ALTER_USER_SCRAM_CREDENTIALS,
            K.VOTE,
            K.BEGIN_QUORUM_EPOCH,
            K.END_QUORUM_EPOCH,
            K.DESCRIBE_QUORUM,
            K.ALTER_PARTITION,
            K.UPDATE_FEATURES,
            K.BROKER_REGISTRATION,
            K.BROKER_HEARTBEAT,
            K.UNREGISTER_BROKER,
            K.ALLOCATE_PRODUCER_IDS,
            K.CONTROLLER_REGISTRATION,
            K.ASSIGN_REPLICAS_TO_DIRS,
            K.ADD_RAFT_VOTER,
            K.REMOVE_RAFT_VOTER,
            K.UPDATE_RAFT_VOTER,
        ),
        FORWARDED,
    ),
}
"""The same for controller listeners: the controller is beside us, nearly everything is its to answer."""
