"""What every client is asked to do on a node, and which client cannot and why.

A test of a client says by `covers` which of these checks it makes; the programs in Go, Java and JavaScript make them
under these names. `test_matrix.py` holds that every client makes every check or has a reason here, and
`docs/reference/clients.md` is written from both (`python -m tests.conformance.matrix`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

THEMES: dict[str, dict[str, str]] = {
    "Records": {
        "none": "records come back as sent, in batches without compression",
        "gzip": "the same in gzip",
        "snappy": "the same in snappy",
        "lz4": "the same in lz4",
        "zstd": "the same in zstd",
        "headers": "several headers on a record",
        "nulls": "null keys, and null values (tombstones)",
        "megabyte": "records of 1 MB, just under the default `message.max.bytes`",
        "create-time": "the producer's timestamps",
        "append-time": "the broker's timestamps, where the topic wants `LogAppendTime`",
    },
    "Reading": {
        "seek-offset": "from an offset on",
        "seek-beginning": "from the beginning",
        "seek-end": "from the end on",
        "seek-time": "from a point in time on",
        "list-offsets": "ask for offsets without reading: the first, the next, others",
    },
    "Producing": {
        "acks-0": "acknowledged by nobody",
        "acks-1": "acknowledged by the leader",
        "acks-all": "acknowledged by all in sync",
        "idempotent": "an idempotent producer: once and in order",
        "concurrent": "several producers write into the same partitions at once",
        "many-partitions": "a topic of many partitions",
    },
    "Groups": {
        "group-sharing": "members share the partitions, and take over from who leaves",
        "group-resume": "a group goes on where it committed",
        "group-admin": "list and describe a group, see and change its offsets, delete it",
    },
    "Transactions": {
        "committed": "what was committed is read, and nothing that was aborted",
        "transactional-offsets": "offsets that count once their transaction is committed",
        "producer-fencing": "a second producer of the same transactional id shuts out the first",
    },
    "Administration": {
        "create-topic": "create a topic with settings",
        "describe-topic": "partitions, leaders, replicas",
        "alter-config": "change a topic's setting and take it back",
        "add-partitions": "add partitions",
        "delete-records": "delete records before an offset",
        "delete-topic": "delete a topic",
        "describe-cluster": "the cluster and its brokers",
        "log-dirs": "log directories and sizes",
    },
    "Refusals": {
        "unknown-topic": "a topic that is not there",
        "too-large": "a record larger than its topic takes",
        "out-of-range": "an offset beyond the end",
        "invalid-config": "settings that cannot be",
        "topic-exists": "a topic whose name is taken",
        "partition-count": "no partitions, or fewer than there are",
    },
}

CHECKS = [check for theme in THEMES.values() for check in theme]

TOPIC_ADMIN = ("create-topic", "alter-config", "add-partitions", "delete-records", "delete-topic", "log-dirs")
TOPIC_ERRORS = ("invalid-config", "topic-exists", "partition-count")

TRANSACTIONS = tuple(THEMES["Transactions"])

CANNOT: dict[str, dict[str, str]] = {
    "kcat": {
        **dict.fromkeys((*TOPIC_ADMIN, *TOPIC_ERRORS), "it does not administer"),
        "append-time": "it does not say whose timestamp it shows",
        "group-admin": "it does not administer",
        **dict.fromkeys(TRANSACTIONS, "it has no transactions"),
    },
    "confluent-kafka": {"log-dirs": "not in its admin"},
    "aiokafka": {"log-dirs": "not in its admin"},
    "kafka-python": {},
    "Java kafka-clients": {},
    "Kafka's tools": {
        "seek-time": "the console consumer starts at offsets only",
        "transactional-offsets": "none of them reads and writes in one transaction",
        "producer-fencing": "none of them leaves a transaction open",
    },
    "franz-go (Go)": {},
    "kafkajs (Node.js)": {"log-dirs": "not in its admin"},
}
"""The clients in the order of the page, and what each has no means for."""

Test = TypeVar("Test", bound=Callable[..., object])


def covers(client: str, *checks: str) -> Callable[[Test], Test]:
    """Say of a test which checks it makes with a client of `CANNOT`."""
    unknown = [check for check in checks if check not in CHECKS]
    if client not in CANNOT or unknown:
        raise ValueError(f"no such client or check: {client} {unknown}")

    def mark(test: Test) -> Test:
        COVERED.setdefault(client, set()).update(checks)
        return test

    return mark


COVERED: dict[str, set[str]] = {}
"""What the imported modules of tests said by `covers`."""


def checks_of(client: str) -> list[str]:
    """All checks that a client has the means for."""
    return [check for check in CHECKS if check not in CANNOT[client]]
