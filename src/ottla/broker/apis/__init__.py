"""One module an API, named as in `core.wire.apis`; each has a `handle(services, context, request)`.

A module is imported when its first request comes, so that a node starts in no time. An API that is not named here is
neither advertised nor served.
"""

from __future__ import annotations

from typing import Final

from ottla.core.wire.api_key import ApiKey

K = ApiKey

FORWARDED: Final = "forwarded"

HANDLERS: Final[dict[ApiKey, str]] = {
    K.PRODUCE: "produce",
    K.FETCH: "fetch",
    K.LIST_OFFSETS: "list_offsets",
    K.METADATA: "metadata",
    K.API_VERSIONS: "api_versions",
    K.CREATE_TOPICS: FORWARDED,
    K.DELETE_TOPICS: FORWARDED,
    K.DELETE_RECORDS: "delete_records",
    K.INIT_PRODUCER_ID: "init_producer_id",
    K.OFFSET_FOR_LEADER_EPOCH: "offset_for_leader_epoch",
    K.CREATE_ACLS: FORWARDED,
    K.DELETE_ACLS: FORWARDED,
    K.DESCRIBE_CONFIGS: "describe_configs",
    K.DESCRIBE_LOG_DIRS: "describe_log_dirs",
    K.CREATE_PARTITIONS: FORWARDED,
    K.ELECT_LEADERS: FORWARDED,
    K.ALTER_PARTITION_REASSIGNMENTS: FORWARDED,
    K.LIST_PARTITION_REASSIGNMENTS: FORWARDED,
    K.ALTER_CLIENT_QUOTAS: FORWARDED,
    K.ALTER_USER_SCRAM_CREDENTIALS: FORWARDED,
    K.DESCRIBE_QUORUM: FORWARDED,
    K.UPDATE_FEATURES: FORWARDED,
    K.DESCRIBE_CLUSTER: "describe_cluster",
    K.DESCRIBE_PRODUCERS: "describe_producers",
    K.UNREGISTER_BROKER: FORWARDED,
    K.LIST_CONFIG_RESOURCES: "list_config_resources",
    K.DESCRIBE_TOPIC_PARTITIONS: "describe_topic_partitions",
}
"""API → module of this package, on listeners for clients and brokers."""

CONTROLLER_HANDLERS: Final[dict[ApiKey, str]] = {
    K.API_VERSIONS: "api_versions",
}
"""The same for controller listeners."""
