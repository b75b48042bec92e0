"""Where Ottla answers otherwise than Apache Kafka 4.3, and means to; and what cannot be asked. Every entry has its reason.

`cases` and `fields` are shell patterns: the name of the case with its version (`Fetch: no bytes v4`), and the path to the
field in the answer (`.responses*error_code`). An entry that meets no difference any more fails the test.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Accepted(NamedTuple):
    """`by_chance`: it may also not differ, as Kafka's answer depends on time."""

    cases: str
    fields: str
    reason: str
    by_chance: bool = False


class Unasked(NamedTuple):
    cases: str
    reason: str


SILENCE: Final = (
    "Kafka never answers null records, each question costs seconds; one hand-written case asks it"
)

COSTLY: Final = (
    "Kafka's controller fails at many of them and elects itself again for seconds; one version is enough"
)
DEADLY: Final = "Kafka's Raft thread fails of it, and the whole node with it"
UNSEATED: Final = "Kafka's voter yields to every higher epoch, and could not be elected after this one"

UNASKED: Final = (
    Unasked("Produce: mangled*.records=null *", SILENCE),
    Unasked("Produce: mangled*.records with the length -*", SILENCE),
    Unasked("Produce: mangled*.records with the length 2[*][*]32-1 *", SILENCE),
    Unasked("EndTxn: mangled.producer_epoch=0 *", "it ends the transaction that others are asked about"),
    Unasked("JoinGroup: mangled.member_id='' v[0-3]", "who is let in waits for the others"),
    Unasked("JoinGroup: mangled.group_instance_id=* v*", "who is let in waits for the others"),
    Unasked(
        "CreatePartitions*: mangled*assignments* announces one too few v[01]",
        "what is left says a timeout of 1 ms, and whether that is enough is chance",
    ),
    Unasked(
        "StreamsGroupHeartbeat: mangled.user_endpoint led by *",
        "Kafka 4.3 fails of an endpoint while topics are missing; where it does not, the member is another one from then on",
    ),
    Unasked("*QuorumEpoch of a controller: mangled*.leader_id=0 *", DEADLY),
    Unasked("*QuorumEpoch of a controller: mangled*.leader_id=2147483647 *", DEADLY),
    Unasked("*QuorumEpoch of a controller: mangled.leader_endpoints*.name='' *", DEADLY),
    Unasked("FetchSnapshot of a controller: mangled.topics*=[[]] *", DEADLY),
    Unasked("FetchSnapshot of a controller: mangled.topics* announces one too few *", DEADLY),
    Unasked("FetchSnapshot of a controller: mangled.topics* twice the same *", DEADLY),
    Unasked("BrokerRegistration*: mangled.listeners*.name='' *", DEADLY),
    Unasked("BrokerRegistration*: mangled.listeners* v[0-3]", COSTLY),
    Unasked("AlterPartition of*: mangled*.leader_recovery_state=* v2", COSTLY),
    Unasked(
        "AssignReplicasToDirs of*: mangled.directories?0?.id=*",
        "the broker puts it right by itself, in its own time, and the leader epoch grows meanwhile",
    ),
    Unasked("*RaftVoter*: mangled.listeners*.name='' *", DEADLY),
    Unasked("* of a controller: mangled*_epoch=2147483647 *", UNSEATED),
    Unasked("BrokerHeartbeat of a controller: mangled.want_*=2 *", "the broker would be fenced or shut down"),
)
"""Questions that cannot be put to Kafka again and again, and why."""

STUMBLES: Final = "Kafka stumbles over it and answers UNKNOWN_SERVER_ERROR; we say what is wrong, or take it for what it can only mean"

SENTENCE: Final = "a code without more words is told by our own sentence for it (core/model/errors.py)"
OWN_LOG: Final = "each writes its own metadata log"

NAMELESS: Final = "Kafka fails over a topic that its id does not name; we answer UNKNOWN_TOPIC_ID beside it"
LEFT_OPEN: Final = (
    "Of several sessions opened on one connection Kafka ends the last one with it and keeps the others open"
)

ACCEPTED: Final = (
    Accepted(
        "StreamsGroupHeartbeat: streams group unmade, a topic cannot be made v0",
        ".status?0?.status_detail",
        "that the topic was refused is told at once where the refusal was quicker than the answer; the beat after it always tells",
        by_chance=True,
    ),
    Accepted(
        "StreamsGroupDescribe: topology: a changelog that is there *",
        "*.partitions",
        "Kafka tells what it knew when the group last wrote something, before it had looked at the topics",
    ),
    Accepted(
        "StreamsGroupHeartbeat: streams group homeless, *",
        "*",
        "Kafka 4.3 fails of an endpoint while topics are missing; we tell that topics are missing",
    ),
    Accepted("DeleteGroups: homeless *", "*.error_code", "Kafka failed to make this group, see above"),
    Accepted("ShareFetch: a topic that is not there*", "*", NAMELESS),
    Accepted("ShareFetch: mangled.topics?0?.topic_id=*", "*", NAMELESS),
    Accepted("Share[FA]*: mangled.share_session_epoch=-*", "*", LEFT_OPEN, by_chance=True),
    Accepted("ShareAcknowledge: mangled.member_id=no UTF-8 *", "*", LEFT_OPEN, by_chance=True),
    Accepted(
        "WriteTxnMarkers: mangled*topics twice the same *",
        "",
        "Kafka never answers, and the connection hangs; we write the marker twice, which changes nothing",
    ),
    Accepted(
        "WriteTxnMarkers: mangled*partition_indexes twice the same *",
        "",
        "Kafka never answers, and the connection hangs; we write the marker twice, which changes nothing",
        by_chance=True,
    ),
    Accepted(
        "AddPartitionsToTxn: mangled.transactions=[[]] *",
        "",
        "Kafka never answers, and the connection hangs; we answer with nothing in it",
    ),
    Accepted(
        "Produce: null records *",
        "",
        "Kafka never answers, and the connection hangs; we answer INVALID_RECORD",
    ),
    Accepted("Produce: an unknown codec *", "*", STUMBLES),
    Accepted("Produce: the largest length *", "*", STUMBLES),
    Accepted(
        "Produce: compressed garbage *",
        "*",
        "what is compressed is not opened without need (docs/decisions/0009)",
    ),
    Accepted("DescribeLogDirs: *", "*.partition_size", "the compressed garbage above is in our log"),
    Accepted("Fetch: an isolation level of 7 *", "*", STUMBLES),
    Accepted("Fetch: negative bytes *", "*", STUMBLES),
    Accepted("Fetch: mangled.isolation_level=*", "*", STUMBLES),
    Accepted("Fetch: mangled*max_bytes=-*", "*", STUMBLES),
    Accepted("ListOffsets: mangled.isolation_level=*", "*", STUMBLES),
    Accepted("CreateTopics*: mangled*.num_partitions=2147483647 *", "*", STUMBLES),
    Accepted("CreateDelegationToken*: mangled.owner_principal_type=null *", "*", STUMBLES),
    Accepted("AlterUserScramCredentials*: mangled*.salted_password='' *", "*", STUMBLES),
    Accepted("IncrementalAlterConfigs*: mangled*.config_operation=*", "*", STUMBLES),
    Accepted("*AlterConfigs*: header with an unknown tag twice *", "*", STUMBLES),
    Accepted("Fetch: mangled.session_id=*", "*", STUMBLES),
    Accepted("OffsetFetch: mangled.groups?0?.member_epoch=*", "*.error_code", STUMBLES),
    Accepted(
        "AlterConfigs: mangled.resources twice the same *",
        "",
        "Kafka never answers, and the connection hangs; we answer INVALID_REQUEST",
    ),
    Accepted(
        "DescribeTopicPartitions: mangled.cursor.partition_index=2147483647 *",
        ".next_cursor",
        "Kafka's sum of cursor and limit overflows, and it points to a negative partition",
    ),
    Accepted("IncrementalAlterConfigs: an unknown operation *", "*", STUMBLES),
    Accepted("DescribeTopicPartitions: bad names *", "*", STUMBLES),
    Accepted("Fetch of a controller: *", "*.records", OWN_LOG),
    Accepted("Fetch of a controller: *", "*.high_watermark", OWN_LOG),
    Accepted("Fetch of a controller: *max_bytes=-*", "*", STUMBLES),
    Accepted("FetchSnapshot of a controller: *", "*", STUMBLES),
    Accepted("AlterPartition*: mangled*.leader_recovery_state=*", "*", STUMBLES),
    Accepted("*Registration of a controller: mangled.listeners*", "*", STUMBLES),
    Accepted(
        "DescribeQuorum: *",
        "*.observers",
        "Kafka's faults made it elect itself, and it forgot who had read along",
    ),
    Accepted("ElectLeaders*", "*.error_message", SENTENCE),
    Accepted("FindCoordinator*", "*.error_message", SENTENCE),
    Accepted("ConsumerGroup*", "*.error_message", SENTENCE),
    Accepted("JoinGroup: consumer group, with metadata that is none *", ".error_code", STUMBLES),
    Accepted("JoinGroup: consumer group, with a negative version *", ".error_code", STUMBLES),
    Accepted("*ShareGroupState*", "*.error_message", SENTENCE),
    Accepted("*ShareGroupOffsets*", "*.error_message", SENTENCE),
    Accepted("DescribeShareGroupOffsets: no partitions *", "*", STUMBLES),
    Accepted("DescribeShareGroupOffsets: no group, by name *", "*", STUMBLES),
    Accepted("DescribeShareGroupOffsets: a partition that is not there *", "*", STUMBLES),
    Accepted("AlterShareGroupOffsets: mangled*.partition_index=-*", "*", STUMBLES),
    Accepted("DescribeShareGroupOffsets: mangled.groups?0?.group_id='' *", "*", STUMBLES),
    Accepted("DescribeShareGroupOffsets: mangled*.partitions=[[]] *", "*", STUMBLES),
    Accepted("DescribeShareGroupOffsets: mangled*.partitions?0?=-*", "*", STUMBLES),
    Accepted(
        "DescribeShareGroupOffsets: mangled*.partitions?0?=2147483647 *",
        "",
        "Kafka asks its coordinator again and again and never answers; nothing is stored of what is not there",
    ),
    Accepted("DeleteTopics*", "*.error_message", SENTENCE),
    Accepted("DescribeQuorum*", "*.error_message", SENTENCE),
    Accepted("DescribeProducers*", "*.error_message", SENTENCE),
    Accepted("DescribeConfigs*", "*.error_message", "Kafka tells the code alone, we also what is wrong"),
    Accepted("AddRaftVoter*: mangled.listeners*", ".error_message", "Kafka prints its Java objects"),
    Accepted("Produce: no keys to a compacted topic *", "*.error_message", "Kafka prints its Java objects"),
    Accepted("Produce: from *", "*message", "names the time of the request", by_chance=True),
    Accepted(
        "ApiVersions of a controller: *",
        ".api_keys",
        "Kafka offers DescribeDelegationToken and DescribeUserScramCredentials there, and fails at both",
    ),
    Accepted("DescribeQuorum*: *", "*.leader_epoch", "each start of ours is one epoch"),
    Accepted("DescribeQuorum*: *", "*.high_watermark", OWN_LOG),
    Accepted("DescribeQuorum*: *", "*.log_end_offset", OWN_LOG),
    Accepted(
        "GetTelemetrySubscriptions: *",
        ".push_interval_ms",
        "nobody takes client metrics: no subscription counts",
    ),
)
