"""The errors of the Kafka protocol: number, name, whether trying again may help, and what each means.

A handler raises `KafkaError`; the router turns it into the answer of its API. Numbers and names are Kafka 4.3's.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

AGAIN: Final = True
"""A client may try again, after refreshing what it knows; anything else needs somebody to change something."""


class ErrorCode(IntEnum):
    """An error as it travels: int16."""

    retriable: bool
    sentence: str

    def __new__(cls, code: int, sentence: str = "", retriable: bool = False) -> ErrorCode:
        member = int.__new__(cls, code)
        member._value_ = code
        member.sentence = sentence
        member.retriable = retriable
        return member

    UNKNOWN_SERVER_ERROR = -1, "Something unforeseen went wrong on the server."
    NONE = 0, "No error."
    OFFSET_OUT_OF_RANGE = 1, "The log does not hold that offset."
    CORRUPT_MESSAGE = 2, "The records are damaged, malformed, or lack the key a compacted topic needs.", AGAIN
    UNKNOWN_TOPIC_OR_PARTITION = 3, "This server knows no such topic or partition.", AGAIN
    INVALID_FETCH_SIZE = 4, "The fetch size makes no sense."
    LEADER_NOT_AVAILABLE = 5, "The partition has no leader at the moment.", AGAIN
    NOT_LEADER_OR_FOLLOWER = 6, "This broker does not lead the partition, or holds no replica of it.", AGAIN
    REQUEST_TIMED_OUT = 7, "The request was not completed in time.", AGAIN
    BROKER_NOT_AVAILABLE = 8, "The broker is not available."
    REPLICA_NOT_AVAILABLE = 9, "This broker has no replica of the partition to answer from.", AGAIN
    MESSAGE_TOO_LARGE = 10, "A record batch is larger than this server or topic accepts."
    STALE_CONTROLLER_EPOCH = 11, "The request comes from a controller that has been replaced."
    OFFSET_METADATA_TOO_LARGE = 12, "The text beside a committed offset is too long."
    NETWORK_EXCEPTION = 13, "The connection ended before the answer came.", AGAIN
    COORDINATOR_LOAD_IN_PROGRESS = 14, "The coordinator is still reading its state.", AGAIN
    COORDINATOR_NOT_AVAILABLE = 15, "The coordinator is not available.", AGAIN
    NOT_COORDINATOR = 16, "This broker is not the coordinator asked for.", AGAIN
    INVALID_TOPIC_EXCEPTION = 17, "The topic name is not valid, or the topic may not be used this way."
    RECORD_LIST_TOO_LARGE = 18, "The record batch is larger than a log segment."
    NOT_ENOUGH_REPLICAS = 19, "Fewer replicas are in sync than the topic demands.", AGAIN
    NOT_ENOUGH_REPLICAS_AFTER_APPEND = 20, "Written, but too few replicas were in sync when it was.", AGAIN
    INVALID_REQUIRED_ACKS = 21, "acks must be 0, 1 or -1 (all)."
    ILLEGAL_GENERATION = 22, "The group is in another generation."
    INCONSISTENT_GROUP_PROTOCOL = 23, "The member shares no protocol with its group."
    INVALID_GROUP_ID = 24, "The group id is not valid."
    UNKNOWN_MEMBER_ID = 25, "The group has no such member."
    INVALID_SESSION_TIMEOUT = 26, "The session timeout is outside the range this broker allows."
    REBALANCE_IN_PROGRESS = 27, "The group is rebalancing: the member has to join again."
    INVALID_COMMIT_OFFSET_SIZE = 28, "The offset commit is too large to store."
    TOPIC_AUTHORIZATION_FAILED = 29, "Not allowed on this topic."
    GROUP_AUTHORIZATION_FAILED = 30, "Not allowed on this group."
    CLUSTER_AUTHORIZATION_FAILED = 31, "Not allowed on this cluster."
    INVALID_TIMESTAMP = 32, "A timestamp is outside the range the topic accepts."
    UNSUPPORTED_SASL_MECHANISM = 33, "This listener does not offer that SASL mechanism."
    ILLEGAL_SASL_STATE = 34, "The request does not fit the state of the authentication."
    UNSUPPORTED_VERSION = 35, "This server does not speak that version of the API."
    TOPIC_ALREADY_EXISTS = 36, "A topic of that name exists already."
    INVALID_PARTITIONS = 37, "The number of partitions is not valid."
    INVALID_REPLICATION_FACTOR = 38, "The replication factor is below one or above the number of brokers."
    INVALID_REPLICA_ASSIGNMENT = 39, "The replica assignment is not valid."
    INVALID_CONFIG = 40, "The configuration is not valid."
    NOT_CONTROLLER = 41, "This node is not the active controller.", AGAIN
    INVALID_REQUEST = 42, "The request is not well-formed for its version."
    UNSUPPORTED_FOR_MESSAGE_FORMAT = 43, "The record format does not support the request."
    POLICY_VIOLATION = 44, "A policy of this cluster forbids the request."
    OUT_OF_ORDER_SEQUENCE_NUMBER = 45, "A batch of this producer is missing before this one."
    DUPLICATE_SEQUENCE_NUMBER = 46, "This batch was written before."
    INVALID_PRODUCER_EPOCH = 47, "The producer uses an epoch that has ended."
    INVALID_TXN_STATE = 48, "The transaction is in a state that does not allow this."
    INVALID_PRODUCER_ID_MAPPING = 49, "The transactional id belongs to another producer id."
    INVALID_TRANSACTION_TIMEOUT = 50, "The transaction timeout is above transaction.max.timeout.ms."
    CONCURRENT_TRANSACTIONS = 51, "Another operation on the same transaction is under way.", AGAIN
    TRANSACTION_COORDINATOR_FENCED = (
        52,
        "The transaction has a newer coordinator than the one that wrote this.",
    )
    TRANSACTIONAL_ID_AUTHORIZATION_FAILED = 53, "Not allowed to use this transactional id."
    SECURITY_DISABLED = 54, "No authorizer is configured."
    OPERATION_NOT_ATTEMPTED = 55, "Not tried, because another part of the request failed."
    KAFKA_STORAGE_ERROR = 56, "A disk failed under the log.", AGAIN
    LOG_DIR_NOT_FOUND = 57, "This broker has no such log directory."
    SASL_AUTHENTICATION_FAILED = 58, "The authentication failed."
    UNKNOWN_PRODUCER_ID = 59, "The log remembers nothing of this producer."
    REASSIGNMENT_IN_PROGRESS = 60, "The partition is being moved."
    DELEGATION_TOKEN_AUTH_DISABLED = 61, "Delegation tokens are not enabled."
    DELEGATION_TOKEN_NOT_FOUND = 62, "There is no such delegation token."
    DELEGATION_TOKEN_OWNER_MISMATCH = 63, "Only the owner or a renewer may do this with the token."
    DELEGATION_TOKEN_REQUEST_NOT_ALLOWED = 64, "This connection may not ask for delegation tokens."
    DELEGATION_TOKEN_AUTHORIZATION_FAILED = 65, "Not allowed on this delegation token."
    DELEGATION_TOKEN_EXPIRED = 66, "The delegation token has expired."
    INVALID_PRINCIPAL_TYPE = 67, "Principals of that type are not supported."
    NON_EMPTY_GROUP = 68, "The group still has members."
    GROUP_ID_NOT_FOUND = 69, "There is no such group."
    FETCH_SESSION_ID_NOT_FOUND = 70, "There is no such fetch session.", AGAIN
    INVALID_FETCH_SESSION_EPOCH = 71, "The fetch session expects another epoch.", AGAIN
    LISTENER_NOT_FOUND = 72, "The leader has no listener of the name this request came in on.", AGAIN
    TOPIC_DELETION_DISABLED = 73, "delete.topic.enable is false."
    FENCED_LEADER_EPOCH = 74, "The leader epoch of the request has ended.", AGAIN
    UNKNOWN_LEADER_EPOCH = 75, "The leader epoch of the request has not reached this broker yet.", AGAIN
    UNSUPPORTED_COMPRESSION_TYPE = 76, "That compression cannot be used here."
    STALE_BROKER_EPOCH = 77, "The broker has registered anew since."
    OFFSET_NOT_AVAILABLE = 78, "The new leader does not know its high watermark yet.", AGAIN
    MEMBER_ID_REQUIRED = 79, "Join again with the member id given here."
    PREFERRED_LEADER_NOT_AVAILABLE = 80, "The preferred leader is not available.", AGAIN
    GROUP_MAX_SIZE_REACHED = 81, "The group is full."
    FENCED_INSTANCE_ID = 82, "Another member has taken this group instance id."
    ELIGIBLE_LEADERS_NOT_AVAILABLE = 83, "No replica that could lead is available.", AGAIN
    ELECTION_NOT_NEEDED = 84, "The partition has the leader it should have.", AGAIN
    NO_REASSIGNMENT_IN_PROGRESS = 85, "The partition is not being moved."
    GROUP_SUBSCRIBED_TO_TOPIC = 86, "The group is subscribed to the topic, so its offsets stay."
    INVALID_RECORD = 87, "A record breaks a rule of its topic."
    UNSTABLE_OFFSET_COMMIT = 88, "A transaction over these offsets is still open.", AGAIN
    THROTTLING_QUOTA_EXCEEDED = 89, "The quota for such changes is used up for now.", AGAIN
    PRODUCER_FENCED = 90, "A newer producer uses the same transactional id."
    RESOURCE_NOT_FOUND = 91, "There is no such resource."
    DUPLICATE_RESOURCE = 92, "The request names the same resource twice."
    UNACCEPTABLE_CREDENTIAL = 93, "The credential does not meet what is asked of one."
    INCONSISTENT_VOTER_SET = 94, "Sender and receiver do not agree on who votes."
    INVALID_UPDATE_VERSION = 95, "The feature cannot go to that level."
    FEATURE_UPDATE_FAILED = 96, "The feature levels could not be changed."
    PRINCIPAL_DESERIALIZATION_FAILURE = 97, "The principal of a forwarded request could not be read."
    SNAPSHOT_NOT_FOUND = 98, "There is no such snapshot."
    POSITION_OUT_OF_RANGE = 99, "The position lies outside the snapshot."
    UNKNOWN_TOPIC_ID = 100, "This server knows no topic of that id.", AGAIN
    DUPLICATE_BROKER_REGISTRATION = 101, "Another broker uses this id."
    BROKER_ID_NOT_REGISTERED = 102, "No broker of that id is registered."
    INCONSISTENT_TOPIC_ID = 103, "The topic id of the log is not that of the request.", AGAIN
    INCONSISTENT_CLUSTER_ID = 104, "The request is meant for another cluster."
    TRANSACTIONAL_ID_NOT_FOUND = 105, "There is no such transactional id."
    FETCH_SESSION_TOPIC_ID_ERROR = 106, "The fetch session mixes topic names and topic ids.", AGAIN
    INELIGIBLE_REPLICA = 107, "A replica of the new ISR may not be in it."
    NEW_LEADER_ELECTED = 108, "The change was made, and it gave the partition another leader."
    OFFSET_MOVED_TO_TIERED_STORAGE = 109, "The offset is found in remote storage only."
    FENCED_MEMBER_EPOCH = 110, "The coordinator has fenced this member: drop all partitions and join again."
    UNRELEASED_INSTANCE_ID = 111, "The instance id is in use until its member leaves."
    UNSUPPORTED_ASSIGNOR = 112, "The group does not support that assignor, or not in that version."
    STALE_MEMBER_EPOCH = (
        113,
        "The member's epoch is out of date: take the new one from a heartbeat and try again.",
    )
    MISMATCHED_ENDPOINT_TYPE = 114, "The request belongs on another kind of listener."
    UNSUPPORTED_ENDPOINT_TYPE = 115, "That type of endpoint is not supported."
    UNKNOWN_CONTROLLER_ID = 116, "There is no controller of that id."
    UNKNOWN_SUBSCRIPTION_ID = 117, "The telemetry subscription has changed or never was."
    TELEMETRY_TOO_LARGE = 118, "The telemetry is larger than this broker takes."
    INVALID_REGISTRATION = 119, "The controller does not accept the registration."
    TRANSACTION_ABORTABLE = 120, "The transaction cannot go on, but may be aborted and begun anew."
    INVALID_RECORD_STATE = 121, "The records are not in a state that allows this acknowledgement."
    SHARE_SESSION_NOT_FOUND = 122, "There is no such share session.", AGAIN
    INVALID_SHARE_SESSION_EPOCH = 123, "The share session expects another epoch.", AGAIN
    FENCED_STATE_EPOCH = 124, "The share group's state has moved to another epoch."
    INVALID_VOTER_KEY = 125, "The voter named is not the one that received this."
    DUPLICATE_VOTER = 126, "This node votes already."
    VOTER_NOT_FOUND = 127, "There is no such voter."
    INVALID_REGULAR_EXPRESSION = 128, "The regular expression is not valid."
    REBOOTSTRAP_REQUIRED = 129, "What the client knows is too old: start again from the bootstrap servers."
    STREAMS_INVALID_TOPOLOGY = 130, "The topology is not valid."
    STREAMS_INVALID_TOPOLOGY_EPOCH = 131, "The topology epoch is not valid."
    STREAMS_TOPOLOGY_FENCED = 132, "The topology epoch is out of date."
    SHARE_SESSION_LIMIT_REACHED = 133, "This broker holds as many share sessions as it may.", AGAIN


class KafkaError(Exception):
    """A request, or one part of it, fails with an error of the protocol.

    `message` is what the client reads; without one it reads the sentence of the code.
    """

    def __init__(self, code: ErrorCode, message: str | None = None) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    @property
    def text(self) -> str:
        return self.code.sentence if self.message is None else self.message

    def __str__(self) -> str:
        return f"{self.code.name}: {self.text}"


def error_of(code: int) -> ErrorCode:
    """The error of that number; one that a newer peer made up counts as UNKNOWN_SERVER_ERROR, as in Kafka."""
    try:
        return ErrorCode(code)
    except ValueError:
        return ErrorCode.UNKNOWN_SERVER_ERROR
