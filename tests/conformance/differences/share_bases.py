"""What `bases` has for the APIs of share groups."""

from __future__ import annotations

from typing import Any, Final

from ottla.core.wire.apis import ApiKey
from tests.conformance.differences.case import id_of

TOPIC: Final = "mangled"
ID: Final = id_of(TOPIC)


def _stored(**fields: Any) -> dict[str, Any]:
    """About the state of one share partition."""
    return {"group_id": "stored", "topics": [{"topic_id": ID, "partitions": [{"partition": 1, **fields}]}]}


BATCH: Final = {"first_offset": 5, "last_offset": 9, "delivery_state": 2, "delivery_count": 1}

SHARE_BASES: Final[dict[ApiKey, dict[str, Any]]] = {
    ApiKey.SHARE_GROUP_HEARTBEAT: {
        "group_id": "sharing",
        "member_id": "a stranger",
        "member_epoch": 1,
        "rack_id": "r",
        "subscribed_topic_names": [TOPIC, "nowhere"],
    },
    ApiKey.SHARE_GROUP_DESCRIBE: {
        "group_ids": ["sharing", "nobody"],
        "include_authorized_operations": True,
    },
    ApiKey.INITIALIZE_SHARE_GROUP_STATE: _stored(state_epoch=1, start_offset=5),
    ApiKey.WRITE_SHARE_GROUP_STATE: _stored(
        state_epoch=1, leader_epoch=0, start_offset=5, delivery_complete_count=5, state_batches=[BATCH]
    ),
    ApiKey.READ_SHARE_GROUP_STATE: _stored(leader_epoch=0),
    ApiKey.READ_SHARE_GROUP_STATE_SUMMARY: _stored(leader_epoch=0),
    ApiKey.DELETE_SHARE_GROUP_STATE: {**_stored(), "group_id": "unstored"},
    ApiKey.DESCRIBE_SHARE_GROUP_OFFSETS: {
        "groups": [
            {"group_id": "altered", "topics": [{"topic_name": TOPIC, "partitions": [0, 1]}]},
            {"group_id": "nobody", "topics": None},
        ]
    },
    ApiKey.ALTER_SHARE_GROUP_OFFSETS: {
        "group_id": "altered",
        "topics": [{"topic_name": TOPIC, "partitions": [{"partition_index": 0, "start_offset": 1}]}],
    },
    ApiKey.DELETE_SHARE_GROUP_OFFSETS: {"group_id": "forgotten", "topics": [{"topic_name": TOPIC}]},
}
