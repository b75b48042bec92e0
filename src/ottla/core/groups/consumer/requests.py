"""What has to hold of a ConsumerGroupHeartbeat by itself, before any group is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ottla.core.groups.consumer.member import JOINING_EPOCH, LEAVING_EPOCH, STATIC_LEAVING_EPOCH
from ottla.core.model.errors import ErrorCode, KafkaError
from ottla.core.wire.messages.consumer_group_heartbeat import ConsumerGroupHeartbeatRequest

MEMBERS_NAME_THEMSELVES: Final = 1
"""From this version on a member comes with an id of its own making."""
_JAVA_BLANKS: Final = "".join(map(chr, range(0x21)))


def check(body: ConsumerGroupHeartbeatRequest, version: int, assignors: Sequence[str]) -> None:
    """Raises KafkaError: INVALID_REQUEST, UNSUPPORTED_ASSIGNOR. `assignors` are those on offer."""
    epoch = body.member_epoch
    if version >= MEMBERS_NAME_THEMSELVES or epoch > 0 or epoch == LEAVING_EPOCH:
        _check_said("MemberId", body.member_id)
    _check_said("GroupId", body.group_id)
    _check_said("InstanceId", body.instance_id)
    _check_said("RackId", body.rack_id)
    if epoch == JOINING_EPOCH:
        _check_first(body)
    elif epoch == STATIC_LEAVING_EPOCH:
        if body.instance_id is None:
            raise _invalid("InstanceId must be given by a member that leaves for a while.")
    elif epoch < STATIC_LEAVING_EPOCH:
        raise _invalid(f"MemberEpoch cannot be {epoch}.")
    if body.server_assignor is not None and body.server_assignor not in assignors:
        raise KafkaError(
            ErrorCode.UNSUPPORTED_ASSIGNOR,
            f"There is no assignor {body.server_assignor} here; there are {', '.join(assignors)}.",
        )


def _check_first(body: ConsumerGroupHeartbeatRequest) -> None:
    if body.rebalance_timeout_ms == -1:
        raise _invalid("RebalanceTimeoutMs must be given with the first request.")
    if body.topic_partitions is None or body.topic_partitions:
        raise _invalid("TopicPartitions must be empty with the first request.")
    if body.subscribed_topic_names is None and body.subscribed_topic_regex is None:
        raise _invalid("SubscribedTopicNames or SubscribedTopicRegex must be given with the first request.")


def _check_said(what: str, value: str | None) -> None:
    if value is not None and not value.strip(_JAVA_BLANKS):
        raise _invalid(f"{what} must not be empty.")


def _invalid(message: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REQUEST, message)
