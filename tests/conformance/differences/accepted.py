"""Where Ottla answers otherwise than Apache Kafka 4.3, and means to. Every entry has its reason.

`cases` and `fields` are shell patterns: the name of the case with its version (`Fetch: no bytes v4`), and the path to the
field in the answer (`.responses*error_code`). An entry that meets no difference any more fails the test.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Accepted(NamedTuple):
    cases: str
    fields: str
    reason: str


STUMBLES: Final = "Kafka stumbles over it and answers UNKNOWN_SERVER_ERROR; we say what is wrong, or take it for what it can only mean"

ACCEPTED: Final = (
    Accepted(
        "Produce: null records *",
        "",
        "Kafka never answers, and the connection hangs; we answer INVALID_RECORD",
    ),
    Accepted("Produce: an unknown codec *", "*", STUMBLES),
    Accepted(
        "Produce: compressed garbage *",
        "*",
        "what is compressed is not opened without need (docs/decisions/0009)",
    ),
    Accepted(
        "Produce: magic 3 *", "*.error_message", "the code says it; words are for single refused records"
    ),
    Accepted(
        "Produce: a negative length *",
        "*.error_message",
        "the code says it; words are for single refused records",
    ),
    Accepted("DescribeLogDirs: all *", "*.partition_size", "the compressed garbage above is in our log"),
    Accepted("Fetch: an isolation level of 7 *", "*", STUMBLES),
    Accepted("Fetch: negative bytes *", "*", STUMBLES),
    Accepted("IncrementalAlterConfigs: an unknown operation *", "*", STUMBLES),
    Accepted("DescribeTopicPartitions: bad names *", "*", STUMBLES),
    Accepted("ApiVersions: *", ".api_keys", "groups and transactions are not served yet"),
    Accepted("DescribeQuorum: the quorum *", "*.leader_epoch", "each start of ours is one epoch"),
    Accepted("DescribeQuorum: the quorum *", "*.high_watermark", "each writes its own metadata log"),
    Accepted("DescribeQuorum: the quorum *", "*.log_end_offset", "each writes its own metadata log"),
    Accepted(
        "GetTelemetrySubscriptions: *",
        ".push_interval_ms",
        "nobody takes client metrics: no subscription counts",
    ),
)
